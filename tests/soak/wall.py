"""``python -m tests.soak.wall --minutes 60``: a bench by the clock, daemon and watchdog as processes on the
pseudo-terminals of an emulator, an application every three minutes; a look at every rest, judged as the soak in virtual
time, and that ticks do not grow later. Exit code: 0 when nothing is wrong, 1 else.

From outside a process has threads, not tasks: their number stands in the place of the tasks'.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.daemons.processes import held
from controller.evidence import store
from controller.evidence.revision import origin
from controller.evidence.store import Value
from controller.records.verify import verify
from tests.process.bench import Emulated, Live, protocol
from tests.process.ends import wait_for
from tests.process.trials import latched
from tests.soak.judged import SETTLED, judge
from tests.soak.run import Look, Soaked, file_bytes

REPOSITORY = Path(__file__).parents[2]
EVERY_S, POWERED_S = 180.0, 30.0
LATER_S = 0.001
"""Mean lateness of the second half above that of the first: more is no noise of a machine that does nothing else."""
HEAD = f"{'clock':>10}{'RSS, MB':>9}{'descriptors':>13}{'threads':>9}{'file, MB':>10}{'late, us':>10}"


class Punctual(NamedTuple):
    """Ticks since the look before: their mean lateness in s."""

    t_s: float
    late_s: float


class Walled(NamedTuple):
    """What the run has shown."""

    soaked: Soaked
    punctual: tuple[Punctual, ...]


def line(look: Look, punctual: Punctual) -> str:
    """One look, as it is printed."""
    rss_mb, file_mb = look.rss_bytes / 1e6, look.file_bytes / 1e6
    return (
        f"{look.t_s / 60:6.1f} min{rss_mb:9.1f}{look.descriptors:13}{look.tasks:9}{file_mb:10.2f}"
        f"{1e6 * punctual.late_s:10.0f}"
    )


def wall(
    minutes: float,
    *,
    every_s: float = EVERY_S,
    powered_s: float = POWERED_S,
    told: Callable[[Look, Punctual], None] = lambda look, punctual: None,
) -> Walled:
    """Run for so long; at least one application."""
    looks: list[Look] = []
    punctual: list[Punctual] = []
    trips: list[str] = []
    begun = completed = 0
    with Emulated() as emulated:
        steady = emulated.write("walled.yaml", protocol("walled", "constant-power", duration_s=powered_s))
        with Live(emulated) as live:
            begin_s, count, late_s = time.monotonic(), 0, 0.0
            for k in range(max(1, int(minutes * 60.0 / every_s))):
                begun += 1
                try:
                    status = _apply(live, steady, powered_s)
                except (AssertionError, OSError):  # it cannot be asked any more, or does not come to FIRING
                    if not emulated.latch.exists():
                        raise
                if emulated.latch.exists():
                    trip = latched(emulated)
                    trips.append(f"{trip.hazard} {trip.text}")
                    break  # a bench that has tripped needs a person
                completed += (status["result"] or {}).get("result") == "completed"
                time.sleep(max(0.0, begin_s + (k + 1) * every_s - time.monotonic()))
                times = live.control.ask("status")["times"]["lateness"]
                t_s = time.monotonic() - begin_s
                looks.append(_look(live, t_s))
                punctual.append(Punctual(t_s, (times["sum_s"] - late_s) / max(1, times["count"] - count)))
                count, late_s = times["count"], times["sum_s"]
                told(looks[-1], punctual[-1])
            session, late = live.session, 0
            if not trips:
                late = live.control.ask("status")["late_ticks"]
            live.shut()
        broken = tuple(map(str, verify(session).problems))
    return Walled(Soaked(tuple(looks), begun, completed, tuple(trips), 0, late, session, broken), tuple(punctual))


def _apply(live: Live, steady: Path, powered_s: float) -> dict[str, Any]:
    """One application to its end; the status then."""
    live.fire(steady)
    last: dict[str, Any] = {}

    def over() -> bool:
        last.update(live.control.ask("status"))
        return last["state"] in ("SAFE", "TRIPPED", "LOCKOUT")

    wait_for(over, "the end of an application", 2.0 * powered_s + 60.0)
    live.let_go()
    return last


def _look(live: Live, t_s: float) -> Look:
    daemon, watchdog = (held(pid) for pid in live.pids)
    return Look(
        t_s,
        daemon.rss_bytes + watchdog.rss_bytes,
        0,
        daemon.descriptors + watchdog.descriptors,
        daemon.threads + watchdog.threads,
        file_bytes(live.session),
    )


def judged(walled: Walled) -> tuple[dict[str, Value], list[str]]:
    """Figures for the evidence, and what is wrong; nothing must be."""
    figures, wrong = judge(walled.soaked)
    half = int(SETTLED * len(walled.punctual))
    before, after = ([look.late_s for look in part] for part in (walled.punctual[:half], walled.punctual[half:]))
    first_s, last_s = (statistics.median(part) if part else 0.0 for part in (before, after))
    if before and last_s > first_s + LATER_S:
        wrong.append(f"ticks grow later: {1e6 * first_s:.0f}, then {1e6 * last_s:.0f} us in the mean")
    figures["threads"] = figures.pop("tasks")
    del figures["objects_per_h"], figures["faults"]
    figures |= {"late_us": round(1e6 * last_s, 1), "late_before_us": round(1e6 * first_s, 1), "wrong": len(wrong)}
    return figures, wrong


def main() -> int:
    """Run, print, judge and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.wall", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of the clock (default: 60)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / store.FOLDER / "soak-wall.json")
    options = parser.parse_args()
    made_from = origin()
    print(HEAD)
    walled = wall(options.minutes, told=lambda look, punctual: print(line(look, punctual), flush=True))
    figures, wrong = judged(walled)
    print(*(f"{name} = {value}" for name, value in figures.items()), *wrong, sep="\n")
    rows = [
        {"t_s": look.t_s, "rss_bytes": look.rss_bytes, "descriptors": look.descriptors, "threads": look.tasks,
         "file_bytes": look.file_bytes, "late_s": punctual.late_s}
        for look, punctual in zip(walled.soaked.looks, walled.punctual, strict=True)
    ]  # fmt: skip
    command = f"python -m tests.soak.wall --minutes {options.minutes:g}"
    rows = [{"hazards": ["H37"], **figures}, *rows]
    store.write(options.out, "soak by the clock", command, figures, rows, origin=made_from)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
