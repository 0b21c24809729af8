"""Thermometers and meters: noise by channel and time, exact lags, pick-up, fibres, stems, names; blanking."""

import math

import numpy as np
import pytest

from sim.world.applicator import Needle
from sim.world.bench import World
from sim.world.meters import Meters
from sim.world.options import Options
from sim.world.sensors import FIXED, Noise, Thermometry

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}


class Ramp:
    """A place whose temperature the test sets."""

    def __init__(self, **options):
        self.place_c = 20.0
        self.sensors = Thermometry(
            Needle(0.7e-3, 30e-3),
            Options.read(options),
            Noise(1),
            lambda x_m, y_m, z_m: self.place_c,
            dict.fromkeys(FIXED, lambda: self.place_c),
            lambda tissue_c: tissue_c,
            37.0,
        )

    def run(self, name, seconds, k_per_s, dt_s=0.1):
        self.sensors.true_c(name, 0.0)
        for _ in range(round(seconds / dt_s)):
            self.place_c += k_per_s * dt_s
            self.sensors.step(dt_s)
        return self.sensors.true_c(name, 0.0)


@pytest.mark.parametrize(
    ("name", "options", "lag_s"),
    [
        ("tissue_10mm", {}, 0.3),
        ("tissue_10mm", {"thermocouples": "sheathed"}, 0.7),
        ("tissue_10mm_fo", {"thermocouples": "sheathed"}, 0.25),
        ("tip", {}, 0.2),
        ("coolant_out", {}, 2.0),
    ],
)
def test_a_lag_follows_a_ramp_exactly_whatever_the_step(name, options, lag_s):
    for dt_s in (0.05, 0.1, 0.5):
        ramp = Ramp(**options)
        lagged = 20.0 + 2.0 * (3.0 - lag_s * (1.0 - math.exp(-3.0 / lag_s)))
        assert ramp.run(name, 3.0, 2.0, dt_s) == pytest.approx(lagged, abs=1e-9)
        ahead = 20.0 + 2.0 * (3.04 - lag_s * (1.0 - math.exp(-3.04 / lag_s)))
        assert ramp.sensors.true_c(name, 0.04) == pytest.approx(ahead, abs=1e-9)


def test_a_stem_draws_a_thermocouple_towards_the_body_and_not_a_fibre():
    ramp = Ramp(stem=0.05)
    ramp.place_c = 80.0
    assert ramp.sensors.true_c("tissue_10mm", 0.0) == pytest.approx(80.0 - 0.05 * 43.0)
    assert ramp.sensors.true_c("tissue_10mm_fo", 0.0) == 80.0


def test_radio_frequency_gets_into_thermocouples_only_and_only_while_it_is_on():
    ramp = Ramp(pickup_c_per_v=0.05)
    for name in ("tissue_10mm", "tissue_10mm_fo", "tip", "coolant_in"):
        ramp.run(name, 1.0, 0.0)

    def mean_c(name, volts):
        return np.mean([ramp.sensors.read(name, k * 0.05, 0.0, volts) for k in range(4000)])

    assert mean_c("tissue_10mm", 80.0) == pytest.approx(24.0, abs=0.05)
    assert mean_c("tip", 80.0) == pytest.approx(24.0, abs=0.05)
    assert mean_c("tissue_10mm_fo", 80.0) == pytest.approx(20.0, abs=0.05)
    assert mean_c("coolant_in", 80.0) == pytest.approx(20.0, abs=0.05)
    assert mean_c("tissue_10mm", 0.0) == pytest.approx(20.0, abs=0.05)
    ripple = [ramp.sensors.read("tissue_10mm", k * 0.05, 0.0, 80.0) for k in range(4000)]
    assert np.std(ripple) == pytest.approx(math.hypot(0.2 * 4.0 / math.sqrt(2.0), 0.12), abs=0.03)


def test_a_shield_that_comes_off_is_a_fault_of_the_bench():
    bench = World(NEEDLE, {}, 1)
    bench.advance(0.0)
    bench.drive(100.0)
    before_c = bench.temperature_c("tissue_20mm")
    bench.fault("pickup", 0.1)
    assert bench.temperature_c("tissue_20mm") > before_c + 5.0
    bench.fault("pickup", None)
    assert bench.temperature_c("tissue_20mm") == before_c


def test_readings_change_every_10_ms_and_are_rounded():
    bench = World(NEEDLE, {}, 1)
    bench.advance(0.0)
    bench.drive(50.0)
    readings = []
    for k in range(4000):
        bench.advance(k * 0.0025)
        readings.append(bench.temperature_c("tissue_5mm"))
    changes = np.flatnonzero(np.diff(readings)) + 1
    assert np.all(changes % 4 == 0)
    assert len(changes) > 600
    assert all(round(value, 1) == value for value in readings)


def test_noise_has_the_variance_it_says_and_a_new_value_every_10_ms():
    noise = Noise(7)
    values = np.array([noise.at("tip", k * 0.01) for k in range(20000)])
    assert abs(values.mean()) < 0.03
    assert values.std() == pytest.approx(1.0, abs=0.02)
    assert noise.at("tip", 1.001) == noise.at("tip", 1.009) != noise.at("tip", 1.011)


def test_noise_does_not_depend_on_the_order_in_which_it_is_asked_for():
    times_s = (300.0, 0.0, 20.47, 20.48, 655.35, 655.36, 0.0)
    forward, backward = Noise(7), Noise(7)
    values = [forward.at("tip", t_s) for t_s in times_s]
    assert values == [backward.at("tip", t_s) for t_s in reversed(times_s)][::-1]
    assert values[1] == values[5] == values[6] != values[0]  # it repeats after 655.36 s


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tisue_10mm", "unknown temperature 'tisue_10mm'.*tissue_<n>mm"),
        ("tissue_90mm", "tissue_90mm: distance in mm: 90.0 is outside 2 to 60"),
        ("coolant_in_fo", "unknown temperature 'coolant_in_fo'.*did you mean 'coolant_in'"),
        ("shaft", "unknown temperature 'shaft': there are tip"),
    ],
)
def test_names_that_are_no_sensor(name, text):
    with pytest.raises(ValueError, match=text):
        Ramp().sensors.true_c(name, 0.0)


def test_the_impedance_meter_is_blanked_after_a_change_of_power():
    bench = World(NEEDLE, {}, 1)
    bench.advance(0.0)
    assert math.isnan(bench.impedance_ohm)
    bench.drive(50.0)
    bench.advance(0.05)
    assert math.isnan(bench.impedance_ohm)  # held: there was none before
    bench.advance(0.11)
    assert bench.impedance_ohm == pytest.approx(bench.load_ohm, abs=6.0)
    bench.advance(1.0)
    held = bench.impedance_ohm
    bench.drive(5.0)
    bench.advance(1.09)
    assert bench.impedance_ohm == held
    bench.advance(1.11)
    assert bench.impedance_ohm != held


def test_meters_have_their_range_and_their_error():
    meters = Meters(Noise(3), 0.1)
    assert meters.impedance_ohm(1.0, 5000.0, 1.0) == 999.0
    assert meters.impedance_ohm(1.0, 3.0, 1.0) == 25.0
    readings = [meters.impedance_ohm(k * 0.01, 100.0, 1.0) for k in range(20000)]
    assert np.mean(readings) == pytest.approx(100.0, abs=0.05)
    assert np.std(readings) == pytest.approx(math.sqrt(2.0), abs=0.05)  # 1 % and 1 ohm
    gains = [Meters(Noise(seed), 0.1).power_w("forward", 1.0) for seed in range(300)]
    assert min(gains) == pytest.approx(0.95, abs=0.002)
    assert max(gains) == pytest.approx(1.05, abs=0.002)
    assert meters.power_w("forward", 100.0) == 100.0 * Meters(Noise(3), 0.0).power_w("forward", 1.0)
