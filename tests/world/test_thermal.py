"""The bio-heat step against closed forms, its energy balance, boiling and the damage laws."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import erfc, k0

from sim.world import kernels, thermal
from sim.world.burn import Burn
from sim.world.field import new_state
from sim.world.grid import ACTIVE, VOL, WET, build
from sim.world.needle import Needle
from sim.world.properties import L1, TISSUES, omega
from tests.world.shapes import sphere_grid

LIVER = dataclasses.replace(
    TISSUES["invivo_porcine"], name="analytic", k_w_mk=0.52, k_per_k=0.0, rho_c_j_m3k=3.816e6, perfusion_w_m3k=0.0
)


def march(grid, tissue, duration_s, *, film=0.0, coolant_c=37.0, heat_w_m3=0.0, dt_s=None, start_c=None):
    state, scalar = new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.H] = thermal.enthalpy_j_m3(tissue.start_c if start_c is None else start_c, tissue)
    state[kernels.SIG_REF] = scalar[kernels.Y_REF] = 1.0
    state[kernels.HEAT] = heat_w_m3 * grid.geometry[VOL] * grid.geometry[WET]
    dt_s = dt_s or min(0.25, thermal.stable_dt_s(grid, tissue, film))
    steps = round(duration_s / dt_s)
    row = np.zeros((3, grid.r_m.size))
    row[0, :2] = grid.z_m.size // 2 - 1, grid.z_m.size // 2
    parameters = tissue.parameters()
    parameters[[kernels.P_LNA1, kernels.P_LNA2]] = -1e3  # nothing dies here, so perfusion stays
    stored_j = thermal.stored_j(grid, state)
    args = (state.reshape(kernels.PLANES, -1), grid.cells, grid.contacts, scalar, parameters, row, grid.z_m.size, dt_s)
    kernels.march(*args, 0, 1.0, coolant_c, film, film, 0.3)
    taken = kernels.march(*args, steps, 1.0, coolant_c, film, film, 0.3)
    while taken < steps:
        taken += kernels.march(*args, steps - taken, 1.0, coolant_c, film, film, 0.3)
    return row[1], thermal.balance(stored_j, thermal.stored_j(grid, state), scalar), state


def long_cylinder():
    r_face = np.concatenate(
        [[0.0, 0.3675e-3], 0.735e-3 + np.concatenate([[0.0], np.cumsum(0.25e-3 * 1.06 ** np.arange(47))])]
    )
    code = np.zeros((r_face.size - 1, 4), np.int8)
    code[:2] = ACTIVE
    return build(r_face, np.linspace(0.0, 8e-3, 5), code, centre_m=4e-3)


def test_a3_steady_perfused_sphere():
    tissue = dataclasses.replace(LIVER, perfusion_w_m3k=2.4538e4)
    grid = sphere_grid(5.0e-3, 0.25e-3, 40e-3)
    now_c, balance, _ = march(grid, tissue, 1500.0, film=1e7, coolant_c=98.0)
    decay = math.sqrt(0.52 / 2.4538e4)
    for r_mm in (10, 15, 20):
        expected = 37.0 + 61.0 * (5 / r_mm) * math.exp(-(r_mm - 5) * 1e-3 / decay)
        assert np.interp(r_mm / 1e3, grid.r_m, now_c) == pytest.approx(expected, abs=0.25)
    assert balance["residual"] < 1e-9


def test_a4_transient_sphere():
    grid = sphere_grid(5.0e-3, 0.25e-3, 60e-3)
    for t_s, at_100_c in ((60.0, 43.813), (300.0, 55.279)):
        expected = 37.0 + 61.0 * 0.5 * erfc(5e-3 / (2 * math.sqrt(0.52 / 3.816e6 * t_s)))
        assert 37.0 + 63.0 / 61.0 * (expected - 37.0) == pytest.approx(
            at_100_c, abs=0.01
        )  # the reference, scaled to a 98 degC wall
        now_c, _, _ = march(grid, LIVER, t_s, film=1e7, coolant_c=98.0)
        assert np.interp(10e-3, grid.r_m, now_c) == pytest.approx(expected, abs=0.3)


def test_a9b_steady_perfused_cylinder():
    tissue = dataclasses.replace(LIVER, perfusion_w_m3k=2.4538e4)
    grid = long_cylinder()
    now_c, _, _ = march(grid, tissue, 1500.0, film=1e8, coolant_c=98.0)
    decay = math.sqrt(0.52 / 2.4538e4)
    expected = 37.0 + 61.0 * k0(10e-3 / decay) / k0(0.735e-3 / decay)
    assert expected == pytest.approx(37.0 + 61 / 63 * 2.953, abs=0.01)
    assert np.interp(10e-3, grid.r_m, now_c) == pytest.approx(expected, abs=0.1)


def test_a8_adiabatic_heating():
    now_c, balance, _ = march(long_cylinder(), LIVER, 1.0, heat_w_m3=1e7, dt_s=0.1)
    assert now_c[5] == pytest.approx(37.0 + 2.6205, abs=1e-4)
    assert balance["residual"] < 1e-12


def test_water_takes_its_latent_heat_and_gives_it_back():
    grid = long_cylinder()
    latent_j_m3 = 1060.0 * 0.70 * 2.257e6
    now_c, balance, state = march(grid, LIVER, 10.0, start_c=99.0, heat_w_m3=0.05 * latent_j_m3, dt_s=0.05)
    assert now_c[5] == pytest.approx(100.0, abs=1e-6)  # half of the water, half of the 99-101 degC plateau
    assert state[kernels.SIG, 5, 1] == pytest.approx(0.25 * (1 + 0.015 * 62) / (1 + (0.5 / 0.8) ** 4), rel=1e-6)
    assert balance["residual"] < 1e-12
    wet = dataclasses.replace(LIVER, start_c=20.0)
    now_c, _, _ = march(grid, wet, 10.0, start_c=99.0, heat_w_m3=-0.001 * latent_j_m3, dt_s=0.05)
    assert now_c[5] < 99.0


def test_a10_arrhenius():
    assert omega(54.0, 300.0, L1) == pytest.approx(15.87, abs=0.005)
    assert omega(50.0, 600.0, L1) == pytest.approx(9.828, abs=0.0005)
    now_c, _, state = march(long_cylinder(), LIVER, 0.25, start_c=54.0, dt_s=0.25)
    assert now_c[5] == 54.0
    assert state[kernels.OMEGA_1, 5, 1] == 0.0  # the helper switches death off


def test_a7_energy_balance_of_a_boiling_perfused_burn():
    burn = Burn(Needle(0.735e-3, 0.02), TISSUES["invivo_porcine"])
    for k in range(600):
        burn.step(0.1, 60.0 if k % 180 < 60 else 0.0, 10.0, 3000.0)
        if k % 50 == 0:
            assert burn.balance()["residual"] < 1e-3
    balance = burn.balance()
    assert burn.max_c() > 99.0
    assert balance["residual"] < 1e-10
    assert balance["source_j"] == pytest.approx(60.0 * 24.0, rel=0.09)  # 5-6 % of it is dissipated beyond 70 mm


def test_halving_the_step_hardly_moves_the_result():
    results = []
    for dt_s in (0.1, 0.05):
        burn = Burn(Needle(0.735e-3, 0.02), TISSUES["exvivo_bovine"])
        for _ in range(round(120 / dt_s)):
            burn.step(dt_s, 20.0, 10.0, 3000.0)
        results.append((burn.zone()["short_axis_mm"], burn.impedance_ohm))
    assert results[0][0] == pytest.approx(results[1][0], abs=0.1)
    assert results[0][1] == pytest.approx(results[1][1], abs=0.5)
