"""Antennas side by side in 3D: the source of the axisymmetric model, once for each."""

import dataclasses

import numpy as np
import pytest

from sim.world.applicator import AntennaGroup
from sim.world.burn import Burn
from sim.world.catalogue import ANTENNAS, applicator_from
from sim.world.plant import plant_for
from sim.world.properties import tissue_named
from sim.world.solid import kernels_wave
from sim.world.solid.burn import SolidBurn

PORCINE = tissue_named("exvivo_porcine")
COOLED = ANTENNAS.named("cooled-2450")
PAIR = AntennaGroup(COOLED, ((-0.01, 0.0), (0.01, 0.0)))


def heated(burn, duration_s, power_w=35.0):
    for _ in range(round(duration_s * 2)):
        burn.step(0.5, power_w, 20.0, COOLED.film_w_m2k)
    return burn


@pytest.mark.parametrize("name", ["cooled-2450", "uncooled-2450"])
def test_one_antenna_is_the_axisymmetric_one(name):
    antenna = ANTENNAS.named(name)
    flat, solid = Burn(antenna, PORCINE, "fast"), SolidBurn(AntennaGroup(antenna, ((0.0, 0.0),)), PORCINE, "fine")
    for burn in (flat, solid):
        for _ in range(600):
            burn.step(0.5, 35.0, 20.0, antenna.film_w_m2k)
    a, b = solid.zone(), flat.zone()
    assert a["short_axis_mm"] == pytest.approx(b["short_axis_mm"], abs=1.5)
    assert a["long_axis_mm"] == pytest.approx(b["long_axis_mm"], abs=2.0)
    assert a["contracted_volume_ml"] == pytest.approx(b["contracted_volume_ml"], rel=0.1)
    assert solid.reflected == pytest.approx(flat.reflected, abs=0.02)
    assert solid.temperature_c(0.01, 0.0, 0.01) == pytest.approx(flat.temperature_c(0.01, 0.0, 0.01), abs=3.0)
    assert solid.balance()["source_j"] == pytest.approx(35.0 * 300.0, rel=1e-5)
    assert solid.balance()["residual"] < 1e-5
    assert np.isnan(solid.impedance_ohm)


def test_power_is_shared_equally_by_those_connected():
    burn = heated(SolidBurn(PAIR, PORCINE), 30.0, 60.0)

    def share_of_left():
        watts = burn.grid.inner(burn._source.heat) * burn.grid.volume_m3
        assert np.sum(watts) == pytest.approx(1.0, rel=1e-5)
        return np.sum(watts[burn.grid.centres_m[0] < 0.0])

    assert share_of_left() == pytest.approx(0.5, abs=1e-4)
    burn.connect({0})
    assert share_of_left() > 0.8
    burn.connect({0, 1})
    assert share_of_left() == pytest.approx(0.5, abs=1e-4)


def test_a_ray_adds_up_what_it_meets():
    burn = SolidBurn(PAIR, PORCINE)
    source, grid = burn._source, burn.grid
    source._excess[:] = 10.0
    path = np.zeros_like(source.heat)
    sigma = np.ones_like(source.heat)
    kernels_wave.illuminate(
        source.heat, sigma, source._excess, path, source._unheated[1], *source._rays[1], source._volume, 1.0
    )
    x, y, z = np.meshgrid(*grid.centres_m, indexing="ij")
    across = np.maximum(np.hypot(x - 0.01, y) - COOLED.radius_m, 0.0)
    top_m = COOLED.bare_m if COOLED.choked else grid.z_face_m[-1]
    distance = np.hypot(across, z - np.clip(z, COOLED.offset_m, top_m))
    assert grid.inner(path) == pytest.approx(10.0 * distance, rel=0.05, abs=0.01)


def test_three_antennas_melt_into_one_zone():
    burn = plant_for(
        applicator_from({"kind": "microwave-antennas", "antenna": "cooled-2450", "antennas": 3, "spacing_mm": 20}),
        PORCINE,
    )
    heated(burn, 300.0, 105.0)
    alone = heated(SolidBurn(AntennaGroup(COOLED, ((0.0, 0.0),)), PORCINE), 300.0)
    assert burn.zone()["volume_ml"] > 3.3 * alone.zone()["volume_ml"]
    assert burn.temperature_c(0.0, 0.0, 0.015) > 60.0
    saved = burn.save()
    end = heated(burn, 5.0).zone()
    burn.restore(saved)
    assert heated(burn, 5.0).zone() == end


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (AntennaGroup(COOLED, ()), "places_m is empty"),
        (AntennaGroup(COOLED, ((0.0, 0.0), (1.5e-3, 0.0))), r"antennas: 1.50 mm between axes; they touch below"),
        (AntennaGroup(COOLED, ((0.0, 0.0), (0.06, 0.0))), "conductors: x_m: 0.06 is outside"),
        (
            AntennaGroup(dataclasses.replace(COOLED, radiating_m=0.09), ((0.0, 0.0),)),
            "offset_m . radiating_m: .*outside",
        ),
        (AntennaGroup(dataclasses.replace(COOLED, frequency_hz=5.8e9), ((0.0, 0.0),)), "frequency_hz: 5800000000.0"),
    ],
)
def test_antennas_that_do_not_fit_are_refused(group, text):
    with pytest.raises(ValueError, match=text):
        SolidBurn(group, PORCINE)
    with pytest.raises(ValueError, match="has no tines"):
        SolidBurn(PAIR, PORCINE).deploy(group)
