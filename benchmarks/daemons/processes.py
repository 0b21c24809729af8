"""What processes of this machine hold and use, after Linux's ``/proc``."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Held(NamedTuple):
    """By one process at one moment."""

    rss_bytes: int
    descriptors: int
    threads: int


def held(pid: int) -> Held:
    """Raises OSError when there is no such process."""
    folder = Path(f"/proc/{pid}")
    rss_bytes = int((folder / "statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
    return Held(rss_bytes, len(os.listdir(folder / "fd")), len(os.listdir(folder / "task")))


def cpu_s(pid: int) -> dict[int, float]:
    """CPU that each of its threads has used, by thread id."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found[int(task.name)] = int((task / "schedstat").read_text(encoding="ascii").split()[0]) * 1e-9
    return found


def waited_s(thread: int | None = None) -> float:
    """How long a thread of this process (default: this one) was ready to run and had no processor, s."""
    name = "thread-self" if thread is None else f"self/task/{thread}"
    return int(Path(f"/proc/{name}/schedstat").read_text(encoding="ascii").split()[1]) * 1e-9


class Waited:
    """As :func:`waited_s` of the thread that makes it, at a fifth of the cost: for whoever asks ten times a tick."""

    def __init__(self) -> None:
        self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def __call__(self) -> float:
        return int(os.pread(self._file, 64, 0).split()[1]) * 1e-9


def opened(pid: int, paths: set[Path]) -> bool:
    """Whether the process has one of these files open."""
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if Path(os.readlink(entry)) in paths:
                    return True
    return False
