"""World: the load a generator sees, coolant, sensors, faults, and the same numbers for the same seed."""

import math

import numpy as np
import pytest

from sim.world.bench import World
from sim.world.coolant import Coolant
from sim.world.sensors import Noise

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30, "power_max_w": 200}


def world(seed=1, **simulation):
    return World(NEEDLE, simulation, seed)


def burn(bench, seconds, power_w, calls=1, start_s=0.0):
    bench.advance(start_s)
    bench.pump(80.0)
    bench.drive(power_w)
    readings = []
    for k in range(1, round(seconds * 20) + 1):
        for c in range(calls):
            bench.advance(start_s + (k - 1 + (c + 1) / calls) * 0.05)
        readings.append(
            (
                bench.load_ohm,
                bench.temperature_c("tissue_10mm"),
                bench.temperature_c("tip"),
                bench.flow_ml_min,
                bench.coolant_c,
            )
        )
    return readings


def test_one_seed_is_bit_identical_and_another_differs_in_noise_only():
    first, again, other = burn(world(seed=3), 30, 80.0), burn(world(seed=3), 30, 80.0), burn(world(seed=4), 30, 80.0)
    assert first == again
    assert [row[0] for row in first] == [row[0] for row in other]
    assert [row[1] for row in first] != [row[1] for row in other]


def test_idle_calls_and_other_readers_change_nothing():
    quiet, busy = world(), world()
    expected = burn(quiet, 10, 80.0)
    busy.temperature_c("coolant_out")
    busy.temperature_c("tissue_20mm")
    assert burn(busy, 10, 80.0, calls=4) == expected
    assert busy.energy_j == pytest.approx(quiet.energy_j, rel=1e-12)


def test_the_clock_s_origin_does_not_matter():
    late, early = np.array(burn(world(), 5, 80.0, start_s=4096.0)), np.array(burn(world(), 5, 80.0))
    assert late == pytest.approx(early, rel=1e-9)


def test_a_fifty_ohm_line_reflects_what_does_not_match():
    bench = world()
    bench.advance(0.0)
    bench.drive(100.0)
    gamma = (bench.load_ohm - 50.0) / (bench.load_ohm + 50.0)
    assert 95.0 < bench.load_ohm < 100.0  # 90 ohm of needle in liver, 8 ohm of leads and pad
    assert bench.reverse_w == pytest.approx(100.0 * gamma**2)
    assert bench.load_w == pytest.approx(100.0 - bench.reverse_w)
    assert bench.tissue_w == pytest.approx(bench.load_w * (bench.load_ohm - 8.0) / bench.load_ohm)
    bench.drive(0.0)
    assert (bench.forward_w, bench.reverse_w, bench.load_w, bench.tissue_w) == (0.0, 0.0, 0.0, 0.0)


def test_energy_is_what_was_delivered_and_reaches_the_tissue():
    bench = world()
    bench.advance(0.0)
    for k in range(40):
        bench.drive(50.0 if k % 2 else 0.0)
        bench.advance((k + 1) * 0.033)
    delivered_j = bench.energy_j
    assert delivered_j == pytest.approx(50.0 * (1 - bench._reflected) * 20 * 0.033, rel=0.02)
    bench.drive(0.0)
    bench.advance(2.0)
    assert bench.energy_j == pytest.approx(delivered_j)
    assert bench.balance()["source_j"] == pytest.approx(bench.tissue_j, rel=0.06)  # the rest is dissipated beyond 70 mm
    assert bench.balance()["residual"] < 1e-9


def test_impedance_falls_as_tissue_warms_then_rises_when_it_dries():
    ohms = [row[0] for row in burn(world(), 100, 110.0)]
    assert min(ohms) < 0.75 * ohms[0]
    assert max(ohms[ohms.index(min(ohms)) :]) > min(ohms) + 20.0


def test_coolant_keeps_the_tip_cold_and_a_stall_does_not():
    bench = world()
    burn(bench, 60, 60.0)
    assert 8.0 < bench.temperature_c("tip") < 22.0
    assert 8.0 < bench.coolant_c < 10.5
    assert bench.flow_ml_min == pytest.approx(80.0, abs=4.0)
    bench.pump(0.0)
    bench.advance(65.0)
    assert bench.flow_ml_min < 0.2
    assert bench.temperature_c("tip") > 20.0
    bench.advance(85.0)
    assert bench.temperature_c("tip") > 35.0


def test_tip_outlet_carries_the_heat_away():
    loop = Coolant(bag_c=10.0, room_c=22.0, tissue_c=20.0)
    loop.pump(80.0)
    for _ in range(1200):
        loop.step(0.1, 20.0, 30.0)
    assert loop.outlet_c - loop.inlet_c == pytest.approx(20.0 / (80.0 / 60.0 * 4.18), abs=0.05)  # 3.6 K
    assert loop.film_w_m2k == pytest.approx(3000.0, rel=1e-3)
    loop.air = True
    assert loop.film_w_m2k == 50.0


def test_load_faults_are_seen_by_the_generator_and_clear():
    bench = world()
    bench.advance(0.0)
    bench.drive(50.0)
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


def test_loop_faults():
    bench = world()
    burn(bench, 10, 0.0)
    bench.fault("line_off")
    bench.advance(15.0)
    assert bench.flow_ml_min == 0.0
    assert bench.air_in_line
    bench.fault("line_off", None)
    bench.fault("coolant_temp", 45.0)
    bench.advance(60.0)
    assert not bench.air_in_line
    assert bench.coolant_c > 42.0
    bench.fault("air")
    assert bench.air_in_line
    assert bench.flow_ml_min == 0.0


def test_noise_has_the_variance_it_says_and_a_new_value_every_10_ms():
    noise = Noise(7)
    values = np.array([noise.at("tip", k * 0.01) for k in range(20000)])
    assert abs(values.mean()) < 0.03
    assert values.std() == pytest.approx(1.0, abs=0.02)
    assert noise.at("tip", 1.001) == noise.at("tip", 1.009) != noise.at("tip", 1.011)


def test_contacts_start_as_a_bench_at_rest():
    assert world().inputs == {"estop_a": True, "estop_b": True, "foot_no": False, "foot_nc": True, "door": True}


def test_picture_and_zone():
    bench = world()
    assert bench.zone() == {"long_axis_mm": 0.0, "short_axis_mm": 0.0, "volume_ml": 0.0}
    burn(bench, 60, 80.0)
    zone, picture = bench.zone(), bench.picture_data()
    assert 8.0 < zone["short_axis_mm"] < 20.0
    assert zone["short_axis_mm"] < zone["long_axis_mm"] < 45.0
    assert picture["temperature_c"].shape == picture["damage"].shape == (picture["r_mm"].size, picture["z_mm"].size)
    assert picture["temperature_c"].max() > 60.0


@pytest.mark.parametrize(
    ("applicator", "simulation", "text"),
    [
        ({}, {}, "applicator.active_tip_mm is missing"),
        ({"active_tip_mm": 80}, {}, "applicator.active_tip_mm: 80 is outside 10 to 50"),
        ({"active_tip_mm": -30}, {}, "applicator.active_tip_mm: -30 is outside 10 to 50"),
        ({"active_tip_mm": math.nan}, {}, "nan is not a finite number; allowed are 10 to 50"),
        ({"active_tip_mm": True}, {}, "True is not a finite number"),
        ({"active_tip_mm": 30, "gauge": 13}, {}, "unknown applicator gauge 13: there are 14, 15, 16, 17, 18"),
        ({"active_tip_mm": 30, "kind": "cooled-neddle"}, {}, "did you mean 'cooled-needle'"),
        (
            {"active_tip_mm": 30},
            {"tissue": "exvivo_bovin"},
            "unknown tissue 'exvivo_bovin'.*did you mean 'exvivo_bovine'",
        ),
        ({"active_tip_mm": 30}, {"mesh": "coarse"}, "unknown mesh 'coarse': there are fast, fine, reference"),
        ({"active_tip_mm": 30}, {"tisue": "exvivo_bovine"}, "unknown key in simulation 'tisue'.*did you mean 'tissue'"),
        ({"active_tip_mm": 30}, {"lead_ohm": -1}, "simulation.lead_ohm: -1 is outside 0 to 100"),
        ({"active_tip_mm": 30}, {"coolant_c": math.inf}, "simulation.coolant_c: inf is not a finite number"),
    ],
)
def test_bad_input_names_what_and_what_is_allowed(applicator, simulation, text):
    with pytest.raises(ValueError, match=text):
        World(applicator, simulation, 1)


def test_bad_calls():
    bench = world()
    bench.advance(1.0)
    for call, text in (
        (lambda: bench.drive(math.nan), "forward_w: nan"),
        (lambda: bench.drive(-1.0), "forward_w: -1.0"),
        (lambda: bench.pump(math.nan), "flow_ml_min: nan"),
        (lambda: bench.temperature_c("tisue_10mm"), "unknown temperature 'tisue_10mm'"),
        (lambda: bench.temperature_c("tissue_90mm"), "90.0 is outside 2 to 60"),
        (lambda: bench.fault("opne"), "unknown world fault 'opne'.*did you mean 'open'"),
        (lambda: bench.fault("char", -5.0), "char: -5.0 is outside"),
        (lambda: bench.advance(math.nan), "nan is no time"),
        (lambda: bench.advance(math.inf), "more than 3600 s after the last time"),
        (lambda: World(NEEDLE, {}, -1), "seed: -1"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    bench.advance(0.5)
    assert bench.t_s == 1.0
