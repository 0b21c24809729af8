"""The collapse that must not fail: whatever breaks within a step is off, and is told once."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.steps import bench, inputs, state, stepped


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "x", None])
@raises_nothing
def test_time_that_is_none(bad: Any) -> None:
    after, out = stepped(now_s=bad)
    assert (out.state.value, out.permit.max_w, out.enable, out.command_off, out.pump_on) == (
        "LOCKOUT", 0.0, False, True, True,
    )  # fmt: skip
    trip = out.first_trip
    assert trip is not None
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H32", "kernel", "kernel", "")
    assert (math.isnan(trip.value), math.isnan(trip.limit), trip.age_s, trip.t_s) == (True, True, 0.0, 0.0)
    assert (trip.lockout, trip.pump_off) == (True, False)
    assert trip.text.startswith("the safety kernel failed: ")
    assert trip.check.startswith("report this defect")
    assert (tuple(out.permit), out.blocked_by) == ((0.0, 0.0, 8, out.state, ("lockout",)), ("lockout",))
    assert [kind for kind, _ in out.events] == ["trip", "state"]
    assert out.events[0][1]["hazard"] == "H32"
    assert out.events[1][1] == {"from": "FIRING", "to": "LOCKOUT", "reason": "kernel failed", "who": ""}
    assert (after.state.value, after.enable, after.epoch, after.entered_s) == ("LOCKOUT", False, 8, 0.0)
    assert (out.new_trips, out.energy_j, out.on_time_s) == ((trip,), 200.0, 4.0)


@raises_nothing
def test_a_collapse_is_told_once() -> None:
    from safety.kernel import step

    config = bench()
    after, _ = step(config, state(config), None, 100.125)  # type: ignore[arg-type]
    assert (after.trips[0].t_s, after.entered_s) == (100.125, 100.125)
    assert (
        after.trips[0].text == "the safety kernel failed: AttributeError: 'NoneType' object has no attribute 'snapshot'"
    )
    again, out = step(config, after, None, 100.25)  # type: ignore[arg-type]
    assert (out.new_trips, out.events, len(again.trips), out.first_trip) == ((), (), 1, after.trips[0])
    assert (out.permit.expires_at_s, out.permit.epoch, out.state.value) == (100.25, 9, "LOCKOUT")


@pytest.mark.parametrize("leak", [True, False])
@raises_nothing
def test_a_collapse_keeps_the_causes_and_the_pump(leak: bool) -> None:
    from safety.types import Trip

    first = Trip("H82", "m", "d", "c", 1.0, 2.0, 0.0, 3.0, "t", "x", False, leak)
    after, out = stepped("TRIPPED", now_s=math.nan, trips=(first,))
    assert [t.hazard for t in after.trips] == ["H82", "H32"]
    assert (out.first_trip, out.pump_on, after.pump_on) == (first, not leak, not leak)
    assert out.events[1][1]["from"] == "TRIPPED"


@pytest.mark.parametrize("broken", [None, 17])
@raises_nothing
def test_a_collapse_without_a_state(broken: Any) -> None:
    from safety.kernel import step

    after, out = step(bench(), broken, inputs(), 100.125)
    assert (out.state.value, out.permit.max_w, out.permit.epoch, out.enable) == ("LOCKOUT", 0.0, 0, False)
    assert (len(out.new_trips), out.energy_j, out.pump_on, after.state.value) == (1, 0.0, True, "LOCKOUT")
    assert out.events[1][1]["from"] == "LOCKOUT"
