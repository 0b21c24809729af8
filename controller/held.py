"""Who runs a bench: two locks in its runtime folder, of which one at least is held for as long as any of it lives.

``lock`` is the launcher's. The other is on ``daemon.log``, which watchdog and daemon have as their standard error: an
flock lasts until the last process that inherited it has ended, so a daemon whose watchdog and launcher were killed
still holds its bench, without doing anything for it.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

LOCK, LOG = "lock", "daemon.log"


def take(folder: Path) -> int:
    """Take the launcher's lock; the descriptor, to be closed at the end.

    Raises:
        BlockingIOError: another launcher has it.
    """
    return _locked(folder / LOCK, os.O_RDWR)


def take_log(folder: Path) -> int:
    """Open the log of watchdog and daemon, locked; the descriptor, to be inherited by them and closed here.

    Raises:
        BlockingIOError: watchdog or daemon of an earlier run are still there.
    """
    return _locked(folder / LOG, os.O_WRONLY | os.O_APPEND)


def _locked(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_held(folder: Path) -> bool:
    """Whether a launcher, a watchdog or a daemon of this bench is there."""
    return _is_locked(folder / LOCK) or has_processes(folder)


def has_processes(folder: Path) -> bool:
    """Whether a watchdog or a daemon is there, whoever launched it."""
    return _is_locked(folder / LOG)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look are not in each other's way
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def daemon_pid(folder: Path) -> int | None:
    """The daemon's pid as its watchdog wrote it down; None: nobody did."""
    try:
        return int(json.loads((folder / "pids.json").read_text())["daemon"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
