"""One set of parameters for every law that ships, as in a protocol file."""

from __future__ import annotations

from typing import Any

PULSED: dict[str, Any] = {
    "kind": "pulsed-impedance",
    "start_w": 40.0,
    "ramp_w_per_min": 60.0,
    "power_max_w": 200.0,
    "current_max_a": 2.0,
    "rise_ohm": 20.0,
    "low_w": 10.0,
    "off_s": 15.0,
    "resume": 0.7,
    "duration_s": 120.0,
}
BELOW: dict[str, Any] = {
    "kind": "below-rolloff",
    "start_w": 60.0,
    "ramp_w_per_min": 120.0,
    "power_max_w": 200.0,
    "current_max_a": 2.0,
    "rise_ohm": 4.0,
    "resume": 0.6,
    "duration_s": 120.0,
}
CURRENT: dict[str, Any] = {"kind": "constant-current", "current_a": 1.1, "power_max_w": 200.0, "duration_s": 120.0}
POWER: dict[str, Any] = {"kind": "constant-power", "power_w": 30.0, "duration_s": 120.0}
MEAN: dict[str, Any] = {
    "kind": "mean-temperature",
    "stages": [
        {"deployment_mm": 20.0, "target_c": 105.0, "hold_s": 10.0},
        {"deployment_mm": 30.0, "target_c": 105.0, "hold_s": 20.0},
    ],
    "power_max_w": 150.0,
    "duration_s": 120.0,
}
TIP: dict[str, Any] = {
    "kind": "mean-temperature",
    "sensors": "tip",
    "stages": [{"target_c": 103.0, "hold_s": 30.0}],
    "power_max_w": 30.0,
    "duration_s": 120.0,
}
MICROWAVE: dict[str, Any] = {
    "kind": "microwave-constant",
    "power_w": 100.0,
    "duration_s": 90.0,
    "flow_min_ml_min": 40.0,
}
DUTY: dict[str, Any] = {**MICROWAVE, "duty": 0.5, "period_s": 2.0}
STEPPED: dict[str, Any] = {
    "kind": "stepped-rolloff",
    "start_w": 50.0,
    "ramp_w_per_min": 10.0,
    "power_max_w": 90.0,
    "rise_ohm": 30.0,
    "duration_s": 900.0,
}
SWITCHING: dict[str, Any] = {
    "kind": "switching",
    "electrodes": 3,
    "start_w": 60.0,
    "ramp_w_per_min": 60.0,
    "power_max_w": 200.0,
    "current_max_a": 2.0,
    "duration_s": 120.0,
}
DUAL: dict[str, Any] = {**SWITCHING, "together": 2}
TRACK: dict[str, Any] = {"kind": "track-ablation", "power_w": 30.0, "target_c": 70.0, "duration_s": 60.0}

EVERY: dict[str, dict[str, Any]] = {
    "constant-power": POWER,
    "pulsed-impedance": PULSED,
    "below-rolloff": BELOW,
    "constant-current": CURRENT,
    "mean-temperature": MEAN,
    "mean-temperature of a tip": TIP,
    "microwave-constant": MICROWAVE,
    "microwave-constant in pulses": DUTY,
    "stepped-rolloff": STEPPED,
    "switching": SWITCHING,
    "switching in pairs": DUAL,
    "track-ablation": TRACK,
}
