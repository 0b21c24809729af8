"""What outputs are told, by hand."""

from __future__ import annotations

from typing import Any

from controller.outputs.contract import View

UTC_MS = 1_795_321_500_000  # 2026-11-22T04:25:00Z


def reading(value: float | None, unit: str, t_s: float = 10.0, quality: int = 0) -> dict[str, Any]:
    return {"value": value, "unit": unit, "quality": quality, "t_s": t_s}


CHANNELS = {
    "gen.power_w": reading(30.0, "W"),
    "gen.impedance_ohm": reading(None, "ohm", quality=1),
    "tc.tip_c": reading(61.5, "degC", 9.5),
    "pump.flow_ml_min": reading(80.0, "ml/min", 9.9),
    "inputs.estop_a_closed": reading(1.0, "1", 9.8),
}


def view(
    channels: dict[str, Any] | None = None, *, t_s: float = 10.0, fsm: str = "FIRING", empty: bool = False, **more: Any
) -> View:
    latest = {
        "session": "01M825PH3BMAW31Z63B1NZQ58R", "simulated": True, "seq": 200, "t_s": t_s,
        "utc": "2026-11-22T04:25:00.000Z", "state": fsm, "setpoint_w": 30.0, "energy_j": 290.0,
        "channels": CHANNELS if channels is None else channels,
    }  # fmt: skip
    facts: dict[str, Any] = {
        "site": "lab", "bench": "b1", "root": "abl/v1/lab/b1", "simulated": True, "software": {"openablate": "0.1.0"},
        "state": {"fsm": fsm}, "latest": None if empty else latest, "utc_ms": UTC_MS,
    }  # fmt: skip
    return View(**{**facts, **more})
