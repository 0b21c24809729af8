"""Sessions to test with, and the child process that is killed while it records."""

from __future__ import annotations

import itertools
import math
import sys
import time
from pathlib import Path

from controller.records.session import Recorder, TickRow
from safety.types import Quality, Sample

UTC = "2026-11-22T04:25:00.000Z"
HEADER: dict[str, object] = {"bench": "cooled-rf", "simulated": True, "seed": 1, "protocol_text": "law: {}"}
CHANNELS: list[dict[str, object]] = [
    {"name": "gen.power_w", "unit": "W", "low": 0.0, "high": 200.0, "period_s": 0.05},
    {"name": "tc.tip_c", "low": -50.0, "high": 400.0, "period_s": 0.1},
]


def row(seq: int, power_w: float = 30.0) -> TickRow:
    t_s = seq * 0.05
    samples = [
        Sample("gen.power_w", power_w, t_s - 0.01),
        Sample("tc.tip_c", 20.0 + seq, t_s - 0.02, Quality.UNCERTAIN),
    ]
    return TickRow(seq, t_s, "FIRING", power_w, 200.0, power_w, 3, samples, {"phase": "ramp"}, power_w * t_s)


def write(folder: Path, ticks: int = 200, power_w: float = 30.0, **more: object) -> Recorder:
    """A closed session, written inline."""
    recorder = Recorder.create(
        folder, {**HEADER, **more}, CHANNELS, utc=lambda: UTC, threaded=False, new_id=lambda: "0" * 26
    )
    recorder.event(0.0, "state", {"to": "FIRING"})
    for seq in range(ticks):
        recorder.tick(row(seq, power_w))
    recorder.event(ticks * 0.05, "trip", {"monitor": "range", "value": math.nan})
    recorder.arrays(1.0, "picture", {"r_mm": [0.5, 1.5], "z_mm": [0.0], "temperature_c": [[37.0], [99.5]]})
    recorder.close({"result": "completed", "energy_j": 300.0})
    return recorder


def record_for_ever(folder: str, rate_hz: float) -> None:
    """What the killed child does: after each tick that it handed over it says which, and when."""
    recorder = Recorder.create(folder, HEADER, CHANNELS)
    print(recorder.path, flush=True)
    began = time.monotonic()
    for seq in itertools.count():
        recorder.tick(row(seq))
        sys.stdout.write(f"{seq} {time.monotonic()}\n")
        sys.stdout.flush()
        time.sleep(max(0.0, began + (seq + 1) / rate_hz - time.monotonic()))


if __name__ == "__main__":
    record_for_ever(sys.argv[1], float(sys.argv[2]))
