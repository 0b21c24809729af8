"""When a daemon is ready, and what it holds: ``python -m benchmarks.ready [--starts N] [--hours H] [--json]``.

Starts: real processes on the pseudo-terminals of an emulated bench, from the first port that the daemon holds open to
the answer on its control socket that it is SAFE. Memory: resident pages of daemon and watchdog under power, those that
they share counted twice; and what a daemon gains in hours of virtual time with an application every ten minutes
(``python -m tests.soak`` judges that), at whose rate the 24 hours are reckoned where fewer are run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.daemons.processes import held, opened
from benchmarks.rows import Row, at_most, command
from tests.process.bench import Emulated, Live, firing
from tests.process.ends import children_of
from tests.soak.judged import SETTLED
from tests.soak.run import Soaked, slope_per_h, soak

READY_S, MEMORY_MB, DAY_H = 2.0, 150.0, 24.0
LOOK_S = 0.005
LOOKS = 20
"""Looks at known processes between two searches for new ones."""


class _Watch(threading.Thread):
    """Notes when a process of the bench first holds one of its ports."""

    def __init__(self, emulated: Emulated) -> None:
        super().__init__(name="watch")
        self._emulated = emulated
        self._ports = {path.resolve() for path in (emulated.ports / "ports").iterdir()}
        self.over = threading.Event()
        self.opened_s: float | None = None

    def run(self) -> None:
        looks = 0
        while not self.over.wait(LOOK_S):
            if looks % LOOKS == 0:  # all of /proc is read for this
                pids = [pid for pid in children_of(str(self._emulated.folder)) if pid != self._emulated.emulator]
            looks += 1
            if any(opened(pid, self._ports) for pid in pids):
                self.opened_s = time.monotonic()
                return


def start_s(emulated: Emulated) -> tuple[float, float]:
    """One start: s from the first open port, and from nothing, to SAFE."""
    emulated.forget()
    watch = _Watch(emulated)
    watch.start()
    begin_s = time.monotonic()
    try:
        with Live(emulated) as live:
            live.state("SAFE")
            ready_s = time.monotonic()
            live.shut()
    finally:
        watch.over.set()
        watch.join()
    assert watch.opened_s is not None, "no port was seen open"
    return ready_s - watch.opened_s, ready_s - begin_s


def gained_mb_per_h(soaked: Soaked) -> float:
    """Of resident memory, once caches are filled."""
    looks = soaked.looks[int(SETTLED * len(soaked.looks)) :]
    return slope_per_h(looks, lambda look: look.rss_bytes / 1e6)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Starts, then memory now and after a day."""
    with Emulated() as emulated:
        starts = [start_s(emulated) for _ in range(given.starts)]
        after_s, whole_s = (statistics.median(times) for times in zip(*starts, strict=True))
        worst_s = max(after for after, _ in starts)
        note = f"longest {worst_s:.2f} s of {given.starts}; {whole_s:.2f} s from the start of the processes"
        yield at_most("daemon ready after its ports open", after_s, "s", READY_S, note)
        with firing(emulated) as live:
            time.sleep(5.0)
            daemon, watchdog = (held(pid).rss_bytes / 1e6 for pid in live.pids)
            live.let_go()
            live.shut()
    now_mb = daemon + watchdog
    note = f"daemon {daemon:.0f}, watchdog {watchdog:.0f} MB"
    yield Row("daemon and watchdog under power", now_mb, "MB", note=note)
    if given.hours:
        with tempfile.TemporaryDirectory(prefix="ablate-soak-") as folder:
            soaked = soak(Path(folder), given.hours)
        per_h = gained_mb_per_h(soaked)
        note = f"{per_h:+.2f} MB/h in the second half of {given.hours:g} virtual hours, "
        note += f"{soaked.completed} applications, {len(soaked.trips)} trips"
        yield at_most("daemon and watchdog after 24 h", now_mb + max(0.0, per_h) * DAY_H, "MB", MEMORY_MB, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, starts=(int, 5, "of the daemon"), hours=(float, 4.0, "of virtual time; 0: none"))


if __name__ == "__main__":
    raise SystemExit(main())
