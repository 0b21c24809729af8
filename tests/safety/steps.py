"""One step of the kernel, made of literals."""

from __future__ import annotations

from typing import Any

NAMES = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed", "g.forward_w")
HEALTHY = {"g.power_w": 40.0, "g.rf_on": 1.0, "i.a_closed": 1.0, "i.b_closed": 1.0, "g.forward_w": 50.0}
OFF = {**HEALTHY, "g.power_w": 0.0, "g.rf_on": 0.0, "g.forward_w": 0.0}


def bench(**changes: Any) -> Any:
    """A source with a forward meter and a load meter, 0.25 s old at most, and an E-stop."""
    from safety.config import ChannelRule, Config, Limits, Roles, Timing

    words: dict[str, Any] = {
        "channels": tuple(ChannelRule(name, -5.0, 300.0) for name in NAMES),
        "roles": Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), forward="g.forward_w"),
        "layers": (("bench", Limits(power_w=100.0)),),
        "config_hash": "h",
        "timing": Timing(dt_max_s=0.5, operator_lease_s=0.5, watchdog_age_s=0.5, tick_s=0.125, permit_lease_s=0.25),
        "enable_line": False,
    }
    return Config(**{**words, **changes})


def state(config: Any, name: str = "FIRING", **words: Any) -> Any:
    """A state at t = 100 s."""
    from safety.kernel import initial
    from safety.types import State

    s = initial(config)
    fields = {
        "state": State[name], "now_s": 100.0, "entered_s": 90.0, "epoch": 7, "history": ((95.0, 50.0),),
        "flowing_from_s": 95.5, "flowing_since_s": 95.75, "power_w": 50.0, "energy_j": 200.0, "on_time_s": 4.0,
        "off_at_s": 80.0, "fired": True, "pump_on": True, "pump_since_s": 90.0, "enable": True, "enable_since_s": 90.0,
        "holder": "foreground", **words,
    }  # fmt: skip
    for field, value in fields.items():
        setattr(s, field, value)
    return s


def inputs(values: dict[str, float] | None = None, t_s: float = 100.0, **words: Any) -> Any:
    """Healthy inputs of a tick at t = 100.125 s."""
    from safety.types import Inputs, RecordStatus, Sample, WatchdogStatus

    said = HEALTHY if values is None else values
    fields = {
        "snapshot": {n: Sample(n, v, t_s) for n, v in said.items()},
        "foreground_lease_s": 100.0, "watchdog": WatchdogStatus(100.0, True, None, False),
        "record": RecordStatus(100.0, True), "applied_w": 50.0, "applied_t_s": 95.0, "config_hash": "h",
    }  # fmt: skip
    return Inputs(**{**fields, **words})


def stepped(name: str = "FIRING", said: Any = None, now_s: float = 100.125, config: Any = None, **words: Any) -> Any:
    from safety.kernel import step

    config = config or bench()
    return step(config, state(config, name, **words), inputs() if said is None else said, now_s)
