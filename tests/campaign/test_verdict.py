"""Each of the seven verdicts, from what a run showed."""

from __future__ import annotations

import math

import pytest

from sim.campaign.expected import Expected
from sim.campaign.verdict import Seen, Verdict, judge

STALL = Expected(frozenset({"H38"}), within_s=0.6, energy_w_s=0.6, shows="always", benign=False)
HARMLESS = Expected(frozenset(), within_s=0.0, energy_w_s=0.0, shows="always", benign=True)
GOOD = Seen(
    reached=True,
    masked="",
    onset_s=10.0,
    shown_s=10.0,
    trip="H38",
    trip_s=10.4,
    refused="",
    off_s=10.5,
    off_asked_s=math.nan,
    energy_after_j=100.0,
    power_w=200.0,
    state="TRIPPED",
)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, Verdict.OK),
        ({"off_s": 10.6}, Verdict.OK),
        ({"off_s": 10.601}, Verdict.LATE),
        ({"off_s": math.nan}, Verdict.LATE),
        ({"energy_after_j": 120.0}, Verdict.OK),
        ({"energy_after_j": 120.1}, Verdict.LATE),
        ({"power_w": 100.0}, Verdict.LATE),  # 60 J are allowed at 100 W
        ({"trip": "H03"}, Verdict.WRONG_CAUSE),
        ({"trip": "H03", "energy_after_j": 0.0}, Verdict.WRONG_CAUSE),
        ({"masked": "H15"}, Verdict.MASKED),
        ({"trip": "", "off_s": 14.0, "energy_after_j": 600.0}, Verdict.MISSED),
        ({"trip": "", "off_s": math.nan, "energy_after_j": 600.0}, Verdict.MISSED),
        ({"trip": ""}, Verdict.OK),  # a stop that was under way took it off in time
        ({"trip": "", "energy_after_j": 0.0, "off_s": math.nan}, Verdict.OK),
        ({"trip": "", "refused": "flow", "energy_after_j": 0.0}, Verdict.OK),
        ({"reached": False}, Verdict.NOT_REACHED),
    ],
)
def test_a_fault(changed: dict[str, object], verdict: Verdict):
    assert judge(STALL, GOOD._replace(**changed))[0] is verdict  # type: ignore[arg-type]


def test_where_only_the_mains_plug_is_left_it_must_be_told_in_time():
    flowing = GOOD._replace(off_s=math.nan, energy_after_j=5000.0)
    assert judge(STALL, flowing)[0] is Verdict.LATE
    told = STALL._replace(told=True)
    assert judge(told, flowing) == (Verdict.OK, "told; only the mains plug is left")
    assert judge(told, flowing._replace(trip_s=10.7))[0] is Verdict.LATE
    assert judge(told, flowing._replace(trip="", trip_s=math.nan))[0] is Verdict.MISSED


def test_what_nobody_noticed_is_missed_though_no_energy_flowed():
    """An antenna that sends everything back: the operator had to end it."""
    unseen = GOOD._replace(trip="", energy_after_j=0.0, off_s=math.nan, off_asked_s=12.0)
    assert judge(STALL, unseen) == (Verdict.MISSED, "nothing ended it, though no energy flowed")
    assert judge(STALL, unseen._replace(off_asked_s=9.0))[0] is Verdict.OK  # asked for before
    assert judge(STALL, unseen._replace(passing=True))[0] is Verdict.OK  # it was over before there was power


@pytest.mark.parametrize("expected", [None, HARMLESS])
def test_nothing_may_trip_where_nothing_is_wrong(expected: Expected | None):
    calm = GOOD._replace(trip="", energy_after_j=5000.0)
    assert judge(expected, calm) == (Verdict.OK, "")
    assert judge(expected, calm._replace(trip="H58")) == (Verdict.FALSE, "H58")
    assert judge(expected, calm._replace(refused="record")) == (Verdict.FALSE, "record")
