"""What stands around the control loop in a replay: a clock that stands still within a tick, and devices that only say
what is recorded."""

from __future__ import annotations

import asyncio
from typing import Any

from controller.daemon.application import Wired
from controller.daemon.switchboard import Applied
from controller.daemon.witness import Switch
from controller.records.session import TickRow
from safety.types import Demand, Fault, Permit, RecordStatus, Sample, Setpoint, Snapshot, WatchdogStatus


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the tick's."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s


class RecordedHub:
    """What acquisition had brought by each tick. What the loop itself finds wrong is gathered in ``found``."""

    def __init__(self) -> None:
        self.latest: dict[str, Sample] = {}
        self.progress: dict[str, int] = {}
        self.faults: tuple[Fault, ...] = ()
        self.found: list[Fault] = []

    def take(self) -> tuple[list[Sample], tuple[Fault, ...]]:
        return [], self.faults

    def fault(self, fault: Fault) -> None:
        self.found.append(fault)


class RecordedSource:
    """Takes every set-point and gives none to anybody."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def apply(self, setpoint: Setpoint) -> None:
        return None

    async def off(self) -> None:
        return None

    def revoke(self, epoch: int) -> None:
        return None


class RecordedWatchdog:
    """Says what it said."""

    status: WatchdogStatus | None = None

    def beat(self, **evidence: Any) -> None:
        return None


class RecordedRecord:
    """As healthy as it was; keeps what today's loop would record."""

    def __init__(self) -> None:
        self.health: RecordStatus | None = None
        self.row: TickRow | None = None
        self.events: list[tuple[str, dict[str, Any]]] = []

    def status(self) -> RecordStatus | None:
        return self.health

    def tick(self, row: TickRow) -> None:
        self.row = row

    def event(self, t_s: float, kind: str, data: Any = None) -> int:
        self.events.append((kind, dict(data or {})))
        return len(self.events)


class RecordedSwitchboard:
    """The electrode switch where it was; its own rules are not replayed."""

    def __init__(self) -> None:
        self.now = Switch((), None, False, False)
        self.settled = False

    def at(self, now: Switch) -> None:
        """The next tick."""
        self.now, self.settled = now, now.before

    @property
    def wired(self) -> Wired:
        since_s = float("inf") if self.now.since_s is None else self.now.since_s
        return Wired(self.now.connected or (), since_s)

    def permit(self, permit: Permit) -> Permit:
        return permit if self.settled else permit._replace(max_w=0.0, why=("switch", *permit.why))

    def route(self, demand: Demand, firing: bool, snapshot: Snapshot, applied: Applied) -> Demand:
        self.settled = self.now.after
        return demand if self.settled else Demand(0.0, "changing electrodes", demand.channels)

    async def close(self) -> None:
        return None
