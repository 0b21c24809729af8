"""An application to report on: invented, but shaped like a real one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from controller.records.session import Recorder, TickRow
from safety.types import Sample

HEADER: dict[str, Any] = {
    "bench": "cooled-rf",
    "bench_text": "bench: cooled-rf\n",
    "bench_sha256": "ab" * 32,
    "simulated": True,
    "seed": 1,
    "applicator": {"name": "cooled-needle-17g-3cm", "active_tip_mm": 30.0},
    "roles": {
        "source": "gen",
        "flow": "flow.flow_ml_min",
        "tip": "tc.tip_c",
        "tissue": ["tc.tissue_10mm_c"],
        "coolant": "tc.coolant_in_c",
        "impedance": "gen.impedance_ohm",
    },
    "limits": {"power_w": 200.0, "tip_c": 60.0, "impedance_high_ohm": 500.0, "flow_min_ml_min": 40.0},
    "software": {"openablate": "0.1.0"},
    "devices": {"gen": {"model": "AG 0313 GTC", "serial": "SN1"}},
}
CHANNELS = [
    "gen.forward_power_w",
    "gen.power_w",
    "gen.impedance_ohm",
    "tc.tip_c",
    "tc.tissue_10mm_c",
    "tc.coolant_in_c",
    "flow.flow_ml_min",
]
TRIP = {
    "hazard": "H50",
    "monitor": "impedance_high",
    "device": "gen",
    "channel": "gen.impedance_ohm",
    "value": 70000.0,
    "limit": 500.0,
    "age_s": 0.05,
    "t_s": 130.0,
    "text": "gen.impedance_ohm is 70000 ohm, limit 500 ohm: open, char or short",
    "check": "lead, dispersive pad and applicator",
}


def application(
    folder: Path, *, minutes: float = 0.5, trip: bool = False, close: bool = True, **header: object
) -> Path:
    """Record one application of ``minutes`` at 20 Hz and return its file."""
    recorder = Recorder.create(
        folder, {**HEADER, **header}, [{"name": name} for name in CHANNELS], threaded=False, t_s=100.0
    )
    law = {"kind": "pulsed-impedance", "power_max_w": 200.0, "duration_s": 60.0 * minutes}
    limits = {"tissue_c": {"value": 110.0, "layer": "protocol"}}
    recorder.event(100.0, "protocol", {"name": "needle", "text": "protocol: needle\n", "law": law, "limits": limits})
    recorder.event(102.0, "fire", {"origin": "foreground"})
    recorder.event(102.0, "state", {"from": "ARMED", "to": "FIRING", "reason": "fire"})
    ticks = round(minutes * 60 * 20)
    for i in range(ticks):
        t_s = 102.0 + i / 20
        power_w = 10.0 if i % 800 > 600 else min(200.0, i / 2)
        ohm = 70.0 + 5 * math.sin(i / 50) if i < ticks - 5 or not trip else 70000.0
        values = (power_w, 0.96 * power_w, ohm, 15.0 + i / 400, 20.0 + i / 150, 10.0, 80.0 + math.sin(i))
        samples = [Sample(name, value, t_s - 0.02) for name, value in zip(CHANNELS, values, strict=True)]
        recorder.tick(TickRow(i, t_s, "FIRING", power_w, 200.0, power_w, 3, samples, {"phase": "ramp"}, power_w * t_s))
    end_s = 102.0 + ticks / 20
    if trip:
        recorder.event(end_s, "trip", {**TRIP, "t_s": end_s})
    r_mm, z_mm = np.linspace(0.5, 30.0, 40), np.linspace(-20.0, 50.0, 60)
    far = np.hypot(r_mm[:, None], (z_mm[None, :] - 15.0) / 2)
    picture = {"r_mm": r_mm, "z_mm": z_mm, "temperature_c": 20 + 80 * np.exp(-far / 9), "damage": 30 * np.exp(-far / 4)}
    recorder.arrays(end_s, "picture", picture)
    result: dict[str, object] = {
        "result": "tripped" if trip else "completed",
        "trip": {**TRIP, "t_s": ticks / 20} if trip else None,
        "duration_s": ticks / 20,
        "energy_j": 4000.0,
        "rolloffs": 2,
        "zone": {"long_axis_mm": 34.3, "short_axis_mm": 25.0, "volume_ml": 11.2},
    }
    recorder.event(end_s, "result", result)
    if close:
        recorder.close(result)
    return recorder.path
