"""Absolute deadlines. Deadline k is t0 + k * period; a missed one is counted and skipped, never replayed (P30).

asyncio's own timers round up to whole milliseconds (the epoll time-out), so a live loop waits on a Linux timer
descriptor where there is one; elsewhere, and on a virtual clock, on the loop's own timer.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Callable
from typing import Protocol

from controller.daemon.histogram import Histogram

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1


class Alarm(Protocol):
    """Something that calls ``wake`` once at an absolute loop time."""

    def at(self, t_s: float, wake: Callable[[], None]) -> None: ...
    def close(self) -> None: ...


class LoopAlarm:
    """The loop's own timer; exact on a virtual clock, up to a millisecond late on a live one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def at(self, t_s: float, wake: Callable[[], None]) -> None:
        self._handle = self._loop.call_at(t_s, wake)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class TimerfdAlarm:
    """A Linux timer descriptor read by the loop: microseconds late instead of a millisecond (``os.timerfd_*`` is
    Python 3.13).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Raises OSError where the system has no timer descriptors."""
        if not sys.platform.startswith("linux"):
            raise OSError("timer descriptors are a Linux feature")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._loop = loop
        self._wake: Callable[[], None] | None = None
        loop.add_reader(self._fd, self._on_readable)

    def at(self, t_s: float, wake: Callable[[], None]) -> None:
        self._wake = wake
        ns = max(1, int(t_s * 1e9))
        spec = struct.pack("qqqq", 0, 0, ns // 1_000_000_000, ns % 1_000_000_000)
        if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, spec, None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def _on_readable(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)


def live_alarm(loop: asyncio.AbstractEventLoop) -> Alarm:
    """The sharpest alarm that this system offers."""
    try:
        return TimerfdAlarm(loop)
    except (OSError, AttributeError):
        return LoopAlarm(loop)


class Ticker:
    """Waits for one deadline after another and keeps account of lateness.

    Attributes:
        ticks: deadlines met.
        late_ticks: deadlines missed altogether, plus those met more than half a period late.
        worst_late_s: the worst lateness seen.
        lateness: of all deadlines that were waited for.
        deadline_s: the newest deadline that was waited for, on the loop's clock.
    """

    def __init__(self, period_s: float, alarm: Alarm, loop: asyncio.AbstractEventLoop) -> None:
        self.period_s = period_s
        self.ticks = 0
        self.late_ticks = 0
        self.worst_late_s = 0.0
        self.lateness = Histogram()
        self.deadline_s = loop.time()
        self._alarm = alarm
        self._loop = loop
        self._t0 = loop.time()
        self._k = 0

    async def next(self) -> float:
        """Wait for the next deadline that is still ahead; return the time at which the loop woke."""
        loop = self._loop
        now = loop.time()
        ahead = int((now - self._t0) / self.period_s) + 1
        if ahead > self._k + 1:
            self.late_ticks += ahead - self._k - 1
        self._k = max(self._k + 1, ahead)
        self.deadline_s = deadline = self._t0 + self._k * self.period_s
        woken: asyncio.Future[None] = loop.create_future()
        self._alarm.at(deadline, lambda: None if woken.done() else woken.set_result(None))
        await woken
        now = loop.time()
        late = now - deadline
        self.worst_late_s = max(self.worst_late_s, late)
        self.lateness.add(late)
        if late > 0.5 * self.period_s:
            self.late_ticks += 1
        self.ticks += 1
        return now

    def close(self) -> None:
        """Release the alarm."""
        self._alarm.close()
