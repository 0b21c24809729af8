"""What share of one core the world of a live bench takes: ``python -m benchmarks.live_world [--seconds N]``.

A pulsed application runs as a 20 Hz bench drives it: ``advance`` 100 or 1000 times a second, six sensors read 100 times
a second, power set 20 times a second. CPU seconds of this process for one simulated second are the share of a core that
a bench in real time needs (at most 2 %). ``longest`` is the longest single call of ``advance``, 99.9th percentile and
worst: a field step, which a control loop in the same process would wait for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.rows import Row, at_most, command
from benchmarks.world import PulsedRule
from sim.world.bench import World
from sim.world.warm import BENCH_APPLICATOR, warm

FLOOR = 0.02
SENSORS = ("tip", "tissue_10mm", "tissue_20mm", "coolant_in")
READ_HZ, DRIVE_HZ = 100, 20
CASES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "cooled needle, 2D fast": (BENCH_APPLICATOR, {"mesh": "fast"}),
    "cooled needle, 2D fine": (BENCH_APPLICATOR, {"mesh": "fine"}),
    "antenna, 2D fast": ({"kind": "microwave-antenna", "antenna": "thermosphere-2450"}, {"mesh": "fast"}),
    "three needles, 3D fast": (
        {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 3, "spacing_mm": 20},
        {"mesh": "fast"},
    ),
}


def share(
    applicator: Mapping[str, Any], simulation: Mapping[str, Any], calls_per_s: int, seconds: int
) -> tuple[float, float, float]:
    """CPU seconds for one simulated second, and the longest calls of ``advance``, ms: 99.9th percentile and worst."""
    world = World(applicator, {"pops": True, "pickup_c_per_v": 0.01, **simulation}, seed=1)
    world.pump(80.0)
    rule, microwave = PulsedRule(), "antenna" in applicator
    took_s = np.zeros(seconds * calls_per_s)
    began_s = time.process_time()
    for k in range(seconds * calls_per_s):
        call_s = time.perf_counter()
        world.advance(k / calls_per_s)
        took_s[k] = time.perf_counter() - call_s
        if k % (calls_per_s // READ_HZ) == 0:
            for name in SENSORS:
                world.temperature_c(name)
            _ = world.flow_ml_min, world.coolant_c
        if k % (calls_per_s // DRIVE_HZ) == 0:
            world.drive_load(60.0 if microwave else rule(k / calls_per_s, world.load_ohm, 1.0 / DRIVE_HZ))
    cpu_s = time.process_time() - began_s
    return cpu_s / seconds, float(np.quantile(took_s, 0.999)) * 1e3, float(np.max(took_s)) * 1e3


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row a case and rate."""
    yield Row("first call", warm(), "s", note="compiles, or loads the cache")
    for name, (applicator, simulation) in CASES.items():
        for calls_per_s in (100, 1000):
            cpu, longest_ms, worst_ms = share(applicator, simulation, calls_per_s, given.seconds)
            note = f"longest call {longest_ms:.2f} ms (99.9 %), worst {worst_ms:.2f} ms"
            yield at_most(f"{name}, {calls_per_s} calls/s", 100.0 * cpu, "% of a core", 100.0 * FLOOR, note)


def main() -> int:
    """Print the table; 1 when a case takes more."""
    return command(__doc__, measured, seconds=(int, 120, "simulated seconds a case"))


if __name__ == "__main__":
    raise SystemExit(main())
