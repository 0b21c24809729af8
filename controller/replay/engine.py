"""Feeds a recording to today's kernel, law and gate, through the daemon's own control loop, and compares each tick.

Fed as recorded: samples with their request times and qualities, operator's acts, holds, faults that were seen, the
watchdog's frames, the state of the record, set-points in force, electrodes, what hands have done, the law's parameters,
and the kernel's configuration as far as files and devices had set it (what they had not is today's default). Decided
anew: state, permit, trips, the law's demand and inner state, levelling, gate, and the loop's own findings.
"""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from controller import tagged
from controller.config.bench import Roles
from controller.config.protocol import Protocol
from controller.daemon import witness
from controller.daemon.application import Application
from controller.daemon.tick import ControlLoop
from controller.laws import registry
from controller.replay import compare, standins
from controller.replay.compare import Difference, Expected
from controller.replay.recording import Happened, Recording, ReplayError, Row
from safety import kernel
from safety.config import Config, Limits, Thresholds, Timing
from safety.types import Request, State

NOTE = "the kernel has other monitors today: what they remembered while idle is not replayed"
T = TypeVar("T")
TELL_TICKS = 500
"""Ticks between two words of progress."""
REMEDY = "replay it with the version that recorded it (`ablate sessions show` names it)"


@dataclass(frozen=True)
class Replayed:
    """What a replay found. ``difference`` is the first one; None: today's code decides as it was recorded."""

    name: str
    ticks: int  # compared, up to the difference
    idle: int  # not compared: while nothing happens the record keeps one tick a second
    energised_s: float  # of the time that was compared, how long the bench fired
    difference: Difference | None
    notes: tuple[str, ...] = field(default=())

    @property
    def equal(self) -> bool:
        """No difference."""
        return self.difference is None

    @property
    def text(self) -> str:
        """For a person; several lines where there is a difference."""
        size = f"{self.ticks} ticks compared ({self.energised_s:.1f} s of energy), {self.idle} idle ones not"
        if self.difference is None:
            return f"{self.name}: today's code decides as was recorded: {size}"
        return f"{self.name}: {self.difference.text}\n{size}"

    def as_dict(self) -> dict[str, Any]:
        """The ``--json`` object."""
        return {
            "session": self.name,
            "equal": self.equal,
            "ticks": self.ticks,
            "idle_ticks": self.idle,
            "energised_s": round(self.energised_s, 3),
            "difference": self.difference.as_dict() if self.difference is not None else None,
            "notes": list(self.notes),
        }


def replay(
    recording: Recording,
    change: Mapping[str, float] | None = None,
    progress: Callable[[float], None] = lambda done: None,
) -> Replayed:
    """Replay all of ``recording``.

    Args:
        change: numbers of the kernel's configuration to try: ``thresholds.agree_c``, ``timing.response_s``,
            ``limits.flow_min_ml_min``, ``energy_after_loss_j``.
        progress: called now and then with the number of ticks that are done.

    Raises:
        ReplayError: it lacks what a replay needs, names what this version does not have, or ``change`` is wrong.
        PluginError: its law is not installed.
    """
    with asyncio.Runner(loop_factory=standins.StillLoop) as runner:
        return runner.run(_Replay(recording, change or {}).run(progress))


class NothingFired(Exception):
    """Today's code fires, and no application was recorded."""


class _Replay:
    def __init__(self, recording: Recording, change: Mapping[str, float]) -> None:
        self._recording, self._change = recording, change
        self._notes: list[str] = []
        self._stretches = dict(recording.stretches())
        try:
            self._roles = Roles.model_validate_json(json.dumps(recording.header["roles"]))
        except (KeyError, ValidationError) as error:
            raise ReplayError(recording.name, f"its header has no roles that can be read ({error})", REMEDY) from error

    async def run(self, progress: Callable[[float], None]) -> Replayed:
        recording, stretches, hub = self._recording, self._stretches, standins.RecordedHub()
        by_tick = compare.by_tick(recording)
        ticks = idle = 0
        energised_s, until, before_s = 0.0, 0, 0.0
        stretch: _Stretch | None = None
        difference: Difference | None = None
        for k, (row, came) in enumerate(recording.arrivals()):
            if k % TELL_TICKS == 0:
                progress(k)
            hub.latest.update((sample.channel, sample) for sample in came)
            if k in stretches:
                if stretch is not None:
                    await stretch.close()
                stretch, until = self._stretch(row, hub), stretches[k]
            if stretch is None or k >= until:
                idle += 1
                continue
            difference = await stretch.tick(row, by_tick[row.seq])
            if difference is not None:
                difference = replace(difference, led=compare.leading(difference, came, hub.latest, self._roles))
                break
            ticks += 1
            energised_s += row.t_s - before_s if row.state == "FIRING" and stretch.fired else 0.0
            stretch.fired, before_s = row.state == "FIRING", row.t_s
        if stretch is not None:
            await stretch.close()
        return Replayed(recording.name, ticks, idle, energised_s, difference, tuple(self._notes))

    def _stretch(self, row: Row, hub: standins.RecordedHub) -> _Stretch:
        """The control loop before ``row``, in the kernel's state that was kept there."""
        events, name = self._recording.events, self._recording.name
        at, kept = next((i, e) for i, e in enumerate(events) if e.kind == "kernel" and e.data["tick"] == row.seq)
        loaded = next((e.data for e in reversed(events[:at]) if e.kind == "protocol"), self._recording.header)
        try:
            config: Config = changed(tagged.value(loaded["kernel"]), self._change)
            state: kernel.KernelState = tagged.value(kept.data["state"])
        except (KeyError, ValueError) as error:
            raise ReplayError(name, f"the kernel's configuration or state cannot be read ({error})", REMEDY) from error
        if kept.data["fresh"] or len(state.memories) != len(config.monitors):
            if not kept.data["fresh"] and NOTE not in self._notes:
                self._notes.append(NOTE)
            state.memories = tuple(monitor.start() for monitor in config.monitors)
        begun = [event for event in events[at:] if event.kind == "application"]
        return _Stretch(config, state, self._roles, begun, hub)


class _Stretch:
    """Ticks without a gap, under one configuration."""

    def __init__(
        self, config: Config, state: kernel.KernelState, roles: Roles, begun: list[Happened], hub: standins.RecordedHub
    ) -> None:
        self.fired = False
        self._config, self._roles, self._begun, self._hub = config, roles, begun, hub
        self._loop = cast(standins.StillLoop, asyncio.get_running_loop())
        self._watchdog, self._record = standins.RecordedWatchdog(), standins.RecordedRecord()
        self._board = standins.RecordedSwitchboard() if roles.switch is not None else None
        self._text = ""
        self._hands = witness.NO_HANDS
        self.control = ControlLoop(
            config,
            state,
            hub=cast(Any, hub),
            source=cast(Any, standins.RecordedSource(roles.source)),
            watchdog=cast(Any, self._watchdog),
            recorder=cast(Any, self._record),
            begin=self._begin,
            progress_of=(),
            config_hash=lambda: config.config_hash,
            switchboard=cast(Any, self._board),
        )

    def _begin(self, now_s: float) -> Application:
        """FIRE, as :class:`controller.daemon.course.Course` does it, with the parameters that were recorded."""
        if not self._begun:
            raise NothingFired
        law = self._begun.pop(0).data["law"]
        try:
            params = registry.find(str(law["kind"])).PARAMS.model_validate_json(json.dumps(law))
        except ValidationError as error:
            raise ReplayError(
                "law", f"its recorded numbers are none of today's {law['kind']} ({error})", REMEDY
            ) from error
        rest: dict[str, Any] = {"modality": self._config.modality, "law": params}  # all that an application looks at
        application = Application(cast(Any, Protocol.model_construct)(**rest), self._roles, now_s)
        application.told(self._hands)
        return application

    async def tick(self, row: Row, expected: Expected) -> Difference | None:
        """One tick, and what differs in it."""
        loop, hub, control, record = self._loop, self._hub, self.control, self._record
        loop.now_s = row.t_s
        asked = list(control.acts.requests), list(hub.found)  # what the loop itself wants judged now
        rare = expected.inputs
        requests: tuple[Request, ...] = tuple(tagged.value(each) for each in rare.get("requests", ()))
        hub.faults = tuple(tagged.value(each) for each in rare.get("faults", ()))
        hub.found.clear()
        if differs := compare.asked(row, *asked, requests, hub.faults):
            return differs
        self._text = rare.get("record", self._text)
        inputs = witness.inputs_of(hub.latest, requests, hub.faults, self._text, self._config.config_hash)
        control.acts.requests, control.acts.lease_s = list(requests), inputs.foreground_lease_s
        control.applied_w, control.applied_s = inputs.applied_w, inputs.applied_t_s
        control.flow_due_ml_min = inputs.flow_due_ml_min
        self._watchdog.status, record.health = inputs.watchdog, inputs.record
        self._switch_and_hands(rare)
        record.row = None
        record.events.clear()
        try:
            out = await control.tick(row.t_s)
        except NothingFired:
            return Difference(row.seq, row.t_s, row.state, {"state": (row.state, State.FIRING.value)})
        return compare.tick(row, expected.events, out, record.row, record.events)

    def _switch_and_hands(self, rare: Mapping[str, Any]) -> None:
        if self._board is not None:
            if "switch" in rare:
                connected, since_s, before, after = rare["switch"]
                self._board.now = witness.Switch(tuple(connected), since_s, before, after)
            self._board.at(self._board.now)
        if "law" in rare:
            self._hands = witness.Hands(*rare["law"])
        if self.control.application is not None:
            self.control.application.told(self._hands)

    async def close(self) -> None:
        """Whatever today's loop had begun ends here."""
        await self.control.close()


def changed(config: Config, change: Mapping[str, float]) -> Config:
    """``config`` with other numbers.

    Raises:
        ReplayError: a name that is none, with the nearest that is; a number that cannot be.
    """
    for name, number in change.items():
        if name not in (known := numbers(config)):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"write one of: {', '.join(known)}"
            raise ReplayError("--set", f"there is no number {name!r}", hint)
        group, _, leaf = name.rpartition(".")
        try:
            if group == "limits":
                freed = tuple((layer, _with(limits, leaf, None)) for layer, limits in config.layers)
                config = replace(config, layers=(*freed, ("--set", _with(Limits(), leaf, number))))
            elif group:
                config = _with(config, group, _with(getattr(config, group), leaf, number))
            else:
                config = _with(config, leaf, number)
        except ValueError as error:
            raise ReplayError("--set", f"{name} cannot be {number:g}", str(error)) from error
    return config


def _with(whole: T, name: str, part: Any) -> T:
    changes: dict[str, Any] = {name: part}
    return cast(T, replace(cast(Any, whole), **changes))


def numbers(config: Config) -> list[str]:
    """What :func:`changed` may change: a limit replaces that of every layer but the compiled ceiling."""
    groups: dict[str, type] = {"limits": Limits, "thresholds": Thresholds, "timing": Timing}
    return ["energy_after_loss_j", *(f"{group}.{f.name}" for group, kind in groups.items() for f in fields(kind))]
