"""World: the load a generator sees, energy to the joule, three rates, save and restore, the same for the same seed."""

import math
import pickle

import numpy as np
import pytest

from sim.world.bench import World

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
    assert delivered_j == pytest.approx(bench.load_w * 20 * 0.033, rel=0.02)
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


def test_the_load_goes_on_between_field_steps_and_looking_changes_nothing():
    quiet, busy = world(), world()
    burn(quiet, 20, 80.0)
    burn(busy, 20, 80.0)
    at_field = busy.load_ohm
    for k in range(1, 50):
        busy.advance(20.0 + k * 0.001)
    between = busy.load_ohm
    assert at_field - 0.05 < between < at_field - 0.005  # falling by 0.4 ohm a second
    busy.advance(20.1)
    assert abs(busy.load_ohm - between) < 0.03
    quiet.advance(20.1)
    assert (quiet.load_ohm, quiet.energy_j, quiet.tissue_j) == (busy.load_ohm, busy.energy_j, busy.tissue_j)


def test_a_slow_amplifier_delivers_the_integral_of_its_exponential():
    bench = world(amplifier_s=0.02)
    bench.advance(0.0)
    bench.drive(100.0)
    assert bench.forward_w == 0.0
    bench.advance(0.02)
    assert bench.forward_w == pytest.approx(63.212, abs=1e-3)
    share = bench.load_w / bench.forward_w
    assert bench.energy_j == pytest.approx(share * 100.0 * 0.02 * math.exp(-1.0), rel=1e-6)
    bench.drive(0.0)
    bench.advance(0.5)
    assert bench.forward_w < 1e-8
    assert bench.energy_j == pytest.approx(share * 100.0 * 0.02, rel=1e-3)  # what rose late falls late


MANY = {"pops": True, "amplifier_s": 0.01, "pickup_c_per_v": 0.01, "recirculate": False, "mesh": "fast"}


@pytest.mark.parametrize("applicator", [NEEDLE, {"kind": "microwave-antenna", "antenna": "uncooled-2450"}])
def test_a_saved_world_goes_on_bit_for_bit(applicator):
    bench = World(applicator, MANY, 5)
    bench.temperature_c("tissue_15mm_fo")
    burn(bench, 20, 90.0)
    bench.fault("pop", 50.0)
    bench.fault("peel", 30.0)
    bench.fault("bubbles", 20.0)
    bench.advance(20.03)
    saved = pickle.loads(pickle.dumps(bench.save()))

    def go_on():
        seen = []
        for k in range(1, 200):
            bench.advance(20.03 + k * 0.05)
            bench.drive(90.0 if k % 50 else 5.0)
            seen += [bench.load_ohm, bench.reverse_w, bench.flow_ml_min, bench.air_in_line, bench.impedance_ohm]
            seen += [bench.temperature_c(name) for name in ("tip", "tissue_5mm", "tissue_15mm_fo")]
        return repr((seen, bench.zone(), bench.energy_j, bench.balance()))

    first = go_on()
    bench.inputs["door"] = False
    bench.restore(saved)
    assert bench.inputs["door"] and bench.t_s == 20.03
    assert go_on() == first
    with pytest.raises(ValueError, match="saved: of another scene"):
        World(applicator, {}, 5).restore(saved)


def test_microwaves_have_no_ohms_but_reflect():
    bench = World({"kind": "microwave-antenna", "antenna": "cooled-2450"}, {}, 1)
    bench.advance(0.0)
    bench.pump(60.0)
    bench.drive_load(60.0)
    bench.advance(30.0)
    assert math.isnan(bench.load_ohm) and math.isnan(bench.impedance_ohm)
    assert bench.forward_w == 60.0
    assert 0.5 < bench.reverse_w < 6.0
    assert bench.tissue_w < 0.99 * bench.load_w  # the cable and the shaft take the rest
    assert bench.balance()["source_j"] == pytest.approx(bench.tissue_j, rel=1e-9)
    assert bench.temperature_c("shaft") < 40.0
    bench.fault("withdrawn", 1.0)
    assert bench.reverse_w > 0.4 * 60.0  # 0.6 or more of what reached the antenna; the cable takes twice its loss
    assert bench.tissue_w == 0.0


def test_a_probe_pulled_back_leaves_its_burn_behind_and_makes_a_longer_one():
    bench = world()
    burn(bench, 120, 80.0)
    before = bench.zone()
    bench.fault("retract", 20.0)
    after = bench.zone()
    assert after["short_axis_mm"] == pytest.approx(before["short_axis_mm"], abs=0.3)
    assert after["long_axis_mm"] == pytest.approx(before["long_axis_mm"], abs=2.0)
    assert after["volume_ml"] == pytest.approx(before["volume_ml"], rel=0.05)
    assert bench.balance()["residual"] < 1e-9
    picture = bench.picture_data()
    left_behind = np.searchsorted(picture["z_mm"], -10.0)
    assert picture["temperature_c"][5, left_behind] > 60.0
    for k in range(1, 2400):
        bench.advance(120.0 + k * 0.05)
    assert bench.zone()["long_axis_mm"] > before["long_axis_mm"] + 15.0
    assert bench.balance()["residual"] < 1e-9


ARRAY = {"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 20.0}


def test_an_array_is_deployed_in_the_tissue_it_has_heated():
    bench = World(ARRAY, {}, 1)
    bench.advance(0.0)
    bench.drive_load(30.0)
    for k in range(1, 600):
        bench.advance(k * 0.1)
    hot_c, volume_ml, saved = bench.true_c("tine_1"), bench.zone()["volume_ml"], bench.save()
    bench.deploy(40.0)
    assert bench.zone()["volume_ml"] == pytest.approx(volume_ml, rel=0.05)
    assert bench.load_ohm < 100.0
    for k in range(600, 620):
        bench.advance(k * 0.1)
    assert bench.true_c("tine_1") < hot_c - 5.0  # its tip is in cold tissue now
    bench.advance(80.0)
    assert bench.balance()["residual"] < 1e-5
    bench.restore(saved)
    assert bench.true_c("tine_1") == hot_c
    assert bench.applicator == World(ARRAY, {}, 1).applicator
    with pytest.raises(ValueError, match="deployment_mm"):
        bench.deploy(400.0)


def test_switched_needles_take_turns_and_a_saved_world_knows_whose_it_is():
    needles = {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 3, "spacing_mm": 20}
    bench = World(needles, {}, 1)
    bench.advance(0.0)
    bench.pump(80.0)
    together_ohm = bench.load_ohm
    bench.connect((0,))
    alone_ohm = bench.load_ohm
    assert alone_ohm > 1.5 * together_ohm
    bench.drive(50.0)
    bench.advance(2.03)
    saved = bench.save()
    bench.connect((1, 2))
    assert bench.load_ohm < 0.8 * alone_ohm

    def go_on():
        bench.advance(6.0)
        return bench.load_ohm, bench.true_c("tissue_12mm"), bench.balance()

    bench.restore(saved)
    first = go_on()
    bench.restore(saved)
    assert go_on() == first
    with pytest.raises(ValueError, match="connect one or more of 0 to 2"):
        bench.connect((3,))


def test_contacts_start_as_a_bench_at_rest():
    assert world().inputs == {"estop_a": True, "estop_b": True, "foot_no": False, "foot_nc": True, "door": True}


def test_picture_and_zone():
    bench = world()
    assert set(bench.zone().values()) == {0.0}
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
        ({"active_tip_mm": 30}, {"lead_ohm": -1}, r"simulation.lead_ohm: -1 is outside 0 to 100 \(leads and return"),
        ({"active_tip_mm": 30}, {"pops": 1}, "simulation.pops: 1 is neither true nor false"),
        ({"active_tip_mm": 30}, {"thermocouples": "sheated"}, "did you mean 'sheathed'"),
        ({"active_tip_mm": 30}, {"amplifier_s": math.nan}, "simulation.amplifier_s: nan is not a finite number"),
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
        (lambda: bench.retract(80.0), "retract: 80.0 is outside 0 to 50 .the domain reaches 70 mm"),
        (lambda: bench.deploy(20.0), "deploy: a cooled-needle has no tines"),
        (lambda: bench.connect([1]), r"channels: \[1\]; a single probe has channel 0 only"),
        (lambda: bench.meter_w("sideways"), "unknown power meter 'sideways'"),
        (lambda: bench.temperature_c("tine_1"), "unknown temperature 'tine_1'"),
        (lambda: bench.advance(math.nan), "nan is no time"),
        (lambda: bench.advance(math.inf), "more than 3600 s after the last time"),
        (lambda: World(NEEDLE, {}, -1), "seed: -1"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    bench.advance(0.5)
    assert bench.t_s == 1.0


def test_a_thin_sample_is_for_one_probe_alone():
    thin = World({"active_tip_mm": 30}, {"sample_radius_mm": 20}, 1)
    with pytest.raises(ValueError, match=r"distance|outside"):
        thin.temperature_c("tissue_30mm")
    with pytest.raises(ValueError, match=r"simulation\.sample_radius_mm: 5 is outside 10 to 70"):
        World({"active_tip_mm": 30}, {"sample_radius_mm": 5}, 1)
    with pytest.raises(ValueError, match="sample_radius_mm: only around a single probe"):
        World({"kind": "cooled-cluster", "gauge": 17}, {"sample_radius_mm": 20}, 1)
