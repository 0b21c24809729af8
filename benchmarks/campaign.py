"""How much of a campaign is judged in a minute: ``python -m benchmarks.campaign [--runs N] [--jobs N] [--json]``.

As ``ablate campaign`` runs them, each with the whole stack, on so many processes, whose start (imports, kernels from
their cache) is left out. A run lasts as long as its fault needs to be judged, so the target, one-minute runs a minute,
is held against minutes of bench time: runs a minute times the bench time of a run, of a sample in this process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, at_least, command
from sim.campaign import plan, pool, trial
from sim.campaign.benches import BENCHES
from sim.clock import VirtualLoop

MINUTES_PER_MIN = 400.0
SAMPLE = 16
JOBS = 2
"""Cores that the target is for."""


def cases(runs: int, seed: int = 1) -> list[plan.Case]:
    """A covering part, as the command chooses it."""
    modalities = tuple(BENCHES)
    return plan.covering([*plan.singles(modalities), *plan.pairs(modalities)], runs, seed)


def rate(runs: int, jobs: int) -> tuple[float, list[dict[str, Any]]]:
    """Runs a minute, and what came of them."""
    ended: list[tuple[float, dict[str, Any]]] = []
    with tempfile.TemporaryDirectory(prefix="ablate-campaign-") as folder:
        pool.run_all(cases(runs), Path(folder), jobs=jobs, progress=lambda row: ended.append((time.monotonic(), row)))
    # Rows come by chunks: what ended with or before the first chunk of each process has paid for its start.
    paid = min(len(ended) // 2, jobs * pool.CHUNK)
    began_s, counted = ended[paid - 1][0] if paid else ended[0][0], ended[paid:]
    return 60.0 * len(counted) / max(1e-9, counted[-1][0] - began_s), [row for _, row in ended]


def bench_s(runs: list[plan.Case]) -> float:
    """Mean bench time of a run."""
    found: list[float] = []

    class Clock(VirtualLoop):
        def close(self) -> None:
            if not self.is_closed():
                found.append(self.time() - self._start_s)
            super().close()

    plain, trial.VirtualLoop = trial.VirtualLoop, Clock  # type: ignore[attr-defined]
    try:
        pool.several(runs)
    finally:
        trial.VirtualLoop = plain  # type: ignore[attr-defined]
    return statistics.mean(found)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """The rate on ``jobs`` processes."""
    chosen = cases(given.runs)
    each_s = bench_s(chosen[:: max(1, len(chosen) // SAMPLE)])
    found, rows = rate(given.runs, given.jobs)
    bad = sum(row["verdict"] != "OK" for row in rows)
    note = f"{len(rows)} runs, {bad} not OK; {os.cpu_count()} cores here"
    yield Row(f"campaign, runs a minute, {given.jobs} processes", found, "/min", note=note)
    note = f"a run is {each_s:.1f} s of bench time"
    yield at_least("  minutes of bench time a minute", found * each_s / 60.0, "x", MINUTES_PER_MIN, note)


def main() -> int:
    """Print the table; 1 when the target was missed."""
    return command(__doc__, measured, runs=(int, 400, "faulted runs"), jobs=(int, JOBS, "processes"))


if __name__ == "__main__":
    raise SystemExit(main())
