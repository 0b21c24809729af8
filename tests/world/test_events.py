"""What happens by itself and what is done to the bench: pops, carbon, pads, probes in air; the catalogue of faults."""

import math

import numpy as np
import pytest

from sim.faults import kinds_of
from sim.world.bench import FAULTS, World
from sim.world.events import Events
from sim.world.grid import MESHES, needle_grid
from sim.world.load import Load
from sim.world.retract import _shifted
from sim.world.sensors import Noise

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}


def driven(watts=50.0, seed=1, **simulation):
    bench = World(NEEDLE, simulation, seed)
    bench.advance(0.0)
    bench.pump(80.0)
    bench.drive(watts)
    return bench


def test_every_fault_of_the_world_is_in_the_catalogue_with_the_same_range():
    catalogue = {kind.name: kind for kind in kinds_of("load")}
    assert set(catalogue) == set(FAULTS)
    for name, (default, low, high) in FAULTS.items():
        kind = catalogue[name]
        if kind.value is None:
            assert (default, low, high) == (1.0, 1.0, 1.0)
        else:
            assert (kind.value, kind.low, kind.high) == (default, low, high)


def test_load_faults_are_seen_by_the_generator_and_clear():
    bench = driven()
    sound = bench.load_ohm
    bench.fault("char", 120.0)
    assert bench.load_ohm == pytest.approx(sound + 120.0)
    bench.fault("open")
    assert bench.load_ohm > 1e4
    assert bench.tissue_w == 0.0
    bench.fault("open", None)
    bench.fault("char", False)
    assert bench.load_ohm == sound
    bench.fault("short")
    assert bench.load_ohm == 0.5
    assert bench.reverse_w > 0.95 * 50.0
    bench.fault("short", None)
    bench.fault("pop", 80.0)
    assert bench.load_ohm == pytest.approx(sound + 80.0)
    bench.advance(6.0)
    assert bench.load_ohm < sound + 1.0


def test_a_pad_that_peels_off_costs_little_until_it_costs_everything():
    load = Load(None, 8.0)
    load.fault("peel", 10.0, 100.0)
    ohms = [load.divide(90.0, 0.0, 0.0, 100.0 + k).load_ohm for k in range(12)]
    rise = [ohm - 98.0 for ohm in ohms[:10]]
    assert rise == pytest.approx([0.0, 0.444, 1.0, 1.714, 2.667, 4.0, 6.0, 9.333, 16.0, 36.0], abs=1e-3)
    assert ohms[10:] == [1e5, 1e5]
    bench = driven(20.0)
    bench.fault("peel", 2.0)
    bench.advance(2.5)
    assert bench.load_ohm == 1e5
    bench.fault("peel", None)
    assert bench.load_ohm < 110.0


def test_a_needle_that_comes_out_of_the_tissue_loses_contact_in_steps():
    bench = driven(20.0)
    tissue_ohm = bench.load_ohm - 8.0
    for share, times in ((0.2, 1.25), (0.5, 2.0), (0.9, 10.0)):
        bench.fault("withdrawn", share)
        assert bench.load_ohm == pytest.approx(8.0 + times * tissue_ohm)
    bench.fault("withdrawn", 1.0)
    assert bench.load_ohm == 1e5
    assert bench.tissue_w == 0.0


def test_an_antenna_in_air_reflects_and_heats_nothing():
    antenna = World({"kind": "microwave-antenna", "antenna": "cooled-2450"}, {}, 1).applicator
    load = Load(antenna, 8.0)
    inside = load.divide(math.nan, 0.05, 0.0, 0.0)
    load.fault("withdrawn", 0.5, 0.0)
    half = load.divide(math.nan, 0.05, 0.0, 0.0)
    load.fault("withdrawn", 1.0, 0.0)
    out = load.divide(math.nan, 0.05, 0.0, 0.0)
    assert inside.reflected < 0.06 < half.reflected < out.reflected
    assert out.reflected / 10 ** (-antenna.cable_db / 5.0) > 0.6  # at the antenna; the cable weakens it twice
    assert (half.tissue, out.tissue) == (pytest.approx(inside.tissue / 2), 0.0)
    for now in (inside, half, out):
        assert now.reflected + now.tissue + now.shaft <= 1.0


def test_pops_are_off_unless_asked_for_and_the_same_for_a_seed():
    assert driven().options.pops is False
    events = [Events(Noise(seed), pops=True, charring=False) for seed in (1, 1, 2)]
    times = []
    for event in events:
        times.append([])
        for k in range(200_000):
            before = event.pops
            event.step(0.1, 2.0, 60.0, 30.0)
            if event.pops > before:
                times[-1].append(k)
    assert times[0] == times[1] != times[2]


def test_pops_come_at_their_rate_whatever_the_step():
    counts = []
    for dt_s in (0.05, 0.1):
        events = Events(Noise(9), pops=True, charring=False)
        for _ in range(round(400_000 / dt_s / 10)):
            events.step(10 * dt_s, 2.5, 100.0, 30.0)  # 5e-4 a second
        counts.append(events.pops)
    assert counts[0] == counts[1]
    assert counts[0] == pytest.approx(200, abs=45)


def test_a_burn_pops_in_a_few_cases_in_a_hundred_and_much_more_often_at_half_as_much_power_again():
    chances = []
    for watts in (60.0, 90.0):
        bench = World(NEEDLE, {"pops": True}, 1)
        bench._events._due = math.inf  # so that the hazard is that of the whole burn
        bench.advance(0.0)
        bench.pump(80.0)
        for k in range(1, 3600):
            bench.advance(k * 0.1)
            bench.drive_load(watts)
        chances.append(1.0 - math.exp(-bench._events._hazard))
    assert 0.01 < chances[0] < 0.08
    assert 3.0 < chances[1] / chances[0] < 6.0


def test_a_pop_jumps_decays_and_cools_the_tip():
    bench = driven(60.0)
    bench.advance(30.0)
    tip_c, ohm = bench.true_c("tip"), bench.load_ohm
    bench.fault("pop", 120.0)
    assert bench.load_ohm == pytest.approx(ohm + 120.0, abs=0.5)
    bench.advance(30.5)
    assert bench.true_c("tip") < tip_c - 2.0
    bench.advance(36.0)
    assert bench.load_ohm == pytest.approx(ohm, abs=4.0)
    assert bench.true_c("tip") == pytest.approx(tip_c, abs=0.5)


def test_hot_metal_chars_after_a_second_and_stays_so():
    events = Events(Noise(1), pops=False, charring=True)
    for _ in range(10):
        events.step(0.1, 0.0, 50.0, 140.0)
    events.step(0.1, 0.0, 50.0, 100.0)
    assert events.char_ohm == 0.0
    for _ in range(12):
        events.step(0.1, 0.0, 50.0, 140.0)
    assert 50.0 <= events.char_ohm <= 150.0
    assert events.film_factor == 0.5
    events.step(100.0, 0.0, 0.0, 20.0)
    assert events.char_ohm >= 50.0


def test_a_cooled_needle_does_not_char_and_a_dry_one_can():
    cooled, dry = driven(80.0), World({**NEEDLE, "kind": "needle"}, {}, 1)
    dry.advance(0.0)
    dry.drive(60.0)
    for k in range(1, 1800):
        cooled.advance(k * 0.1)
        dry.advance(k * 0.1)
        dry.drive_load(60.0)
    assert cooled._events.char_ohm == 0.0
    assert dry._events.char_ohm >= 50.0
    assert dry.temperature_c("tip") > 90.0


def test_char_halves_what_the_coolant_takes():
    sound, charred = driven(60.0), driven(60.0)
    charred.fault("char", 0.0)
    sound.advance(20.0)
    charred.advance(20.0)
    assert charred.balance()["cooled_j"] < 0.85 * sound.balance()["cooled_j"]


def test_a_shift_along_the_needle_keeps_every_column_s_content():
    grid = needle_grid(0.74e-3, 30e-3, MESHES["fast"])
    field = np.full(grid.code.shape, 7.0)
    middle = np.abs(grid.z_m - 20e-3) < 12e-3
    field[:, middle] += np.random.default_rng(1).uniform(1.0, 50.0, (grid.r_m.size, middle.sum()))
    moved = _shifted(grid, field, 13e-3, 7.0)
    outside = np.all(grid.code == 0, axis=1)  # columns that the metal does not interrupt
    widths = np.diff(grid.z_face_m)
    assert (moved @ widths)[outside] == pytest.approx((field @ widths)[outside], rel=1e-12)
    centre = (((moved - 7.0) * widths) @ grid.z_m / ((moved - 7.0) @ widths))[outside]
    before = (((field - 7.0) * widths) @ grid.z_m / ((field - 7.0) @ widths))[outside]
    assert before - centre == pytest.approx(np.full(centre.size, 13e-3), abs=0.3e-3)
    assert np.all(moved[grid.code != 0] == field[grid.code != 0])
    assert np.allclose(_shifted(grid, field, 0.0, 7.0), field)


def test_a_vessel_beside_the_needle_cools_its_side_and_is_solved_in_space():
    def burnt(vessel_mm):
        bench = World(NEEDLE, {"tissue": "invivo_porcine", "vessel_mm": vessel_mm, "vessel_diameter_mm": 8.0}, 1)
        bench.advance(0.0)
        bench.pump(80.0)
        bench.drive(60.0)
        for k in range(1, 1800):
            bench.advance(k * 0.1)
        return bench

    near, far = burnt(12.0), burnt(50.0)
    assert near.true_c("tissue_7mm") < far.true_c("tissue_7mm") - 2.0
    assert near.true_c("tissue_12mm") < 45.0  # inside the vessel
    assert near.zone()["volume_ml"] < far.zone()["volume_ml"]
    assert near.balance()["perfused_j"] < far.balance()["perfused_j"]
    assert near.balance()["residual"] < 1e-6
    picture = near.picture_data()
    row = np.searchsorted(picture["z_mm"], 15.0)
    left, right = (np.searchsorted(picture["r_mm"], x) for x in (-7.0, 7.0))
    assert picture["temperature_c"][right, row] < picture["temperature_c"][left, row] - 2.0


@pytest.mark.parametrize(
    ("simulation", "text"),
    [
        ({"vessel_mm": 1.0}, r"simulation.vessel_mm: 1.0 is outside 3.5 to 55 .clear of metal"),
        ({"vessel_mm": 5.0, "vessel_diameter_mm": 10.0}, "vessel: distance_m: 0.005 is outside 0.008 to 0.055"),
        ({"vessel_mm": 10.0, "vessel_diameter_mm": 30.0}, "simulation.vessel_diameter_mm: 30.0 is outside 1 to 20"),
    ],
)
def test_a_vessel_that_cannot_be_is_refused(simulation, text):
    with pytest.raises(ValueError, match=text):
        World(NEEDLE, simulation, 1)
