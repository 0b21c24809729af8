"""The electric solver against closed forms (sphere, shells, thin cylinder, ellipsoid bound)."""

import dataclasses
import math

import numpy as np
import pytest

from sim.world import field, kernels
from sim.world.grid import ACTIVE, MESHES, build, needle_grid
from tests.world.shapes import sphere_grid


def test_a1_sphere_in_an_infinite_medium():
    grid = sphere_grid(5.0e-3, 0.1e-3, 60e-3)
    assert field.resistance_ohm(grid, 0.333) == pytest.approx(47.794, rel=0.01)


@pytest.mark.parametrize(("mesh", "tolerance"), [("fast", 0.03), ("fine", 0.03)])
@pytest.mark.parametrize(("length_mm", "cylinder_ohm", "ellipsoid_ohm"), [(20, 119.2, 131.7), (30, 90.25, 98.49)])
def test_a2_thin_cylinder(mesh, tolerance, length_mm, cylinder_ohm, ellipsoid_ohm):
    ohm = field.resistance_ohm(needle_grid(0.735e-3, length_mm / 1e3, MESHES[mesh]), 0.2)
    assert ohm == pytest.approx(cylinder_ohm, rel=tolerance)
    assert ohm < ellipsoid_ohm


def test_a2c_coaxial_shells_are_exact_on_a_coarse_grid():
    r_face = np.array([0.0, 0.75e-3, 2e-3, 5e-3, 12e-3, 25e-3, 50e-3])
    z_face = np.linspace(0.0, 30e-3, 4)
    code = np.zeros((6, 3), np.int8)
    code[0] = ACTIVE
    grid = build(r_face, z_face, code, centre_m=15e-3)
    to_ground = 2 * math.pi * 10e-3 / math.log(50e-3 / grid.r_m[-1])
    grid = dataclasses.replace(grid, outer=np.array([[5 * 3 + j, to_ground] for j in range(3)]))
    assert field.resistance_ohm(grid, 0.2) == pytest.approx(111.40, rel=1e-4)


def test_a17_power_goes_somewhere_and_scales_with_conductivity():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    assert field.resistance_ohm(grid, 0.1) == pytest.approx(2 * field.resistance_ohm(grid, 0.2), rel=1e-9)
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    rng = np.random.default_rng(1)
    state[kernels.SIG] = 0.2 * np.exp(rng.normal(0.0, 1.0, grid.code.shape))
    field.solve(grid, state, scalar, 1e-9)
    heat_w, beyond_w = float(np.sum(state[kernels.HEAT])), float(scalar[kernels.OUTER_Y])
    assert heat_w + beyond_w == pytest.approx(float(scalar[kernels.Y_REF]), rel=1e-8)
    assert np.all(state[kernels.HEAT] >= 0.0)


def test_heat_is_the_admittance_s_derivative():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = 0.2
    field.solve(grid, state, scalar, 1e-11)
    heat, before = float(state[kernels.HEAT, 4, 25]), float(scalar[kernels.Y_REF])
    state[kernels.SIG, 4, 25] *= 1.001
    field.solve(grid, state, scalar, 1e-11)
    assert (float(scalar[kernels.Y_REF]) - before) / math.log(1.001) == pytest.approx(heat, rel=1e-3)


def test_a_solver_that_does_not_converge_says_so():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = 0.2
    with pytest.raises(field.NotConverged, match=r"no solution to 0.0001 in 3 iterations on 22 x 53 cells"):
        field.solve(grid, state, scalar, limit=3)
    state[kernels.SIG, 3, 30] = math.nan
    with pytest.raises(field.NotConverged):
        field.solve(grid, state, scalar)
