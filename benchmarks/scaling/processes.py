"""Curves by the clock, over processes: benches on one broker, and workers of a campaign."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.campaign import rate
from benchmarks.scaling.points import Point
from tests.mqtt.broker import MOSQUITTO
from tests.mqtt.endurance import fleet

BENCH_HZ = 20.0


def brokers(counts: Iterable[int], seconds: float) -> Iterator[Point]:
    """Real sessions with their publishers, 20 channels each, on one mosquitto; none where there is none."""
    for count in counts if MOSQUITTO is not None else ():
        with tempfile.TemporaryDirectory(prefix="ablate-scale-") as folder:
            found = fleet(Path(folder), count, BENCH_HZ, seconds, processes=min(2, count))
        lost = found["ticks"] - found["arrived"]
        names = ("cores", "messages_per_s", "lag_s", "late_s")
        yield Point("broker", count, {**{name: found[name] for name in names}, "lost_ticks": lost})


def workers(jobs: Iterable[int], runs_each: int) -> Iterator[Point]:
    """Runs a minute of a campaign."""
    for count in jobs:
        found, rows = rate(runs_each * count, count)
        bad = sum(row["verdict"] != "OK" for row in rows)
        yield Point("campaign", count, {"runs_per_min": found, "runs": float(len(rows)), "not_ok": float(bad)})
