"""Pump and circulator follow a wish, each on its own acquisition task, so that nobody else ever talks to its port."""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

from controller.config.bench import Roles
from controller.config.protocol import Cooling
from controller.daemon.application import reading
from drivers.contract import BadReply, Circulator, CoolantPump, Declaration, NoReply, Refused
from safety.config import ChannelRule, FlagRule
from safety.types import Sample, Snapshot, State

log = logging.getLogger(__name__)

BAND_C = 5.0
"""So far above ``hold_c`` the flow is at its most; in between it rises in proportion, so that nothing can swing."""
RISE_S = 5.0
"""From the least flow to the most, and back: a roller pump is no valve."""
BLIND_S = 2.0
"""A temperature older than this, or none for so long, is no temperature; then the flow goes to its most."""
STEPS = 20
"""The pump is told in so many steps, rounded up: each word costs its port an exchange."""
SETTLE_S = 3.0
"""Within this a word has reached the pump, its head and hoses have followed, and the flow sensor has been read."""

REFUSED = "refused_flag"
"""1.0 while a circulator has not taken what it was last told; the daemon's own channel beside those of its driver."""
CHILLER_SIGNS = {
    REFUSED: "has not taken its set-point: is remote control allowed at its panel, and this temperature?",
    "alarm_flag": "signals an alarm: its display says which; clear it there",
    "low_level_flag": "is short of bath fluid: fill it up",
}
"""What keeps from READY and from energy where a protocol wants the bath to be regulated. Under energy the coolant's
own temperature tells (H43): a bath that is cold still cools."""


class Steering(NamedTuple):
    """Between two ticks."""

    flow_ml_min: float
    blind_s: float = 0.0  # without a temperature


def steer(cooling: Cooling, state: Steering, value_c: float | None, dt_s: float) -> Steering:
    """One tick of the flow that follows a temperature: never below ``flow_ml_min``, never above ``flow_max_ml_min``,
    never less for a warmer reading. Without a reading it stays for :data:`BLIND_S`, then goes to its most.
    """
    least, most = cooling.flow_ml_min, cooling.most_ml_min
    if cooling.hold_c is None:
        return Steering(least)
    dt_s = max(0.0, dt_s)
    if value_c is None:
        blind_s = state.blind_s + dt_s
        wanted = state.flow_ml_min if blind_s <= BLIND_S else most
    else:
        blind_s = 0.0
        wanted = least + (most - least) * min(1.0, max(0.0, (value_c - cooling.hold_c) / BAND_C))
    step = (most - least) * dt_s / RISE_S
    flow = min(max(wanted, state.flow_ml_min - step), state.flow_ml_min + step)
    return Steering(min(max(flow, least), most), blind_s)


class Flow:
    """What the pump is to give at each tick: nothing, the protocol's flow, or one that follows tip or shaft."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._cooling: Cooling | None = None
        self._state, self._told_ml_min, self._last_s = Steering(0.0), 0.0, 0.0
        self._words: list[tuple[float, float]] = []  # (since, mL/min): those in force within the last SETTLE_S

    @property
    def due_ml_min(self) -> float:
        """What the pump has had time for: the least of its wishes within :data:`SETTLE_S`."""
        return min((word for _, word in self._words), default=0.0)

    def wish_ml_min(self, cooling: Cooling | None, snapshot: Snapshot, pump_on: bool, now_s: float) -> float:
        """In mL/min."""
        words, wish = self._words, self._wish_ml_min(cooling, snapshot, pump_on, now_s)
        if wish == 0.0:
            words.clear()
        elif not words or words[-1][1] != wish:
            words.append((now_s, wish))
        while len(words) > 1 and words[1][0] <= now_s - SETTLE_S:
            del words[0]
        return wish

    def _wish_ml_min(self, cooling: Cooling | None, snapshot: Snapshot, pump_on: bool, now_s: float) -> float:
        dt_s, self._last_s = now_s - self._last_s, now_s
        if cooling is None or not pump_on:
            self._told_ml_min = 0.0
            return 0.0
        if cooling.follow is None:
            return cooling.flow_ml_min
        if cooling is not self._cooling or self._told_ml_min == 0.0:
            self._cooling, self._state, self._told_ml_min = cooling, Steering(cooling.flow_ml_min), cooling.flow_ml_min
        channel = self._roles.tip if cooling.follow == "tip" else self._roles.shaft
        young = channel is not None and channel in snapshot and now_s - snapshot[channel].t_request_s <= BLIND_S
        self._state = steer(cooling, self._state, reading(snapshot, channel) if young else None, dt_s)
        flow, least, most = self._state.flow_ml_min, cooling.flow_ml_min, cooling.most_ml_min
        step = (most - least) / STEPS
        if flow > self._told_ml_min or flow < self._told_ml_min - 1.5 * step:
            self._told_ml_min = min(most, least + step * math.ceil((flow - least) / step))
        return self._told_ml_min


class Coolant:
    """``wish_ml_min`` is set by the tick; the pump is told when the wish changed, again after every failure."""

    def __init__(self, pump: CoolantPump) -> None:
        self.wish_ml_min = 0.0
        self._pump = pump
        self._told_ml_min: float | None = None

    @property
    def settled(self) -> bool:
        """The pump has been told what is wished."""
        return self._told_ml_min == self.wish_ml_min

    async def follow(self) -> None:
        """Bring the pump to the wish. Raises what the driver raises; the next cycle tries again."""
        wish = self.wish_ml_min
        if wish != self._told_ml_min:
            self._told_ml_min = None
            await self._pump.run(wish)
            self._told_ml_min = wish


class Chill:
    """``wish_c`` is set with the protocol; the circulator is told when it changed, again after every failure. None:
    leave it as it is, or stop it where an earlier protocol had it regulate.
    """

    def __init__(self, chiller: Circulator) -> None:
        self.wish_c: float | None = None
        self.trouble = ""  # why it does not follow
        self._chiller = chiller
        self._told_c: float | None = None

    def signs(self, now_s: float) -> tuple[Sample, ...]:
        """:data:`REFUSED` where it is to regulate."""
        if self.wish_c is None:
            return ()
        refused = self._told_c != self.wish_c or self.trouble != ""
        return (Sample(f"{self._chiller.name}.{REFUSED}", float(refused), now_s),)

    async def follow(self) -> None:
        """Bring the circulator to the wish. A failure is noted, and the bath is read all the same.

        Raises:
            LinkLost: the port has gone.
        """
        wish = self.wish_c
        if wish == self._told_c and not self.trouble:
            return
        self._told_c, before, self.trouble = wish, self.trouble, "interrupted"
        try:
            await self._chiller.regulate(wish)
        except (NoReply, BadReply, Refused) as error:
            self.trouble = str(error)
            if self.trouble != before:
                log.warning("%s does not regulate: %s", self._chiller.name, error)
        else:
            self.trouble = ""


def holding_back(name: str, declaration: Declaration) -> tuple[ChannelRule, list[FlagRule]]:
    """For the kernel: the daemon's own channel, and what of circulator ``name`` keeps from READY."""
    known = {REFUSED, *(spec.name for spec in declaration.channels)}
    where = frozenset({State.PRECHECK, State.READY, State.ARMED})
    flags = [
        FlagRule(f"{name}.{sign}", 0.0, "H43", f"{name} {text}", "the circulator", 0.0, frozenset(), where)
        for sign, text in CHILLER_SIGNS.items()
        if sign in known
    ]
    return ChannelRule(f"{name}.{REFUSED}", 0.0, 1.0, age_limit_s=1.0), flags
