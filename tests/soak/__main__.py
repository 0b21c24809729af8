"""``python -m tests.soak --hours 72``: hours of virtual time, a minute of the computer's for each; prints a look an
hour, judges what grew, and writes the evidence. Exit code: 0 when nothing did, 1 else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from controller.evidence import store
from controller.evidence.revision import origin
from tests.soak.judged import judge
from tests.soak.run import EVERY_S, Look, soak

REPOSITORY = Path(__file__).parents[2]
HEAD = f"{'bench time':>11}{'RSS, MB':>9}{'objects':>10}{'descriptors':>13}{'tasks':>7}{'file, MB':>10}"


def line(look: Look) -> str:
    """One look, as it is printed."""
    rss_mb, file_mb = look.rss_bytes / 1e6, look.file_bytes / 1e6
    return f"{look.t_s / 3600:9.2f} h{rss_mb:9.1f}{look.objects:10}{look.descriptors:13}{look.tasks:7}{file_mb:10.1f}"


def main() -> int:
    """Run, print, judge and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="of bench time (default: 8)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=REPOSITORY / store.FOLDER / "soak.json")
    options = parser.parse_args()
    made_from = origin()
    print(HEAD)
    begin_s = time.monotonic()

    def told(look: Look) -> None:
        if round(look.t_s / EVERY_S) % 6 == 0:
            print(line(look), flush=True)

    with tempfile.TemporaryDirectory(prefix="ablate-soak-") as folder:
        soaked = soak(Path(folder), options.hours, seed=options.seed, told=told)
    figures, wrong = judge(soaked)
    figures["wall_s"] = round(time.monotonic() - begin_s)
    print(*(f"{name} = {value}" for name, value in figures.items()), *wrong, sep="\n")
    rows = [{"hazards": ["H37"], **figures}]
    rows += [look._asdict() for look in soaked.looks if round(look.t_s / EVERY_S) % 6 == 0]
    command = f"python -m tests.soak --hours {options.hours:g} --seed {options.seed}"
    store.write(options.out, "soak in virtual time", command, figures, rows, origin=made_from)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
