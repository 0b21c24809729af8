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


def random_tissue(grid, spread):
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    rng = np.random.default_rng(1)
    state[kernels.SIG] = 0.2 * np.exp(rng.normal(0.0, spread, grid.code.shape))
    return state, scalar


def test_a17_power_goes_somewhere_and_scales_with_conductivity():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    assert field.resistance_ohm(grid, 0.1) == pytest.approx(2 * field.resistance_ohm(grid, 0.2), rel=1e-9)
    state, scalar = random_tissue(grid, 1.0)
    field.solve(grid, state, scalar, 1e-9)
    heat_w, beyond_w = float(np.sum(state[kernels.HEAT])), float(scalar[kernels.OUTER_Y])
    assert heat_w + beyond_w == pytest.approx(float(scalar[kernels.Y_REF]), rel=1e-12)
    assert np.all(state[kernels.HEAT] >= 0.0)
    cell, conductance = grid.contacts[:, 0].astype(int), grid.contacts[:, 1] * (grid.contacts[:, 3] > 0.5)
    phi, sigma = state[kernels.PHI].flat[cell], state[kernels.SIG].flat[cell]
    assert np.sum(conductance * sigma * (1.0 - phi)) == pytest.approx(float(scalar[kernels.Y_REF]), rel=1e-7)


def mirrored(grid):
    centre_m = -0.015
    return build(grid.r_face_m, -grid.z_face_m[::-1], grid.code[:, ::-1], centre_m)


def test_the_field_of_a_mirrored_scene_is_the_mirrored_field():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    state, scalar = random_tissue(grid, 1.0)
    other, other_scalar = field.new_state(mirrored(grid)), np.zeros(kernels.SCALARS)
    other[kernels.SIG] = state[kernels.SIG, :, ::-1]
    field.solve(grid, state, scalar, 1e-10)
    field.solve(mirrored(grid), other, other_scalar, 1e-10)
    assert scalar[kernels.Y_REF] == pytest.approx(other_scalar[kernels.Y_REF], rel=1e-12)
    assert np.allclose(other[kernels.HEAT, :, ::-1], state[kernels.HEAT], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("mesh", list(MESHES))
@pytest.mark.parametrize(("spread", "most"), [(0.0, 8), (1.0, 16), (2.0, 40)])
def test_iterations_hardly_depend_on_the_mesh_or_on_jumps(mesh, spread, most):
    grid = needle_grid(0.735e-3, 0.03, MESHES[mesh])
    state, scalar = random_tissue(grid, spread)
    assert field.solve(grid, state, scalar, 1e-6) <= most


def drying(grid):
    """Warm tissue in which a patch of a few millimetres at the tip has just lost its water."""
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = 0.5 - 5.0 * np.minimum(grid.r_m, 0.06)[:, None]
    field.solve(grid, state, scalar)
    patch = np.hypot(grid.r_m[:, None], grid.z_m - 1e-3) < 4e-3
    state[kernels.SIG][patch] = 0.0005
    return state, scalar


@pytest.mark.parametrize("mesh", list(MESHES))
def test_the_default_tolerance_leaves_little_heat_in_the_wrong_place(mesh):
    grid = needle_grid(0.735e-3, 0.03, MESHES[mesh])
    state, scalar = drying(grid)
    assert field.solve(grid, state, scalar) <= 6
    exact, exact_scalar = drying(grid)
    field.solve(grid, exact, exact_scalar, 1e-12)
    assert scalar[kernels.Y_REF] == pytest.approx(exact_scalar[kernels.Y_REF], rel=2e-5)
    assert np.sum(np.abs(state[kernels.HEAT] - exact[kernels.HEAT])) < 5e-3 * exact_scalar[kernels.Y_REF]


def test_heat_is_the_admittance_s_derivative():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = 0.2
    field.solve(grid, state, scalar, 1e-11)
    heat, before = float(state[kernels.HEAT, 4, 25]), float(scalar[kernels.Y_REF])
    state[kernels.SIG, 4, 25] *= 1.001
    field.solve(grid, state, scalar, 1e-11)
    assert (float(scalar[kernels.Y_REF]) - before) / math.log(1.001) == pytest.approx(heat, rel=1e-3)


def test_a_solver_that_does_not_converge_says_so_and_leaves_the_last_field():
    grid = needle_grid(0.735e-3, 0.03, MESHES["fast"])
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = 0.2
    field.solve(grid, state, scalar)
    state[kernels.SIG, 3:9, 20:30] = 0.002
    kept, kept_scalar = state.copy(), scalar.copy()
    with pytest.raises(field.NotConverged, match=r"no solution to 1e-09 in 3 iterations on 22 x 53 cells"):
        field.solve(grid, state, scalar, tolerance=1e-9, limit=3)
    assert np.array_equal(state, kept)
    assert np.array_equal(scalar, kept_scalar)
    state[kernels.SIG, 3, 30] = math.nan
    with pytest.raises(field.NotConverged, match="conductivity nan to nan"):
        field.solve(grid, state, scalar)
