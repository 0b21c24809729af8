"""Coolant, tick by tick: what the pump is to give, and what that leaves in the bag."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from controller.config.protocol import Protocol
from controller.daemon.bag import Bag
from controller.daemon.coolant import Coolant, Flow
from controller.daemon.guard import FLOW_SHARE
from safety.types import Snapshot

if TYPE_CHECKING:
    from controller.daemon.app import Daemon

PUMP_PATIENCE_S = 2.0
"""For a pump that does not take its last word; its own display then tells."""
BAG_MAX_ML = 100_000.0


class Supply:
    """Owns the wish of the pump and the count of the bag; ``pump`` and bag are None where the bench has none."""

    def __init__(self, daemon: Daemon) -> None:
        bench = daemon.bench
        self.pump: Coolant | None = None
        self.bag = Bag(bench.coolant, daemon.around.bag) if bench.coolant is not None else None
        self._daemon, self._flow = daemon, Flow(bench.roles)
        self._loop = asyncio.get_running_loop()
        self._low = self._leaving = False
        self._left_s = math.inf
        self._keeping: asyncio.Task[None] | None = None

    def at_rest(self, *, cooling: bool, now_s: float) -> bool:
        """The daemon wants to leave: has the coolant run on long enough, and has the pump been told to stop?

        A trip keeps the coolant running for as long as it stands; when the daemon leaves, it has run on as after any
        other end, ``cooling`` says whether it still has to, and nobody would be there to stop it.
        """
        if self.pump is None:
            return True
        if cooling and not self._leaving:
            return False
        self._leaving = True
        self.pump.wish_ml_min = 0.0
        self._left_s = min(self._left_s, now_s)
        return self.pump.settled or now_s > self._left_s + PUMP_PATIENCE_S

    def follow(self, protocol: Protocol | None, snapshot: Snapshot, pump_on: bool, now_s: float) -> None:
        """One tick."""
        if self.pump is None:
            return
        cooling = protocol.cooling if protocol is not None else None
        pump_on = pump_on and not self._leaving
        self.pump.wish_ml_min = wish = self._flow.wish_ml_min(cooling, snapshot, pump_on, now_s)
        self._daemon.control.flow_due_ml_min = FLOW_SHARE * self._flow.due_ml_min
        bag = self.bag
        if bag is None:
            return
        flow = self._daemon.bench.roles.flow
        bag.follow(snapshot.get(flow) if flow is not None else None, wish, now_s)
        if bag.low is not self._low:
            self._low = bag.low
            text = f"the saline bag holds {bag.left_ml:.0f} mL, less than its reserve of {bag.supply.reserve_ml:g} mL"
            told = {"priority": "medium", "text": text} if self._low else {"priority": "low", "text": "a new bag hangs"}
            self._daemon.recorder.event(now_s, "alarm", told)
        if bag.stale and (self._keeping is None or self._keeping.done()):
            self._keeping = self._loop.create_task(self._keep(bag), name="bag")

    async def _keep(self, bag: Bag) -> None:
        await self._daemon.around.aside(bag.keep)
        self._note(bag)

    def _note(self, bag: Bag) -> None:
        self._daemon.recorder.event(self._loop.time(), "bag", bag.as_dict())

    def refusal(self, protocol: Protocol) -> str:
        """Why pump and bag cannot serve ``protocol``; empty where they can."""
        daemon, cooling = self._daemon, protocol.cooling
        name = daemon.bench.roles.pump
        most = daemon.instruments.declarations()[name].flow_max_ml_min if name is not None else None
        if cooling is not None and most is not None and cooling.most_ml_min > most:
            return f"{protocol.protocol} asks for {cooling.most_ml_min:g} mL/min, but {name} gives at most {most:g}"
        return self.bag.refusal(protocol) if self.bag is not None else ""

    def hang(self, who: str, bag_ml: float | None) -> dict[str, Any]:
        """A new bag hangs, of ``bag_ml`` where that is not the bench file's volume."""
        bag = self.bag
        if bag is None:
            return {"ok": False, "error": "this bench counts no bag: its file has no coolant:"}
        if bag_ml is not None and not bag.supply.reserve_ml < bag_ml <= BAG_MAX_ML:
            range_ml = f"above the reserve of {bag.supply.reserve_ml:g} mL and at most {BAG_MAX_ML:g} mL"
            return {"ok": False, "error": f"a bag of {bag_ml:g} mL: write a volume {range_ml}"}
        bag.hang(bag_ml)
        self._daemon.recorder.event(self._loop.time(), "bag", {**bag.as_dict(), "who": who, "new": True})
        return {"ok": True, "coolant": bag.as_dict()}

    def as_dict(self) -> dict[str, Any] | None:
        """For status: what the pump is asked for, and the bag."""
        if self.pump is None:
            return None
        return {"wish_ml_min": round(self.pump.wish_ml_min, 1), "bag": self.bag.as_dict() if self.bag else None}

    async def close(self) -> None:
        """Remember the bag."""
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self.bag is not None:
            await self._keep(self.bag)
