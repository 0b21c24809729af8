"""Virtual time: an event loop that jumps from timer to timer, as fast as it can or paced to a multiple of real time.

Callbacks run in the same order whatever the pace, so that one seed gives one result.

From outside it is asyncio's loop: tasks, futures, descriptors, signals and threads work as they do there. Inside, the
round is our own, because asyncio's was a fifth of a rehearsal (25 calls a tick): it compares timers in Python and asks
for the debug mode at every call. This one took 10 % off the whole.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import selectors
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from heapq import heappop, heappush
from typing import Any, TypeVarTuple, cast

Ts = TypeVarTuple("Ts")

LOOK_EVERY = 256  # rounds between two looks at descriptors (signals) while there is something to do
RESOLUTION_S = 1e-9  # timers due within this time of each other run in one round, as on CLOCK_MONOTONIC


class _Call(float):
    """A callback that waits for its turn or its time; its value is when, in virtual seconds.

    One object where asyncio has three steps of construction and a heap would need a fourth: a heap of floats is
    compared by C, and there are 25 calls a tick. It has what tasks, futures and asyncio's own helpers use of a handle.
    """

    __slots__ = ("_args", "_callback", "_cancelled", "_context")
    _source_traceback = None

    _callback: Callable[..., object]
    _args: tuple[Any, ...]
    _context: contextvars.Context
    _cancelled: bool

    def cancel(self) -> None:
        """See :meth:`asyncio.Handle.cancel`."""
        self._cancelled = True
        self._callback, self._args = _nothing, ()

    def cancelled(self) -> bool:
        """See :meth:`asyncio.Handle.cancelled`."""
        return self._cancelled

    def when(self) -> float:
        """See :meth:`asyncio.TimerHandle.when`."""
        return float(self)

    def __bool__(self) -> bool:
        return True  # at whatever time

    def __repr__(self) -> str:
        return f"<call of {self._callback!r} at {float(self)}>"


def _nothing() -> None:
    """What a cancelled call would do."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """``speed`` bounds virtual seconds per real second; infinity: no bound. Time starts at ``start_s``."""

    # asyncio's own: what is ready to run, and how the loop ends
    _ready: deque[Any]  # ours, and asyncio's own handles of descriptors and threads
    _selector: selectors.BaseSelector
    _process_events: Callable[[list[tuple[selectors.SelectorKey, int]]], None]
    _check_closed: Callable[[], None]
    _closed: bool
    _stopping: bool

    def __init__(self, speed: float = math.inf, start_s: float = 1000.0) -> None:
        super().__init__()
        self._virtual_s = self._start_s = start_s
        self._real_start_s = time.monotonic()
        self._speed = speed
        self._timers: list[_Call] = []
        self._rounds = 0
        self.create_future = partial(asyncio.Future, loop=self)  # type: ignore[method-assign]  # without a step of Python

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_s

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """See :meth:`asyncio.loop.call_soon`."""
        if self._closed:
            self._check_closed()  # raises
        call = _Call(self._virtual_s)
        call._callback, call._args, call._cancelled = callback, args, False
        call._context = copy_context() if context is None else context
        self._ready.append(call)
        return cast(asyncio.Handle, call)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """See :meth:`asyncio.loop.call_at`. A cancelled timer stays in the heap until its time has come."""
        if self._closed:
            self._check_closed()  # raises
        call = _Call(when)
        call._callback, call._args, call._cancelled = callback, args, False
        call._context = copy_context() if context is None else context
        heappush(self._timers, call)
        return cast(asyncio.TimerHandle, call)

    def _run_once(self) -> None:
        """What ``run_forever`` repeats: here it is round after round until somebody stops the loop."""
        ready, timers = self._ready, self._timers
        next_ready, more = ready.popleft, ready.append
        while True:
            while timers and timers[0]._cancelled:
                heappop(timers)
            self._rounds += 1
            if self._rounds >= LOOK_EVERY:
                self._rounds = 0
                self._look(0.0)
            if not ready and not self._stopping:
                self._advance()
            due_s = self._virtual_s + RESOLUTION_S
            while timers and timers[0] < due_s:
                more(heappop(timers))
            for _ in range(len(ready)):  # what these add waits for the next round
                call = next_ready()
                if not call._cancelled:
                    try:
                        call._context.run(call._callback, *call._args)
                    except (SystemExit, KeyboardInterrupt):
                        raise
                    except BaseException as error:
                        told = {"message": f"Exception in callback {call!r}", "exception": error, "handle": call}
                        self.call_exception_handler(told)
            if self._stopping:
                return

    def _advance(self) -> None:
        """Nothing is left to do now: let time jump to the next timer, when real time allows it."""
        if not self._timers:
            self._look(None)  # only a descriptor or another thread can go on
            return
        next_s = float(self._timers[0])
        if self._speed < math.inf:
            ahead_s = (next_s - self._start_s) / self._speed - (time.monotonic() - self._real_start_s)
            if ahead_s > 0.0 and self._look(ahead_s):
                return  # a signal; the jump comes later
        if next_s > self._virtual_s:
            self._virtual_s = next_s

    def _look(self, timeout_s: float | None) -> bool:
        """Wait for descriptors at most so long; True: something came."""
        events = self._selector.select(timeout_s)
        self._process_events(events)
        return bool(events)
