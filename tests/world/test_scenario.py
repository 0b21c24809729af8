"""Draws: reproducible, independent of their order, centred on the library, inside two deviations."""

import json
import math

import numpy as np
import pytest

from sim.world.applicator import Antenna, AntennaGroup, Needle
from sim.world.bench import World
from sim.world.burn import Burn
from sim.world.catalogue import ANTENNAS
from sim.world.needle import FILM_SD, FILM_W_M2K
from sim.world.properties import TISSUES, with_changes
from sim.world.scenario import POWER_SD, draw, factor

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
ANTENNA = {"kind": "microwave-antenna", "antenna": "cooled-2450"}
FACTORS = {"sigma_s_m": 0.8934577449112415, "film": 1.0692992329780993, "power": 0.9556794615983834}
"""exp(0.1 z) of seed 7, index 3."""


def test_the_same_numbers_for_ever():
    assert [factor(7, 3, name, 0.10) for name in ("sigma_s_m", "film", "power")] == pytest.approx(
        [FACTORS["sigma_s_m"], FACTORS["film"], FACTORS["power"]], rel=1e-12
    )
    scenario = draw("exvivo_bovine", NEEDLE, 7, 3)
    assert scenario.tissue.sigma_s_m == pytest.approx(0.2 * FACTORS["sigma_s_m"] ** 1.2)  # its sd is 0.12
    assert scenario.film_scale == pytest.approx(FACTORS["film"] ** 2.0)
    assert scenario.power_scale == pytest.approx(FACTORS["power"] ** 0.3)


def test_each_quantity_has_its_own_stream():
    seeds = {
        (s, i, name): factor(s, i, name, 0.1) for s in (1, 2) for i in (1, 2) for name in ("film", "k_w_mk", "power")
    }
    assert len(set(seeds.values())) == 12
    bovine, agar = draw("exvivo_bovine", NEEDLE, 1, 5), draw("agar", NEEDLE, 1, 5)
    shared = set(bovine.factors) & set(agar.factors) - {"k_w_mk", "sigma_s_m"}
    luck = {key: math.log(bovine.factors[key]) / sd("exvivo_bovine", key) for key in shared}
    assert luck == pytest.approx({key: math.log(agar.factors[key]) / sd("agar", key) for key in shared})


def sd(tissue, key):
    own = {"film": FILM_SD, "power": POWER_SD}
    return own[key] if key in own else TISSUES.sheet(tissue).quantities[key].sd


def test_the_spread_is_the_files():
    drawn = np.log([factor(1, i, "sigma_s_m", 0.12) for i in range(2000)])
    assert abs(np.mean(drawn)) < 0.008
    assert np.std(drawn) == pytest.approx(0.12 * 0.88, rel=0.05)  # a normal cut at 2 has 0.88 of its deviation
    assert np.max(np.abs(drawn)) <= 0.24


def test_what_has_no_spread_stays():
    drawn, nominal = draw("exvivo_bovine", NEEDLE, 1, 1).tissue, TISSUES["exvivo_bovine"]
    spread = {key for key, q in TISSUES.sheet("exvivo_bovine").quantities.items() if q.sd > 0.0}
    assert {"sigma_s_m", "k_w_mk", "white_a_per_s"} <= spread
    for key in TISSUES.sheet("exvivo_bovine").quantities:
        assert (getattr(drawn, key) != getattr(nominal, key)) == (key in spread), key
    assert drawn.perfusion_w_m3k == 0.0
    assert draw("invivo_porcine", NEEDLE, 1, 1).tissue.perfusion_w_m3k != 6.8e4


def test_a_needle_stays_and_its_film_is_a_scale():
    scenario = draw("exvivo_bovine", NEEDLE, 1, 1)
    assert isinstance(scenario.applicator, Needle)
    assert scenario.applicator.active_m == 0.030
    assert 0.67 < scenario.film_scale < 1.5


def test_an_antenna_is_drawn_once_for_a_group():
    one = draw("exvivo_porcine", ANTENNA, 1, 1)
    two = draw("exvivo_porcine", {**ANTENNA, "kind": "microwave-antennas", "antennas": 2, "spacing_mm": 20}, 1, 1)
    assert isinstance(one.applicator, Antenna)
    assert isinstance(two.applicator, AntennaGroup)
    assert two.applicator.antenna == one.applicator
    nominal = ANTENNAS["cooled-2450"]
    assert one.applicator.film_w_m2k == pytest.approx(nominal.film_w_m2k * one.film_scale)
    assert one.applicator.efficiency != nominal.efficiency
    assert all(draw("agar", ANTENNA, 1, i).applicator.efficiency <= 1.0 for i in range(20))


def test_changes_make_the_drawn_tissue_of_the_named_one():
    scenario = draw("invivo_porcine", NEEDLE, 3, 2)
    assert with_changes(TISSUES["invivo_porcine"], scenario.changes) == scenario.tissue


def test_a_record_says_how_to_draw_it_again():
    scenario = draw("invivo_porcine", ANTENNA, 11, 4)
    record = json.loads(json.dumps(scenario.as_dict()))
    assert record["factors"]["perfusion_w_m3k"] == pytest.approx(scenario.tissue.perfusion_w_m3k / 6.8e4)
    again = draw(record["tissue"], record["applicator"], record["seed"], record["index"])
    assert again == scenario


def test_draws_spread_the_zone_as_specimens_do():
    axes_mm = []
    for index in range(12):
        scenario = draw("invivo_porcine", NEEDLE, 1, index)
        burn = Burn(scenario.applicator, scenario.tissue)
        for _ in range(3000):
            burn.step(0.1, 30.0 * scenario.power_scale, 10.0, FILM_W_M2K * scenario.film_scale)
        axes_mm.append(burn.zone()["short_axis_mm"])
    assert 0.03 < np.std(axes_mm) / np.mean(axes_mm) < 0.25  # living liver: 22 % of volume, Song 2015


def test_a_bench_of_the_draw_gets_its_film_and_its_meter():
    scenario = draw("exvivo_bovine", NEEDLE, 5, 1)
    nominal, drawn = World(NEEDLE, {}, 1), World(NEEDLE, scenario.simulation, 1)
    for world in (nominal, drawn):
        world.pump(80.0)
        world.advance(0.0)
        world.drive_load(40.0)
        world.advance(5.0)
    assert drawn.tissue == scenario.tissue
    assert drawn.energy_j == pytest.approx(200.0, rel=0.05)  # what the meter says, whatever arrived
    share = nominal.tissue_j / nominal.energy_j
    assert drawn.tissue_j / drawn.energy_j == pytest.approx(scenario.power_scale * share, rel=0.02)


@pytest.mark.parametrize(
    ("seed", "index", "text"),
    [(-1, 0, "seed: -1"), (1, -1, "index: -1"), (1.0, 0, "seed: 1.0"), (True, 0, "seed: True")],
)
def test_numbers_that_name_no_draw(seed, index, text):
    with pytest.raises(ValueError, match=text + " is not a whole number from 0 up"):
        draw("exvivo_bovine", NEEDLE, seed, index)


def test_unknown_names():
    with pytest.raises(ValueError, match="unknown tissue 'bovine'"):
        draw("bovine", NEEDLE, 1)
    with pytest.raises(ValueError, match="unknown antenna"):
        draw("agar", {"kind": "microwave-antenna", "antenna": "x"}, 1)
