"""What the record holds of the kernel: values come back as they were; what was a default is today's default."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from controller import tagged
from safety.monitors.base import Pending
from safety.rules import ChannelRule, FlagRule, Judged, Thresholds, Timing
from safety.state import KernelState
from safety.types import Fault, Origin, Request, State, Trip, Verb

TRIP = Trip("H15", "staleness", "gen", "gen.power_w", math.nan, 0.25, 0.3, 12.5, "old", "the cable")


def through(value: Any) -> Any:
    """There and back, through JSON as strict as the record's."""
    return tagged.value(json.loads(json.dumps(tagged.plain(value), allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [
        Timing(prime_s=3.0),
        ChannelRule("tc.tip_c", -math.inf, 400.0, noise_floor=None, judged=Judged.SEEN),
        FlagRule("inputs.leak_flag", 1.0, "H82", "water", "the floor", trips_in=frozenset({State.SAFE, State.FIRING})),
        Request(Verb.STOP, Origin.NETWORK, 12.5, "somebody", "why"),
        Fault("H15", "link", "gen", "lost", "cable", 3.25, lockout=True),
        KernelState(State.SAFE, (0, None, {}, {3: Pending(1.5, 3, 1.25)}, {"a": math.inf}), history=((1.0, 20.0),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_as_it_was(value: Any):
    assert through(value) == value


def test_what_is_no_number_comes_back_as_none():
    back = through(TRIP)
    assert math.isnan(back.value)
    assert replace(back, value=0.0) == replace(TRIP, value=0.0)


def test_only_what_is_no_default_is_written():
    assert tagged.plain(Thresholds(agree_c=12.0))["of"] == {"agree_c": 12.0}


@pytest.mark.parametrize("what", ["os.system", "safety.types.Nothing", "safety.rules.Timing"])
def test_what_this_version_does_not_have_is_said(what: str):
    with pytest.raises(ValueError, match=f"cannot read a {what}"):
        tagged.value({"is": what, "of": {"command_s": 1.0}})


def test_a_foreign_object_is_refused():
    with pytest.raises(TypeError, match="no value of the kernel"):
        tagged.plain(object())
