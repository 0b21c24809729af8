"""What the daemon claims of the machine where its bench file asks for it (``loop: {realtime: true}``): a real-time
priority for its loop, and memory that is never fetched from a disk.

A loop at a real-time priority comes before every ordinary process, and one that never sleeps comes before them for
ever. So it is claimed below the watchdog's priority and only where the watchdog has that; nothing that is started
later inherits it; and the kernel takes it away from a loop that does not sleep (``RLIMIT_RTTIME``): first by a signal
at which the daemon gives it back, then, where no Python runs any more, by SIGKILL, which the watchdog answers with a
cut. A refusal is a sentence, never a failure. docs/adr/0011 weighs this.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from safety.watchdog.hardening import FIFO_PRIORITY, MCL_CURRENT, MCL_FUTURE

PRIORITY = FIFO_PRIORITY // 2
"""Of the loop; kernel and people use what is above the watchdog's 10."""
THREADS_PRIORITY = PRIORITY - 1
"""Of what the loop waits for: the record's thread and those of VISA. Preempted by ordinary processes while it holds the
interpreter, such a thread would hold the loop up."""
AWAKE_S, KILLED_S = 0.5, 1.0
"""Processor time without sleeping at which the priority is given back, and at which the daemon is killed. A tick takes
milliseconds; loading a protocol, at rest, some tens of them. The watchdog's own lease (0.2 s) is shorter and comes
first wherever the watchdog lives."""
WATCHDOG_S, LOOK_S = 1.0, 0.02
"""The watchdog takes its priority after it has started this process."""
MCL_ONFAULT = 4
"""mman.h: future pages are locked when they are touched, not when they are reserved (8 MB for each thread's stack)."""


class Refused(Exception):
    """The system says no: a sentence with the limit to raise."""


class Claim:
    """What is claimed and what was granted. Without ``realtime`` nothing is. ``event_loop`` names the loop that runs,
    ``refused`` is what was refused before.

    Attributes:
        priority: of the loop, SCHED_FIFO; 0: an ordinary process.
        memory_locked: nothing of the daemon can be swapped out.
        refused: why something was not granted, or not for good, and which limit to raise; a sentence each.
        on_lost: called, from a signal handler, when the priority had to be given back.
    """

    def __init__(self, *, realtime: bool = False, event_loop: str = "asyncio", refused: tuple[str, ...] = ()) -> None:
        self._wanted, self._event_loop = realtime, event_loop
        self.priority, self.memory_locked = 0, False
        self.refused = list(refused)
        self.on_lost: Callable[[str], object] = lambda text: None

    def as_dict(self) -> dict[str, Any]:
        """For status and the session's header."""
        return {
            "event_loop": self._event_loop,
            "fifo_priority": self.priority or None,
            "memory_locked": self.memory_locked,
            "refused": list(self.refused),
        }

    async def take(self) -> None:
        """Claim both for this process, which must be the watchdog's child. What is started from here on, threads
        included, is ordinary."""
        if not self._wanted:
            return
        for claim in (self._lock_memory, self._take_priority):
            try:
                await claim()
            except Refused as error:
                self.refused.append(str(error))

    def share(self) -> None:
        """Threads that exist now, and that the loop waits for, come right below it."""
        if not self.priority:
            return
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and thread.native_id is not None:
                with suppress(OSError):  # it has ended, or the limit was lowered meanwhile
                    _schedule(thread.native_id, os.SCHED_FIFO, THREADS_PRIORITY)

    async def _lock_memory(self) -> None:
        with suppress(OSError, ValueError):  # whoever may lock more than his limit
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mlockall(MCL_CURRENT) != 0:
            why = os.strerror(ctypes.get_errno())
            raise Refused(f"memory is not locked ({why}): {memory_limit(limit)}")
        self.memory_locked = True
        if limit == resource.RLIM_INFINITY:  # at a limit the next allocation would fail instead
            libc.mlockall(MCL_FUTURE | MCL_ONFAULT)

    async def _take_priority(self) -> None:
        loop = asyncio.get_running_loop()
        until_s, watchdog = loop.time() + WATCHDOG_S, os.getppid()
        while not comes_first(watchdog):
            if loop.time() > until_s:
                why = "no real-time priority: the watchdog, which must come first, has none"
                raise Refused(f"{why}; {priority_limit()}")
            await asyncio.sleep(LOOK_S)
        resource.setrlimit(resource.RLIMIT_RTTIME, (round(AWAKE_S * 1e6), round(KILLED_S * 1e6)))
        signal.signal(signal.SIGXCPU, self._lose)  # not the loop's own handler, which a loop that hangs never reaches
        try:
            _schedule(0, os.SCHED_FIFO, PRIORITY)
        except OSError as error:
            raise Refused(f"no real-time priority ({error.strerror}): {priority_limit()}") from None
        self.priority = PRIORITY

    def _lose(self, number: int, frame: object) -> None:
        """The loop did not sleep for too long: ordinary again, with all its threads, for the rest of this run."""
        for thread in os.listdir("/proc/self/task"):
            with suppress(OSError):
                _schedule(int(thread), os.SCHED_OTHER, 0)
        if self.priority:
            self.priority = 0
            text = f"the real-time priority was given back: the daemon had computed for {AWAKE_S:g} s without a pause"
            self.refused.append(text)
            self.on_lost(text)


def comes_first(process: int) -> bool:
    """Whether the kernel would run ``process`` before a loop of ours."""
    try:
        policy = os.sched_getscheduler(process) & ~os.SCHED_RESET_ON_FORK
        return policy == os.SCHED_FIFO and os.sched_getparam(process).sched_priority > PRIORITY
    except OSError:
        return False


def priority_limit() -> str:
    """What to raise, with what it is now."""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    return (
        f"the limit of real-time priorities is {'none' if limit == resource.RLIM_INFINITY else limit} (ulimit -r), "
        f"{FIFO_PRIORITY} are needed: LimitRTPRIO={FIFO_PRIORITY} in the systemd unit, or rtprio in "
        "/etc/security/limits.d"
    )


def memory_limit(limit: int) -> str:
    """What to raise, with what it is now (bytes)."""
    now = "none" if limit == resource.RLIM_INFINITY else f"{limit // 1024} kB"
    return (
        f"the limit of locked memory is {now} (ulimit -l), unlimited is needed: LimitMEMLOCK=infinity in the systemd "
        "unit, or memlock in /etc/security/limits.d"
    )


def _schedule(thread: int, policy: int, priority: int) -> None:
    """``thread`` 0: the calling one. Raises OSError. What it starts is ordinary; without privilege that can be set, and
    not be taken back."""
    os.sched_setscheduler(thread, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
