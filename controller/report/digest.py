"""What a report says, gathered from a session file: no drawing, no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from controller.records.outcome import ON_RECORD, Outcome, outcome
from controller.records.reader import Event, Floats, SessionFile, Ticks

BEFORE_S, AFTER_S = 10.0, 20.0  # shown around the energy
MARKED = {"fire": "FIRE", "stop": "STOP", "complete": "END", "trip": "TRIP", "refused": "refused"}
BANNER = {True: "SIMULATED: no device and no tissue took part. These are numbers from a model.", False: ""}
ORIGIN = {True: "The model's own field", False: "As recorded"}
FIGURES = ("duration_s", "energy_j")
"""Of which only what is on record is known where an application has no end in it."""
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Curve:
    """A channel as plotted: good readings only; NaN breaks the line."""

    label: str
    t_s: Floats
    value: Floats


@dataclass(frozen=True)
class Mark:
    """An event worth a line in the plots. Times are those of the plots."""

    t_s: float
    text: str
    bad: bool


@dataclass(frozen=True)
class Digest:
    """All times in ``curves``, ``marks`` and ``window_s`` count from ``zero_s``: the first FIRE, or the session's
    start."""

    title: str
    banner: str  # over the page; empty for a session with real devices
    origin: str  # of the picture
    ended: Outcome
    result: Mapping[str, Any]  # of the one application, or of all together
    trip: Mapping[str, Any] | None
    asked: Pairs
    happened: Pairs
    limits: dict[str, float]
    zero_s: float
    fired: bool
    window_s: tuple[float, float]
    ticks: Ticks
    power: list[Curve]
    impedance: list[Curve]
    temperature: list[Curve]
    flow: list[Curve]
    marks: list[Mark]
    events: list[Event]
    picture: dict[str, Floats]


def digest(session: SessionFile, live: bool = False) -> Digest:
    """Gather. Works on a session that was cut off, or holds no application at all.

    ``live``: whether its writer lives (:func:`controller.records.outcome.alive`).
    """
    header, events, ticks = session.header, session.events(), session.ticks()
    protocol: Mapping[str, Any] = next((e.data for e in reversed(events) if e.kind == "protocol"), {})
    ended = outcome(session, live)
    result = ended.facts
    trip = next((e.data for e in events if e.kind == "trip"), None)
    told = result.get("trip")
    limits = _limits(header, protocol)
    fires = [e.t_s for e in events if e.kind == "fire" or (e.kind == "state" and e.data.get("to") == "FIRING")]
    start_s = float(header.get("t_start_s") or 0.0)
    zero_s = fires[0] if fires else start_s
    firing = np.array([state == "FIRING" for state in ticks.state], dtype=bool)
    window_s = _window(ticks.t_s, firing, zero_s, max((e.t_s for e in events), default=start_s))

    roles = _mapping(header.get("roles"))
    source = str(roles.get("source") or "")

    def curves(*named: tuple[str, object]) -> list[Curve]:
        return [_curve(session, label, str(name), zero_s) for label, name in named if name in session.channels]

    def by_unit(unit: str) -> list[Curve]:
        return curves(*((name, name) for name, channel in session.channels.items() if channel.unit == unit))

    tissue = [(str(name).partition(".")[2].removesuffix("_c"), name) for name in _sequence(roles.get("tissue"))]
    power = curves(("forward", f"{source}.forward_power_w"), ("delivered", f"{source}.power_w"))
    impedance = curves(("impedance", roles.get("impedance")))
    temperature = curves(("tip", roles.get("tip")), *tissue, ("coolant", roles.get("coolant")))
    flow = curves(("flow", roles.get("flow")))
    impedance, temperature, flow = (
        impedance or by_unit("ohm"),
        temperature or by_unit("degC"),
        flow or by_unit("ml/min"),
    )
    power = power or by_unit("W")
    return Digest(
        title=str(header.get("bench", "session")),
        banner=BANNER[bool(header.get("simulated"))],
        origin=ORIGIN[bool(header.get("simulated"))],
        ended=ended,
        result=result,
        trip=trip if trip is not None else (told if isinstance(told, dict) else None),
        asked=_asked(header, protocol),
        happened=_happened(session, ended, ticks, firing, power, impedance, temperature, flow),
        limits=limits,
        zero_s=zero_s,
        fired=bool(fires),
        window_s=window_s,
        ticks=ticks,
        power=power,
        impedance=impedance,
        temperature=temperature,
        flow=flow,
        marks=_marks(events, zero_s),
        events=events,
        picture=session.arrays("picture"),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _limits(header: Mapping[str, Any], protocol: Mapping[str, Any]) -> dict[str, float]:
    """The effective limits: those of the protocol event (``{value, layer}``) before those of the bench."""
    found: dict[str, float] = {}
    for limits in (_mapping(header.get("limits")), _mapping(protocol.get("limits"))):
        for name, bound in limits.items():
            value = bound.get("value") if isinstance(bound, Mapping) else bound
            if isinstance(value, (int, float)):
                found[name] = float(value)
    return found


def _window(t_s: Floats, firing: Any, zero_s: float, last_event_s: float) -> tuple[float, float]:
    if not len(t_s):
        return (0.0, 1.0)
    first, last = float(t_s[0]), max(float(t_s[-1]), last_event_s)
    if firing.any():
        first = max(first, float(t_s[firing][0]) - BEFORE_S)
        last = min(last, float(t_s[firing][-1]) + AFTER_S)
    return (first - zero_s, max(last, first + 1.0) - zero_s)


def _curve(session: SessionFile, label: str, channel: str, zero_s: float) -> Curve:
    series = session.series(channel)
    return Curve(label, series.t_s - zero_s, np.where(series.quality == 0, series.value, np.nan))


def _marks(events: list[Event], zero_s: float) -> list[Mark]:
    marks: list[Mark] = []
    for event in events:
        if event.kind in MARKED:
            text = MARKED[event.kind]
            if event.kind == "trip":
                text += f" {event.data.get('monitor', '')}"
            marks.append(Mark(event.t_s - zero_s, text, event.kind in ("trip", "refused")))
        elif event.kind == "mark":  # what a person saw, and told later
            marks.append(
                Mark(float(event.data.get("at_s", event.t_s)) - zero_s, str(event.data.get("text", "")), False)
            )
    return marks


def quantity(name: str, value: object) -> tuple[str, str]:
    """``power_max_w`` and 200 -> ("power max", "200 W"): the unit moves from the name to the value."""
    from controller.records.schema import UNITS

    suffix = next((s for s in UNITS if name.endswith(s) and UNITS[s] != "1"), "")
    if isinstance(value, Mapping) and "value" in value:
        layer = value.get("layer")
        label, text = quantity(name, value["value"])
        return label, f"{text} (set by {layer})" if layer else text
    if isinstance(value, float):
        value = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}" if abs(value) < 1e6 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(item) for item in value)
    unit = UNITS.get(suffix, "").replace("degC", "°C").replace("ohm", "Ω")
    return name.removesuffix(suffix).replace("_", " "), f"{value} {unit}".strip()


def _asked(header: Mapping[str, Any], protocol: Mapping[str, Any]) -> Pairs:
    pairs: Pairs = [("protocol", str(protocol.get("name") or header.get("protocol") or "none was loaded"))]
    law = _mapping(protocol.get("law") or header.get("law"))
    pairs += [quantity(f"law: {name}", value) for name, value in law.items() if value is not None]
    applicator = _mapping(header.get("applicator"))
    pairs += [quantity(f"applicator: {name}", value) for name, value in applicator.items() if value is not None]
    limits = {**_mapping(header.get("limits")), **_mapping(protocol.get("limits"))}
    pairs += [quantity(f"limit: {name}", value) for name, value in limits.items() if value is not None]
    return pairs


def _happened(
    session: SessionFile,
    ended: Outcome,
    ticks: Ticks,
    firing: Any,
    power: list[Curve],
    impedance: list[Curve],
    temperature: list[Curve],
    flow: list[Curve],
) -> Pairs:
    result = ended.facts
    pairs: Pairs = [("applications", ended.text.partition(": ")[2])] if len(ended.applications) > 1 else []
    for name in ("result", "reason", "duration_s", "energy_j", "energy_after_fault_j", "time_to_off_s", "rolloffs"):
        if result.get(name) is not None:
            label, text = quantity(name, result[name])
            pairs.append((label, text if name not in FIGURES or ended.whole else text + ON_RECORD))
    for name, value in _mapping(result.get("zone")).items():
        if value is not None:
            pairs.append(quantity(f"zone: {name}", value))
    for curve, unit, least in [
        *((c, "W", False) for c in power),
        *((c, "Ω", True) for c in impedance),
        *((c, "°C", False) for c in temperature),
        *((c, "ml/min", True) for c in flow),
    ]:
        good = curve.value[np.isfinite(curve.value)]
        if good.size:
            span = f"{good.min():.4g} to {good.max():.4g}" if least else f"up to {good.max():.4g}"
            pairs.append((curve.label, f"{span} {unit}"))
    for name in ("ticks", "late_ticks"):
        if result.get(name) is not None:
            pairs.append(quantity(name, result[name]))
    if not session.closed:
        pairs.append(("session", "not closed: it is still being written, or its writer was killed"))
    if not firing.any():
        pairs.append(("energy", "none was delivered: the bench never fired"))
    return pairs
