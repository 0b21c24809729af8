"""Every law that is installed holds what laws must hold; and the kit notices one that does not."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from controller.laws import registry
from controller.laws.base import DT_MAX_S, Observation
from controller.laws.conformance import LawConformance
from controller.laws.constant_power import ConstantPower
from safety.types import Demand, Permit
from tests.laws.examples import EVERY

for _name, _parameters in EVERY.items():
    _title = "Test" + "".join(word.capitalize() for word in _name.replace("-", " ").split())
    _law: Any = registry.find(_parameters["kind"])
    globals()[_title] = type(_title, (LawConformance,), {"law": _law, "parameters": _parameters})


def test_no_law_is_left_out():
    assert {parameters["kind"] for parameters in EVERY.values()} == set(registry.names())


class Greedy(ConstantPower):
    """Sees a permit that was not given."""

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        return super().step(observation, permit._replace(max_w=1000.0), dt_s)


class Windup(ConstantPower):
    """Integrates while it is clamped."""

    wanted_w = 0.0

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        if not observation.t_s < self.params.duration_s:
            return super().step(observation, permit, dt_s)
        self.wanted_w += 0.2 * min(max(0.0, dt_s), DT_MAX_S)
        return Demand(min(self.wanted_w, max(0.0, permit.max_w)))


class Bumpy(ConstantPower):
    """Jumps back to full power after a pause."""

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        demand = super().step(observation, permit, dt_s)
        if self.state.finished or not permit.max_w > 0.0 or observation.t_s < 2.0:
            return demand
        return Demand(min(permit.max_w, self.params.power_w))


class Undead(ConstantPower):
    """Rises again after its end."""

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        if self.state.finished and observation.t_s < self.params.duration_s:
            self.state = self.state._replace(finished=False)
        return super().step(observation, permit, dt_s)


SHARED: list[float] = []


class Shared(ConstantPower):
    """Keeps its state where every application sees it."""

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        SHARED.append(observation.t_s)
        return super().step(observation, permit, dt_s)._replace(reason=str(len(SHARED)))


@pytest.mark.parametrize(
    ("bad", "test"),
    [
        (Greedy, "test_it_never_exceeds_permit_or_parameters"),
        (Windup, "test_nothing_winds_up_while_the_permit_clamps"),
        (Bumpy, "test_a_pause_is_followed_without_a_bump"),
        (Undead, "test_it_ends_in_time_and_stays_ended"),
        (Shared, "test_what_it_wants_changes_only_within_its_own_object"),
    ],
)
def test_the_kit_notices_a_law_that_is_wrong(bad: type[ConstantPower], test: str):
    kit = type("Kit", (LawConformance,), {"law": bad, "parameters": EVERY["constant-power"]})()
    usual = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("found", derandomize=True, phases=[hypothesis.Phase.generate], deadline=None)
    hypothesis.settings.load_profile("found")  # the first example is enough, however large
    try:
        with pytest.raises(AssertionError):
            getattr(kit, test)()
    finally:
        hypothesis.settings.load_profile(usual)
