"""The saline bag."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config import setup as setups
from controller.config.bench import CoolantSupply
from controller.daemon.bag import Bag
from safety.types import Quality, Sample
from tests.daemon import rehearsed

SUPPLY = CoolantSupply(bag_ml=500.0, reserve_ml=50.0)


def flow(value: float, t_s: float, quality: Quality = Quality.GOOD) -> Sample:
    return Sample("flow.flow_ml_min", value, t_s, quality)


def test_what_is_measured_is_used_up():
    bag = Bag(SUPPLY, None)
    for t_s in range(61):
        bag.follow(flow(60.0, float(t_s)), 80.0, t_s + 0.1)
        bag.follow(flow(60.0, float(t_s)), 80.0, t_s + 0.5)  # the same sample again
    assert bag.left_ml == pytest.approx(440.0)


@pytest.mark.parametrize("sample", [None, flow(math.nan, 5.0), flow(60.0, 5.0, Quality.BAD)])
def test_without_a_measurement_the_pump_counts_as_giving_what_it_was_told(sample: Sample | None):
    bag = Bag(SUPPLY, None)
    for t_s in range(121):
        bag.follow(sample, 30.0, float(t_s))
    assert bag.left_ml == pytest.approx(440.0, abs=1.1)  # it is waited for 2 s


def test_a_bag_that_is_pumped_in_a_circle_stays_full():
    bag = Bag(CoolantSupply(bag_ml=500.0, open_loop=False), None)
    for t_s in range(600):
        bag.follow(flow(80.0, float(t_s)), 80.0, float(t_s))
    assert (bag.left_ml, bag.low) == (500.0, False)


@given(st.lists(st.tuples(st.floats(-10.0, 1000.0), st.floats(0.0, 30.0)), max_size=60))
def test_it_never_fills_by_itself_and_never_gives_more_than_it_held(readings: list[tuple[float, float]]):
    bag, t_s, left_ml = Bag(SUPPLY, None), 0.0, 500.0
    for value, dt_s in readings:
        t_s += dt_s
        bag.follow(flow(value, t_s), 100.0, t_s)
        assert 0.0 <= bag.left_ml <= left_ml
        left_ml = bag.left_ml


def test_it_outlives_the_daemon_and_a_new_one_begins_full(tmp_path: Path):
    path = tmp_path / "state" / "bag.json"
    bag = Bag(SUPPLY, path)
    for t_s in range(61):
        bag.follow(flow(60.0, float(t_s)), 60.0, float(t_s))
    assert bag.stale
    bag.keep()
    assert not bag.stale
    again = Bag(SUPPLY, path)
    assert again.left_ml == 440.0
    again.hang(1000.0)
    assert again.stale
    again.keep()
    assert Bag(SUPPLY, path).left_ml == 1000.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bag_ml": 500, "used_ml": 600}', '{"bag_ml": NaN, "used_ml": 0}'])
def test_a_count_that_cannot_be_read_is_an_empty_bag(tmp_path: Path, text: str):
    path = tmp_path / "bag.json"
    path.write_text(text)
    bag = Bag(SUPPLY, path)
    assert bag.left_ml == 0.0
    assert "ablate bag" in bag.doubt


def test_a_protocol_that_would_empty_it_is_refused_with_the_numbers(tmp_path: Path):
    path = rehearsed.protocol(tmp_path, {"kind": "constant-power", "power_w": 20.0, "duration_s": 298.5})
    protocol = setups.load("cooled-rf-sim", path).protocol.protocol  # 80 mL/min for 300 s: 400 mL
    bag = Bag(SUPPLY, None)
    assert bag.refusal(protocol) == ""
    bag.used_ml = 60.0
    assert bag.refusal(protocol) == (
        "the bag holds 440 mL, 50 mL of it in reserve, but short needs 400 mL (80 mL/min for 5.0 min); "
        "hang a new one, then: ablate bag"
    )


def test_a_reserve_beyond_the_bag_is_an_error():
    with pytest.raises(ValueError, match="reserve_ml must be below bag_ml"):
        CoolantSupply(bag_ml=50.0, reserve_ml=50.0)
