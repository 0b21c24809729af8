"""The desk at which people ask the daemon for things: the ``Operator`` behind the control socket.

Nothing here touches energy. What is asked becomes a `Request` that the kernel judges in the next tick; the answer says
what state followed, or what stands in the way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from controller import tagged
from controller.config import setup
from controller.config.loading import load_protocol
from controller.config.problems import ConfigError
from controller.daemon import describe, seen
from controller.daemon.course import Site
from controller.daemon.guard import guard
from controller.daemon.look import look
from controller.daemon.marks import MARK, marked
from controller.daemon.prompts import Prompt
from controller.daemon.refusals import Refusals, remedy
from controller.daemon.resume import delivered_before
from controller.providers import BANNERS
from safety.types import Origin, Request, State, Verb

if TYPE_CHECKING:
    from controller.daemon.app import Daemon

KINDS = ("deploy", "reposition", "retract", "pull-back")
NOTES = ("plan", "predicted")
"""What a foreground that works through a plan may write into the record."""


class Desk:
    """Answers one daemon's operators. Every answer has ``ok``; a refusal says why in ``error`` and ``blocked_by``."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._preparing = False
        self._loop = asyncio.get_running_loop()
        self.refusals = Refusals(self._note, self._loop)

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        self._daemon.recorder.event(self._loop.time(), kind, data)

    def _refuse(self, verb: Verb, who: str, error: str, by: Sequence[str] = (), **more: Any) -> dict[str, Any]:
        """The answer to what the kernel is not even asked, recorded. ``by``: the reasons, if not ``error`` itself."""
        self.refusals.tell(verb.value, who, by or (error,))
        return {"ok": False, "error": error, "blocked_by": list(by), **more}

    def _post(self, verb: Verb, who: str, *, origin: Origin = Origin.LOCAL, reason: str = "") -> None:
        self._daemon.control.acts.requests.append(Request(verb, origin, self._loop.time(), who, reason))

    async def _ask(
        self, verb: Verb, who: str, wanted: set[State], origin: Origin = Origin.LOCAL, reason: str = ""
    ) -> dict[str, Any]:
        before = self._daemon.control.outputs
        if before is None or before.state in wanted:
            state = before.state if before is not None else State.BOOT
            already = state.value if before is not None else "starting"
            by = (f"state {state.value}", *(before.blocked_by if before is not None else ()))
            return self._refuse(verb, who, f"{verb.value} refused: already {already}{remedy(verb.value, state)}", by)
        self.refusals.judging(verb, who)
        self._post(verb, who, origin=origin, reason=reason)
        await self._daemon.judged()
        by = tuple(self.refusals.verdict(verb, who))
        out = self._daemon.control.outputs
        assert out is not None
        if out.state in wanted:
            return {"ok": True, "state": out.state.value}
        error = f"{verb.value} refused in {out.state.value}{remedy(verb.value, out.state)}"
        return {"ok": False, "error": error, "blocked_by": list(by or out.blocked_by)}

    async def prepare(
        self,
        protocol: str,
        who: str,
        *,
        resume: bool = False,
        however_old: bool = False,
        site: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Load ``protocol``, check it against the bench, and begin PRECHECK.

        Args:
            resume: continue the newest application of this protocol and target, which must be unfinished.
            however_old: ... also when that was more than an hour ago.
            site: where in a plan it belongs: ``target``, ``index``, ``position``.
        """
        if self._preparing:
            return self._refuse(Verb.PREPARE, who, "prepare refused: another one is being made")
        self._preparing = True
        try:
            return await self._prepare(protocol, who, resume, however_old, site or {})
        finally:
            self._preparing = False

    async def _prepare(
        self, protocol: str, who: str, resume: bool, however_old: bool, site: dict[str, Any]
    ) -> dict[str, Any]:
        daemon = self._daemon
        if (asked := daemon.course.prompts.open) is not None:
            return self._asked_first(Verb.PREPARE, who, asked)
        daemon.course.hurry()
        while daemon.control.state.state is State.SAFE and not daemon.course.concluded:
            await daemon.judged()
        try:
            place = Site(**site)
            joined = setup.combine(daemon.loaded, load_protocol(protocol))
            loaded = joined.protocol
            declarations = daemon.instruments.declarations()
            layers, left, part = joined.kernel_layers, loaded.protocol, None
            heated_c = daemon.course.heated.apart_c(place.target, self._loop.time())
            config = guard(daemon.bench, loaded.protocol, declarations, layers, joined.config_hash, heated_c)
            if resume:
                part = await daemon.unfinished(left.protocol, joined.config_hash, place.target, however_old)
                left = left.model_copy(update={"law": left.law.remaining(part.delivered)})
                layers = (*layers, delivered_before(part, config.limits))
                heated_c = part.apart_c if heated_c is None else heated_c
                config = guard(daemon.bench, loaded.protocol, declarations, layers, joined.config_hash, heated_c)
            if refusal := daemon.supply.refusal(left):
                raise ValueError(refusal)
            if (state := daemon.control.state.state) is not State.SAFE:  # asked last: there was something to wait for
                by = (f"state {state.value}", *(out.blocked_by if (out := daemon.control.outputs) is not None else ()))
                return self._refuse(
                    Verb.PREPARE, who, f"prepare needs SAFE, not {state.value}{remedy('prepare', state)}", by
                )
            daemon.course.take(left, place, joined.config_hash, part)
        except (ConfigError, TypeError, ValueError) as error:
            return self._refuse(Verb.PREPARE, who, str(error), str(error).splitlines(), configuration=True)
        daemon.take(loaded, config, joined.config_hash)
        daemon.recorder.event(
            self._loop.time(),
            "protocol",
            {
                "name": loaded.protocol.protocol,
                "text": daemon.files[loaded.path],
                "sha256": joined.config_hash,
                "limits": {name: {"value": bound.value, "layer": bound.layer} for name, bound in config.limits.items()},
                "law": loaded.protocol.law.model_dump(),
                "resumes": part.as_dict() if part is not None else None,
                "heated": heated_c is not None,
                "agree_c": round(config.thresholds.agree_c, 1),
                "kernel": tagged.plain(config),
                "who": who,
            },
        )
        if wrong := daemon.alarms.test(self._loop.time()):
            return self._refuse(Verb.PREPARE, who, "the self-test of the alarms failed", wrong)
        answer = await self._ask(Verb.PREPARE, who, {State.PRECHECK, State.READY})
        return {**answer, "resumes": part.as_dict()} if part is not None else answer

    async def ask(
        self, kind: str, text: str, value: float | None = None, unit: str = "mm", who: str = ""
    ) -> dict[str, Any]:
        """Ask the operator for something that his hands must do between applications. Returns at once, with the
        ``prompt``; ``status()["prompt"]`` is open until it is confirmed, ``status()["answered"]`` then has the answer.
        """
        if kind not in KINDS:
            return {"ok": False, "error": f"a prompt of kind {kind!r}: write one of {', '.join(KINDS)}"}
        if self._daemon.control.state.state is not State.SAFE:
            found = self._daemon.control.state.state.value
            return {"ok": False, "error": f"hands are asked for between applications, in SAFE, not in {found}"}
        try:
            prompt = self._daemon.course.prompts.ask(self._loop.time(), kind, text, value, unit)
        except ValueError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "prompt": prompt.as_dict()}

    async def confirm(self, prompt_id: int | None, who: str, value: float | None = None) -> dict[str, Any]:
        """It is done: the operator's word about his hands, no permission. ``value``: the length reached, if another."""
        return await self._daemon.course.prompts.confirm(prompt_id, who, value)

    async def bag(self, who: str, bag_ml: float | None = None) -> dict[str, Any]:
        """A new saline bag hangs; ``bag_ml``: of another volume than the bench file's."""
        return self._daemon.supply.hang(who, bag_ml)

    async def note(self, kind: str, data: dict[str, Any], who: str = "") -> dict[str, Any]:
        """Keep in the record what only the foreground knows (the plan, and what was predicted of an application), or
        what a person marks: ``text``, and ``ago_s`` since he saw it. Raises ValueError: a mark that says nothing.
        """
        now_s = self._loop.time()
        if kind == MARK:
            data = marked(data, now_s)
        elif kind not in NOTES:
            return {"ok": False, "error": f"a note of kind {kind!r}: write one of {', '.join((*NOTES, MARK))}"}
        self._daemon.recorder.event(now_s, kind, {**data, "who": who})
        return {"ok": True}

    async def arm(self, who: str) -> dict[str, Any]:
        """First act. Files that were edited since they were checked are refused (H34)."""
        daemon = self._daemon
        for path, text in daemon.files.items():
            if not path.is_file() or path.read_text(errors="replace") != text:
                why = f"{path} was edited after it was checked"
                then = "restart the daemon" if path == daemon.course.law_file else "check it, then prepare again"
                return self._refuse(Verb.ARM, who, why, [f"{why}; {then}"])
        if (asked := self._daemon.course.prompts.open) is not None:
            return self._asked_first(Verb.ARM, who, asked)
        return await self._ask(Verb.ARM, who, {State.ARMED})

    async def fire(self, who: str) -> dict[str, Any]:
        """Second act. The caller's hold begins here; it lasts as long as it is renewed."""
        acts = self._daemon.control.acts
        if acts.lease_s is not None:
            return self._refuse(Verb.FIRE, who, "another foreground holds the application")
        acts.lease_s = self._loop.time()
        answer = await self._ask(Verb.FIRE, who, {State.FIRING}, Origin.FOREGROUND)
        if not answer["ok"]:
            acts.lease_s = None
        return answer

    async def renew(self) -> dict[str, Any]:
        """Go on holding. A hold that has ended is not brought back: the next application begins with its own FIRE."""
        acts, state = self._daemon.control.acts, self._daemon.control.state.state
        if acts.lease_s is None:
            return {"ok": False, "error": f"nothing is held in {state.value}; fire first", "state": state.value}
        acts.lease_s = self._loop.time()
        return {"ok": True, "state": state.value}

    async def release(self) -> dict[str, Any]:
        """Let go: the kernel ends the application in its next tick."""
        self._daemon.control.acts.lease_s = None
        return {"ok": True}

    async def stop(self, who: str, reason: str, origin: Origin = Origin.LOCAL) -> dict[str, Any]:
        """End the application; valid in every state."""
        self._post(Verb.STOP, who, origin=origin, reason=reason)
        self._daemon.course.stop_asked(reason or "stop")
        await self._daemon.judged()
        return {"ok": True}

    def stop_from_network(self, who: str, reason: str) -> None:
        """STOP as it comes from the broker; the only verb there is."""
        self._post(Verb.STOP, who, origin=Origin.NETWORK, reason=reason)
        self._daemon.course.stop_asked(reason or "stop from the network")

    async def ack(self, who: str) -> dict[str, Any]:
        """The alarms were seen; nothing else changes. A trip stays latched until it is reset. Answered with what was
        ``acknowledged`` (trip, or only alarms), the ``state``, and whether a trip is ``latched``.
        """
        seen = self._daemon.alarms.acknowledge(self._loop.time())
        self.refusals.judging(Verb.ACK, who)
        self._post(Verb.ACK, who)
        await self._daemon.judged()
        by, state = self.refusals.verdict(Verb.ACK, who), self._daemon.control.state
        if by and not seen:
            error = f"there is nothing to acknowledge in {state.state.value}"
            return {"ok": False, "error": error, "blocked_by": by}
        what = "alarms" if by else "trip"
        return {"ok": True, "acknowledged": what, "state": state.state.value, "latched": bool(state.trips)}

    async def silence(self, who: str) -> dict[str, Any]:
        """Pause the sound of what is alarmed now. Nothing is acknowledged; a new alarm of high priority sounds."""
        now_s = self._loop.time()
        paused_s = self._daemon.alarms.silence(now_s)
        if not paused_s:
            return {"ok": False, "error": "there is no alarm to silence"}
        self._daemon.recorder.event(now_s, "silence", {"who": who, "paused_s": paused_s})
        return {"ok": True, "paused_s": paused_s}

    async def reset(self, who: str, reason: str) -> dict[str, Any]:
        """Clear the latch, once every condition of it is gone."""
        if not reason:
            return self._refuse(Verb.RESET, who, "a reset needs a reason; it is kept in the record")
        return await self._ask(Verb.RESET, who, {State.SAFE}, reason=reason)

    async def shutdown(self, who: str) -> dict[str, Any]:
        """End: stop if need be, wait until off is proven, and leave."""
        self._post(Verb.STOP, who, reason="shutdown")
        await self._daemon.judged()
        self._daemon.end()
        # A hot applicator is cooled before the daemon leaves: whoever waits for that must know how long it may take.
        rest_s = self._daemon.control.config.timing.cooldown_max_s if self._daemon.supply.pump is not None else 0.0
        return {"ok": True, "session_file": str(self._daemon.recorder.path), "rest_s": rest_s}

    async def status(self) -> dict[str, Any]:
        """Everything a person or a script may want to see at a glance."""
        daemon, now_s = self._daemon, self._loop.time()
        if daemon.control.outputs is None:
            return {"ok": True, "state": State.BOOT.value}
        record, simulated = daemon.recorder.status(), daemon.around.simulated
        return {
            **describe.status(daemon.bench, daemon.control, daemon.hub.latest, daemon.course, now_s),
            **seen.seen(
                daemon.bench.roles,
                daemon.control.config,
                daemon.control.state,
                daemon.hub.latest,
                daemon.around.watchdog.status,
                now_s,
            ),
            "ok": True,
            "simulated": simulated,
            "banner": BANNERS[simulated],
            "protocol": daemon.protocol.protocol if daemon.protocol is not None else None,
            "session_file": str(daemon.recorder.path),
            "record": {"healthy": record.healthy, "text": record.text, "age_s": now_s - record.t_durable_s},
            "pids": {"daemon": os.getpid(), "watchdog": daemon.around.watchdog.pid},
            "result": daemon.course.result,
            "unready": daemon.unready,
            "alarms": daemon.alarms.as_dict(now_s),
            "coolant": daemon.supply.as_dict(),
            "mqtt": daemon.around.telemetry.status(),
            "loop": daemon.around.claim.as_dict(),
            **daemon.timing(),
        }

    async def look(self) -> dict[str, Any]:
        """Every channel as it was read last, and who the devices are; see :func:`controller.daemon.look.look`. With the
        distributions of ``times``, see :meth:`controller.daemon.timing.Timing.record`."""
        daemon, control = self._daemon, self._daemon.control
        if control.outputs is None:
            return {"ok": False, "error": "the daemon has only begun", "state": State.BOOT.value}
        devices, watchdog = daemon.instruments.identities, daemon.around.watchdog.status
        now_s = self._loop.time()
        found = look(control.config, control.state, control.outputs, daemon.hub.latest, devices, watchdog, now_s)
        return {**found, "times": daemon.times.record()["times"]}

    def _asked_first(self, act: Verb, who: str, prompt: Prompt) -> dict[str, Any]:
        why = f"prompt {prompt.id}: {prompt.text}; when it is done: ablate confirm {prompt.id}"
        return self._refuse(act, who, f"{act.value} refused: the operator is asked first", [why])
