"""Heat in 3D against closed forms, on the stretched grid of two needles."""

import dataclasses
import math

import numpy as np
import pytest

from sim.world.applicator import ElectrodeGroup
from sim.world.needle import straight
from sim.world.properties import tissue_named
from sim.world.solid import cells as cells_of
from sim.world.solid import kernels_heat
from sim.world.solid.burn import SolidBurn

PLAIN = dataclasses.replace(
    tissue_named("invivo_porcine"), name="plain", k_w_mk=0.52, k_per_k=0.0, rho_c_j_m3k=3.816e6, perfusion_w_m3k=0.0
)


def burn_of(tissue=PLAIN, cooled=False, mesh="fast"):
    pair = tuple(straight(x, 0.0, 0.735e-3, 0.02, cooled) for x in (-10e-3, 10e-3))
    return SolidBurn(ElectrodeGroup(pair, ((0,), (1,))), tissue, mesh)


def warmed(burn, celsius):
    """Set the whole tissue to ``celsius``, below boiling."""
    burn.grid.inner(burn._cells.enthalpy)[:] = (celsius - burn.tissue.start_c) * burn.tissue.rho_c_j_m3k


def idle(burn, duration_s):
    for _ in range(round(duration_s)):
        burn.step(1.0, 0.0, 37.0, 0.0)


@pytest.mark.parametrize("mesh", ["fast", "fine"])
def test_a_warm_spot_spreads_as_a_gaussian(mesh):
    burn, width_m, alpha_m2_s, duration_s = burn_of(mesh=mesh), 6e-3, 0.52 / 3.816e6, 120.0
    x, y, z = np.meshgrid(*burn.grid.centres_m, indexing="ij")
    warmed(burn, 37.0 + 40.0 * np.exp(-(x**2 + y**2 + (z - 0.01) ** 2) / width_m**2))
    before_j = burn._cells.stored_j()
    idle(burn, duration_s)
    wider2 = width_m**2 + 4.0 * alpha_m2_s * duration_s
    for r_mm in (0.0, 5.0, 10.0):
        expected = 37.0 + 40.0 * (width_m**2 / wider2) ** 1.5 * math.exp(-((r_mm / 1e3) ** 2) / wider2)
        assert burn.temperature_c(0.0, r_mm / 1e3, 0.01) == pytest.approx(expected, abs=0.4)
    assert burn._cells.stored_j() == pytest.approx(before_j, rel=1e-5)


def test_heat_flows_by_the_mean_of_a_changing_conductivity():
    tissue = dataclasses.replace(PLAIN, k_per_k=0.002)
    burn = burn_of(tissue)
    law, flow = burn._cells.laws.law, np.zeros(4, np.float32)
    celsius = np.array([37.0, 60.0, 99.0, 101.0])
    boiling = (99.0 - 37.0) * tissue.rho_c_j_m3k
    latent = tissue.density_kg_m3 * tissue.water_fraction * 2.257e6
    enthalpy = np.array([0.0, 23.0 * tissue.rho_c_j_m3k, boiling, boiling + latent], np.float32)
    kernels_heat.theta(enthalpy, flow, law)
    warm = np.minimum(celsius, 100.0) - 37.0
    expected = 0.52 * (warm + 0.001 * warm**2) + np.array([0.0, 0.0, 0.0, 0.52 * (1.0 + 0.002 * 63.0)])
    assert flow == pytest.approx(expected, rel=1e-5)
    assert burn._cells.laws.temperature_c(enthalpy) == pytest.approx(celsius, abs=1e-4)


def test_blood_cools_exponentially_and_stops_when_tissue_is_dead():
    tissue = dataclasses.replace(PLAIN, perfusion_w_m3k=5.0e4)
    burn = burn_of(tissue)
    warmed(burn, 39.0)
    idle(burn, 60.0)
    assert burn.temperature_c(0.0, 0.0, 0.01) == pytest.approx(37.0 + 2.0 * math.exp(-5.0e4 / 3.816e6 * 60.0), abs=0.01)
    assert burn.balance()["perfused_j"] < 0.0
    warmed(burn, 80.0)
    idle(burn, 5.0)
    warmed(burn, 60.0)
    idle(burn, 5.0)
    assert burn.temperature_c(0.0, 0.0, 0.01) == pytest.approx(60.0, abs=0.001)


def test_adiabatic_heating_boiling_and_recondensation():
    burn = burn_of()
    warmed(burn, 99.0)
    burn._source.heat[:] = 0.0
    burn.grid.inner(burn._source.heat)[:] = 1.0
    latent = PLAIN.density_kg_m3 * PLAIN.water_fraction * 2.257e6
    watts = 0.05 * latent
    for _ in range(100):
        burn._cells.heat(burn._source, 0.1, watts * burn._source.admittance_s, 37.0, 0.0, burn._sums)
    burn._cells.follow_everywhere()
    burn._cells.conduct()
    sigma = float(burn.grid.inner(burn._cells.sigma)[5, 5, 5])
    assert burn.temperature_c(0.0, 0.0, 0.01) == pytest.approx(100.0, abs=1e-3)
    wet = PLAIN.sigma_s_m * (1.0 + PLAIN.sigma_per_k * 63.0)
    assert sigma == pytest.approx(wet / (1.0 + (0.5 / PLAIN.dry_fraction) ** 4), rel=1e-3)
    assert burn.boiling_ml() == pytest.approx(float(np.sum(burn.grid.volume_m3)) * 1e6, rel=1e-4)
    for _ in range(100):
        burn._cells.heat(burn._source, 0.1, -watts * burn._source.admittance_s, 37.0, 0.0, burn._sums)
    burn._publish()  # as at the end of every step: what was read before is no longer true
    assert burn.temperature_c(0.0, 0.0, 0.01) == pytest.approx(99.0, abs=0.01)


def test_a10_arrhenius():
    burn = burn_of()
    warmed(burn, 54.0)
    burn._cells.follow_everywhere()
    for _ in range(600):
        burn._cells.harm(0.5)
    assert burn.grid.inner(burn._cells.omega_1)[9, 9, 9] == pytest.approx(15.87, rel=2e-3)
    assert burn.grid.inner(burn._cells.omega_2)[9, 9, 9] == pytest.approx(1.0, abs=0.5)
    warmed(burn, 39.9)
    before = burn._cells.omega_1.copy()
    burn._cells.harm(100.0)
    assert np.array_equal(before, burn._cells.omega_1)


def test_the_longest_step_is_stable():
    burn = burn_of(cooled=True)
    dt_s = burn._cells.stable_dt_s()
    warmed(burn, 37.0 + 60.0 * np.random.default_rng(1).random(burn.grid.shape))
    for _ in range(200):
        burn._cells.heat(burn._source, dt_s, 0.0, 20.0, 6000.0, burn._sums)
    assert burn._cells.celsius().min() > 19.9
    assert burn.max_c() < 97.0


def test_remapping_keeps_heat_and_finds_tissue_where_it_was():
    coarse, fine = burn_of(mesh="fast").grid, burn_of(mesh="fine").grid
    x, y, z = np.meshgrid(*coarse.centres_m, indexing="ij")
    spot = np.exp(-(x**2 + y**2 + (z - 0.01) ** 2) / 8e-3**2)
    moved = cells_of.carried(coarse, fine, spot, 4e-3)
    assert np.sum(moved * fine.volume_m3) == pytest.approx(np.sum(spot * coarse.volume_m3), rel=1e-6)
    z_of_centre = np.sum(moved * fine.volume_m3 * fine.centres_m[2]) / np.sum(moved * fine.volume_m3)
    assert z_of_centre == pytest.approx(0.006, abs=1e-5)
