"""The bio-heat step against closed forms, its energy balance, boiling and the damage laws."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import erfc, k0

from sim.world import kernels, thermal
from sim.world.applicator import Needle
from sim.world.burn import Burn
from sim.world.field import new_state
from sim.world.grid import ACTIVE, VOL, WET, build
from sim.world.properties import L1, L2, TISSUES, omega
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
    assert state[kernels.SIG, 5, 1] == pytest.approx(0.25 * (1 + 0.015 * 62) / (1 + (0.5 / 1.0) ** 4), rel=1e-6)
    assert balance["residual"] < 1e-12
    wet = dataclasses.replace(LIVER, start_c=20.0)
    now_c, _, _ = march(grid, wet, 10.0, start_c=99.0, heat_w_m3=-0.001 * latent_j_m3, dt_s=0.05)
    assert now_c[5] < 99.0


def test_a10_arrhenius():
    assert omega(54.0, 300.0, L1) == pytest.approx(15.87, abs=0.005)
    assert omega(50.0, 600.0, L1) == pytest.approx(9.828, abs=0.0005)
    now_c, _, state = march(long_cylinder(), LIVER, 0.25, start_c=54.0, dt_s=0.25)
    assert now_c[5] == 54.0
    assert state[kernels.OMEGA_1, 5, 1] < 1e-15  # the helper switches death off


def material(**entries):
    """Conductivity by temperature of a strip of cells at 20, 30 ... 100 degC, wet."""
    grid = long_cylinder()
    state, scalar = new_state(grid), np.zeros(kernels.SCALARS)
    parameters = LIVER.parameters()
    for name, value in entries.items():
        parameters[getattr(kernels, f"P_{name}")] = value
    celsius = np.arange(20.0, 99.0, 10.0)
    state[kernels.H, 5 : 5 + celsius.size, 1] = LIVER.rho_c_j_m3k * celsius
    row = np.zeros((3, grid.r_m.size))
    cells = state.reshape(kernels.PLANES, -1)
    kernels.march(cells, grid.cells, grid.contacts, scalar, parameters, row, 4, 0.1, 0, 0.0, 20.0, 0.0, 0.0, 0.3)
    return celsius, state[kernels.SIG, 5 : 5 + celsius.size, 1]


def test_conductivity_at_radio_frequency_is_linear_in_temperature():
    celsius, sigma = material()
    assert sigma == pytest.approx(0.25 * (1.0 + 0.015 * (celsius - 37.0)), rel=1e-12)


def test_conductivity_at_microwave_frequency_is_the_sigmoid_of_ji_and_brace_2011():
    celsius, sigma = material(SIG=2.173, WAVE_A=5.951, WAVE_B=0.0697)
    expected = 2.173 * (1.0 - 1.0 / (1.0 + np.exp(5.951 - 0.0697 * celsius)))
    assert sigma == pytest.approx(expected, rel=1e-5)
    assert sigma[4] == pytest.approx(1.86, abs=0.01)  # at 60 degC


def heated(start_c, seconds, **entries):
    """Damage by both kinetics and what is left of the blood flow after holding ``start_c``."""
    grid = long_cylinder()
    state, scalar = new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.H] = thermal.enthalpy_j_m3(start_c, LIVER)
    state[kernels.SIG_REF] = scalar[kernels.Y_REF] = 1e9  # no field is ever due
    parameters = LIVER.parameters()
    for name, value in entries.items():
        parameters[getattr(kernels, f"P_{name}")] = value
    args = (state.reshape(kernels.PLANES, -1), grid.cells, grid.contacts, scalar, parameters)
    row = np.zeros((3, grid.r_m.size))
    for steps in (0, round(seconds / 0.25)):
        kernels.march(*args, row, 4, 0.25, steps, 0.0, 37.0, 0.0, 0.0, 0.3)
    return [float(state[plane, 5, 1]) for plane in (kernels.OMEGA_1, kernels.OMEGA_2, kernels.ALIVE)]


@pytest.mark.parametrize("celsius", [42.0, 55.0, 70.0])
def test_damage_is_the_arrhenius_integral(celsius):
    first, second, _ = heated(celsius, 30.0)
    assert first == pytest.approx(omega(celsius, 30.0, L1), rel=2e-5)
    assert second == pytest.approx(omega(celsius, 30.0, L2), rel=2e-5)


def test_blood_stops_where_tissue_is_white():
    assert omega(62.0, 120.0, L2) == pytest.approx(4.62, abs=0.01)
    assert heated(62.0, 118.0)[2] == 1.0
    assert heated(62.0, 122.0)[2] == 0.0


def test_blood_may_stop_by_the_other_kinetics_or_gradually():
    assert heated(50.0, 300.0)[2] == 1.0
    assert heated(50.0, 300.0, STOP_2=0.0)[2] == 0.0
    left = heated(50.0, 60.0, STOP_2=0.0, STOP_OMEGA=1.0, STOP_GRADUAL=1.0)[2]
    assert left == pytest.approx(math.exp(-omega(50.0, 60.0, L1)), rel=1e-3)


def test_halving_the_step_hardly_moves_the_result():
    results = []
    for dt_s in (0.1, 0.05):
        burn = Burn(Needle(0.735e-3, 0.02), TISSUES["exvivo_bovine"])
        for _ in range(round(120 / dt_s)):
            burn.step(dt_s, 20.0, 10.0, 3000.0)
        results.append((burn.zone()["short_axis_mm"], burn.impedance_ohm))
    assert results[0][0] == pytest.approx(results[1][0], abs=0.1)
    assert results[0][1] == pytest.approx(results[1][1], abs=0.5)
