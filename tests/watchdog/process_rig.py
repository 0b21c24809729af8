"""The watchdog's process on a system whose every call is seen."""

from __future__ import annotations

import math
import os
import select
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from safety.watchdog import process

LINK, WAKE, PIDFD, LINE = 10, 11, 12, 20


class Noted:
    """Notes each call; ``answers`` are values, or functions of the arguments, by name."""

    def __init__(self, log: list[Any], **answers: Any) -> None:
        self.log, self.answers = log, answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **words: Any) -> Any:
            self.log.append((name, *given, *words.items()))
            answer = self.answers.get(name)
            return answer(*given) if callable(answer) else answer

        return call


class Poll:
    """A poll object that is ready as told."""

    def __init__(self) -> None:
        self.on: dict[int, int] = {}
        self.waits_ms: list[float] = []
        self.ready: list[tuple[int, int]] = []

    def register(self, fd: int, mask: int) -> None:
        self.on[fd] = mask

    def unregister(self, fd: int) -> None:
        del self.on[fd]

    def poll(self, wait_ms: float) -> list[tuple[int, int]]:
        self.waits_ms.append(wait_ms)
        return self.ready


def system(log: list[Any], **answers: Any) -> Noted:
    """The module ``os``, with its real constants."""
    made = Noted(log, **answers)
    for name in ("P_PIDFD", "WEXITED", "WNOHANG", "WNOWAIT", "CLD_EXITED"):
        setattr(made, name, getattr(os, name))
    return made


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise error

    return call


class Rig:
    """One process whose core, lines, link and clock are ours; ``log`` has every call in order."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.patch, self.log, self.now_s = patch, [], 100.0  # type: ignore[var-annotated]
        self.polls: list[Poll] = []
        bits = {name: getattr(select, name) for name in ("POLLIN", "POLLOUT", "POLLHUP", "POLLERR", "POLLNVAL")}
        self.put("select", SimpleNamespace(poll=self._poll, **bits))
        self.put("time", SimpleNamespace(monotonic=lambda: self.now_s))
        self.put("os", system(self.log, getpid=5))
        self.latched = False
        self.put("is_latched", lambda folder: self.latched)
        self.made = made = process.Process(folder / "run", folder / "state", "b1", 0.2)
        made.core = self.core = Noted(self.log, refuse=None)  # type: ignore[assignment]
        for name in ("on_hello", "on_frame", "on_bye", "on_order", "on_link_lost", "due"):
            self.core.answers[name] = []
        self.core.next_due_s, self.core.lease_s, self.core.latched = math.inf, 0.2, False  # type: ignore[attr-defined]
        made.cutoff = self.cutoff = Noted(self.log)  # type: ignore[assignment]
        self.cutoff.enable, self.cutoff.sources, self.cutoff.state_dir = None, [], folder  # type: ignore[attr-defined]
        made._link = Noted(self.log, fileno=LINK)  # type: ignore[assignment]
        made._wake = Noted(self.log, fileno=WAKE)  # type: ignore[assignment]
        made._pidfd, made.daemon = PIDFD, Noted(self.log)  # type: ignore[assignment]
        made.daemon.pid = 77

    def _poll(self) -> Poll:
        self.polls.append(Poll())
        return self.polls[-1]

    def put(self, name: str, value: object) -> None:
        self.patch.setattr(process, name, value)

    def note(self, *names: str, **answers: Any) -> None:
        """Have methods of the process noted instead of done."""
        noted = Noted(self.log, **answers)
        for name in (*names, *answers):
            setattr(self.made, name, getattr(noted, name))

    def seen(self) -> list[Any]:
        """What was called since the last look, but for questions about descriptors."""
        told = [call for call in self.log if call[0] != "fileno"]
        self.log.clear()
        return told

    def ends(self, code: int) -> Callable[..., list[Any]]:
        def end(*_: Any) -> list[Any]:
            self.made.exit_code = code
            return []

        return end
