"""An event loop whose time moves only when nothing is ready: thirty virtual seconds cost some milliseconds.

Mark a test ``@pytest.mark.virtual`` to run it here, or call :func:`run` from a synchronous one (hypothesis).
Deliberately not the loop that ships in ``sim``: what tests trust must not be what they test.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Deadlock(RuntimeError):
    """Every task waits, and neither a timer, a descriptor nor a thread can ever wake one."""


class _Selector(selectors.DefaultSelector):
    """Asks the loop what to do when nothing is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: Callable[[float | None], list[tuple[selectors.SelectorKey, int]]] | None = None

    def now(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or self.idle is None or (timeout is not None and timeout <= 0):
            return ready
        return self.idle(timeout)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps from timer to timer.

    Real sockets work while something is readable. While a thread of ``run_in_executor`` is out, timers wait in real
    time, so that a jump cannot overtake its answer.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._virtual_s = start_s
        self._threads_out = 0
        self._quiet_descriptors = 0
        selector = _Selector()
        super().__init__(selector)
        self._wait = selector.now
        self._quiet_descriptors = len(selector.get_map() or ())  # the loop's own wake-up pipe
        selector.idle = self._idle

    def time(self) -> float:
        return self._virtual_s

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._threads_out += 1
        future.add_done_callback(self._thread_is_back)
        return future

    def _thread_is_back(self, _: asyncio.Future[Any]) -> None:
        self._threads_out -= 1

    def _idle(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            selector: selectors.BaseSelector = self._selector  # type: ignore[attr-defined]
            outside = len(selector.get_map() or ()) > self._quiet_descriptors or threading.active_count() > 1
            if not (outside or self._threads_out):
                raise Deadlock("every task waits and nothing can wake one: no timer, no descriptor, no thread")
            return self._wait(None)
        if self._threads_out:
            ready = self._wait(timeout)
            if ready:
                return ready
        self._virtual_s += timeout
        return []


def run(main: Coroutine[Any, Any, T], start_s: float = 0.0) -> T:
    """``asyncio.run`` on virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start_s)) as runner:
        return runner.run(main)
