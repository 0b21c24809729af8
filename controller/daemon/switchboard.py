"""One generator, several electrodes: the switch is changed at 0 W only, and power waits until the change is proven.

    SETTLED    the electrodes that are wanted are connected, as read back: demands pass
    WAITING    others are wanted: every demand is 0 W, until 0 W is in force and the source measures below 1 W with its
               output off, in readings that were asked for after 0 W was in force
    CHANGING   the switch opens, closes and is read back; every demand is 0 W

Outside an application nothing is to be connected, after a trip neither: the same rules apply, so a source that cannot
be proven off keeps its load, and is cut off by what cuts sources off. A change that is not proven within half a second
is a fault, and so is a switch that reads otherwise than it was set: both trip (H22: uncertain counts as wrong).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

from controller.daemon.application import Wired, reading
from controller.daemon.hub import Hub
from drivers.contract import BadReply, ElectrodeSwitch, LinkLost, NoReply, Refused
from safety.types import Demand, Fault, Permit, Snapshot

CONFIRM_S = 0.5  # from the first byte to the last read-back
QUIET_W = 1.0  # less than this is measured before a contact moves
FRESH_S = 0.5  # older readings prove nothing
PATIENCE_S = 3.0  # for 0 W to be proven while an application waits
RETRY_S = 1.0  # after a change that failed

Channels = tuple[int, ...]
Note = Callable[[dict[str, object]], None]


class Applied(NamedTuple):
    """The set-point that may be in force at the source, and since when."""

    power_w: float
    since_s: float


class Switchboard:
    """``connected`` is what is known to be connected since ``since_s``; None while nobody can say."""

    def __init__(self, switch: ElectrodeSwitch, source: str, hub: Hub, note: Note) -> None:
        """``source`` is the generator's name; ``note`` writes an event of kind ``electrodes`` into the record."""
        self.connected: Channels | None = None
        self.since_s = math.inf
        self._switch, self._hub, self._note = switch, hub, note
        self._everyone = tuple(range(switch.declaration().electrodes))
        self._contacts = tuple(f"{switch.name}.electrode_{n}_on" for n in self._everyone)
        self._proof = (f"{source}.power_w", f"{source}.forward_power_w", f"{source}.rf_on")
        self._loop = asyncio.get_running_loop()
        self._wanted: Channels = ()
        self._change: asyncio.Task[None] | None = None
        self._unsettled_s = math.inf  # since when an application waits
        self._retry_s = -math.inf
        self._firing = self._told = False

    @property
    def settled(self) -> bool:
        """Power may flow: those that are wanted are connected."""
        return self._change is None and self.connected == self._wanted

    @property
    def wired(self) -> Wired:
        """For the law: what is connected, and which readings were made with it."""
        return Wired((), math.inf) if self.connected is None else Wired(self.connected, self.since_s)

    def permit(self, permit: Permit) -> Permit:
        """What a law may count on: nothing while the switch is not where it is wanted."""
        return permit if self.settled else permit._replace(max_w=0.0, why=("switch", *permit.why))

    def route(self, demand: Demand, firing: bool, snapshot: Snapshot, applied: Applied) -> Demand:
        """``demand`` once its electrodes are connected, until then 0 W. Called every tick, it moves the switch.

        A demand that names no electrodes leaves them as they are, or takes them all where none is connected.
        """
        now_s = self._loop.time()
        if firing and not self._firing:
            self._told = False  # an application hears of its own trouble
        self._firing = firing
        self._wanted = self._want(demand, firing)
        self._watch(snapshot)
        if self.settled:
            self._unsettled_s = math.inf
            return demand
        if self._change is None and now_s >= self._retry_s:
            self._unsettled_s = min(self._unsettled_s, now_s)
            if self._is_off(snapshot, applied, now_s):
                before, self.connected, self.since_s = self.connected, None, math.inf
                self._change = self._loop.create_task(self._select(before, self._wanted), name="electrodes")
            elif firing and now_s - self._unsettled_s > PATIENCE_S:
                self._fail(f"electrodes {_said(self._wanted)} wait in vain for the source to be proven off")
        return Demand(0.0, "changing electrodes", demand.channels)

    def _want(self, demand: Demand, firing: bool) -> Channels:
        if not firing:
            return ()
        if demand.channels is None:
            return self._wanted or self._everyone
        return tuple(sorted(set(demand.channels)))

    def _is_off(self, snapshot: Snapshot, applied: Applied, now_s: float) -> bool:
        """0 W is in force, and readings asked for since then show it."""
        if applied.power_w != 0.0:
            return False
        after_s = max(applied.since_s, now_s - FRESH_S)
        for channel in self._proof:
            value = reading(snapshot, channel)
            if value is None or not value < QUIET_W or not snapshot[channel].t_request_s >= after_s:
                return False
        return True

    async def _select(self, before: Channels | None, wanted: Channels) -> None:
        self._note({"from": None if before is None else list(before), "to": list(wanted)})
        try:
            async with asyncio.timeout(CONFIRM_S):
                await self._switch.select(wanted)
        except (TimeoutError, NoReply, BadReply, Refused, LinkLost) as error:
            why = str(error) or f"no proof in {CONFIRM_S:g} s"
            self._fail(f"electrodes {_said(wanted)} not proven connected: {why}")
        else:
            self.connected, self.since_s, self._told = wanted, self._loop.time(), False
            self._note({"connected": list(wanted)})
        finally:
            self._change = None

    def _watch(self, snapshot: Snapshot) -> None:
        """What acquisition reads of the switch is what it was set to."""
        connected = self.connected
        if connected is None:
            return
        for n, channel in enumerate(self._contacts):
            closed = reading(snapshot, channel)
            if closed is None or snapshot[channel].t_request_s < self.since_s:
                continue
            if (closed != 0.0) is not (n in connected):
                self.connected, self.since_s = None, math.inf
                found = "closed" if closed else "open"
                self._fail(f"electrode {n} reads {found}, but {_said(connected)} was selected")
                return

    def _fail(self, text: str) -> None:
        """Told once for each trouble; tried again at leisure, for the contacts must come open some day."""
        self._retry_s, self._unsettled_s = self._loop.time() + RETRY_S, math.inf
        if self._told:
            return
        self._told = True
        self._note({"failed": text})
        name = self._switch.name
        check = f"{name}: its supply, cable and relays; the source's own display"
        self._hub.fault(Fault("H22", "electrodes", name, text, check, self._loop.time()))

    async def close(self) -> None:
        """Wait for a change that is under way."""
        if self._change is not None:
            await asyncio.wait({self._change}, timeout=2 * CONFIRM_S)


def _said(channels: Channels) -> str:
    return ", ".join(map(str, channels)) or "none"
