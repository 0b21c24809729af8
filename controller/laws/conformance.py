"""What every law must hold, for ours and for third parties' alike: a class for pytest to collect in a subclass.

    class TestMyLaw(LawConformance):
        law = MyLaw
        parameters = {"kind": "my-law", "power_w": 30, "duration_s": 60}

Needs pytest's collection and hypothesis; imported by tests only. Where a law depends on readings that the steady bench
of this kit (:meth:`LawConformance.steady`) does not show, override that method.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.laws.base import DT_MAX_S, Delivered, Law, LawParams, Observation, permitted_w
from safety.types import Demand, Permit, State

TICK_S = 0.1
RUNNING_S = 30.0
"""After which a law that is going to demand power on the steady bench does so."""
PATIENCE_S = 5.0
"""Within which a law without readings has to have demanded 0 W."""
ROUNDING_W = 1e-6
ASKS = ("deploy", "pull-back")

_wild = st.one_of(st.sampled_from([None, math.nan, math.inf, -1.0, 0.0, 1e9]), st.floats(0.0, 300.0))
_watts = st.one_of(st.sampled_from([0.0, math.nan, math.inf, -1.0, 1000.0]), st.floats(0.0, 250.0))
_stretches = st.lists(
    st.tuples(
        st.builds(
            Observation,
            t_s=st.sampled_from([0.0, 0.0, 0.0, 30.0, -1.0, 1e9]),  # added to the time so far
            impedance_ohm=_wild,
            impedance_age_s=st.sampled_from([0.0, 0.1, 5.0, math.inf]),
            tip_c=_wild,
            forward_w=_wild,
            reverse_w=_wild,
            flow_ml_min=_wild,
            tine_c=st.lists(_wild, max_size=5).map(tuple),
            shaft_c=_wild,
            channels=st.sampled_from([None, (), (0,), (1, 2)]),
            deployment_mm=st.sampled_from([None, 0.0, 20.0, 60.0]),
            withdrawn_mm=st.sampled_from([None, 0.0, 10.0, 100.0]),
        ),
        _watts,
        st.sampled_from([TICK_S, TICK_S, 0.05, 0.0, -1.0, 10.0, math.nan, math.inf]),
        st.integers(1, 30),
    ),
    max_size=5,
)
Stretch = tuple[Observation, float, float, int]


def _some(test: Callable[[], None]) -> Callable[[], None]:
    """A third of the profile's examples: each is a hundred ticks long, and there are many laws."""
    return settings(max_examples=max(10, settings().max_examples // 3))(test)


def _ticks(stretches: Iterable[Stretch]) -> Iterator[tuple[Observation, Permit, float]]:
    """Stretches of equal readings, tick by tick, in a time that mostly runs forward."""
    t_s = 0.0
    for seen, cap_w, dt_s, count in stretches:
        for _ in range(count):
            t_s += TICK_S
            yield seen._replace(t_s=t_s + seen.t_s), permit(cap_w), dt_s


OFF = Demand(0.0)


def permit(max_w: float = 1000.0) -> Permit:
    """A permit of ``max_w`` that does not expire."""
    return Permit(max_w, math.inf, 1, State.FIRING)


class LawConformance:
    """See the module's text."""

    law: ClassVar[type[Law[Any]]]
    parameters: ClassVar[Mapping[str, Any]]
    """As the ``law:`` block of a protocol file; its longest time should be no more than some minutes."""

    def fresh(self) -> Law[Any]:
        """A law for one application, its parameters read as from a file."""
        return self.law(self.law.PARAMS.model_validate_json(json.dumps(dict(self.parameters)), strict=True))

    def steady(self, t_s: float, demand: Demand) -> Observation:
        """What an unexciting bench shows while ``demand`` is delivered: warm tissue, good coolant, a matched load."""
        power_w = demand.power_w
        return Observation(
            t_s=t_s,
            impedance_ohm=80.0 if power_w > 0.0 else None,
            tip_c=40.0,
            tissue_c=(50.0, 40.0),
            power_w=power_w,
            forward_w=power_w,
            reverse_w=0.03 * power_w,
            coolant_c=10.0,
            flow_ml_min=80.0,
            tine_c=(60.0,) * 5,
            shaft_c=15.0,
            channels=demand.channels,
        )

    def run(
        self,
        law: Law[Any],
        from_s: float,
        to_s: float,
        cap_w: Callable[[float], float] = lambda t_s: 1000.0,
        blind: Observation | None = None,
        dt_s: float = TICK_S,
        before: Demand = OFF,
    ) -> list[Demand]:
        """Step ``law`` on the steady bench, or on ``blind``'s readings; every demand."""
        demands = []
        for tick in range(round((to_s - from_s) / dt_s)):
            t_s = from_s + tick * dt_s
            seen = self.steady(t_s, before) if blind is None else blind._replace(t_s=t_s)
            before = law.step(seen, permit(cap_w(t_s)), dt_s)
            demands.append(before)
        return demands

    # ---- parameters

    def test_its_parameters_say_what_configuration_checks(self) -> None:
        law = self.fresh()
        params: LawParams = law.params
        assert params.kind == self.parameters["kind"]
        for name, value in (params.peak, params.end):
            assert hasattr(params, name)
            assert 0.0 < value < math.inf
        for bound in (params.current, params.target):
            assert bound is None or (hasattr(params, bound[0]) and 0.0 < bound[1] < math.inf)
        assert 0.0 <= params.sensing_w <= params.peak[1]
        assert all(need.islower() for need in params.needs)

    # ---- whatever it sees

    def test_it_never_exceeds_permit_or_parameters(self) -> None:
        @_some
        @given(_stretches)
        def holds(stretches: list[Stretch]) -> None:
            law = self.fresh()
            for seen, allowed, dt_s in _ticks(stretches):
                demand = law.step(seen, allowed, dt_s)
                assert 0.0 <= demand.power_w <= min(permitted_w(allowed), law.params.peak[1])
                if law.finished:
                    assert demand.power_w == 0.0
                assert all(isinstance(x, str) or math.isfinite(x) for x in law.internals().values())
                assert law.rolloffs >= 0

        holds()

    def test_the_same_observations_give_the_same_demands(self) -> None:
        @_some
        @given(_stretches)
        def holds(stretches: list[Stretch]) -> None:
            first, second = self.fresh(), self.fresh()
            for tick in _ticks(stretches):
                assert first.step(*tick) == second.step(*tick)
            assert first.internals() == second.internals()

        holds()

    def test_what_it_wants_changes_only_within_its_own_object(self) -> None:
        alone, beside = self.fresh(), self.fresh()
        other = self.fresh()
        expected = self.run(alone, 0.0, 10.0)
        self.run(other, 0.0, 7.0)
        assert self.run(beside, 0.0, 10.0) == expected

    # ---- hands, and what is left after a break

    def test_it_asks_for_what_hands_can_do(self) -> None:
        @_some
        @given(_stretches)
        def holds(stretches: list[Stretch]) -> None:
            law = self.fresh()
            asks = [law.asks]
            for seen, allowed, dt_s in _ticks(stretches):
                law.step(seen, allowed, dt_s)
                asks.append(law.asks)
                assert not (law.finished and law.asks)
                assert law.stage >= 0
            for ask in asks:
                if ask is not None:
                    assert law.params.hands
                    assert ask.kind in ASKS
                    assert 0.0 < ask.value < math.inf
                    assert ask.text

        holds()

    def test_it_goes_on_with_what_is_left(self) -> None:
        """Broken off and taken up again it needs no longer than from the start, and ends by itself."""
        params: LawParams = self.fresh().params
        end_s = params.end[1]
        assert params.remaining(Delivered(0.0, 0.0, 0, 0)) == params
        left = params.remaining(Delivered(0.1 * end_s, 1.0, 0, 0))
        assert left.kind == params.kind
        assert left.peak == params.peak
        assert 0.0 < left.end[1] <= end_s
        law = self.law(left)
        self.run(law, 0.0, left.end[1] + 2 * TICK_S, dt_s=DT_MAX_S)
        self.run(law, left.end[1], left.end[1] + 2 * TICK_S)
        assert law.finished

    # ---- its end

    def test_it_ends_in_time_and_stays_ended(self) -> None:
        law = self.fresh()
        end_s = law.params.end[1]
        before = self.run(law, 0.0, end_s, dt_s=DT_MAX_S)[-1]
        self.run(law, end_s, end_s + 2 * TICK_S, before=before)
        assert law.finished
        for seen in (self.steady(0.0, OFF), self.steady(end_s + 60.0, OFF), Observation(math.nan)):
            assert law.step(seen, permit(), TICK_S).power_w == 0.0
            assert law.finished

    def test_a_time_that_is_no_time_ends_it(self) -> None:
        for t_s in (math.nan, math.inf):
            law = self.fresh()
            self.run(law, 0.0, 5.0)
            assert law.step(self.steady(t_s, OFF), permit(), TICK_S).power_w == 0.0
            assert law.finished

    # ---- permits (P31)

    def test_it_demands_power_at_all(self) -> None:
        assert max(demand.power_w for demand in self.run(self.fresh(), 0.0, RUNNING_S)) > 1.0

    def test_a_pause_is_followed_without_a_bump(self) -> None:
        law = self.fresh()
        demands = self.run(law, 0.0, RUNNING_S)
        step_w, most_w = _largest_rise_w(demands), max(demand.power_w for demand in demands[-50:])
        paused = self.run(law, RUNNING_S, RUNNING_S + 5.0, lambda t_s: 0.0, before=demands[-1])
        assert all(demand.power_w == 0.0 for demand in paused)
        after = self.run(law, RUNNING_S + 5.0, RUNNING_S + 15.0, before=paused[-1])
        assert after[0].power_w <= min(step_w, most_w + step_w) + ROUNDING_W
        assert _largest_rise_w([paused[-1], *after]) <= step_w + ROUNDING_W

    def test_nothing_winds_up_while_the_permit_clamps(self) -> None:
        """However long it was held down, it goes on in the same way: what integrates stands still."""
        found: list[float] = []
        for clamped_s in (2.0, 20.0):
            law = self.fresh()
            demands = self.run(law, 0.0, RUNNING_S)
            low_w = 0.5 * max(demand.power_w for demand in demands[-50:])
            start_s, end_s = RUNNING_S, RUNNING_S + clamped_s

            def cap_w(t_s: float, low_w: float = low_w) -> float:
                return low_w

            held = self.run(law, start_s, end_s, cap_w, before=demands[-1])
            assert all(demand.power_w <= low_w for demand in held)
            after = self.run(law, end_s, end_s + 2.0, before=held[-1])
            assert after[0].power_w <= held[-1].power_w + _largest_rise_w(demands) + ROUNDING_W
            found.append(max(demand.power_w for demand in after))
        step_w = _largest_rise_w(demands)
        assert found[1] <= found[0] + step_w + ROUNDING_W

    # ---- readings

    def test_without_its_readings_there_is_no_power(self) -> None:
        if not self.fresh().params.needs:
            return
        for value in (None, math.nan, math.inf, -math.inf):
            law = self.fresh()
            demands = self.run(law, 0.0, RUNNING_S)
            blind = Observation(0.0, value, 0.0, value, (value,) * 2, value, value, value, value, value)
            blind = blind._replace(tine_c=(value,) * 5, shaft_c=value)
            lost = self.run(law, RUNNING_S, RUNNING_S + 20.0, blind=blind, before=demands[-1])
            patience = round(PATIENCE_S / TICK_S)
            assert any(demand.power_w == 0.0 for demand in lost[:patience])
            assert all(demand.power_w <= law.params.sensing_w for demand in lost[patience:])


def _largest_rise_w(demands: Iterable[Demand]) -> float:
    """The largest step up within one tick."""
    powers = [0.0, *(demand.power_w for demand in demands)]
    return max(b - a for a, b in itertools.pairwise(powers))
