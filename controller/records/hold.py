"""Whether somebody writes a session file: its writer holds an advisory lock on it (``flock``) that ends with its
process, however that ends.

SQLite's own locks are of another kind (``fcntl``), which a process loses when it closes *any* descriptor of the file.
So a file that this very process writes is known from a list, and is never opened here to be asked; and whoever asks
about another file does so before it opens that file through SQLite.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 1.0
_OURS: set[Path] = set()  # what this process writes


class Hold:
    """The writer's lock on ``path``, from the file's first moment on."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path.resolve(), descriptor
        until_s = time.monotonic() + PATIENCE_S
        while not _locked(descriptor):  # somebody asks at this moment whether it is being written
            if time.monotonic() > until_s:
                os.close(descriptor)
                raise BlockingIOError(errno.EAGAIN, "another process holds the new file")
            time.sleep(0.005)
        _OURS.add(self._path)

    def release(self) -> None:
        """Let go, after SQLite has: to close a descriptor earlier would drop SQLite's locks."""
        if self._path in _OURS:
            _OURS.remove(self._path)
            os.close(self._descriptor)


def being_written(path: Path) -> bool:
    """Whether a living process writes ``path`` (or folds its log in at this moment).

    Raises:
        OSError: the file cannot be opened to be asked.
    """
    with held(path) as mine:
        return not mine


@contextlib.contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold ``path`` for this block, as its only writer; yields whether that was granted. Raises :class:`OSError`."""
    if path.resolve() in _OURS:
        yield False
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True  # there SQLite's own locks are the only ones; a fold that they refuse is left undone
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without such locks: SQLite's own still stand in the way
    return True
