"""One task per device that polls it at its declared period. Its death, for whatever reason, is a fault that trips
(P11).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from controller.daemon.hub import Hub
from drivers.contract import BadReply, Driver, LinkLost, NoReply, Refused
from safety.types import Fault

log = logging.getLogger(__name__)

Before = Callable[[], Awaitable[None]]


async def _sleep_until(loop: asyncio.AbstractEventLoop, due_s: float) -> None:
    """As asyncio.sleep, at half its cost: nothing is cancelled when the time has simply come."""
    woken: asyncio.Future[None] = loop.create_future()
    timer = loop.call_at(due_s, _wake, woken)
    try:
        await woken
    except asyncio.CancelledError:
        timer.cancel()
        raise


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


async def acquire(driver: Driver, hub: Hub, period_s: float, before: Before | None = None) -> None:
    """Poll ``driver`` for ever; ``before`` runs ahead of each poll on the same task (how a pump follows its wish).

    A reply that fails is absence of evidence, left to staleness; a lost link is a fault and ends the task.
    """
    loop = asyncio.get_running_loop()
    device, took = driver.name, hub.polled(driver.name)
    due = loop.time()
    try:
        while True:
            try:
                if before is not None:
                    await before()
                began = loop.time()
                hub.put(device, await driver.poll())
                took.add(loop.time() - began)
            except (NoReply, BadReply, Refused) as error:
                log.debug("%s: %s", device, error)
            now = loop.time()
            due = max(due + period_s, now)
            if due > now:
                await _sleep_until(loop, due)
            else:
                await asyncio.sleep(0)
    except LinkLost as error:
        text, check = f"link to {device} lost: {error}", f"cable, power and USB of {device}; then reset"
        hub.fault(Fault("H15", "link", device, text, check, loop.time()))
    except Exception as error:
        log.exception("acquisition of %s died", device)
        text = f"acquisition of {device} died: {type(error).__name__}: {error}"
        hub.fault(Fault("H26", "acquisition", device, text, "report this as a bug with the session file", loop.time()))
