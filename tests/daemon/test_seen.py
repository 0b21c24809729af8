"""What people are shown beside the values: age, contacts, watchdog, limits, countdowns."""

from __future__ import annotations

from typing import Any

import pytest

from controller.config.bench import Roles
from controller.daemon.seen import left_s, seen
from safety.kernel import initial
from safety.types import Quality, Sample, State, WatchdogStatus
from tests.safety.rig import config

ROLES = Roles(
    source="gen",
    tip="tc.tip_c",
    tissue=("tc.tissue_10mm_c", "tc.tissue_20mm_c"),
    flow="flow.flow_ml_min",
    estop=("inputs.estop_a_closed", "inputs.estop_b_closed"),
    footswitch=("inputs.foot_no_closed", "inputs.foot_nc_closed"),
    door="inputs.door_closed",
)


def told(*samples: Sample, watchdog: WatchdogStatus | None = None) -> dict[str, Any]:
    guarded = config()
    kernel = initial(guarded, None, ())
    kernel.state, kernel.entered_s = State.READY, 90.0
    return seen(ROLES, guarded, kernel, {sample.channel: sample for sample in samples}, watchdog, 100.0)


def test_a_reading_has_its_age_and_how_old_it_may_be() -> None:
    evidence = told(Sample("tc.tip_c", 37.0, 99.4), Sample("tc.tissue_20mm_c", 20.0, 99.9, Quality.BAD))["evidence"]
    assert evidence["tip_c"] == {"channel": "tc.tip_c", "age_s": 0.6, "oldest_s": 0.8, "good": True}
    assert evidence["tissue_c[1]"] == {"channel": "tc.tissue_20mm_c", "age_s": 0.1, "oldest_s": 0.8, "good": False}
    assert evidence["flow_ml_min"] == {"channel": "flow.flow_ml_min", "age_s": None, "oldest_s": 0.25, "good": None}
    assert "impedance_ohm" not in evidence  # no role, no row


def test_a_contact_that_nobody_read_is_neither_open_nor_closed() -> None:
    contacts = told(
        Sample("inputs.estop_a_closed", 1.0, 99.9),
        Sample("inputs.estop_b_closed", 0.0, 99.9),
        Sample("inputs.foot_no_closed", 1.0, 99.9, Quality.BAD),
    )["contacts"]
    assert [contact["closed"] for contact in contacts["estop"]] == [True, False]
    assert [contact["closed"] for contact in contacts["footswitch"]] == [None, None]
    assert [contact["closed"] for contact in contacts["door"]] == [None]
    assert "leak" not in contacts


def test_the_watchdogs_word_has_its_age() -> None:
    assert told()["watchdog"] is None
    assert told(watchdog=WatchdogStatus(99.95, True, False, False))["watchdog"] == {
        "ready": True,
        "enable_closed": False,
        "enable_commanded": False,
        "age_s": 0.05,
    }


def test_limits_say_which_layer_sets_them() -> None:
    limits = told()["limits"]
    assert limits["tip_c"] == {"value": 60.0, "layer": "bench"}
    assert limits["shaft_c"] == {"value": 60.0, "layer": "ceiling"}


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (State.SAFE, None),
        (State.PRECHECK, 6.0),
        (State.READY, 296.0),
        (State.ARMED, 28.0),
        (State.FIRING, None),
        (State.COOLDOWN, 116.0),
        (State.TRIPPED, None),
    ],
)
def test_what_the_kernel_ends_by_itself_has_a_countdown(state: State, left: float | None) -> None:
    guarded = config()
    kernel = initial(guarded, None, ())
    kernel.state, kernel.entered_s, kernel.armed_at_s = state, 96.0, 98.0
    assert left_s(kernel, guarded, 100.0) == left


def test_a_countdown_ends_at_nothing() -> None:
    guarded = config()
    kernel = initial(guarded, None, ())
    kernel.state, kernel.entered_s = State.PRECHECK, 0.0
    assert left_s(kernel, guarded, 100.0) == 0.0
