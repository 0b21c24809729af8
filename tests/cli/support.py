"""A bench to watch: a real control socket in front of an operator who writes down what he is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from controller.daemon.control import ControlSocket

STATUS: dict[str, Any] = {
    "ok": True,
    "bench": "cooled-rf",
    "state": "FIRING",
    "banner": "SIMULATED",
    "simulated": True,
    "protocol": "demo-30s",
    "elapsed_s": 17.55,
    "energy_j": 3285.6,
    "setpoint_w": 200.0,
    "limits": {
        name: {"value": value, "layer": "bench"}
        for name, value in {
            "power_w": 200.0, "tip_c": 60.0, "tissue_c": 110.0, "impedance_low_ohm": 25.0, "impedance_high_ohm": 500.0,
            "flow_min_ml_min": 56.0,
        }.items()
    },
    "left_s": None,
    "contacts": {"estop": [{"closed": True}, {"closed": True}], "footswitch": [{"closed": False}, {"closed": True}]},
    "watchdog": {"ready": True, "enable_closed": True, "enable_commanded": True, "age_s": 0.012},
    "blocked_by": [],
    "unready": [],
    "trip": None,
    "prompt": None,
    "pump_on": True,
    "attended": None,
    "values": {
        "power_w": 194.6, "impedance_ohm": 70.7, "tip_c": 14.2, "tissue_c": [28.7, 21.5], "tine_c": [],
        "shaft_c": None, "coolant_c": 9.2, "flow_ml_min": 81.9,
    },
    "record": {"healthy": True, "text": "", "age_s": 0.05},
    "alarms": {"list": [], "sound": None, "paused_s": 0.0, "activation": "RF ON"},
    "mqtt": None,
    "ticks": 399,
    "late_ticks": 0,
}  # fmt: skip
TRIP = {
    "hazard": "H38", "monitor": "coolant_flow", "device": "flow", "channel": "flow.flow_ml_min", "value": 45.0,
    "limit": 56.0, "age_s": 0.05, "text": "flow.flow_ml_min is 45.0 ml/min, at least 56 is needed",
    "check": "pump, tubing, kinks, leaks and the fluid bag", "lockout": False,
}  # fmt: skip


class Operator:
    """Answers what a watcher may ask. ``hangs``: it no longer does, as a daemon that was stopped."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = dict(STATUS)
        self.acts: list[str] = []
        self.going = asyncio.Event()
        self.going.set()

    async def status(self) -> dict[str, Any]:
        await self.going.wait()
        return self.told

    async def stop(self, who: str, reason: str) -> dict[str, Any]:
        self.acts.append(f"stop: {reason}")
        return {"ok": True}

    async def ack(self, who: str) -> dict[str, Any]:
        self.acts.append("ack")
        return {"ok": True}

    async def silence(self, who: str) -> dict[str, Any]:
        self.acts.append("silence")
        return {"ok": False, "error": "there is no alarm to silence"}

    async def release(self) -> dict[str, Any]:
        return {"ok": True}

    def __getattr__(self, verb: str) -> Any:
        async def asked(*_: object, **__: object) -> dict[str, Any]:
            self.acts.append(verb)
            return {"ok": True}

        return asked


@contextlib.asynccontextmanager
async def serving(folder: Path, operator: Operator, bench: str = "cooled-rf") -> AsyncIterator[Path]:
    """``operator`` behind a real control socket of ``bench`` under ``folder``."""
    path = folder / bench / "control.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    socket = ControlSocket(operator, path)
    await socket.start()
    try:
        yield path
    finally:
        operator.going.set()
        await socket.close()
