"""One application from prepare to cool-down, as the foreground does it: the same code over the control socket and in a
rehearsal.

The caller's own life is the lease: while :func:`perform` runs it renews the hold every 100 ms, and when it dies the
energy stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from controller.daemon.control import Operator
from controller.interlocks import in_words

RENEW_S = 0.1
LOOK_EVERY = 5  # renewals to one look at the whole status
READY_WITHIN_S = 20.0
AT_REST = {"SAFE", "TRIPPED", "LOCKOUT"}

LOCKOUT_REMEDY = "ablate reset REASON --bench NAME --lockout, once the generator was found off and the cause is known"

Watch = Callable[[dict[str, Any]], None]
Interrupted = Callable[[], bool | str]
"""Whether to stop; a text is the reason on record, where it is not that somebody interrupted."""
Answer = Callable[[dict[str, Any]], Awaitable[float | None]]
"""Called with an open prompt (``id``, ``kind``, ``text``, ``value``, ``unit``; ``refused``: why the last answer was not
taken); returns when it is done: the length reached, None for the one asked for. Cancelled when somebody else answered.
"""


class NotReady(Exception):
    """The bench refused to become ready, arm or fire (exit code 4). ``blocked_by`` lists what is missing, most
    limiting first.
    """

    def __init__(self, what: str, blocked_by: list[str]) -> None:
        super().__init__(f"{what}: " + ("; ".join(map(in_words, blocked_by)) or "no reason given"))
        self.blocked_by = blocked_by
        self.code = 4


class Latched(NotReady):
    """The bench is still latched by an earlier trip."""


class NotDone(Exception):
    """What was asked of the operator was not done (exit code 6): the prompt was withdrawn, or the foreground was
    interrupted.
    """

    code = 6


def why(interrupted: bool | str) -> str:
    """The reason on record of what :data:`Interrupted` said."""
    return interrupted if isinstance(interrupted, str) and interrupted else "interrupted"


class Hand:
    """Answers prompts beside whatever else the foreground does, one at a time: nothing ever waits for a person but the
    bench.
    """

    def __init__(self, operator: Operator, answer: Answer | None, watch: Watch) -> None:
        self._operator, self._answer, self._watch = operator, answer, watch
        self._prompt_id: int | None = None
        self._task: asyncio.Task[None] | None = None

    def __call__(self, status: dict[str, Any]) -> None:
        """A status was seen: show it; begin, or give up, to answer what it asks."""
        self._watch(status)
        prompt = status.get("prompt")
        prompt_id = prompt["id"] if prompt is not None else None
        if prompt_id != self._prompt_id:
            self._end()
            self._prompt_id = prompt_id
            if prompt is not None and self._answer is not None:
                self._task = asyncio.get_running_loop().create_task(self._ask(prompt, self._answer), name="prompt")
        elif self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()  # a broken answer ends the foreground, and with it the hold

    async def _ask(self, prompt: dict[str, Any], answer: Answer) -> None:
        while True:
            value = await answer(prompt)
            reply = await self._operator.confirm(prompt["id"], "", value)
            if reply.get("ok") or reply.get("open") != prompt["id"]:
                return
            prompt = {**prompt, "refused": str(reply.get("error", "refused"))}

    def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Nothing is answered any more."""
        task = self._task
        self._end()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)


async def inquire(
    operator: Operator,
    kind: str,
    text: str,
    watch: Watch,
    *,
    value: float | None = None,
    unit: str = "mm",
    answer: Answer | None = None,
    interrupted: Interrupted = lambda: False,
) -> float | None:
    """Ask the operator for something that his hands must do between applications; wait until he, or anybody else at
    this bench, confirms it. Return the length reached.

    Raises:
        NotReady: it cannot be asked now.
        NotDone: the bench was stopped or has tripped, or the foreground was interrupted.
    """
    asked = _granted(await operator.ask(kind, text, value, unit), "prompt refused")["prompt"]["id"]
    hand = Hand(operator, answer, watch)
    try:
        while True:
            status = await operator.status()
            hand(status)
            prompt, answered = status.get("prompt"), status.get("answered") or {}
            if answered.get("id") == asked:
                reached: float | None = answered.get("value")
                return reached
            if prompt is None or prompt["id"] != asked:
                raise NotDone(f"not done: {text}")
            if interrupted():
                await operator.stop("", why(interrupted()))
                raise NotDone(f"{why(interrupted())}: {text}")
            await asyncio.sleep(RENEW_S)
    finally:
        await hand.close()


def _granted(answer: dict[str, Any], what: str) -> dict[str, Any]:
    if not answer.get("ok"):
        raise NotReady(what, list(answer.get("blocked_by") or [answer.get("error", "refused")]))
    return answer


async def _until(
    operator: Operator, states: set[str], within_s: float, watch: Watch, interrupted: Interrupted
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within_s
    while True:
        status = await operator.status()
        watch(status)
        waiting = status["state"] == "PRECHECK"  # the kernel ends it in time; priming alone may take longer
        if status["state"] in states or (loop.time() > give_up and not waiting) or interrupted():
            return status
        await asyncio.sleep(RENEW_S)


async def clear_latch(operator: Operator, reason: str, watch: Watch) -> None:
    """Acknowledge and reset an earlier trip: three acts stay three acts, this only saves the typing of a person who
    looked.

    Raises:
        Latched: the cause is still there, or the reset was refused.
    """
    _granted(await operator.ack(""), "acknowledge refused")
    status: dict[str, Any] = {}
    answer: dict[str, Any] = {}
    for _ in range(40):  # the cause must have been clear for 2 s; ask again until it has
        answer = await operator.reset("", reason)
        await asyncio.sleep(RENEW_S)
        status = await operator.status()
        watch(status)
        if status["state"] == "SAFE":
            return
    raise Latched("reset refused", list(answer.get("blocked_by") or status.get("blocked_by") or []))


async def perform(
    operator: Operator,
    protocol: str,
    watch: Watch,
    *,
    reset_reason: str | None = None,
    interrupted: Interrupted = lambda: False,
    answer: Answer | None = None,
    resume: bool = False,
    however_old: bool = False,
    site: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Prepare, arm, fire and hold until the application is over and the bench is at rest; return the last status.

    Args:
        operator: the daemon, near or over its socket.
        protocol: path or shipped name of the protocol file.
        watch: called with every status that was seen (ten a second at most), for progress and live values.
        reset_reason: clear a latch left by an earlier trip first, with this reason in the record.
        interrupted: asked ten times a second; once true, the application is stopped.
        answer: does what the operator is asked for; None: somebody else confirms (``ablate confirm``, the panel).
        resume: continue the newest application of this protocol and target; ``however_old``: see there.
        site: where in a plan it belongs: ``target``, ``index``, ``position``.

    Raises:
        Latched: an earlier trip is still latched.
        NotReady: the bench refuses; nothing was energised.
    """
    hand = Hand(operator, answer, watch)
    try:
        status = await settle(operator, hand, reset_reason=reset_reason, interrupted=interrupted)
        if interrupted():
            return status
        prepared = await operator.prepare(protocol, "", resume=resume, however_old=however_old, site=site)
        _granted(prepared, "prepare refused")
        status = await _ready(operator, hand, interrupted)
        if status["state"] != "READY" or interrupted():
            return status
        _granted(await operator.arm(""), "arm refused")
        status = await _until(operator, {"ARMED", *AT_REST}, 2.0, hand, interrupted)
        if interrupted():
            await operator.stop("", why(interrupted()))
        elif status["state"] == "ARMED":
            _granted(await operator.fire(""), "fire refused")
            status = await _hold(operator, hand, interrupted)
        return status
    finally:
        await hand.close()


async def settle(
    operator: Operator,
    watch: Watch,
    *,
    reset_reason: str | None = None,
    interrupted: Interrupted = lambda: False,
) -> dict[str, Any]:
    """Wait until the bench is SAFE, and return its status; see :func:`perform`.

    Raises:
        Latched: an earlier trip is still latched.
        NotReady: it does not become safe.
    """
    status = await _until(operator, AT_REST, READY_WITHIN_S, watch, interrupted)
    if interrupted():
        return status
    if status["state"] in ("TRIPPED", "LOCKOUT"):
        trip = status.get("trip") or {}
        cause = str(trip.get("text", "no cause recorded"))
        if status["state"] == "LOCKOUT":
            raise Latched("LOCKOUT since an earlier run", [cause, f"end it with: {LOCKOUT_REMEDY}"])
        if reset_reason is None:
            raise Latched("TRIPPED since an earlier run", [cause, "when you have looked: --reset-latch REASON"])
        await clear_latch(operator, reset_reason, watch)
    elif status["state"] != "SAFE":
        raise NotReady("the bench did not become safe", list(status.get("blocked_by") or []))
    return status


async def _ready(operator: Operator, watch: Watch, interrupted: Interrupted) -> dict[str, Any]:
    """After prepare: wait for READY, and in it until the operator did what he is asked; the kernel bounds both."""
    status = await _until(operator, {"READY", *AT_REST}, READY_WITHIN_S, watch, interrupted)
    if status["state"] not in ("READY", "TRIPPED", "LOCKOUT") and not interrupted():
        await operator.stop("", "not ready")
        raise NotReady("the bench did not become ready", list(status.get("unready") or status.get("blocked_by") or []))
    while status["state"] == "READY" and status.get("prompt") is not None and not interrupted():
        await asyncio.sleep(RENEW_S)
        status = await operator.status()
        watch(status)
    if interrupted():
        await operator.stop("", why(interrupted()))
    elif status["state"] not in ("READY", "TRIPPED", "LOCKOUT"):
        raise NotReady("the bench is not ready any more", ["what the operator was asked was not confirmed in time"])
    return status


async def hold(
    operator: Operator, watch: Watch, interrupted: Interrupted = lambda: False, answer: Answer | None = None
) -> dict[str, Any]:
    """Renew the lease until the application is over and concluded; an interruption is a stop request. Return the last
    status. ``answer``: see :func:`perform`.
    """
    hand = Hand(operator, answer, watch)
    try:
        return await _hold(operator, hand, interrupted)
    finally:
        await hand.close()


async def _hold(operator: Operator, watch: Watch, interrupted: Interrupted) -> dict[str, Any]:
    stopped, turn = False, 0
    while True:
        if interrupted() and not stopped:
            stopped = True
            await operator.stop("", why(interrupted()))
        state = (await operator.renew()).get("state")
        if turn % LOOK_EVERY == 0 or state in AT_REST:
            status = await operator.status()
            watch(status)
            if status["state"] in AT_REST and status.get("result") is not None:
                return status
        turn += 1
        await asyncio.sleep(RENEW_S)
