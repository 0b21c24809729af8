"""Several interlocks at once on the whole kernel: which cause comes first, and that it stays the first."""

from __future__ import annotations

import math

from safety.types import State
from tests.safety.rig import Rig, trip_of


def test_first_cause_stays_and_consequences_follow_in_order() -> None:
    rig = Rig().fired(60.0)
    rig.silent.add("flow")
    first, _ = trip_of(rig)
    rig.until(State.TRIPPED)
    rig.silent.add("tc")
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    rig.tick(40)
    assert rig.out.first_trip == first
    assert [t.hazard for t in rig.state.trips] == ["H15", "H15", "H66", "H15", "H15", "H15", "H15"]
    assert len([k for k in rig.kinds() if k == "trip"]) == 7


def test_causes_of_one_tick_have_a_fixed_order() -> None:
    rig = Rig().fired(60.0)
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    rig.override["tc.tip_c"] = rig.override["flow.flow_ml_min"] = math.nan
    rig.watchdog_ready = False
    rig.tick(1, 0.2001)
    assert [t.hazard for t in rig.out.new_trips] == ["H29", "H27", "H66", "H31", "H31"]
