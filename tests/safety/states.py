"""One turn of the states, made of literals, and what came of it."""

from __future__ import annotations

from typing import Any

NAMES = ("i.a_closed", "i.b_closed", "g.rf_on", "g.power_w", "i.no_closed", "i.nc_closed")
NOW_S = 50.0
STATES = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]


def a_turn(
    state: str,
    items: tuple[str, ...] = (),
    findings: tuple[Any, ...] = (),
    requests: tuple[Any, ...] = (),
    values: dict[str, float] | None = None,
    config: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    at_s: dict[str, float] | None = None,
    **words: Any,
) -> Any:
    """A turn at t = 50 s that has been advanced. ``values`` and ``at_s``: of channels, by default off and new."""
    from safety.config import ChannelRule, Config, Roles
    from safety.monitors.base import View
    from safety.state import KernelState
    from safety.transitions import advance
    from safety.turn import Turn
    from safety.types import Inputs, Sample, State

    made = Config(
        channels=tuple(ChannelRule(name, 0.0, 300.0) for name in NAMES),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), footswitch=("i.no_closed", "i.nc_closed")),
        **(config or {}),
    )
    said = {"g.power_w": 0.0, "g.rf_on": 0.0, "i.no_closed": 0.0, "i.nc_closed": 1.0, **(values or {})}
    samples = [Sample(n, said[n], (at_s or {}).get(n, 49.875)) if said.get(n) is not None else None for n in NAMES]
    s = KernelState(
        **{"state": State[state], "memories": (), "epoch": 7, "entered_s": 49.0, "off_at_s": 49.75, **words}
    )
    turn = Turn(View(made, s, Inputs({}, tuple(requests), **(inputs or {})), samples, NOW_S), [*findings], [*items])
    advance(turn)
    return turn


def ask(verb: str, origin: str = "LOCAL", t_s: float = 49.875, who: str = "anna", reason: str = "") -> Any:
    from safety.types import Origin, Request, Verb

    return Request(Verb[verb], Origin[origin], t_s, who, reason)


def finding(severity: int, hazard: str = "H45", **words: Any) -> Any:
    from safety.monitors.base import Finding, Severity

    fields = {"item": "temperature", "monitor": "hot", "channel": "t.tip_c", "text": "too hot", **words}
    return Finding(
        severity=Severity(severity), hazard=hazard, value=71.0, limit=60.0, age_s=0.1, check="coolant", **fields
    )


def a_trip(lockout: bool = False, text: str = "too hot") -> Any:
    from safety.types import Trip

    return Trip("H45", "hot", "t", "t.tip_c", 71.0, 60.0, 0.1, 5.0, text, "coolant", lockout)


def trips(*lockouts: bool) -> tuple[Any, ...]:
    """Causes, the first of which is "too hot"."""
    return tuple(a_trip(lockout, f"{k}" if k else "too hot") for k, lockout in enumerate(lockouts))


def state(turn: Any) -> str:
    return str(turn.at.state.value)


def moved(turn: Any) -> list[tuple[object, ...]]:
    """Changes of state: (to, reason, who)."""
    return [(data["to"], data["reason"], data["who"]) for kind, data in turn.events if kind == "state"]


def refused(turn: Any) -> list[tuple[object, ...]]:
    return [(data["verb"], data["blocked_by"]) for kind, data in turn.events if kind == "refused"]


def kinds(turn: Any) -> list[str]:
    return [kind for kind, _ in turn.events]
