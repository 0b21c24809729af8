"""Alarms: what people must see and hear, in which order and for how long. Pure: no clock, no input and no output.

After the ideas of IEC 60601-1-8 (alarm systems of medical equipment), without a claim to it:

- The hazard table gives each trip its priority and its likely causes; the trip says the rest.
- The first cause stands on top until it is reset; then by priority, then by age. Nothing changes its place by itself.
- A latching alarm outlives its condition: a trip until it is reset, any other until it is acknowledged. What does not
  latch goes with its condition, a low one also when it is acknowledged.
- To silence, to acknowledge, to reset and to arm are four acts. The first two stop the sound for :data:`PAUSE_S`, never
  for good, and a new alarm of high priority ends the pause. Nothing switches alarms off.
- While power flows that is shown and heard by itself, be there alarms or not.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from controller.daemon.steam import HOT_C, Rising, Steam
from controller.hazards import Hazard
from safety.types import Outputs, Quality, Snapshot, State, Trip

PAUSE_S = 120.0
TEST_S = 1.0
"""How long the sound of the self-test is offered."""
LATE_WARN = 5
"""So many more late ticks than timely ones are a warning; many more and the kernel trips (H33)."""
FLOWING_W = 5.0
ACTIVATION = {"rf": "RF ON", "microwave": "MICROWAVE ON"}
ORDINARY = ("complete", "stop", "footswitch let go", "foreground let go")
"""How the reason of an end begins that nobody needs to be told of."""


class Priority(enum.IntEnum):
    """HIGH: energy was taken away, or cannot be. MEDIUM: something has stopped, or soon will. LOW: to be known."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Sound(NamedTuple):
    """``pulses``, and again ``every_s`` (None: once). ``number`` changes when it must begin anew."""

    name: str
    pulses: int
    every_s: float | None
    number: int = 0


SOUNDS = {Priority.HIGH: Sound("high", 10, 10.0), Priority.MEDIUM: Sound("medium", 3, 20.0)}
SOUNDS[Priority.LOW] = Sound("low", 1, None)
TEST, POWER = Sound("test", 1, None), Sound("activation", 1, 5.0)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One of them. ``where`` is a channel or a device; ``value`` and ``limit`` are NaN where there is no number."""

    key: str
    priority: Priority
    text: str
    do: str
    where: str = ""
    value: float = math.nan
    limit: float = math.nan
    causes: str = ""
    latching: bool = True
    since_s: float = 0.0
    present: bool = True
    acknowledged: bool = False


BAG = Alarm(
    "bag", Priority.MEDIUM, "the saline bag is below its reserve", "hang a new bag, then: ablate bag", "coolant"
)


class Alarms:
    """The alarms of one daemon. ``modality`` says which power it is that flows; ``tissue`` are sensors in tissue."""

    def __init__(self, rows: Iterable[Hazard], modality: str, tissue: Iterable[str] = ()) -> None:
        self._rows = {row.id: row for row in rows}
        self._activation = ACTIVATION.get(modality, "POWER ON")
        self._alarms: dict[str, Alarm] = {}
        self._first = ""
        self._trips: tuple[Trip, ...] = ()
        self._tripped: frozenset[str] = frozenset()
        self._late_ticks = self._late = self._number = 0
        self._paused_until_s = self._test_until_s = -math.inf
        self._steam = Steam(tissue)
        self.powered = False

    # ---- every tick

    def follow(
        self,
        out: Outputs,
        trips: tuple[Trip, ...],
        now_s: float,
        *,
        powered: bool,
        late_ticks: int = 0,
        bag_low: bool = False,
        snapshot: Snapshot | None = None,
    ) -> list[str] | None:
        """One tick has passed.

        Args:
            trips: latched in the kernel, the first cause first.
            powered: power flows, or may; see :func:`flowing`.
            late_ticks: since the daemon's start.
            bag_low: the saline bag holds less than its reserve.
            snapshot: for sensors in tissue.

        Returns:
            The keys as they now stand on the list where it has changed, for the record; else None.
        """
        before, self.powered = self._alarms, powered
        if trips is not self._trips:
            self._follow_trips(trips, now_s)
        for kind, data in out.events:
            self._follow_event(kind, data, now_s)
        if not out.command_off and "off" in self._alarms:
            self._gone("off")
        new, self._late_ticks = late_ticks - self._late_ticks, late_ticks
        self._late = min(max(self._late + (new or -1), 0), 4 * LATE_WARN)
        is_late = self._late >= LATE_WARN or (self._late > 0 and "late" in self._alarms)
        rising = self._steam.follow(snapshot or {}, powered)
        self._while("late", self._lateness if is_late else None, now_s)
        self._while("bag", BAG if bag_low else None, now_s)
        self._while("steam", _boiling(rising) if rising is not None else None, now_s)
        return [alarm.key for alarm in self.listed()] if self._alarms is not before else None

    def _follow_trips(self, trips: tuple[Trip, ...], now_s: float) -> None:
        self._trips, self._first = trips, _key(trips[0]) if trips else ""
        before, self._tripped = self._tripped, frozenset(map(_key, trips))
        self._alarms = {k: a for k, a in self._alarms.items() if k not in before - self._tripped}
        for trip in trips:
            if _key(trip) not in self._alarms:
                row = self._rows.get(trip.hazard)
                priority = Priority[row.alarm.upper()] if row is not None and row.alarm != "none" else Priority.HIGH
                causes = row.title.partition(" <- ")[2] if row is not None else ""
                where = trip.channel or trip.device
                told = Alarm(_key(trip), priority, trip.text, trip.check, where, trip.value, trip.limit, causes)
                self._begins(told, now_s)

    def _follow_event(self, kind: str, data: dict[str, object], now_s: float) -> None:
        if kind == "alarm":
            priority, do = Priority[str(data["priority"]).upper()], "the generator's own display; its mains plug"
            self._begins(
                Alarm("off", priority, f"{data['text']} by the generator", do, causes="generator, link"), now_s
            )
        elif kind == "precheck_failed":
            why = data.get("texts") or data.get("blocked_by")
            text = "not ready: " + "; ".join(map(str, why if isinstance(why, list) else []))
            self._begins(Alarm("ready", Priority.LOW, text, "what is named, then prepare again"), now_s)
        elif kind == "state" and data["to"] == State.PRECHECK.value and "ready" in self._alarms:
            self._alarms = {k: a for k, a in self._alarms.items() if k != "ready"}
        elif kind == "state" and data["from"] == State.FIRING.value and not self._trips:
            reason = str(data["reason"])
            if not reason.startswith(ORDINARY):
                told = Alarm("ended", Priority.MEDIUM, f"ended: {reason}", "what is named; resume when it is put right")
                self._begins(told, now_s)
                self._gone("ended")

    @property
    def _lateness(self) -> Alarm:
        text = f"the daemon's ticks are late, {self._late_ticks} of them so far"
        do = "load, suspend and debuggers on this computer; end what else runs on it"
        return Alarm("late", Priority.MEDIUM, text, do, "host", causes="load, priorities", latching=False)

    def _while(self, key: str, alarm: Alarm | None, now_s: float) -> None:
        if alarm is not None and key not in self._alarms:
            self._begins(replace(alarm, latching=False), now_s)
        elif alarm is None and key in self._alarms:
            self._gone(key)

    def _begins(self, alarm: Alarm, now_s: float) -> None:
        self._alarms = {**self._alarms, alarm.key: replace(alarm, since_s=now_s)}
        self._number += 1
        if alarm.priority is Priority.HIGH:
            self._paused_until_s = -math.inf

    def _gone(self, key: str) -> None:
        """Its condition is over."""
        alarm = self._alarms[key]
        if not alarm.latching or alarm.acknowledged:
            self._alarms = {k: a for k, a in self._alarms.items() if k != key}
        elif alarm.present:
            self._alarms = {**self._alarms, key: replace(alarm, present=False)}

    # ---- acts

    def silence(self, now_s: float) -> float:
        """Pause the sound; the seconds for which it is paused (0: there is nothing to silence)."""
        if not self._alarms:
            return 0.0
        self._paused_until_s = now_s + PAUSE_S
        return PAUSE_S

    def acknowledge(self, now_s: float) -> bool:
        """They were seen: as silence, and what only waited for this goes. False: there was none to acknowledge."""
        new = any(not alarm.acknowledged for alarm in self._alarms.values())
        self.silence(now_s)
        self._alarms = {
            k: replace(a, acknowledged=True)
            for k, a in self._alarms.items()
            if k in self._tripped or (a.present and a.priority is not Priority.LOW)
        }
        return new

    def test(self, now_s: float) -> list[str]:
        """The self-test: sounds once, and returns what is wrong with the way from a trip to eye and ear."""
        self._test_until_s, self._number = now_s + TEST_S, self._number + 1
        return wrong(tuple(self._rows.values()))

    # ---- what there is to see and hear

    def listed(self) -> list[Alarm]:
        """As they are shown."""
        return sorted(self._alarms.values(), key=lambda a: (a.key != self._first, -a.priority, a.since_s))

    def sound(self, now_s: float) -> Sound | None:
        """What is to be heard now."""
        if self._alarms and now_s >= self._paused_until_s:
            return SOUNDS[max(alarm.priority for alarm in self._alarms.values())]._replace(number=self._number)
        if now_s < self._test_until_s:
            return TEST._replace(number=self._number)
        return POWER if self.powered else None

    def as_dict(self, now_s: float) -> dict[str, Any]:
        """For status: ``list`` (first cause first), ``sound``, ``paused_s`` (what is left of it), ``activation``."""
        listed, sound = self.listed(), self.sound(now_s)
        begin_s = listed[0].since_s if listed else 0.0
        return {
            "list": [_plain(alarm, begin_s) for alarm in listed],
            "sound": sound._asdict() if sound is not None else None,
            "paused_s": round(max(self._paused_until_s - now_s, 0.0), 1) if listed else 0.0,
            "activation": self._activation if self.powered else "",
        }


def flowing(snapshot: Snapshot, source: str, applied_w: float) -> bool:
    """Power flows, by any of the source's own words, or was asked for and not taken back."""
    for name, least in (("rf_on", 1.0), ("power_w", FLOWING_W), ("forward_power_w", FLOWING_W)):
        sample = snapshot.get(f"{source}.{name}")
        if sample is not None and sample.quality is Quality.GOOD and sample.value >= least:
            return True
    return applied_w > 0.0


def wrong(rows: Sequence[Hazard]) -> list[str]:
    """What keeps the alarms of ``rows`` from being told. Every trip must come on top of all and sound, through
    a pause if its priority is high; silenced, it must be heard again; acknowledged, it must stay."""
    told = [row for row in rows if "TRIP" in row.action or "LOCK" in row.action]
    found = [] if told else ["alarms: the hazard table has no trip"]
    for row in told:
        alarms, trip = Alarms((row,), "rf"), Trip(row.id, "test", "", "", 0.0, 0.0, 0.0, 0.0, "", "")
        alarms._begins(Alarm("bag", Priority.MEDIUM, "", ""), 0.0)
        alarms.silence(0.0)
        alarms._follow_trips((trip,), 0.0)
        heard = alarms.sound(0.0) is not None or row.alarm != "high"
        alarms.acknowledge(0.0)
        paused = alarms.sound(PAUSE_S - 1.0) is None and alarms.sound(PAUSE_S) is not None
        if not heard or not paused or alarms.listed()[0].key != _key(trip):
            found.append(f"alarms: {row.id} would not be seen and heard")
    return found


def _boiling(rising: Rising) -> Alarm:
    text = f"{rising.channel} rises by {rising.rise_c_per_s:.1f} C/s at {rising.value_c:.0f} C: steam may burst out"
    do = "stay away from the specimen; less power, or stop"
    return Alarm("steam", Priority.MEDIUM, text, do, rising.channel, rising.value_c, HOT_C, "power, a sensor too near")


def _key(trip: Trip) -> str:
    return f"{trip.hazard} {trip.monitor} {trip.channel or trip.device}".rstrip()


def _plain(alarm: Alarm, begin_s: float) -> dict[str, Any]:
    return {
        "key": alarm.key,
        "priority": alarm.priority.name.lower(),
        "text": alarm.text,
        "where": alarm.where,
        "value": alarm.value if math.isfinite(alarm.value) else None,
        "limit": alarm.limit if math.isfinite(alarm.limit) else None,
        "causes": alarm.causes,
        "do": alarm.do,
        "after_s": round(alarm.since_s - begin_s, 3),
        "present": alarm.present,
        "acknowledged": alarm.acknowledged,
    }
