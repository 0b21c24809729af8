"""The desk at which people ask the daemon for things: the ``Operator`` behind the control socket.

Nothing here touches energy. What is asked becomes a `Request` that the kernel judges in the next tick; the answer says
what state followed, or what stands in the way.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from controller.config import setup
from controller.config.loading import load_protocol
from controller.config.problems import ConfigError
from controller.daemon import describe
from controller.daemon.guard import guard
from controller.providers import BANNERS
from safety.types import Origin, Request, State, Verb

if TYPE_CHECKING:
    from controller.daemon.app import Daemon


class Desk:
    """Answers one daemon's operators. Every answer has ``ok``; a refusal says why in ``error`` and ``blocked_by``."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._loop = asyncio.get_running_loop()

    def _post(self, verb: Verb, who: str, *, origin: Origin = Origin.LOCAL, reason: str = "") -> None:
        self._daemon.control.acts.requests.append(Request(verb, origin, self._loop.time(), who, reason))

    async def _ask(
        self, verb: Verb, who: str, wanted: set[State], origin: Origin = Origin.LOCAL, reason: str = ""
    ) -> dict[str, Any]:
        before = self._daemon.control.outputs
        if before is None or before.state in wanted:
            already = before.state.value if before is not None else "starting"
            return {"ok": False, "error": f"{verb.value} refused: already {already}"}
        self._post(verb, who, origin=origin, reason=reason)
        await self._daemon.judged()
        out = self._daemon.control.outputs
        assert out is not None
        if out.state in wanted:
            return {"ok": True, "state": out.state.value}
        return {"ok": False, "error": f"{verb.value} refused in {out.state.value}", "blocked_by": list(out.blocked_by)}

    async def prepare(self, protocol: str, who: str) -> dict[str, Any]:
        """Load ``protocol``, check it against the bench, and begin PRECHECK."""
        daemon = self._daemon
        out = daemon.control.outputs
        if out is None or out.state is not State.SAFE:
            return {"ok": False, "error": f"prepare needs SAFE, not {out.state.value if out else 'BOOT'}"}
        try:
            joined = setup.combine(daemon.loaded, load_protocol(protocol))
            loaded = joined.protocol
            declarations = daemon.instruments.declarations()
            config = guard(daemon.bench, loaded.protocol, declarations, joined.kernel_layers, joined.config_hash)
        except (ConfigError, ValueError) as error:
            return {"ok": False, "error": str(error), "blocked_by": str(error).splitlines(), "configuration": True}
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
                "who": who,
            },
        )
        return await self._ask(Verb.PREPARE, who, {State.PRECHECK, State.READY})

    async def arm(self, who: str) -> dict[str, Any]:
        """First act. Files that were edited since they were checked are refused (H34)."""
        for path, text in self._daemon.files.items():
            if not path.is_file() or path.read_text() != text:
                why = f"{path} was edited after it was checked"
                return {"ok": False, "error": why, "blocked_by": [f"{why}; check it, then prepare again"]}
        return await self._ask(Verb.ARM, who, {State.ARMED})

    async def fire(self, who: str) -> dict[str, Any]:
        """Second act. The caller's hold begins here; it lasts as long as it is renewed."""
        acts = self._daemon.control.acts
        if acts.lease_s is not None:
            return {"ok": False, "error": "another foreground holds the application"}
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
        self._daemon.account.stop_asked(reason or "stop")
        await self._daemon.judged()
        return {"ok": True}

    def stop_from_network(self, who: str, reason: str) -> None:
        """STOP as it comes from the broker; the only verb there is."""
        self._post(Verb.STOP, who, origin=Origin.NETWORK, reason=reason)
        self._daemon.account.stop_asked(reason or "stop from the network")

    async def ack(self, who: str) -> dict[str, Any]:
        """The alarm was seen; nothing else changes."""
        self._post(Verb.ACK, who)
        await self._daemon.judged()
        return {"ok": True}

    async def reset(self, who: str, reason: str) -> dict[str, Any]:
        """Clear the latch, once every condition of it is gone."""
        if not reason:
            return {"ok": False, "error": "a reset needs a reason; it is kept in the record"}
        return await self._ask(Verb.RESET, who, {State.SAFE}, reason=reason)

    async def shutdown(self, who: str) -> dict[str, Any]:
        """End: stop if need be, wait until off is proven, and leave."""
        self._post(Verb.STOP, who, reason="shutdown")
        await self._daemon.judged()
        self._daemon.end()
        return {"ok": True, "session_file": str(self._daemon.recorder.path)}

    async def status(self) -> dict[str, Any]:
        """Everything a person or a script may want to see at a glance."""
        daemon, now_s = self._daemon, self._loop.time()
        if daemon.control.outputs is None:
            return {"ok": True, "state": State.BOOT.value}
        record, simulated = daemon.recorder.status(), daemon.around.simulated
        return {
            **describe.status(daemon.bench, daemon.control, daemon.hub.latest, daemon.account, now_s),
            "ok": True,
            "simulated": simulated,
            "banner": BANNERS[simulated],
            "protocol": daemon.protocol.protocol if daemon.protocol is not None else None,
            "session_file": str(daemon.recorder.path),
            "record": {"healthy": record.healthy, "text": record.text, "age_s": now_s - record.t_durable_s},
            "pids": {"daemon": os.getpid(), "watchdog": daemon.around.watchdog.pid},
            "result": daemon.result,
            "unready": daemon.unready,
            **daemon.timing(),
        }
