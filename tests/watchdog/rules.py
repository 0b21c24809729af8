"""The watchdog's rules, fed with frames, and what their cuts say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.watchdog.beats import firing, hello

ALL = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
PERIOD_S = 0.0625  # times below are exact in binary: a frame each sixteenth of a second, a lease of a quarter


def state(name: str) -> Any:
    from safety.types import State

    return State[name]


def core(lease_s: float = 0.25, idle_lease_s: float = 1.0, **change: Any) -> Any:
    """A core that has HELLO at t = 0."""
    from safety.watchdog.core import Core

    made = Core(lease_s=lease_s, idle_lease_s=idle_lease_s)
    made.on_hello(hello(**{"period_s": PERIOD_S, **change}), 0.0)
    return made


def fired(frames: int = 4, **change: Any) -> Any:
    """After so many firing frames; the newest is of t = frames / 16 s."""
    made = core(**change)
    for seq in range(1, frames + 1):
        made.on_frame(firing(seq, seq * PERIOD_S), seq * PERIOD_S)
    assert made.cut is None
    return made


def kinds(actions: list[Any]) -> list[str]:
    return [type(action).__name__ for action in actions]


def cut_of(actions: list[Any]) -> tuple[Any, ...]:
    """What a cut says: hazard, rule, value, limit, text."""
    assert kinds(actions) == ["OpenEnable", "Cut"]
    cut = actions[1]
    assert cut.check
    return cut.hazard, cut.rule, cut.value, cut.limit, cut.text


def says(actions: list[Any], hazard: str, rule: str, value: float, limit: float, text: str) -> None:
    told = cut_of(actions)
    assert (told[0], told[1], told[4]) == (hazard, rule, text)
    for found, wanted in ((told[2], value), (told[3], limit)):
        assert found == pytest.approx(wanted, nan_ok=True)
