"""An enable line that answers late (H06, H18): one answer at a time may be 0.35 s late, one of 0.6 s trips.

Judged by what went over the relay board's cable: how long each answer took, in the order of the questions.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.config import setup as setups
from safety.watchdog.client import InProcessWatchdog
from sim.rehearsal import Rehearsal, rehearse
from tests.closed_loop.test_every_link_and_sensor import bench, protocol
from tests.watchdog.beats import QUERY

POWERED_S = (1.5, 6.0)  # after the first question; FIRE is at 1.2 s


def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> tuple[dict[str, Any], list[float]]:
    """The result of 5 s of power, and how long each answer took that was asked for under power, in seconds."""
    asked_s: list[float] = []
    heard_s: list[float] = []
    write, hear = Rehearsal._write_enable, InProcessWatchdog.feed_enable

    def writing(run: Rehearsal, data: bytes) -> None:
        asked_s.extend([asyncio.get_running_loop().time()] * data.count(QUERY))
        write(run, data)

    def hearing(watchdog: InProcessWatchdog, data: bytes) -> None:
        heard_s.append(asyncio.get_running_loop().time())
        hear(watchdog, data)

    monkeypatch.setattr(Rehearsal, "_write_enable", writing)
    monkeypatch.setattr(InProcessWatchdog, "feed_enable", hearing)
    setup = setups.load(bench(tmp_path), str(protocol(tmp_path, 5.0)))
    result = rehearse(setup, faults=[fault], out=tmp_path / "out")
    begin_s, end_s = (asked_s[0] + t_s for t_s in POWERED_S)
    took_s = [heard - asked for asked, heard in zip(asked_s, heard_s, strict=False) if begin_s < asked < end_s]
    return result, took_s


@pytest.mark.parametrize("late_s", [0.3, 0.35])
def test_one_late_answer_at_a_time_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late_s: float) -> None:
    result, took_s = told(tmp_path, monkeypatch, f"enable.link.late={late_s}@0")
    late = [took for took in took_s if took >= late_s]
    assert len(late) >= 2  # the fault met the questions, not the commands between them
    assert max(late) <= late_s + 0.04
    assert (result["result"], result["trip"]) == ("completed", None)


def test_an_answer_0_6_s_late_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, took_s = told(tmp_path, monkeypatch, "enable.link.late=0.6@2")
    assert max(took_s) >= 0.6
    trip = result["trip"]
    assert (trip["hazard"], trip["monitor"], trip["text"]) == ("H06", "enable", "the enable line can no longer be read")
    assert result["time_to_off_s"] <= 2.3 + 0.6  # every twentieth answer is late, and their questions are 0.11 s apart
