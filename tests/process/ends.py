"""The ends of a bench that a test holds: what the tissue received, the control socket, the foreground, and processes by
their pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_for(what: Callable[[], Any], text: str, timeout_s: float = 10.0) -> Any:
    """What ``what`` returns as soon as that is true; an assertion error after ``timeout_s``."""
    until_s = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < until_s, f"waited {timeout_s:g} s for: {text}"
        time.sleep(0.005)
    return found


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid: int) -> tuple[float, float]:
    """SIGKILL, and wait for its end, 1 s at most: the moment before, and the last one at which it was not dead yet."""
    end = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(end, select.POLLIN)
        begin_s = dying_s = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while not poll.poll(1) and dying_s - begin_s < 1.0:
            dying_s = time.monotonic()
    finally:
        os.close(end)
    return begin_s, dying_s


def children_of(mark: str) -> list[int]:
    """Processes whose command line names ``mark`` (a folder of this test), but for this process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "cmdline").read_bytes() and alive(int(folder.name)):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def waited_s(pid: int) -> float:
    """How long the process has waited for a processor in its life, s; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class PowerLog:
    """What the tissue received, as the emulator wrote it: (CLOCK_MONOTONIC s, W)."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._steps = path, 0, [(0.0, 0.0)]

    @property
    def steps(self) -> list[tuple[float, float]]:
        """All changes up to now."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
            whole = data.rfind(b"\n") + 1
            self._read += whole
            for line in data[:whole].splitlines():
                step = json.loads(line)
                self._steps.append((step["t_mono_s"], step["power_w"]))
        return self._steps

    @property
    def now_w(self) -> float:
        """The power that flows."""
        return self.steps[-1][1]

    def off_s(self, since_s: float) -> float | None:
        """When the power that flowed at ``since_s`` became 0 W and stayed so; None while it flows."""
        off_s: float | None = None
        for t_s, power_w in self.steps:
            if power_w > 0.0:
                off_s = None
            elif off_s is None:
                off_s = t_s
        return None if off_s is None else max(off_s, since_s)

    def most_w(self, from_s: float, to_s: float) -> float:
        """The highest power between two moments."""
        steps = self.steps
        before = [power_w for t_s, power_w in steps if t_s <= from_s][-1:]
        return max([*before, *(power_w for t_s, power_w in steps if from_s < t_s <= to_s)])


class Control:
    """One connection to the control socket: JSON lines, one request at a time."""

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rb")

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        """The answer. Raises OSError when nobody answers in time."""
        self._socket.sendall(json.dumps({"verb": verb, **fields}).encode() + b"\n")
        line = self._file.readline()
        if not line:
            raise ConnectionError("hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


class Hold:
    """Fires, and renews the lease until :meth:`let_go`, or until the daemon no longer answers."""

    def __init__(self, path: Path) -> None:
        self._control = Control(path, timeout_s=0.5)
        self._over = threading.Event()
        try:
            self.answer = self._control.ask("fire")
        except OSError:
            self._control.close()
            raise
        self._thread = threading.Thread(target=self._renew, name="hold")
        self._thread.start()

    def _renew(self) -> None:
        while not self._over.wait(0.08):
            try:
                self._control.ask("renew")
            except OSError:
                return

    def let_go(self) -> None:
        """The foreground goes away."""
        self._over.set()
        self._thread.join()
        self._control.close()
