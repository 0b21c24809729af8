"""Links for tests: a script of exchanges, a table of answers, and a disturber around any link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from drivers.transport.base import Link

Answer = bytes | list[bytes] | Callable[[], bytes]


class _Told:
    """What links have in common: two callbacks, told from the loop, never from within ``write``."""

    def __init__(self) -> None:
        self._on_data: Callable[[bytes], None] | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self.closed = False

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._on_data, self._on_lost = on_data, on_lost

    def fileno(self) -> int | None:
        """There is no descriptor."""
        return None

    def close(self) -> None:
        """Nothing more is told."""
        self.closed = True

    def tell(self, data: bytes) -> None:
        """Hand ``data`` to the host now."""
        if self._on_data is not None and not self.closed and data:
            self._on_data(data)

    def lose(self, error: Exception | None = None) -> None:
        """The cable is pulled."""
        self.closed = True
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(error)

    def _soon(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self.tell, data)

    def _check_open(self) -> None:
        if self.closed:
            raise OSError("the link is closed")


class ScriptedLink(_Told):
    """Plays (request, reply) pairs in order; any other request fails the test at once. ``done()`` says all were
    used."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes | None]]) -> None:
        super().__init__()
        self._pairs = list(pairs)
        self._at = 0

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._check_open()
        assert self._at < len(self._pairs), f"nothing more was expected, got {data!r}"
        expected, reply = self._pairs[self._at]
        assert data == expected, f"exchange {self._at}: expected {expected!r}, got {data!r}"
        self._at += 1
        if reply:
            self._soon(reply)

    def done(self) -> None:
        """Fail unless every pair was played."""
        assert self._at == len(self._pairs), f"never asked: {self._pairs[self._at :]!r}"


class TableLink(_Told):
    """Answers each request from a table; requests that are not in it are noted in ``unknown`` and not answered.

    An answer is bytes, a list that is used up and whose last entry stays, or a function.
    """

    def __init__(self, table: Mapping[bytes, Answer | None]) -> None:
        super().__init__()
        self.table = dict(table)
        self.unknown: list[bytes] = []
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._check_open()
        self.written.append(data)
        if data not in self.table:
            self.unknown.append(data)
            return
        answer = self.table[data]
        if isinstance(answer, list):
            reply = answer.pop(0) if len(answer) > 1 else answer[0]
        elif callable(answer):
            reply = answer()
        else:
            reply = answer or b""
        self._soon(reply)


class Parrot(_Told):
    """Some other device: it answers the same to everything."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._answer = answer

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._check_open()
        self._soon(self._answer)


class Written(NamedTuple):
    """One ``write`` of the host."""

    t_s: float
    data: bytes
    waiting: bool  # an answer to an earlier write was still held back
    further: bool = False  # on another port of the device than its own


class RoughLink(_Told):
    """Disturbs any link on command: holds answers back, loses, tears, replaces or precedes them, echoes, swaps devices.

    ``written`` keeps everything the host wrote, ``heard`` everything it was told. A device with several ports is
    disturbed on all of them through its ``first`` link, which also keeps what was written to the others.
    """

    def __init__(self, inner: Link, first: RoughLink | None = None) -> None:
        super().__init__()
        self.inner = inner
        self._how = first or self
        self.written: list[Written] = first.written if first is not None else []
        self.heard: list[bytes] = first.heard if first is not None else []
        self.delay_s = 0.0  # of every answer
        self.torn = False  # one byte at a time
        self.mute = False  # answers are lost
        self.answers_left: int | None = None  # after so many answers it is mute
        self.noise = b""  # put before the next answer, once
        self.echo = False  # what the host writes comes back, as on a pair of wires with both ends on it
        self.deaf = False  # the device hears nothing
        self.request_as: Callable[[bytes], bytes] | None = None  # what the device hears instead
        self.answer_as: Callable[[bytes, bytes], bytes] | None = None  # of (request, answer): what the host hears
        self.broken: OSError | None = None  # every write fails with it
        self._request = b""
        self._held = 0
        self._release_s = 0.0

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        super().start(on_data, on_lost)
        self.inner.start(self._from_device, self._lost)

    def swap(self, inner: Link) -> None:
        """Another device is on the cable from now on."""
        self.inner.close()
        self.inner = inner
        inner.start(self._from_device, self._lost)

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._check_open()
        how = self._how
        if how.broken is not None:
            raise how.broken
        loop = asyncio.get_running_loop()
        self.written.append(Written(loop.time(), data, self._held > 0, how is not self))
        self._request = data
        if how.echo:
            self._soon(data)
        if how.deaf:
            self._soon(how.answer_as(data, b"") if how.answer_as is not None else b"")
        else:
            self.inner.write(data if how.request_as is None else how.request_as(data))

    def fileno(self) -> int | None:
        """The inner link's descriptor."""
        return self.inner.fileno()

    def tell(self, data: bytes) -> None:
        """Hand ``data`` to the host now."""
        self.heard.append(data)
        super().tell(data)

    def close(self) -> None:
        """Close both."""
        super().close()
        self.inner.close()

    def _lost(self, error: Exception | None) -> None:
        self.lose(error)

    def _from_device(self, data: bytes) -> None:
        how = self._how
        if how.mute or how.answers_left == 0:
            return
        if how.answers_left is not None:
            how.answers_left -= 1
        if how.answer_as is not None:
            data = how.answer_as(self._request, data)
        data, how.noise = how.noise + data, b""
        pieces = [data[i : i + 1] for i in range(len(data))] if how.torn else [data]
        loop = asyncio.get_running_loop()
        if not how.delay_s and not how.torn and not self._held:
            self.tell(data)
            return
        for piece in pieces:  # a cable keeps the order, whatever it does to the time
            self._release_s = max(loop.time() + how.delay_s, self._release_s + 1e-4)
            self._held += 1
            loop.call_at(self._release_s, self._release, piece)

    def _release(self, piece: bytes) -> None:
        self._held -= 1
        self.tell(piece)
