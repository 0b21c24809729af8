"""Values exactly on an edge, where one character of the code decides."""

from __future__ import annotations

import pytest

from safety.monitors.contacts import is_closed, is_open, pressed, released
from safety.types import Quality, Sample, State, Verb
from tests.safety.rig import LIMITS, Rig, config, replace


def contact(value: float, quality: Quality = Quality.GOOD) -> Sample:
    return Sample("inputs.x_closed", value, 1.0, quality)


@pytest.mark.parametrize(
    "no, nc, is_pressed, is_released",
    [(1.0, 0.0, True, False), (0.0, 1.0, False, True), (1.0, 1.0, False, False), (0.0, 0.0, False, False)],
)
def test_a_pair_needs_both_contacts(no: float, nc: float, is_pressed: bool, is_released: bool) -> None:
    samples = [contact(no), contact(nc)]
    assert (pressed(samples, (0, 1)), released(samples, (0, 1))) == (is_pressed, is_released)


def test_only_exact_and_good_readings_are_contacts() -> None:
    assert is_closed(contact(1.0))
    assert is_open(contact(0.0))
    for doubtful in (
        None,
        contact(0.5),
        contact(1.0, Quality.BAD),
        contact(0.0, Quality.UNCERTAIN),
        contact(float("nan")),
    ):
        assert not is_closed(doubtful)
        assert not is_open(doubtful)


def test_a_release_at_the_moment_of_arm_is_not_after_it() -> None:
    rig = Rig().to(State.ARMED)
    armed = rig.now_s
    names = ("inputs.foot_no_closed", "inputs.foot_nc_closed")

    def dated(t_s: float) -> None:
        rig.mangle = lambda inputs: replace(
            inputs, snapshot={**inputs.snapshot, **{n: inputs.snapshot[n]._replace(t_request_s=t_s) for n in names}}
        )
        rig.tick()

    dated(armed)
    assert rig.state.foot_released is False
    dated(armed + 0.001)
    assert rig.state.foot_released is True


def test_flow_at_its_limit_flows() -> None:
    plain = tuple(replace(rule, noise_floor=None) for rule in config().channels)
    rig = Rig(config(channels=plain)).fired(60.0)
    rig.override["flow.flow_ml_min"] = 40.0
    rig.tick(40)
    assert rig.out.first_trip is None


def test_one_refused_sample_is_forgiven_the_second_trips() -> None:
    rig = Rig(config(layers=(("bench", replace(LIMITS, tip_c=120.0)),))).fired(60.0)
    rig.silent.add("tc.tip_c")
    last = rig.snapshot["tc.tip_c"]
    for k in range(1, 3):
        assert rig.out.first_trip is None
        rig.snapshot["tc.tip_c"] = Sample("tc.tip_c", 100.0, last.t_request_s + 0.2 * k)
        rig.tick(4)
    assert rig.out.first_trip is not None
    assert rig.out.first_trip.hazard == "H60"


def test_precheck_wants_off_proven_anew() -> None:
    rig = Rig().to(State.SAFE)
    rig.silent.add("gen")
    rig.ask(Verb.PREPARE)
    rig.tick(2)
    assert (rig.out.state, "off" in rig.out.blocked_by) == (State.PRECHECK, True)
    rig.silent.clear()
    rig.tick(2)
    assert "off" not in rig.out.blocked_by


def test_the_cap_itself_is_allowed() -> None:
    rig = Rig(config(layers=(("bench", replace(LIMITS, power_w=60.0)),))).fired(60.0)
    rig.override["gen.forward_power_w"] = 63.0
    rig.tick(40)
    assert rig.out.first_trip is None


def test_a_lapsed_lease_of_a_footswitch_is_a_release() -> None:
    rig = Rig(config(channels=tuple(replace(r, age_limit_s=1.0) for r in config().channels), enable_line=False))
    rig.to(State.ARMED).tick(3)
    rig.press()
    rig.until(State.FIRING)
    rig.tick(3)
    rig.silent.add("inputs")
    held = rig.snapshot["inputs.foot_no_closed"].t_request_s
    rig.until(State.STOPPING, 1.0)
    assert 0.3 < rig.now_s - held <= 0.36
    assert rig.out.first_trip is None
