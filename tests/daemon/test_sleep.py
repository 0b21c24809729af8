"""A computer that slept (H29), by a stand-in for its clocks: the ones that decisions see notice nothing of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from controller.daemon.sleep import Clocks, Sleep, fault, live_clocks
from safety.types import State
from sim.rehearsal import Rehearsal
from tests.daemon.injecting import first, injected
from tests.daemon.rehearsed import acted, of, protocol, until


class Asleep:
    """The clocks of a computer that has slept for ``slept_s`` of its life. ``waits_s``: this process waits for a
    processor before and behind the middle reading.
    """

    def __init__(self) -> None:
        self.slept_s, self.waits_s = 7000.0, (0.0, 0.0)
        self._now = itertools.count(100.0, 0.05)

    def __call__(self) -> Clocks:
        now_s = next(self._now)
        before_s, behind_s = self.waits_s
        return Clocks(now_s, now_s + before_s + self.slept_s, now_s + before_s + behind_s)


def test_a_sleep_is_seen_once() -> None:
    clocks = Asleep()
    sleep = Sleep(clocks)
    assert [sleep.look() for _ in range(3)] == [
        0.0,
        0.0,
        0.0,
    ]  # what was before is nothing to it
    clocks.slept_s += 12.0
    assert sleep.look() == pytest.approx(12.0)
    assert sleep.look() == 0.0
    clocks.slept_s += 0.06
    assert sleep.look() == pytest.approx(0.06)
    clocks.slept_s += 0.04
    assert sleep.look() == 0.0


@pytest.mark.parametrize("waits_s", [(3.0, 0.0), (0.0, 3.0)])
def test_a_wait_between_two_readings_is_no_sleep(waits_s: tuple[float, float]) -> None:
    """Whether it came with the first look or with a later one."""
    for waiting in (0, 1):
        clocks = Asleep()
        sleep = Sleep(clocks)
        for k in range(4):
            clocks.waits_s = waits_s if k == waiting else (0.0, 0.0)
            assert sleep.look() == 0.0
        clocks.slept_s += 1.0
        assert sleep.look() == pytest.approx(1.0)


def test_this_computer_is_awake() -> None:
    sleep = Sleep(live_clocks)
    assert [sleep.look() for _ in range(1000)] == [0.0] * 1000
    assert Sleep(None).look() == 0.0


def test_a_system_that_does_not_say_has_never_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("time.CLOCK_BOOTTIME")
    before_s, with_sleep_s, behind_s = live_clocks()
    assert before_s == with_sleep_s <= behind_s


@pytest.mark.parametrize("state", State)
def test_it_is_a_fault_where_energy_may_flow_or_evidence_is_gathered(state: State) -> None:
    found = fault(12.3, state, 5.0)
    if state.value in ("PRECHECK", "READY", "ARMED", "FIRING", "STOPPING"):
        assert found is not None
        assert (found.hazard, found.monitor, found.device, found.t_s) == ("H29", "sleep", "host", 5.0)
        assert "slept for 12.3 s" in found.text
        assert ("nobody knows what was delivered" in found.text) == (state.value in ("FIRING", "STOPPING"))
    else:
        assert found is None


def test_a_computer_that_slept_while_power_flowed_trips(tmp_path: Path) -> None:
    """Virtual time goes on as if nothing had been, as the clock of a real loop does."""

    def fall_asleep(run: Rehearsal) -> None:
        clocks = Asleep()
        run.daemon._sleep = Sleep(clocks)
        run.daemon._sleep.look()
        clocks.slept_s += 60.0

    trips, off_s, power_w = injected(tmp_path, fall_asleep, 1.0)
    assert first(trips) == ("H29", "sleep")
    assert "60.0 s" in trips[0]["text"]
    assert (off_s <= 0.2, power_w) == (True, 0.0)


def test_a_night_in_safe_is_recorded_and_no_trip(tmp_path: Path) -> None:
    async def act(run: Rehearsal, desk: object) -> None:
        await until(run.daemon.desk, "SAFE")
        clocks = Asleep()
        run.daemon._sleep = Sleep(clocks)
        await run.daemon.judged()
        clocks.slept_s += 30_000.0
        await run.daemon.judged()

    events = acted(tmp_path, protocol(tmp_path), act)
    assert of(events, "trip") == []
    (slept,) = of(events, "slept")
    assert slept["for_s"] == pytest.approx(30_000.0)
