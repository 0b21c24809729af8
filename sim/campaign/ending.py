"""Ctrl-C and SIGTERM end a campaign behind the runs that are under way: what is done is kept."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Asked:
    """``number``: the signal that came; 0: none. Called: whether one has."""

    number = 0

    def __call__(self) -> bool:
        return self.number != 0


@contextlib.contextmanager
def asked() -> Iterator[Asked]:
    """Listen for :data:`NUMBERS` inside; the second one ends this process at once. One that is ignored stays so.

    For the main thread, which alone may change what a signal does.
    """
    told = Asked()
    before = {number: signal.getsignal(number) for number in NUMBERS}

    def ask(number: int, frame: FrameType | None) -> None:
        told.number = number
        for each in before:
            signal.signal(each, signal.SIG_DFL)

    try:
        for number, was in before.items():
            if was is not signal.SIG_IGN:
                signal.signal(number, ask)
        yield told
    finally:
        for number, was in before.items():
            signal.signal(number, was)


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Processes that are started inside never hear :data:`NUMBERS`, which a terminal sends to all; this one does,
    afterwards."""
    was = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, was)
