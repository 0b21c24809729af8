"""What no parser may do, and what sees it: one input after the other, with limits on time and memory."""

from __future__ import annotations

import contextlib
import math
import resource
import shlex
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Any

from drivers.contract import BadReply, Refused
from tests.fuzz.parsers import Parser

SLOWEST_S = 0.5
"""Far above what a parser needs for a few hundred bytes, far below what would hold up the loop unseen."""
MEMORY_MAX = 64 << 20
"""What all inputs of a block may take together, bytes; so what one may take, and what may leak."""
FEEDS_MAX = 200


class Escaped(AssertionError):
    """A parser did what no parser may: ``name``, ``what``, and the ``pieces`` it did it on."""

    def __init__(self, name: str, what: str, pieces: Sequence[bytes]) -> None:
        super().__init__(name, what, tuple(pieces))
        self.name, self.what, self.pieces = name, what, tuple(pieces)

    def __str__(self) -> str:
        return f"{self.name}: {self.what} on {list(self.pieces)!r}"


def again(error: Escaped) -> str:
    """The command that does it again."""
    pieces = ",".join(piece.hex() for piece in error.pieces)
    return shlex.join(["python", "-m", "tests.fuzz.codecs", "--only", error.name, "--pieces", pieces])


class _Endless(BaseException):
    """Not an Exception, so that no parser can catch it."""


def judge(name: str, parser: Parser, pieces: Iterable[bytes]) -> None:
    """Feed ``pieces`` as a port does. Raises Escaped."""
    pieces = tuple(pieces)
    began_s = time.perf_counter()
    _feed(name, parser, pieces)
    if time.perf_counter() - began_s > SLOWEST_S:  # perhaps the machine was busy elsewhere: CPU time tells
        began_s = time.thread_time()
        _feed(name, parser, pieces)
        took_s = time.thread_time() - began_s
        if took_s > SLOWEST_S:
            raise Escaped(name, f"{took_s:.2f} s", pieces)


def _feed(name: str, parser: Parser, pieces: tuple[bytes, ...]) -> None:
    buffer = bytearray()
    for fed, piece in enumerate(pieces, 1):
        buffer += piece
        value: Any = None
        for _ in range(FEEDS_MAX):
            before = len(buffer)
            try:
                value = parser(buffer)
            except (BadReply, Refused):
                buffer.clear()  # as the port does
                break
            except Exception as error:
                raise Escaped(name, f"{type(error).__name__}: {error}", pieces[:fed]) from error
            except _Endless:
                raise Escaped(name, "no end", pieces[:fed]) from None
            if len(buffer) > before:
                raise Escaped(name, "the buffer grew", pieces[:fed])
            if value is None or not buffer:
                break
            if len(buffer) == before:
                raise Escaped(name, "a value that used nothing up", pieces[:fed])
        if is_infinite(value):
            raise Escaped(name, "an infinite number", pieces[:fed])


def is_infinite(value: Any) -> bool:
    """An infinity anywhere in what a parser gave."""
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, list | tuple) and any(is_infinite(one) for one in value)


class Progress:
    """Counts inputs, so that :func:`limited` sees when one does not end."""

    def __init__(self) -> None:
        self.inputs = 0


@contextlib.contextmanager
def limited() -> Iterator[Progress]:
    """In here an input that does not end is interrupted within twice ``SLOWEST_S`` of CPU time, and the process gets no
    more than ``MEMORY_MAX`` of new memory: both are Escaped out of :func:`judge`. Main thread only; memory is limited
    on Linux only.
    """
    progress, last = Progress(), -1

    def look(_: int, __: FrameType | None) -> None:
        nonlocal last
        if progress.inputs == last:
            raise _Endless
        last = progress.inputs

    handler = signal.signal(signal.SIGVTALRM, look)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError):
        with open("/proc/self/statm", encoding="ascii") as statm:
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_MAX, limits[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST_S, SLOWEST_S)
    try:
        yield progress
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)
