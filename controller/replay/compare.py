"""One tick as it was recorded against the same tick as today's code decides it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from controller.config.bench import Roles
from controller.daemon.witness import DEVICE
from controller.records.schema import to_json
from controller.records.session import TickRow
from controller.replay.recording import DECIDED, Happened, Recording, Row
from safety.types import Fault, Origin, Outputs, Request, Sample

NEAR = 1e-9
"""Numbers may differ by this part: another processor's last bits are no other decision."""
WORDING = frozenset({"text", "check", "reason", "texts", "t_s", "age_s"})
"""Of an event: sentences, and what follows from other fields."""
OWN_FAULTS = frozenset({("H32", "law"), ("H04", "generator_off")})
"""What the loop finds wrong by itself; every other fault came from a device."""
SHOWN = 6


class Expected(NamedTuple):
    """What was recorded of a tick besides its row."""

    inputs: Mapping[str, Any]
    events: Sequence[Happened]


@dataclass(frozen=True)
class Difference:
    """The first tick at which today's code decides otherwise. ``what`` -> (as recorded, today)."""

    tick: int
    t_s: float
    state: str
    what: Mapping[str, tuple[Any, Any]]
    channel: str = ""  # that is known to have led there; else the newest readings are told
    withheld_by: tuple[str, ...] = ()  # today: what the kernel waits for, where states differ
    led: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def text(self) -> str:
        """A few lines for a person."""
        lines = [f"differs at tick {self.tick}, t = {self.t_s:.3f} s, in {self.state}:"]
        lines += [f"  {name}: recorded {_said(was)}, today {_said(now)}" for name, (was, now) in self.what.items()]
        if self.withheld_by:
            lines.append(f"  today withheld by: {', '.join(self.withheld_by)}")
        lines += [
            f"  {'led there by' if self.channel else 'newest reading'}: {s['channel']} = {_said(s['value'])}"
            f" ({s['quality']}, asked for {1000 * s['age_s']:.0f} ms before)"
            for s in self.led
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        what = {name: {"recorded": was, "today": now} for name, (was, now) in self.what.items()}
        return {
            "tick": self.tick, "t_s": self.t_s, "state": self.state, "what": what, "channel": self.channel or None,
            "withheld_by": list(self.withheld_by),
            "samples": list(self.led),
        }  # fmt: skip


def by_tick(recording: Recording) -> dict[int, Expected]:
    """What was recorded of each tick: the kernel's events carry the tick's time."""
    inputs: dict[int, Mapping[str, Any]] = {}
    events: dict[float, list[Happened]] = defaultdict(list)
    for event in recording.events:
        if event.kind == "inputs":
            inputs[int(event.data["tick"])] = event.data
        elif event.kind in DECIDED:
            events[event.t_s].append(event)
    return {row.seq: Expected(inputs.get(row.seq, {}), events.get(row.t_s, ())) for row in recording.ticks}


def asked(
    row: Row, requests: Sequence[Request], found: Sequence[Fault], recorded: Sequence[Request], faults: Sequence[Fault]
) -> Difference | None:
    """What the loop itself wants judged in this tick: the end of the protocol, a law that failed."""
    was = [r.verb.value for r in recorded if r.origin is Origin.PROTOCOL]
    now = [r.verb.value for r in requests]
    was += [f"{f.hazard} {f.monitor}" for f in faults if (f.hazard, f.monitor) in OWN_FAULTS]
    now += [f"{f.hazard} {f.monitor}" for f in found if (f.hazard, f.monitor) in OWN_FAULTS]
    return Difference(row.seq, row.t_s, row.state, {"asked by the loop": (was, now)}) if was != now else None


def tick(
    row: Row, recorded: Sequence[Happened], out: Outputs, today: TickRow | None, events: Iterable[tuple[str, Any]]
) -> Difference | None:
    """``today``: the row that the loop would record now; None while idle."""
    what: dict[str, tuple[Any, Any]] = {}
    was = [(event.kind, _facts(event.data)) for event in recorded]
    now = [(kind, _facts(json.loads(to_json(data)))) for kind, data in events if kind in DECIDED]
    if not same(was, now):
        lost, new = [event for event in was if event not in now], [event for event in now if event not in was]
        what["events"] = (_told(lost), _told(new))
    pairs: list[tuple[str, Any, Any]] = [
        ("state", row.state, out.state.value),
        ("permit_w", row.permit_w, out.permit.max_w),
        ("epoch", row.epoch, out.permit.epoch),
        ("energy_j", row.energy_j, out.energy_j),
    ]
    if today is not None:
        pairs += [("demand_w", row.demand_w, today.demand_w), ("setpoint_w", row.setpoint_w, today.setpoint_w)]
        law = json.loads(to_json(today.law))
        if bool(row.law) is bool(law) or row.state == out.state.value:  # outside FIRING there is none to compare
            pairs += [(f"law.{name}", row.law.get(name), law.get(name)) for name in dict.fromkeys((*row.law, *law))]
    what.update((name, (before, after)) for name, before, after in pairs if not same(before, after))
    if not what:
        return None
    trips = [facts for kind, facts in (*now, *was) if kind == "trip" and "events" in what]
    channel = next((str(facts["channel"]) for facts in trips if facts.get("channel")), "")
    return Difference(row.seq, row.t_s, row.state, what, channel, out.blocked_by if "state" in what else ())


def same(was: Any, now: Any) -> bool:
    """Equal, numbers to within :data:`NEAR`; what is no number equals None, as which JSON keeps it."""
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now or was == now
    if isinstance(was, int | float) and isinstance(now, int | float):
        return math.isclose(was, now, rel_tol=NEAR, abs_tol=1e-12) or (was != was and now != now)
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return was.keys() == now.keys() and all(same(was[key], now[key]) for key in was)
    if isinstance(was, list | tuple) and isinstance(now, list | tuple):
        return len(was) == len(now) and all(same(a, b) for a, b in zip(was, now, strict=True))
    return was == now or (was is None and isinstance(now, float) and not math.isfinite(now))


def leading(
    difference: Difference, came: Sequence[Sample], latest: Mapping[str, Sample], roles: Roles
) -> list[dict[str, Any]]:
    """Which samples led to the difference: that of the channel that tripped, else those that the law and the limits see
    and that had come with this tick.
    """
    if difference.channel in latest:
        samples = [latest[difference.channel]]
    else:
        named = (roles.impedance, roles.tip, roles.shaft, roles.flow, roles.coolant, *roles.tissue, *roles.tines)
        seen = {name for name in named if name is not None}
        seen |= {f"{roles.source}.{name}" for name in ("power_w", "forward_power_w", "reverse_power_w", "rf_on")}
        news = {sample.channel: sample for sample in came if not sample.channel.startswith(f"{DEVICE}.")}
        samples = [s for s in news.values() if s.channel in seen] or list(news.values())
    return [
        {
            "channel": sample.channel,
            "value": sample.value if math.isfinite(sample.value) else None,
            "quality": sample.quality.name,
            "t_request_s": sample.t_request_s,
            "age_s": round(difference.t_s - sample.t_request_s, 6),
        }
        for sample in samples[:SHOWN]
    ]


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in data.items() if key not in WORDING}


def _told(events: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """An event in a few words."""
    told = []
    for kind, facts in events:
        names = ("from", "to") if kind == "state" else ("hazard", "monitor", "channel", "value", "limit")
        words = [_said(facts[name]) for name in names if facts.get(name) not in (None, "")]
        told.append(" ".join([kind, *words]))
    return told


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "nothing"
    return "none" if value is None else str(value)
