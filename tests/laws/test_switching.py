"""Switching: turns by time and by impedance, recovery, no switching under power, electrodes named in the demand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.gate import Gate
from safety.types import Demand, Permit, State
from tests.laws.examples import DUAL, SWITCHING
from tests.laws.runs import Run, made


def load(z_ohm: Callable[[float, tuple[int, ...]], float]) -> Callable[[float, Demand], Observation]:
    """A load that depends on time and on what is connected; the bench tells what is."""

    def bench(t_s: float, demand: Demand) -> Observation:
        connected = demand.channels if demand.channels is not None else (0,)
        return Observation(t_s, z_ohm(t_s, connected) if demand.power_w > 1.0 else None, channels=connected)

    return bench


def turns(run: Run) -> list[tuple[int, ...]]:
    """The electrodes that had more than probing power, in order, each turn once."""
    found: list[tuple[int, ...]] = []
    for demand in run.demands:
        if demand.power_w > 10.0 and demand.channels is not None and found[-1:] != [demand.channels]:
            found.append(demand.channels)
    return found


def test_turns_go_around_the_ring_by_time():
    run = Run(made(SWITCHING), load(lambda t_s, on: 80.0))
    assert run.to(0.0) == Demand(0.0, "changing electrodes", (0,))
    assert run.to(0.3) == Demand(10.0, "reading impedance", (0,))
    run.to(119.9)
    assert turns(run) == [(0,), (1,), (2,), (0,)]
    assert run.to(120.0) == Demand(0.0, "end of protocol", ())


def test_the_switch_never_changes_under_power():
    run = Run(made(SWITCHING), load(lambda t_s, on: 80.0 if t_s % 20.0 < 15.0 else 130.0))
    run.to(119.0)
    pairs = list(pairwise(run.demands))
    changes = [(a, b) for a, b in pairs if a.channels != b.channels and a.channels is not None]
    assert len(changes) > 4
    assert all(b.power_w == 0.0 for _, b in changes)


def test_power_waits_until_the_electrodes_are_connected():
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, 80.0, channels=(2,) if t_s < 5.0 else (0,))

    run = Run(made(SWITCHING), bench)
    assert run.to(4.9) == Demand(0.0, "changing electrodes", (0,))
    assert run.to(5.3).power_w == 10.0


def test_a_rise_of_30_ohm_ends_a_turn_and_the_electrode_recovers():
    def z_ohm(t_s: float, on: tuple[int, ...]) -> float:
        return 120.0 if on == (0,) and 10.0 <= t_s < 12.0 else 80.0

    run = Run(made(SWITCHING, turn_s=5.0), load(z_ohm))
    run.to(9.0)
    assert turns(run) == [(0,), (1,)]
    run = Run(made(SWITCHING, turn_s=10.0, recovery_s=25.0), load(z_ohm))
    run.to(10.7)
    assert run.law.rolloffs == 1
    run.to(60.0)
    assert turns(run) == [(0,), (1,), (2,), (1,), (2,), (0,)]  # at 32 s it had not recovered


def test_each_electrode_goes_on_from_its_own_power():
    run = Run(made(SWITCHING), load(lambda t_s, on: 80.0))
    run.to(30.0)
    first_w = run.demands[-1].power_w
    assert first_w == pytest.approx(89.0, abs=1.5)  # from 60 W at 1 W/s
    assert run.to(34.5).power_w < 70.0
    run.to(96.0)
    assert run.demands[-1].channels == (0,)
    assert run.demands[-1].power_w == pytest.approx(first_w + 3.0, abs=2.0)


def test_after_a_roll_off_a_turn_begins_lower():
    def z_ohm(t_s: float, on: tuple[int, ...]) -> float:
        return 130.0 if on == (0,) and 25.0 <= t_s < 27.0 else 80.0

    run = Run(made(SWITCHING, start_w=20.0), load(z_ohm))
    run.to(25.0)
    before_w = run.demands[-1].power_w
    run.to(89.0)
    low = [d.power_w for d in run.demands[-10:] if d.channels == (0,)]
    assert low[-1] == pytest.approx(0.7 * before_w, abs=3.0)


def test_when_every_electrode_recovers_there_is_no_power():
    run = Run(made(SWITCHING, recovery_s=60.0), load(lambda t_s, on: 80.0 + 5.0 * (t_s % 13.0)))
    run.to(45.0)
    assert run.phase == "REST"
    assert run.demands[-1].power_w == 0.0
    run.to(110.0)
    assert len(turns(run)) > 3


def test_pairs_of_neighbours_take_turns_together():
    run = Run(made(DUAL, turn_s=10.0), load(lambda t_s, on: 50.0))
    run.to(40.0)
    assert turns(run) == [(0, 1), (1, 2), (2, 0), (0, 1)]


def test_missing_impedance_ends_a_turn():
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, 80.0 if not 10.0 <= t_s < 14.0 else None)

    run = Run(made(SWITCHING), bench)
    assert run.to(10.8) == Demand(0.0, "impedance missing", (0,))
    assert run.to(20.0).channels == (1,)


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"together": 2, "electrodes": 2}, "together must be less"), ({"start_w": 5.0}, "low_w <= start_w")],
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, object], says: str):
    with pytest.raises(ValidationError, match=says):
        made(SWITCHING, **changed)


demands = st.builds(
    Demand, st.floats(), st.just("law"), st.one_of(st.none(), st.lists(st.integers(-1, 9), max_size=4).map(tuple))
)


@given(st.lists(st.tuples(demands, st.floats(0.0, 250.0)), max_size=30))
def test_what_may_be_sent_does_not_depend_on_the_electrodes(asked: list[tuple[Demand, float]]):
    named, bare = Gate(200.0), Gate(200.0)
    for k, (demand, max_w) in enumerate(asked):
        now_s = 0.05 * k
        permit = Permit(max_w, now_s + 0.15, 1, State.FIRING)
        assert named.decide(demand, permit, now_s) == bare.decide(demand._replace(channels=None), permit, now_s)
