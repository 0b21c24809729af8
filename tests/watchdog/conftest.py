"""Tests of the daemon's end of the link end, whatever is changed there: who computes for so long is taken for one who
never would. And, for whoever cuts, sleep that is counted and not slept."""

from __future__ import annotations

import signal
from collections.abc import Generator
from types import FrameType

import pytest

ENDS_S = 4.0  # of processor time, many times what any of these tests takes
AGAIN_S = 0.02  # a loop swallows what is raised within a callback


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Each test of the client with one assertion more, for coroutines too."""
    if "client" not in pyfuncitem.path.stem:
        return (yield)
    alarms = 0

    def alarm(_: int, __: FrameType | None) -> None:
        nonlocal alarms
        alarms += 1
        raise AssertionError("no end in sight")

    before = signal.signal(signal.SIGVTALRM, alarm)
    signal.setitimer(signal.ITIMER_VIRTUAL, ENDS_S, AGAIN_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
        assert alarms == 0, "no end in sight"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept; nobody does."""
    from safety.watchdog import cutoff

    slept: list[float] = []
    monkeypatch.setattr(f"{cutoff.__name__}.time.sleep", slept.append)
    return slept
