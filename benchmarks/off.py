"""How long until the tissue receives nothing: ``python -m benchmarks.off [--trials N] [--json]``.

Real daemon and watchdog over an emulated bench on pseudo-terminals, under power; the judge is the emulator's own power
log. The daemon is killed; stopped; its loop blocked; its interpreter held; a door is opened; the pump stalls; and an
operator types ``ablate stop``, from the moment the command is started. The same trials of processes, hundreds of each,
are ``make trials``. A trial that the machine's load tripped before anything was injected is repeated, as there.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.rows import Row, at_most, command
from benchmarks.startup import ABLATE
from tests.process.bench import Emulated, firing
from tests.process.ends import wait_for
from tests.process.test_time_to_off import HUNG, kill_daemon, ordered, stop_daemon
from tests.process.trials import ZERO_FOR_S, Fault, by_watchdog, trial

DEATH_MS, HANG_MS, STOP_MS = 20.0, 250.0, 300.0
FAULTS = {
    "daemon killed": (Fault("daemon killed", 0.020, kill_daemon, by_watchdog, frozenset({("H23", "death")})), DEATH_MS),
    "daemon stopped": (Fault("daemon stopped", 0.250, stop_daemon, by_watchdog, HUNG), HANG_MS),
    "event loop blocked": (ordered("block_loop"), HANG_MS),
    "interpreter's lock held": (ordered("hold_gil"), HANG_MS),
}
TRIPS: tuple[tuple[str, dict[str, object], dict[str, object], float], ...] = (
    ("door opened", {"input": {"door": False}}, {"input": {"door": True}}, 300.0),
    ("pump stalled", {"fault": "pump.stall"}, {"clear": "pump.stall"}, 600.0),
)
"""What the interlocks notice: an act, how it is undone, and how long it may take."""


def stopped_s(emulated: Emulated) -> float:
    """One ``ablate stop``, from the start of its process to 0 W."""
    with firing(emulated) as live:
        begin_s = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", ABLATE, "stop"], env=emulated.environment, stdout=subprocess.DEVNULL
        ):
            wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 10.0)
        off_s = emulated.log.off_s(begin_s)
        live.let_go()
        live.shut()
    assert off_s is not None
    return off_s - begin_s


def tripped_s(emulated: Emulated, act: dict[str, object], undo: dict[str, object]) -> float:
    """One trip of the daemon's own, from the act on the simulated bench to 0 W."""
    with firing(emulated) as live:
        begin_s = time.monotonic()
        emulated.backdoor(**act)
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 10.0)
        off_s = emulated.log.off_s(begin_s)
        live.state("TRIPPED")
        emulated.backdoor(**undo)
    emulated.forget()
    assert off_s is not None
    return off_s - begin_s


def row(name: str, times_s: list[float], most_ms: float, kept_waiting: int) -> Row:
    """The worst of all."""
    times_ms = [1e3 * time_s for time_s in times_s]
    note = f"p50 {statistics.median(times_ms):.1f} ms, {len(times_ms)} trials"
    note += (
        f"; in {kept_waiting} above it the emulator had no processor for longer than the excess" if kept_waiting else ""
    )
    return at_most(f"{name} to 0 W, worst", max(times_ms), "ms", most_ms, note)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row a way of losing the daemon, and one for the operator's word."""
    with Emulated() as emulated:
        zero_since_s = 0.0
        for name, (fault, most_ms) in FAULTS.items():
            times_s, starved = [], 0
            for _ in range(given.trials):
                off_s, excused = trial(emulated, fault, zero_since_s)
                zero_since_s = emulated.log.off_s(0.0) or time.monotonic()
                times_s.append(off_s)
                starved += excused and off_s > fault.bound_s
                time.sleep(ZERO_FOR_S)
            yield row(name, times_s, most_ms, starved)
        for name, act, undo, most_ms in TRIPS:
            yield row(name, [tripped_s(emulated, act, undo) for _ in range(given.trials)], most_ms, 0)
        yield row("ablate stop", [stopped_s(emulated) for _ in range(given.trials)], STOP_MS, 0)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, trials=(int, 10, "of each kind"))


if __name__ == "__main__":
    raise SystemExit(main())
