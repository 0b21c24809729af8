"""A cutoff over wires made of lists, and what it recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.watchdog.beats import GEN, GET_STATUS, QUERY, RELAY

FRAME_OFF = bytes.fromhex("2A 52 00 00 08 00 00 00 00 00 00 00 00 00 00")
FRAME_ON = bytes.fromhex("2A 52 00 00 08 00 03 00 00 00 00 00 00 00 00")
CLOSED, OPENED = bytes((1, 0, 0, 0)), bytes(4)


class Wire:
    """A line made of lists: ``answers`` are given after each question, None: nothing comes."""

    def __init__(self, log: list[Any], name: str, answers: list[bytes], fd: int | None = 3) -> None:
        self.log, self.name, self.answers, self.fd, self.error = log, name, answers, fd, ""
        self.waiting: list[bytes] = []
        self.opens, self.takes = True, True

    def open(self) -> bool:
        if self.fd is None and self.opens:
            self.log.append((self.name, "opened"))
            self.fd = 9
        return self.fd is not None

    def write(self, data: bytes, timeout_s: float, *, purge: bool = False) -> bool:
        self.log.append((self.name, data, timeout_s, purge))
        if data in (GET_STATUS, QUERY) and self.answers:
            self.waiting = [self.answers.pop(0)]
        return self.takes

    def read(self, timeout_s: float = 0.0) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""

    def drain(self) -> None:
        self.waiting = []


class Clock:
    """Time that goes on by a step at each look, and by what a read may wait."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 100.0, step_s

    def monotonic(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def a_cut() -> Any:
    from safety.watchdog.core import Cut

    return Cut("H24", "lease", "no tick", "the log", 0.3, 0.2)


def made(folder: Path, gen: list[bytes], relay: list[bytes], fd: int | None = 3, plan: Any = GEN) -> Any:
    """A cutoff over a generator and a relay; its log is ``made.log``."""
    from safety.watchdog.cutoff import Cutoff, Source

    cutoff = Cutoff(folder, "bench-a")
    log: list[Any] = []
    source = Source(plan, None)
    source.line = Wire(log, "gen", gen, fd)  # type: ignore[assignment]
    cutoff.sources = [source]
    cutoff.enable = (RELAY, Wire(log, "line", relay))  # type: ignore[assignment]
    cutoff.log = log  # type: ignore[attr-defined]
    return cutoff


def source(answers: list[bytes], **change: Any) -> Any:
    from dataclasses import replace

    from safety.watchdog.cutoff import Source

    made = Source(replace(GEN, **change), None)
    made.line = Wire([], "gen", answers)  # type: ignore[assignment]
    return made


def record(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "cuts.jsonl").read_text().splitlines()]
