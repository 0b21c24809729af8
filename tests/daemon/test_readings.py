"""Temperatures read while it cools, and the advice that they give."""

from __future__ import annotations

import math

import pytest

from controller.config.bench import Roles
from controller.daemon.readings import Heated, Readings, advice
from controller.laws.base import Reablate
from safety.types import Quality, Sample

ROLES = Roles(source="gen", tip="tc.tip_c", tines=("tc.one_c", "tc.two_c"))


def seen(power_w: float, tip_c: float, quality: Quality = Quality.GOOD) -> dict[str, Sample]:
    values = {"gen.power_w": power_w, "tc.one_c": 60.0, "tc.two_c": 70.0}
    samples = {name: Sample(name, value, 0.0) for name, value in values.items()}
    return {**samples, "tc.tip_c": Sample("tc.tip_c", tip_c, 0.0, quality)}


def test_they_are_taken_30_and_60_s_after_power_last_flowed():
    readings = Readings(ROLES)
    for t_s in range(10):
        assert readings.follow(seen(50.0, 90.0), 50.0, True, float(t_s)) is None
    for t_s in range(10, 39):  # a roll-off's pause
        assert readings.follow(seen(0.0, 80.0), 0.0, True, float(t_s)) is None
    first = readings.follow(seen(0.0, 79.0), 0.0, True, 39.0)
    assert first is not None
    assert (first["after_s"], first["tip_c"], first["coolant_on"]) == (30.0, 79.0, True)
    readings.follow(seen(50.0, 90.0), 50.0, True, 40.0)  # power is back: all of it was no end
    assert readings.taken == []
    assert readings.left_s(60.0, 45.0) == 55.0
    for t_s in range(41, 120):
        readings.follow(seen(0.0, 100.0 - t_s / 2.0), 0.0, False, float(t_s))
    assert [(taken["after_s"], taken["tip_c"]) for taken in readings.taken] == [(30.0, 65.0), (60.0, 50.0)]


def test_a_set_point_that_is_not_measured_is_power_too():
    readings = Readings(ROLES)
    readings.follow({}, 20.0, False, 5.0)
    assert readings.follow({}, 0.0, False, 34.9) is None
    taken = readings.follow({}, 0.0, False, 35.0)
    assert taken is not None
    assert (taken["tip_c"], taken["tine_c"]) == (None, [None, None])


def test_a_protocol_may_ask_for_another_time():
    readings = Readings(ROLES, (10.0,))
    readings.follow(seen(20.0, 90.0), 20.0, False, 0.0)
    for t_s in range(1, 70):
        readings.follow(seen(0.0, 70.0), 0.0, False, float(t_s))
    assert [taken["after_s"] for taken in readings.taken] == [10.0, 30.0, 60.0]
    assert readings.at(10.0) is readings.taken[0]


TAKEN = {"tip_c": 48.0, "tine_c": [60.0, None, 70.0], "tissue_c": [55.0, 45.0], "coolant_on": True}


@pytest.mark.parametrize(
    ("rule", "said", "reason"),
    [
        (Reablate("tip", 60.0, 50.0), "re-ablate", "tip 48.0 degC 60 s after power, below 50 degC"),
        (Reablate("tip", 60.0, 48.0), "adequate", "tip 48.0 degC 60 s after power, not below 48 degC"),
        (Reablate("tip", 60.0, 50.0, pump_off=True), "unknown", "the coolant was still running 60 s after power"),
        (Reablate("tines", 60.0, 66.0), "re-ablate", "tines 65.0 degC"),
        (Reablate("tines", 60.0, 66.0, masked=(1,)), "adequate", "tines 70.0 degC"),
        (Reablate("tines", 60.0, 66.0, masked=(1, 3)), "unknown", "tines was not read 60 s after power"),
        (Reablate("tissue", 60.0, 46.0), "re-ablate", "tissue 45.0 degC"),
    ],
)
def test_advice(rule: Reablate, said: str, reason: str):
    told = advice(rule, TAKEN)
    assert told["advice"] == said
    assert reason in told["reason"]


def test_no_reading_is_no_advice():
    assert advice(Reablate("tip", 60.0, 50.0), None)["advice"] == "unknown"
    assert math.isinf(Readings(ROLES)._since_s)
    assert Readings(ROLES).left_s(60.0, 5.0) == 0.0


def test_hot_tissue_excuses_no_more_than_it_did_when_power_ended():
    heated = Heated(Roles(source="gen", tissue=("tc.one_c", "tc.two_c", "tc.three_c")))
    values = {"tc.one_c": (75.0, Quality.GOOD), "tc.two_c": (41.0, Quality.GOOD), "tc.three_c": (0.0, Quality.BAD)}
    snapshot = {name: Sample(name, value, 0.0, quality) for name, (value, quality) in values.items()}
    heated.ended("t1", snapshot, 100.0)
    assert [heated.apart_c("t1", t_s) for t_s in (100.0, 3699.0, 3700.0)] == [34.0, 34.0, None]
    assert (heated.apart_c("t2", 101.0), heated.apart_c(None, 101.0)) == (None, None)
    heated.ended(None, snapshot, 100.0)
    heated.ended("t3", {}, 100.0)
    assert (heated.apart_c(None, 101.0), heated.apart_c("t3", 101.0)) == (34.0, 0.0)
    heated.moved()
    assert (heated.apart_c("t1", 101.0), heated.apart_c(None, 101.0)) == (34.0, None)


def apart(kelvin: float, quality: Quality = Quality.GOOD) -> dict[str, Sample]:
    return {"tc.one_c": Sample("tc.one_c", 20.0 + kelvin, 0.0), "tc.two_c": Sample("tc.two_c", 20.0, 0.0, quality)}


def test_hot_tissue_excuses_less_the_colder_it_is():
    heated = Heated(Roles(source="gen", tissue=("tc.one_c", "tc.two_c")))
    heated.follow(apart(1.0))  # nothing was heated yet
    assert heated.apart_c(None, 0.0) is None
    heated.ended(None, apart(40.0), 100.0)
    for kelvin, least in (
        (44.0, 40.0),
        (30.0, 30.0),
        (12.0, 12.0),
        (35.0, 12.0),
    ):  # the last: a sensor that has come off
        heated.follow(apart(kelvin))
        assert heated.apart_c(None, 200.0) == least
    heated.follow({"tc.one_c": Sample("tc.one_c", 20.0, 0.0)})  # one alone is never apart
    heated.follow(apart(0.0, Quality.BAD))
    assert heated.apart_c(None, 200.0) == 12.0
    heated.ended(None, apart(25.0), 300.0)
    assert heated.apart_c(None, 301.0) == 25.0


def test_a_sensor_that_is_moved_is_followed_no_more():
    heated = Heated(Roles(source="gen", tissue=("tc.one_c", "tc.two_c")))
    heated.ended("t1", apart(40.0), 100.0)
    heated.moved()
    heated.follow(apart(0.0))  # cold tissue at another target
    assert heated.apart_c("t1", 200.0) == 40.0
    heated.ended("t2", apart(30.0), 300.0)
    heated.follow(apart(10.0))
    assert (heated.apart_c("t1", 400.0), heated.apart_c("t2", 400.0)) == (40.0, 10.0)
