"""The daemon's side: :class:`WatchdogClient` speaks to the watchdog process over the inherited descriptor;
:class:`InProcessWatchdog` runs the very same rules on the running loop's time, for a rehearsal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import socket
from collections.abc import Callable
from typing import Any

from safety.types import State, Trip, WatchdogStatus
from safety.watchdog.asking import Asking
from safety.watchdog.contract import Beats, Watchdog, WatchdogError
from safety.watchdog.core import Action, CloseEnable, Core, Cut, OpenEnable, QueryEnable, Reply
from safety.watchdog.frames import (
    ENVIRONMENT,
    MAX_MESSAGE,
    Hello,
    StatusFrame,
    pack_heartbeat,
    pack_hello,
    unpack_message,
    unpack_status,
)

__all__ = ["InProcessWatchdog", "Watchdog", "WatchdogClient", "WatchdogError"]

REASSERT_S = 1.0


class WatchdogClient:
    """The link to the watchdog process. Construct it inside the running loop; it reads status frames as they come.

    ``on_lost`` is called once, with a sentence, when the watchdog's end of the link closes: trip at once.
    """

    def __init__(self, fd: int, on_lost: Callable[[str], None]) -> None:
        self.status: WatchdogStatus | None = None
        self.frame: StatusFrame | None = None
        self.pid: int | None = None
        self._on_lost: Callable[[str], None] | None = on_lost
        self._loop = asyncio.get_running_loop()
        os.set_inheritable(fd, False)  # a child that kept it would hide the daemon's death
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._beats = Beats()
        self._answer: asyncio.Future[dict[str, Any]] | None = None
        self._open = True
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    def from_environment(cls, on_lost: Callable[[str], None]) -> WatchdogClient:
        """The link whose descriptor the watchdog left in ``ABLATE_WATCHDOG_FD``.

        Raises:
            WatchdogError: there is none: the daemon was not started by the watchdog.
        """
        number = os.environ.pop(ENVIRONMENT, "")
        try:
            return cls(int(number), on_lost)
        except (ValueError, OSError) as error:
            text = f"{ENVIRONMENT}={number!r} is no link to a watchdog"
            raise WatchdogError(f"{text}; start the daemon with `ablate serve` or `ablate run`") from error

    async def hello(self, hello: Hello, timeout_s: float = 2.0) -> None:
        """See :meth:`Watchdog.hello`."""
        data, fds = pack_hello(hello)
        answer = await self._ask(data, fds, timeout_s)
        if answer["message"] != "ready":
            raise WatchdogError(f"the watchdog refuses: {answer.get('why', answer['message'])}")
        self.pid = int(answer["pid"])

    def beat(
        self,
        *,
        state: State,
        epoch: int,
        grant_w: float,
        enable_request: bool,
        config_hash: str,
        progress: tuple[int, ...],
        oldest_sample_age_s: float,
    ) -> bool:
        """See :meth:`Watchdog.beat`. A frame that could not be sent takes no number, so that the sequence stays
        whole."""
        t_s, age_s = self._loop.time(), oldest_sample_age_s
        data = pack_heartbeat(
            self._beats.next(t_s, state, epoch, grant_w, enable_request, config_hash, progress, age_s)
        )
        if not self._open:
            return False
        try:
            self._socket.send(data)
        except BlockingIOError:
            return False
        except OSError as error:
            self._lost(f"the link to the watchdog broke ({error.strerror})")
            return False
        self._beats.seq += 1
        return True

    async def bye(self) -> None:
        """See :meth:`Watchdog.bye`."""
        self._on_lost = None
        with contextlib.suppress(WatchdogError):
            await self._ask(json.dumps({"message": "bye"}).encode(), [], 0.5)
        self.close()

    def close(self) -> None:
        """See :meth:`Watchdog.close`."""
        self._on_lost = None
        self._shut("closed")

    async def _ask(self, data: bytes, fds: list[int], timeout_s: float) -> dict[str, Any]:
        if not self._open:
            raise WatchdogError("the watchdog is gone")
        self._answer = self._loop.create_future()
        try:
            socket.send_fds(self._socket, [data], fds)
            async with asyncio.timeout(timeout_s):
                return await self._answer
        except (OSError, TimeoutError) as error:
            raise WatchdogError(f"the watchdog does not answer ({error!r})") from error
        finally:
            self._answer = None

    def _readable(self) -> None:
        while self._open:
            try:
                data = self._socket.recv(MAX_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._take(data)
            else:
                self._lost("the watchdog has ended")

    def _take(self, data: bytes) -> None:
        frame = unpack_status(data)
        if frame is not None:
            self.frame = frame
            # Dated by its sending: frames that waited while this process was stopped are no news.
            t_s = min(self._loop.time(), frame.t_mono_ns / 1e9)
            self.status = WatchdogStatus(t_s, frame.ready, frame.enable_closed, frame.enable_commanded)
            return
        message = unpack_message(data)
        if message is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(message)

    def _lost(self, text: str) -> None:
        on_lost, self._on_lost = self._on_lost, None
        self._shut(text)
        if on_lost is not None:
            on_lost(text)

    def _shut(self, text: str) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket)
            self._socket.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WatchdogError(text))


class InProcessWatchdog:
    """The watchdog's rules on the running loop's own time, for a rehearsal: same frames, same rules, same bytes.

    ``write_off(device, data)`` and ``write_enable(data)`` write to the devices' links; :meth:`feed_enable` takes what
    the enable line's device answers. ``on_cut(trip)`` must end the daemon as SIGKILL would: off is written before and
    after it, then each second until :meth:`close`. ``latched()`` says whether a trip is latched.
    """

    def __init__(
        self,
        *,
        write_off: Callable[[str, bytes], None],
        write_enable: Callable[[bytes], None],
        on_cut: Callable[[Trip], None],
        lease_s: float = 0.2,
        latched: Callable[[], bool] = lambda: False,
    ) -> None:
        self.status: WatchdogStatus | None = None
        self.frame: StatusFrame | None = None
        self.pid: int | None = None
        self._write_off, self._write_enable, self._on_cut, self._latched = write_off, write_enable, on_cut, latched
        self._loop = asyncio.get_running_loop()
        self._core = Core(lease_s=lease_s, latched=latched())
        self._beats = Beats()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._asking: Asking | None = None

    @property
    def cut(self) -> Cut | None:
        """The cut, once there was one."""
        return self._core.cut

    async def hello(self, hello: Hello) -> None:
        """See :meth:`Watchdog.hello`. Descriptors are not looked at."""
        why = self._core.refuse(hello)
        if why is not None:
            raise WatchdogError(f"the watchdog refuses: {why}")
        self._asking = Asking(hello.enable[0]) if hello.enable is not None else None
        self._do(self._core.on_hello(hello, self._loop.time()))

    def beat(
        self,
        *,
        state: State,
        epoch: int,
        grant_w: float,
        enable_request: bool,
        config_hash: str,
        progress: tuple[int, ...],
        oldest_sample_age_s: float,
    ) -> bool:
        """See :meth:`Watchdog.beat`."""
        if self._closed:
            return False
        t_s, age_s = self._loop.time(), oldest_sample_age_s
        beat = self._beats.next(t_s, state, epoch, grant_w, enable_request, config_hash, progress, age_s)
        self._beats.seq += 1
        self._core.latched = self._latched()
        self._do(self._core.on_frame(beat, t_s))
        return True

    def feed_enable(self, data: bytes) -> None:
        """Bytes that the enable line's device sent."""
        if self._asking is not None and (heard := self._asking.hear(data, self._loop.time())) is not None:
            self._core.on_enable_read(*heard)

    async def bye(self) -> None:
        """See :meth:`Watchdog.bye`."""
        self._do(self._core.on_bye(self._loop.time()))
        if self._core.cut is None:
            self._off()
            self.close()

    def close(self) -> None:
        """See :meth:`Watchdog.close`; here it only ends the timers."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            self._act(action)
        self._plan()

    def _act(self, action: Action) -> None:
        enable = self._core.hello.enable if self._core.hello is not None else None
        if isinstance(action, Reply):
            self.frame = frame = action.status
            t_s = self._loop.time()
            self.status = WatchdogStatus(t_s, frame.ready, frame.enable_closed, frame.enable_commanded)
        elif isinstance(action, Cut):
            self._off()
            self._on_cut(action.trip(self._loop.time()))
            self._off()
        elif enable is None or self._asking is None:
            return
        elif isinstance(action, CloseEnable):
            self._write_enable(enable[0].close)
        elif isinstance(action, OpenEnable):
            self._write_enable(enable[0].open)
        elif isinstance(action, QueryEnable) and (data := self._asking.ask(self._loop.time())):
            self._write_enable(data)

    def _off(self) -> None:
        """Write every plan whole; a memory link swallows nothing, so the gaps are not needed."""
        for plan, _ in self._core.hello.plans if self._core.hello is not None else ():
            for data in (plan.resync, *plan.off):
                with contextlib.suppress(OSError):
                    self._write_off(plan.device, data)

    def _plan(self) -> None:
        """Have one timer at or before the next due time; a timer that comes early finds nothing due and plans again."""
        due_s = self._core.next_due_s if self._core.cut is None else self._loop.time() + REASSERT_S
        if self._closed or due_s == math.inf or (self._timer is not None and self._timer.when() <= due_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        if self._core.cut is None:
            return self._do(self._core.due(self._loop.time()))
        self._act(OpenEnable())
        self._off()
        return self._plan()
