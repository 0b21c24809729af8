"""Standard output and error of a command whose reader has gone, which were closed, or whose disk is full."""

from __future__ import annotations

import contextlib
import os
import select
import sys

OUTPUT_CLOSED = "output closed"
"""The reason on record of an application whose foreground nobody could read any more."""


def _to_nowhere(fd: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, fd)  # inheritable, as standard streams are
    if nowhere != fd:
        os.close(nowhere)


def open_closed() -> None:
    """Of 0 to 2, open what the shell has closed (``>&-``): a port or a record must never get such a number, to which
    somebody prints."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            _to_nowhere(fd)
    for name, fd in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, "w", encoding="utf-8", closefd=False))


def let_go() -> None:
    """What is still said on a stream that takes nothing goes nowhere, and is no error any more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            fd = stream.fileno()
            poll = select.poll()
            poll.register(fd, 0)
            gone = any(seen & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, seen in poll.poll(0))
            try:
                if not gone:
                    stream.flush()
            except OSError:
                gone = True
            if gone:
                _to_nowhere(fd)
                stream.flush()
