"""One application from prepare to cool-down, as the foreground does it: the same code over the control socket and in a
rehearsal.

The caller's own life is the lease: while :func:`perform` runs it renews the hold every 100 ms, and when it dies the
energy stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from controller.daemon.control import Operator

RENEW_S = 0.1
LOOK_EVERY = 5  # renewals to one look at the whole status
READY_WITHIN_S = 20.0
AT_REST = {"SAFE", "TRIPPED", "LOCKOUT"}

LOCKOUT_REMEDY = "ablate reset REASON --bench NAME --lockout, once the generator was found off and the cause is known"

Watch = Callable[[dict[str, Any]], None]
Interrupted = Callable[[], bool]


class NotReady(Exception):
    """The bench refused to become ready, arm or fire (exit code 4). ``blocked_by`` lists what is missing, most
    limiting first.
    """

    def __init__(self, what: str, blocked_by: list[str]) -> None:
        super().__init__(f"{what}: " + ("; ".join(blocked_by) or "no reason given"))
        self.blocked_by = blocked_by
        self.code = 4


class Latched(NotReady):
    """The bench is still latched by an earlier trip."""


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
        if status["state"] in states or loop.time() > give_up or interrupted():
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
) -> dict[str, Any]:
    """Prepare, arm, fire and hold until the application is over and the bench is at rest; return the last status.

    Args:
        operator: the daemon, near or over its socket.
        protocol: path or shipped name of the protocol file.
        watch: called with every status that was seen (ten a second at most), for progress and live values.
        reset_reason: clear a latch left by an earlier trip first, with this reason in the record.
        interrupted: asked ten times a second; once true, the application is stopped.

    Raises:
        Latched: an earlier trip is still latched.
        NotReady: the bench refuses; nothing was energised.
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
    _granted(await operator.prepare(protocol, ""), "prepare refused")
    status = await _until(operator, {"READY", *AT_REST}, READY_WITHIN_S, watch, interrupted)
    if interrupted():
        await operator.stop("", "interrupted")
        return status
    if status["state"] not in ("READY", "TRIPPED", "LOCKOUT"):
        await operator.stop("", "not ready")
        raise NotReady("the bench did not become ready", list(status.get("unready") or status.get("blocked_by") or []))
    if status["state"] != "READY":
        return status
    _granted(await operator.arm(""), "arm refused")
    status = await _until(operator, {"ARMED", *AT_REST}, 2.0, watch, interrupted)
    if interrupted():
        await operator.stop("", "interrupted")
    elif status["state"] == "ARMED":
        _granted(await operator.fire(""), "fire refused")
        status = await hold(operator, watch, interrupted)
    return status


async def hold(operator: Operator, watch: Watch, interrupted: Interrupted = lambda: False) -> dict[str, Any]:
    """Renew the lease until the application is over and concluded; an interruption is a stop request. Return the last
    status.
    """
    stopped, turn = False, 0
    while True:
        if interrupted() and not stopped:
            stopped = True
            await operator.stop("", "interrupted")
        state = (await operator.renew()).get("state")
        if turn % LOOK_EVERY == 0 or state in AT_REST:
            status = await operator.status()
            watch(status)
            if status["state"] in AT_REST and status.get("result") is not None:
                return status
        turn += 1
        await asyncio.sleep(RENEW_S)
