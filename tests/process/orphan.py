"""A live run on ``sim://`` ports whose launcher is killed: what becomes of the processes that it had started."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import NamedTuple

from tests.process.bench import POWER_W, Emulated
from tests.process.ends import alive, children_of, wait_for

LINGER_S = 31.0  # so long an emulated neighbour outlives a launcher that was killed


class Orphan(NamedTuple):
    """The bench, the pid of its emulated neighbour, and when the launcher was killed."""

    bench: Emulated
    neighbour: int
    killed_s: float

    @classmethod
    def make(cls, bench: Emulated) -> Orphan:
        """Run, wait for power, kill."""
        process = bench.ablate("run", bench.simulated, bench.steady, "--no-report", "--json")
        bench.ports = bench.runtime / bench.name

        def firing() -> bool:
            with contextlib.suppress(OSError):
                return float(bench.backdoor(snapshot="brief")["load_w"]) > 0.8 * POWER_W
            return False

        try:
            wait_for(lambda: firing() or process.poll() is not None, "power", 30.0)
            pids = children_of(str(bench.folder))
            (neighbour,) = [pid for pid in pids if b"sim.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            return cls(bench, neighbour, time.monotonic())
        finally:
            process.kill()
            process.communicate()

    def wait_out(self) -> None:
        """Until the neighbour has ended by itself, as it must."""
        until_s = self.killed_s + LINGER_S + 5.0
        wait_for(lambda: not alive(self.neighbour), "the neighbour's end", max(0.1, until_s - time.monotonic()))
