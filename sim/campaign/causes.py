"""What came first, fault by fault and phase by phase, when every run of the campaign was last made: ``causes.lock``.

The table of injections says what may come first, for a class of runs; this file says what did. A run that ends by
another cause than any of its kind did is WRONG_CAUSE, so that a detector which is lost behind another one shows, and a
change of who notices what shows in review. Written by ``python -m sim.campaign.causes RUNS.jsonl`` from a campaign in
full whose verdicts are all OK.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sim.campaign.expected import find
from sim.campaign.plan import PHASES, SEEDS, Case, parse
from sim.campaign.verdict import Seen
from sim.campaign.warp import PLAIN

FILE = Path(__file__).with_name("causes.lock")
HEAD = "# Written by python -m sim.campaign.causes from a campaign in full; see there.\n"
REFUSED, NOTHING = "refused:", "nothing"
"""The bench did not go on to fire, and what said so; and it ended by itself, or the fault was over before it mattered.
"""

Causes = Mapping[tuple[str, str], frozenset[str]]
"""By kind of run and phase."""


def kind(case: Case) -> str:
    """What runs have in common that differ in phase, offset and seed."""
    return case._replace(offset_s=0.0, seed=0, phase="").key.partition("//")[0]


def cause(trip: str, refused: str) -> str:
    """In one word. Of a refusal the channel that its sentence begins with, or else all of it: figures vary."""
    if trip or not refused:
        return trip or NOTHING
    first = refused.partition(";")[0].split()
    return REFUSED + (first[0].rstrip(":") if "." in first[0] else "_".join(first))


def odd(case: Case, seen: Seen, known: Causes | None = None) -> str:
    """Why this run's cause is none that its kind has had; empty: it is, or nothing is known of such a run."""
    told = known if known is not None else shipped()
    before = told.get((kind(case), case.phase)) if case.warp == PLAIN and case.seed in SEEDS else None
    now = cause(seen.trip, seen.refused)
    return "" if before is None or now in before else f"{now} came first, until now {' or '.join(sorted(before))}"


@functools.cache
def shipped() -> Causes:
    """``causes.lock``."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Causes:
    """The inverse of :func:`text_of`."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("  "):
            phases, _, causes = line.partition(": ")
            found.update(((name, phase), frozenset(causes.split())) for phase in phases.split())
        elif not line.startswith("#"):
            name = line
    return found


def text_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The file, from the rows of a campaign's ``runs.jsonl``.

    Raises:
        ValueError: a run was not OK.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        case = parse(str(row["case"]))
        if row["verdict"] != "OK":
            raise ValueError(f"{case.key} is {row['verdict']}: {row['why']}")
        if not case.fault or case.warp != PLAIN or find(case.fault, case.modality).benign:
            continue
        found.setdefault(kind(case), {}).setdefault(case.phase, set()).add(cause(row["trip"], row["refused"]))
    return HEAD + "".join(f"{line}\n" for name in sorted(found) for line in (name, *_phases(found[name])))


def _phases(causes: Mapping[str, set[str]]) -> Iterator[str]:
    """Phases with the same causes on one line, in their order."""
    lines: dict[str, list[str]] = {}
    for phase in sorted(causes, key=PHASES.index):
        lines.setdefault(" ".join(sorted(causes[phase])), []).append(phase)
    return (f"  {' '.join(phases)}: {told}" for told, phases in lines.items())


def main(path: Path) -> None:
    """Write ``causes.lock`` anew."""
    with path.open(encoding="utf-8") as rows:
        told = [json.loads(row) for row in rows]
    FILE.write_text(text_of(row for row in told if "case" in row), encoding="utf-8")  # else it says which program ran


if __name__ == "__main__":
    main(Path(sys.argv[1]))
