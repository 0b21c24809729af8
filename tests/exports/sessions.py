"""A session with everything that an export may stumble over."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

from controller.records.session import Recorder, TickRow
from safety.types import Quality, Sample

UTC = "2026-11-22T04:25:00.000Z"
CHANNELS: list[dict[str, object]] = [
    {"name": "gen.power_w", "unit": "W", "low": 0.0, "high": 200.0, "period_s": 0.05},
    {"name": "tc.tip_c"},
    {"name": "rig/a.flow_ml_min"},  # a slash is a level to HDF5
    {"name": "=gen.never_read_v"},
]
HEADER: dict[str, object] = {"bench": "cooled rf", "simulated": True, "protocol": "=1+1", "bench_text": "devices: {}"}
HOSTILE = '=HYPERLINK("http://x";"y")'
POWER = [30.0, math.nan, 0.1, 1e-7, 12345678.901234567]


def write(folder: Path, *, close: bool = True, **more: object) -> Path:
    """Five ticks at 50 ms; the first tip sample of tick 2 is overtaken by a second one; tick 4 has no sample but
    power."""
    recorder = Recorder.create(
        folder, {**HEADER, **more}, CHANNELS, utc=lambda: UTC, threaded=False, new_id=lambda: "0" * 26, t_s=10.0
    )
    for seq, power_w in enumerate(POWER):
        t_s = 10.0 + seq * 0.05
        samples = [Sample("gen.power_w", power_w, t_s - 0.01)]
        if seq < 4:
            samples.append(Sample("tc.tip_c", 20.0 + seq, t_s - 0.02, Quality.UNCERTAIN))
            samples.append(Sample("rig/a.flow_ml_min", -math.inf if seq == 3 else 45.5, t_s - 0.03))
        if seq == 2:
            samples.append(Sample("tc.tip_c", 99.25, t_s - 0.001, Quality.BAD))
        recorder.tick(TickRow(seq, t_s, "=FIRING", power_w, 200.0, 25.5, 3, samples, {"phase": "=ramp"}, 1.5 * seq))
        if seq == 1:
            recorder.event(t_s + 0.01, "state", {"to": "FIRING", "why": HOSTILE})
            recorder.event(t_s + 0.02, HOSTILE, {"text": 'Übertemperatur; 5 Ω, "laut"\nnext\x07'})
    recorder.event(10.3, "trip", {"value": math.nan})
    recorder.arrays(10.2, "picture", {"r_mm": [0.5, 1.5], "temperature_c": [[37.0], [99.5]]})
    if close:
        recorder.close({"result": "tripped"})
    else:
        recorder._commit()
        recorder._store.close()
    return recorder.path


def spoil(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE samples SET value = 31 WHERE id = 1")
    db.commit()
    db.close()
