"""What no fault of the catalogue can do, done to the whole daemon on virtual time: clocks, numbers that are none, a
host without a processor, and hands at the generator's front panel.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.daemon.desk import Desk
from safety.types import Demand
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal
from tests.daemon.injecting import fired, first, injected
from tests.daemon.rehearsed import acted, bench, of, protocol, shipped, until

# ---- clocks


def test_a_clock_that_stands_trips(tmp_path: Path) -> None:
    def stand(run: Rehearsal) -> None:
        ticker = run.daemon._ticker
        real, last = ticker.next, run.daemon.control.state.now_s
        assert last is not None

        async def again() -> float:
            await real()
            ticker.next = real  # type: ignore[method-assign]
            return last

        ticker.next = again  # type: ignore[method-assign]

    trips, off_s, power_w = injected(tmp_path, stand)
    assert first(trips) == ("H30", "cadence")
    assert (off_s <= 0.2, power_w) == (True, 0.0)


@pytest.mark.parametrize("jump_s", [0.5, 5.0])
def test_a_clock_that_jumps_ahead_is_a_host_that_stood(tmp_path: Path, jump_s: float) -> None:
    def jump(run: Rehearsal) -> None:
        loop = run.daemon._loop
        assert isinstance(loop, VirtualLoop)
        loop._virtual_s += jump_s

    trips, off_s, power_w = injected(tmp_path, jump)
    assert trips[0]["hazard"] in ("H24", "H25", "H29")
    assert (off_s <= jump_s + 0.2, power_w) == (True, 0.0)


def test_the_wall_clock_may_jump_as_it_likes(tmp_path: Path) -> None:
    """It is a label: an application runs through whatever it does."""
    stamps = iter(f"{year}-06-01T00:00:00.000Z" for year in [2031, 1999, 2000, 1970] * 500)

    def mislabel(run: Rehearsal) -> None:
        run.daemon.recorder._utc = lambda: next(stamps)

    trips, off_s, power_w = injected(tmp_path, mislabel, 1.0)
    assert trips == []
    assert (off_s, power_w > 30.0) == (math.inf, True)


# ---- numbers that are none


@pytest.mark.parametrize(
    ("channel", "value", "hazard"),
    [
        ("tc.tip_c", math.nan, "H31"),
        ("flow.flow_ml_min", math.inf, "H31"),
        ("gen.power_w", -math.inf, "H31"),
        ("inputs.estop_a_closed", math.nan, "H31"),
    ],
)
def test_a_driver_that_gives_no_number_trips(tmp_path: Path, channel: str, value: float, hazard: str) -> None:
    def lie(run: Rehearsal) -> None:
        put = run.daemon.hub.put

        def through(device: str, samples: Any) -> None:
            put(device, [s._replace(value=value) if s.channel == channel else s for s in samples])

        run.daemon.hub.put = through  # type: ignore[method-assign]

    trips, off_s, power_w = injected(tmp_path, lie, 1.5)
    assert (trips[0]["channel"], trips[0]["hazard"]) == (channel, hazard)
    assert (off_s <= 0.4, power_w) == (True, 0.0)


@pytest.mark.parametrize("power_w", [math.nan, math.inf])
def test_a_law_that_wants_no_number_gets_nothing(tmp_path: Path, power_w: float) -> None:
    def lie(run: Rehearsal) -> None:
        application = run.daemon.control.application
        assert application is not None
        application.law.step = lambda *_: Demand(power_w, "nonsense")  # type: ignore[method-assign]

    trips, off_s, left_w = injected(tmp_path, lie, 1.5)
    assert trips == []  # 0 W, as any law may want
    assert (off_s <= 0.2, left_w) == (True, 0.0)


# ---- no processor for the loop


class Late:
    """Wakes the ticks late by ``late_s``, as a machine does whose processors others hold."""

    def __init__(self, alarm: Any) -> None:
        self._alarm, self.late_s = alarm, 0.0

    def at(self, t_s: float, wake: Callable[[], None]) -> None:
        self._alarm.at(t_s + self.late_s, wake)

    def close(self) -> None:
        self._alarm.close()


def test_ticks_that_are_late_again_and_again_warn_and_then_trip(tmp_path: Path) -> None:
    warned: list[float] = []

    def slow(run: Rehearsal) -> None:
        run.daemon.around = dataclasses.replace(run.daemon.around, alarm=Late(run.daemon.around.alarm))

    async def starve(run: Rehearsal) -> None:
        run.daemon._ticker._alarm.late_s = 0.06  # type: ignore[attr-defined]
        begin_s = run.daemon._loop.time()
        while not run.daemon.alarms.listed():
            await run.daemon.desk.renew()
            await asyncio.sleep(0.05)
        warned.append(run.daemon._loop.time() - begin_s)
        assert [alarm.key for alarm in run.daemon.alarms.listed()] == ["late"]
        assert run.power.now_w() > 30.0

    trips, off_s, power_w = injected(tmp_path, starve, before=slow)
    assert first(trips) == ("H33", "cadence")
    assert warned[0] <= 0.5
    assert (1.9 <= off_s <= 2.3, power_w) == (True, 0.0)


# ---- counts and contacts of our own


@pytest.mark.parametrize(("count", "monitor"), [("energy_j", "energy"), ("on_time_s", "on_time")])
def test_a_count_that_leaps_beyond_its_limit_trips(tmp_path: Path, count: str, monitor: str) -> None:
    """The stop at the limit itself came too late, or was not obeyed."""

    def leap(run: Rehearsal) -> None:
        control = run.daemon.control
        control.state = dataclasses.replace(control.state, **{count: 1e6})

    trips, off_s, power_w = injected(tmp_path, leap, 1.0)
    assert first(trips) == ("H07", monitor)
    assert (off_s <= 0.2, power_w) == (True, 0.0)


@pytest.mark.parametrize("second_contact", [True, False])
def test_an_enable_relay_that_closes_while_armed_and_will_not_open(tmp_path: Path, second_contact: bool) -> None:
    """A second contact shows it at once, and takes READY away; without one it is a lockout 0.3 s later."""
    path = protocol(tmp_path)
    told: list[Any] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        relay: Any = run.sim.emulators["enable"]
        await until(desk, "SAFE")
        await desk.prepare(path, "anna")
        await until(desk, "READY")
        await desk.arm("anna")
        relay.native_timeout_s = math.inf
        relay.switch(0, True, run.daemon._loop.time() - run.sim.t0_s)
        relay.switch = lambda *_: None
        closed_s = run.daemon._loop.time()
        await until(desk, "SAFE" if second_contact else "LOCKOUT")
        told.append(run.daemon._loop.time() - closed_s)
        if second_contact:
            await desk.prepare(path, "anna")
            await until(desk, "SAFE")
            told.append((await desk.status())["unready"])
        else:
            told.append((await desk.reset("anna", "try again"))["ok"])

    roles = shipped()["roles"]
    if not second_contact:
        del roles["enable_aux"]
    events = acted(tmp_path, path, act, on=bench(tmp_path, roles=roles))
    lasted_s, answer = told
    assert of(events, "fire") == []
    if second_contact:
        assert (lasted_s <= 0.2, of(events, "trip")) == (True, [])
        assert any("enable line" in text for text in answer)
    else:
        (trip,) = of(events, "trip")
        assert (trip["hazard"], trip["monitor"], trip["lockout"]) == ("H06", "enable", True)
        assert (lasted_s <= 0.5, answer) == (True, False)


# ---- hands at the front panel, and a generator that does as it likes


def test_a_hand_that_turns_the_set_point_is_found(tmp_path: Path) -> None:
    def turn(run: Rehearsal) -> None:
        generator: Any = run.sim.generator
        generator.setpoint_w = 49  # of 42 W; below what over-power is
        generator.update(run.daemon._loop.time() - run.sim.t0_s)

    trips, off_s, power_w = injected(tmp_path, turn)
    assert first(trips) == ("H10", "foreign_setpoint")
    assert trips[0]["value"] == 49.0
    assert (off_s <= 0.6, power_w) == (True, 0.0)


def test_a_hand_that_turns_the_output_off_is_found(tmp_path: Path) -> None:
    def turn(run: Rehearsal) -> None:
        generator: Any = run.sim.generator
        generator.output.on = False
        generator.update(run.daemon._loop.time() - run.sim.t0_s)

    trips, _, power_w = injected(tmp_path, turn)
    assert first(trips) == ("H10", "foreign_setpoint")  # the driver does not turn it on again, and takes back 0 W
    assert power_w == 0.0


def test_control_that_another_takes_away_is_found(tmp_path: Path) -> None:
    """The output stays at what we asked for; the next set-point is refused, and its refusal is the end."""

    def take(run: Rehearsal) -> None:
        generator: Any = run.sim.generator
        generator.control = False

    trips, off_s, power_w = injected(tmp_path, take)
    assert trips[0]["hazard"] in ("H10", "H11", "H22")
    assert (off_s < 3.0, power_w) == (True, 0.0)


def test_a_generator_that_keeps_its_set_point_over_off_is_refused_before_it_is_fired_again(tmp_path: Path) -> None:
    path = protocol(tmp_path)
    answers: list[Any] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        generator: Any = run.sim.generator
        real = generator.COMMANDS
        await fired(desk, path)
        generator.COMMANDS = {**real, b"SA": lambda self, p1, p2, t_s: real[b"SA"](self, p1, p2, t_s) if p1 else b""}
        await desk.stop("anna", "")
        await until(desk, "SAFE")
        assert generator.setpoint_w == 21  # what the generator was told so that the load got 20 W
        await desk.prepare(path, "anna")
        await until(desk, "SAFE")
        answers.append((await desk.status())["unready"])
        generator.setpoint_w = 0
        generator.COMMANDS = real
        await desk.prepare(path, "anna")
        await until(desk, "READY")  # a hand has set it to zero

    events = acted(tmp_path, path, act)
    assert answers == [["gen.setpoint_w reads 21.0 W before anything was fired"]]
    assert of(events, "trip") == []
