"""What a tick knew besides the devices' samples, kept in the record, so that :mod:`controller.replay` can decide anew.

What changes all the time is kept as samples of a device ``daemon``, whose request time is that of the thing itself:

    daemon.held_on            the foreground's hold, when it was last renewed; 0: there is none
    daemon.watchdog_flag      the watchdog's newest frame: 1 ready + 2 line closed + 4 line not read + 8 line commanded
    daemon.record_on          the newest durable commit; 0: the record is not healthy
    daemon.applied_w          the set-point that may have reached the source, and since when
    daemon.flow_due_ml_min    the least flow that is due

What changes rarely is an event ``inputs`` with the number of its ``tick``: ``requests``, ``faults``, ``record`` (why it
is not healthy), ``law`` (what hands have done, and whether it was given up) and ``switch`` (electrodes, since when, and
whether the switch was settled before and after the law was asked). An event ``kernel`` holds the kernel's state before
its ``tick`` wherever the ticks before were not kept, which is so while nothing happens; ``fresh`` says that its
monitors had just been started with the configuration that is in force.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from controller import tagged
from safety.state import KernelState
from safety.types import Inputs, RecordStatus, Sample, WatchdogStatus

DEVICE = "daemon"
HELD, WATCHDOG, RECORD = f"{DEVICE}.held_on", f"{DEVICE}.watchdog_flag", f"{DEVICE}.record_on"
APPLIED, FLOW_DUE = f"{DEVICE}.applied_w", f"{DEVICE}.flow_due_ml_min"
CHANNELS = (HELD, WATCHDOG, RECORD, APPLIED, FLOW_DUE)
READY, CLOSED, UNREAD, COMMANDED = 1, 2, 4, 8


class Hands(NamedTuple):
    """What the law is told of the operator's hands, mm, and why it was given up, if it was."""

    deployment_mm: float | None = None
    withdrawn_mm: float | None = None
    given_up: str = ""


NO_HANDS = Hands()


class Switch(NamedTuple):
    """The electrode switch at one tick; ``since_s`` is None while nobody knows what is connected."""

    connected: tuple[int, ...] | None
    since_s: float | None
    before: bool  # settled when the law was asked
    after: bool  # ... and when its demand had been heard


class Told(NamedTuple):
    """One tick, as it was decided."""

    inputs: Inputs
    hands: Hands | None = None
    switch: Switch | None = None


class Witness:
    """Turns each tick into the samples and events above: called for every tick, with ``skip`` or with the others."""

    def __init__(self) -> None:
        self._carried: dict[str, Sample] = {}  # the newest of each channel since the last tick that was kept
        self._own: Inputs | None = None  # of the last tick that was kept
        self._rare: tuple[str, Hands, Switch | None] = ("", NO_HANDS, None)
        self._gap = self._fresh = True

    def adopted(self) -> None:
        """The kernel has another configuration."""
        self._gap = self._fresh = True

    def skip(self, fresh: list[Sample]) -> None:
        """A tick that the record does not keep: nothing happens."""
        for sample in fresh:
            self._carried[sample.channel] = sample
        self._gap, self._fresh = True, False

    def samples(self, fresh: list[Sample], told: Told) -> list[Sample]:
        """What the record keeps of this tick: what came since the last one, and what of the daemon's own changed."""
        kept = [*self._carried.values(), *fresh] if self._carried else fresh
        self._carried.clear()
        kept += own(told.inputs, self._own)
        self._own = told.inputs
        return kept

    def rare(self, tick: int, told: Told) -> dict[str, Any] | None:
        """The data of an event ``inputs``; None where there is nothing to tell."""
        inputs, record = told.inputs, told.inputs.record
        state = (record.text if record is not None else "", told.hands or NO_HANDS, told.switch)
        if state == self._rare and not inputs.requests and not inputs.faults:
            return None
        found: dict[str, Any] = {"tick": tick}
        if inputs.requests:
            found["requests"] = [tagged.plain(request) for request in inputs.requests]
        if inputs.faults:
            found["faults"] = [tagged.plain(fault) for fault in inputs.faults]
        for name, was, now in zip(("record", "law", "switch"), self._rare, state, strict=True):
            if now != was:
                found[name] = list(now) if isinstance(now, tuple) else now
        self._rare = state
        return found

    def before(self, tick: int, state: KernelState, *, idle: bool) -> dict[str, Any] | None:
        """The data of an event ``kernel``; None where the tick before was kept, or nothing happens in this one."""
        if idle:
            self._fresh = False
        if idle or not self._gap:
            return None
        fresh, self._gap, self._fresh = self._fresh, False, False
        return {"tick": tick, "fresh": fresh, "state": tagged.plain(state)}


def own(now: Inputs, was: Inputs | None = None) -> list[Sample]:
    """The daemon's own samples: of what is another than in ``was``; what says nothing is left out."""
    found = []
    if was is None or now.foreground_lease_s != was.foreground_lease_s:
        lease_s = now.foreground_lease_s
        found.append(Sample(HELD, 0.0, 0.0) if lease_s is None else Sample(HELD, 1.0, lease_s))
    if (watchdog := now.watchdog) is not None and (was is None or watchdog is not was.watchdog):
        line = UNREAD if watchdog.enable_closed is None else CLOSED * watchdog.enable_closed
        flags = READY * watchdog.ready + line + COMMANDED * watchdog.enable_commanded
        found.append(Sample(WATCHDOG, float(flags), watchdog.t_s))
    if (record := now.record) is not None and (was is None or record != was.record):
        found.append(Sample(RECORD, float(record.healthy), record.t_durable_s))
    if now.applied_t_s > -math.inf and (
        was is None or now.applied_t_s != was.applied_t_s or now.applied_w != was.applied_w
    ):
        found.append(Sample(APPLIED, now.applied_w, now.applied_t_s))
    if was is None or now.flow_due_ml_min != was.flow_due_ml_min:
        found.append(Sample(FLOW_DUE, now.flow_due_ml_min, 0.0))
    return found


def inputs_of(
    latest: dict[str, Sample], requests: tuple[Any, ...], faults: tuple[Any, ...], text: str, config_hash: str
) -> Inputs:
    """The kernel's inputs as :func:`own` kept them. ``text``: why the record is not healthy."""
    held, line, record = latest.get(HELD), latest.get(WATCHDOG), latest.get(RECORD)
    applied, due = latest.get(APPLIED), latest.get(FLOW_DUE)
    watchdog = None
    if line is not None:
        flags = int(line.value)
        closed = None if flags & UNREAD else bool(flags & CLOSED)
        watchdog = WatchdogStatus(line.t_request_s, bool(flags & READY), closed, bool(flags & COMMANDED))
    return Inputs(
        latest,
        requests,
        faults,
        held.t_request_s if held is not None and held.value else None,
        watchdog,
        RecordStatus(record.t_request_s, bool(record.value), text) if record is not None else None,
        applied.value if applied is not None else 0.0,
        applied.t_request_s if applied is not None else -math.inf,
        config_hash,
        due.value if due is not None else 0.0,
    )
