"""One tick as a monitor sees it, made of literals."""

from __future__ import annotations

from typing import Any

NOW_S = 100.0
STATES = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
CHECKED = {"PRECHECK", "READY", "ARMED", "FIRING", "TRIPPED"}
ACTIVE = {"READY", "ARMED", "FIRING"}


def sample(value: float, t_s: float = 99.875, quality: int = 0, channel: str = "d.c") -> Any:
    """A sample; quality 0 is good."""
    from safety.types import Quality, Sample

    return Sample(channel, value, t_s, Quality(quality))


def view(state: str = "FIRING", samples: tuple[Any, ...] = (), **words: Any) -> Any:
    """A view at t = 100 s in a bench that fires, power flowing for 10 s, pump and line on for 20 s. Words that are no
    field of a kernel's state are inputs; ``flowing_s``, ``pump_s``, ``enable_s``: for how long."""
    from safety.monitors.base import View
    from safety.state import KernelState
    from safety.types import Inputs, State

    now_s, dt_s = words.pop("now_s", NOW_S), words.pop("dt_s", 0.05)
    fields: dict[str, Any] = {
        "flowing_from_s": 90.0, "history": ((80.0, 50.0),), "energy_j": 500.0, "on_time_s": 10.0, "pump_on": True,
        "enable": True, "fired": True,
    }  # fmt: skip
    for name, ago_s in (("flowing", 10.0), ("pump", 20.0), ("enable", 20.0)):
        fields[f"{name}_since_s"] = now_s - words.pop(f"{name}_s", ago_s)
    fields |= {name: words.pop(name) for name in fields if name in words}
    s = KernelState(State[state], (), entered_s=now_s - 30.0, **fields)
    return View(config=Any, s=s, inputs=Inputs({}, **words), samples=samples, now_s=now_s, dt_s=dt_s)  # type: ignore[arg-type]


def told(found: Any) -> list[tuple[Any, ...]]:
    """Findings without their sentences: item, severity, hazard, monitor, channel, value, limit, age."""
    return [(f.item, f.severity.name, *f[2:7], round(f.age_s, 9) if f.age_s == f.age_s else f.age_s) for f in found]


def graded(state: str) -> str:
    """What a lost permit is in this state."""
    return "INHIBIT" if state == "PRECHECK" else "TRIP"
