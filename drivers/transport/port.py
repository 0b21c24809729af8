"""The one owner of a link: one exchange outstanding, off before everything else, no late reply taken for a new one.

Nothing here awaits while it holds something: an exchange is a job and a future, moved on by callbacks.
After a time-out, a damaged reply or a cancellation the port is *dirty*: bytes of the old answer may still be on their
way. Before the next ordinary exchange it is brought back in step, by the driver's marker query where there is one (a
query whose answer cannot be mistaken for any other; everything before it is thrown away), else by waiting for
silence. An urgent request never waits for that (P7, P8, H18).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.contract import BadReply, LinkLost, NoReply, Refused
from drivers.transport.base import Link

T = TypeVar("T")

UNASKED_MAX = 32
BUFFER_MAX = 4096  # no reply of any supported device is longer; more is a flood
WAITING_MAX = 64  # requests; a caller that piles up more is at fault
QUIET_S = 0.02  # silence that ends the tail of a reply: 20 characters at 9600 baud
LATE_S = 0.15  # how long a missing reply is waited for when there is no marker; doubles with each failure in a row
LATE_MAX_S = 1.0
MARKER_TIMEOUT_S = 0.5
PATIENCE_S = 1.0  # a device that never falls silent fails what waits


@dataclass(slots=True)
class Counters:
    """What has passed through a port since it was opened."""

    exchanges: int = 0  # requests that were answered
    timeouts: int = 0
    bad_replies: int = 0
    refused: int = 0
    cancelled: int = 0
    resyncs: int = 0
    unexpected_bytes: int = 0  # came when nothing was asked
    bytes_in: int = 0
    bytes_out: int = 0


class _Job:
    """One request on its way."""

    __slots__ = ("acknowledge", "before_send", "future", "parse", "request", "t_request_s", "timeout_s", "urgent")

    def __init__(
        self,
        request: bytes,
        parse: Callable[[bytearray], Any] | None,
        timeout_s: float,
        urgent: bool,
        before_send: Callable[[], bool] | None,
        future: asyncio.Future[Any] | None,
        acknowledge: bytes = b"",
    ) -> None:
        self.request, self.parse, self.timeout_s, self.urgent = request, parse, timeout_s, urgent
        self.acknowledge = acknowledge
        self.before_send, self.future = before_send, future  # future None: the port's own marker query
        self.t_request_s = 0.0


class LinkPort:
    """A :class:`~drivers.transport.base.Port` over any :class:`~drivers.transport.base.Link`. Make it inside a
    running loop."""

    def __init__(self, link: Link, url: str) -> None:
        self.url = url
        self.counters = Counters()
        self.t_request_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._hurry: Callable[[bytes], None] = getattr(link, "write_urgent", link.write)  # a link that can be busy
        self._urgent: deque[_Job] = deque()
        self._waiting: deque[_Job] = deque()
        self._current: _Job | None = None
        self._buffer = bytearray()
        self._unasked = b""  # the newest bytes that came when nothing was asked, for the next complaint
        self._deadline_s = 0.0  # of the exchange in flight
        self._timer: asyncio.TimerHandle | None = None  # due at that deadline or before; it looks, and sleeps again
        self._wake: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self._dirty = False
        self._dirty_since_s = 0.0
        self._heard_s: float | None = None  # newest byte since the port became dirty
        self._failures = 0
        self._markers_owed = 0  # sent and not answered in time
        self._marked = False  # the marker's answer has come
        self._marker: tuple[bytes, Callable[[bytearray], Any], bytes] | None = None
        link.start(self._on_data, self._on_lost)

    # ---- what a driver uses

    def exchange(
        self,
        request: bytes,
        parse: Callable[[bytearray], T | None],
        *,
        timeout_s: float = 0.2,
        urgent: bool = False,
        before_send: Callable[[], bool] | None = None,
        acknowledge: bytes = b"",
    ) -> Coroutine[Any, Any, T]:
        """See :meth:`drivers.transport.base.Port.exchange`.

        Raises:
            NoReply, BadReply, Refused, LinkLost: as their names say; Refused also when ``before_send`` said no.
        """
        future = self._loop.create_future()
        return self._run(_Job(request, parse, timeout_s, urgent, before_send, future, acknowledge))

    def send(
        self,
        data: bytes,
        *,
        urgent: bool = False,
        quiet_s: float = 0.0,
        before_send: Callable[[], bool] | None = None,
    ) -> Coroutine[Any, Any, None]:
        """See :meth:`drivers.transport.base.Port.send`."""
        return self._run(_Job(data, None, quiet_s, urgent, before_send, self._loop.create_future()))

    def set_marker(self, request: bytes, parse: Callable[[bytearray], object | None], acknowledge: bytes = b"") -> None:
        """Resynchronise by this query from now on: ``parse`` throws away everything up to and with its own answer."""
        self._marker = (request, parse, acknowledge)

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return self._loop.time()

    def fileno(self) -> int | None:
        """The descriptor to share with the watchdog, or None."""
        return self._link.fileno()

    async def close(self) -> None:
        """Close the link; whatever waits fails with LinkLost. May be called twice."""
        if self._lost is None:
            self._on_lost(None, "closed")
        self._link.close()

    # ---- the queue

    async def _run(self, job: _Job) -> Any:
        if self._lost is not None:
            raise LinkLost(self._lost)
        future = job.future
        assert future is not None
        if self._current is None and not (self._dirty or self._urgent or self._waiting):
            self._begin(job)  # the ordinary case: nothing is before it
        else:
            self._queue(job)
        try:
            value = await future
        except asyncio.CancelledError:
            self._abandon(job, future)
            raise
        self.t_request_s = job.t_request_s
        return value

    def _queue(self, job: _Job) -> None:
        if job.urgent:
            self._urgent.append(job)
            current = self._current
            if current is not None and current.future is None:  # the marker's turn can wait, off cannot
                self._markers_owed += 1
                self._current = None
        elif len(self._waiting) >= WAITING_MAX:
            raise NoReply(f"{self.url}: {WAITING_MAX} requests are waiting already")
        else:
            self._waiting.append(job)
        if self._current is None:
            self._pump()

    def _abandon(self, job: _Job, future: asyncio.Future[Any]) -> None:
        """Whoever asked has gone."""
        self.counters.cancelled += 1
        if future.done() and not future.cancelled():
            future.exception()  # looked at, so that asyncio does not report it as forgotten
        if job is self._current:
            self._current = None
            self._soil()
            self._pump()

    def _pump(self) -> None:
        """Begin the next request if the port is free."""
        while self._current is None and self._lost is None:
            if self._urgent:
                job = self._urgent.popleft()
            elif not self._waiting:
                return
            elif self._dirty:
                if not self._in_step():
                    return
                continue
            else:
                job = self._waiting.popleft()
            if job.future is None or not job.future.done():
                self._begin(job)

    def _begin(self, job: _Job) -> None:
        if job.before_send is not None:
            try:
                allowed = job.before_send()
            except Exception as error:
                self._resolve(job, None, error)
                return
            if not allowed:
                self._resolve(job, None, Refused("no longer allowed when its turn came"))
                return
        self._current = job
        job.t_request_s = self._loop.time()
        if self._buffer:
            self._ignore(bytes(self._buffer))
            self._buffer.clear()
        try:
            if job.request:
                (self._hurry if job.urgent else self._link.write)(job.request)
        except BlockingIOError:
            self.counters.timeouts += 1
            self._settle(job, None, NoReply(f"{self.url} takes no more bytes"), soil=True)
            return
        except OSError as error:
            self._on_lost(error)
            return
        self.counters.bytes_out += len(job.request)
        if self._current is not job:  # answered already, or lost: some links do both within write
            return
        if job.parse is None and job.timeout_s <= 0.0:
            self._settle(job, None, None)
        else:
            self._deadline_s = due_s = job.t_request_s + job.timeout_s
            timer = self._timer
            if timer is None:
                self._timer = self._loop.call_at(due_s, self._on_timer)
            elif timer.when() > due_s:
                timer.cancel()
                self._timer = self._loop.call_at(due_s, self._on_timer)

    def _on_timer(self) -> None:
        """Most exchanges end long before their deadline: one timer for many costs less than one for each."""
        self._timer = None
        job = self._current
        if job is None:
            return
        if self._deadline_s - self._loop.time() > 1e-6:
            self._timer = self._loop.call_at(self._deadline_s, self._on_timer)
            return
        if job.parse is None:
            self._settle(job, None, None)
            return
        self.counters.timeouts += 1
        seen = f" (only {bytes(self._buffer[:32]).hex(' ')})" if self._buffer else ""
        if self._unasked:
            seen += f"; before it, unasked: {self._unasked.hex(' ')}"
            self._unasked = b""
        text = f"{self.url}: no reply to {job.request[:32]!r} within {job.timeout_s:g} s{seen}"
        self._settle(job, None, NoReply(text), soil=True)

    def _on_data(self, data: bytes) -> None:
        self.counters.bytes_in += len(data)
        job = self._current
        if self._dirty:
            self._heard_s = self._loop.time()
            if self._wake is not None and self._heard_s + QUIET_S < self._wake.when():  # it came, no need to wait on
                self._wake.cancel()
                self._wake = self._loop.call_at(self._heard_s + QUIET_S, self._on_wake)
        if job is None or job.parse is None:
            self._ignore(data)
            return
        buffer = self._buffer
        buffer += data
        try:
            if len(buffer) > BUFFER_MAX:
                raise BadReply(f"{self.url}: more than {BUFFER_MAX} bytes and no reply among them", bytes(buffer[:32]))
            value = job.parse(buffer)
        except Refused as error:
            self.counters.refused += 1
            self._settle(job, None, error)
        except Exception as error:  # a codec that fails must not take the reader with it
            self.counters.bad_replies += 1
            buffer.clear()
            self._settle(job, None, error, soil=True)
        else:
            if value is not None:
                if job.acknowledge:
                    self._acknowledge(job.acknowledge)
                self._settle(job, value, None)

    def _ignore(self, data: bytes) -> None:
        """Nobody asked: another controller's answer, noise, or what follows a reply."""
        self.counters.unexpected_bytes += len(data)
        self._unasked = (self._unasked + data)[-UNASKED_MAX:]

    def _acknowledge(self, data: bytes) -> None:
        try:
            self._link.write(data)
        except OSError:  # the reply is understood all the same; a link that is gone says so itself
            return
        self.counters.bytes_out += len(data)

    def _settle(self, job: _Job, value: Any, error: Exception | None, *, soil: bool = False) -> None:
        """The request has ended: tell, and go on."""
        self._current = None
        if error is None and job.parse is not None:
            self.counters.exchanges += 1
        if job.future is None:
            if error is None and self._markers_owed:
                self._markers_owed, self._marked = 0, True  # earlier markers' answers may follow: wait for silence
            elif error is None:
                self._clean()
            else:
                self._markers_owed += 1
                self._soil()
                self._fail(self._waiting, NoReply(f"{self.url} does not come back in step: {error}"))
        else:
            if soil or self._dirty:  # an urgent reply on a dirty port may have been another's: still dirty
                self._soil()
            elif error is None:
                self._failures = 0
            self._resolve(job, value, error)
        if self._urgent or self._waiting:
            self._pump()

    @staticmethod
    def _resolve(job: _Job, value: Any, error: Exception | None) -> None:
        future = job.future
        if future is None or future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def _fail(self, jobs: deque[_Job], error: Exception) -> None:
        while jobs:
            self._resolve(jobs.popleft(), None, error)

    # ---- coming back in step

    def _clean(self) -> None:
        self._dirty = self._marked = False
        self.counters.resyncs += 1

    def _soil(self) -> None:
        self._dirty, self._marked = True, False
        self._dirty_since_s = self._loop.time()
        self._heard_s = None
        self._failures += 1

    def _in_step(self) -> bool:
        """Clean the port if that is possible now; else see to it that it is tried again, and return False."""
        now = self._loop.time()
        if self._heard_s is not None:
            until_s = self._heard_s + QUIET_S
        elif self._marker is not None:
            until_s = self._dirty_since_s + QUIET_S
        else:
            until_s = self._dirty_since_s + min(LATE_MAX_S, LATE_S * 2.0 ** min(self._failures - 1, 8))
        if now < until_s:
            if now - self._dirty_since_s > PATIENCE_S:
                self._soil()
                self._fail(self._waiting, BadReply(f"{self.url}: the device never falls silent"))
            elif self._wake is None:
                self._wake = self._loop.call_at(until_s, self._on_wake)
            return False
        if self._marker is None or self._marked:
            self._clean()
            return True
        request, parse, acknowledge = self._marker
        self._begin(_Job(request, parse, MARKER_TIMEOUT_S, False, None, None, acknowledge))
        return False

    def _on_wake(self) -> None:
        self._wake = None
        self._pump()

    # ---- the end

    def _on_lost(self, error: Exception | None, why: str = "link lost") -> None:
        if self._lost is not None:
            return
        self._lost = f"{self.url}: {why}" + (f" ({error})" if error is not None else "")
        job = self._current
        self._current = None
        for timer in (self._wake, self._timer):
            if timer is not None:
                timer.cancel()
        self._wake = self._timer = None
        if job is not None:
            self._resolve(job, None, LinkLost(self._lost))
        self._fail(self._urgent, LinkLost(self._lost))
        self._fail(self._waiting, LinkLost(self._lost))
