"""The electric solver on shapes with known resistance. A1, A2, A2c and scaling (A17) are in test_field."""

import numpy as np
import pytest

from sim.world import field, kernels
from sim.world.grid import ACTIVE, MESHES, build, needle_grid
from tests.world.shapes import hemisphere_grid, shells_grid


def test_a1b_concentric_spheres():
    assert field.resistance_ohm(shells_grid(2.0e-3, 0.04e-3, 100e-3), 0.2) == pytest.approx(194.965, rel=0.005)


def test_a1c_hemisphere_on_a_half_space():
    assert field.resistance_ohm(hemisphere_grid(1.0e-3, 0.04e-3, 60e-3), 0.333) == pytest.approx(477.94, rel=0.01)


@pytest.mark.parametrize("mesh", ["fast", "fine"])
@pytest.mark.parametrize(("length_mm", "ellipsoid_ohm"), [(10, 209.6), (20, 131.7), (30, 98.49)])
def test_a2b_a_cylinder_conducts_better_than_the_ellipsoid_inside_it(mesh, length_mm, ellipsoid_ohm):
    assert field.resistance_ohm(needle_grid(0.735e-3, length_mm / 1e3, MESHES[mesh]), 0.2) < ellipsoid_ohm


def test_a17_a_mirrored_needle_has_the_mirrored_field():
    right = needle_grid(0.735e-3, 0.02, MESHES["fast"])
    left = build(right.r_face_m, -right.z_face_m[::-1], right.code[:, ::-1].copy(), centre_m=-0.01)
    heat, ohm = [], []
    for grid in (right, left):
        state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
        state[kernels.SIG] = 0.2
        field.solve(grid, state, scalar, 1e-12)
        heat.append(state[kernels.HEAT])
        ohm.append(1.0 / scalar[kernels.Y_REF])
    assert ohm[0] == pytest.approx(ohm[1], rel=1e-10)
    assert np.max(np.abs(heat[0] - heat[1][:, ::-1])) < 1e-10 * np.max(heat[0])


def test_a17_resistance_knows_no_unit_of_length():
    """The same shape, twice as large, has half the resistance (here with a grid that is twice as large, too)."""
    faces = np.array([0.0, 1.0, 1.5, 2.5, 4.5, 8.5, 16.5])
    levels = np.array([-16.0, -8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0, 16.0])
    code = np.zeros((6, 8), np.int8)
    code[0, 3:5] = ACTIVE
    small, large = (
        field.resistance_ohm(build(size * faces, size * levels, code, centre_m=0.0), 0.2) for size in (1e-3, 2e-3)
    )
    assert small == pytest.approx(2.0 * large, rel=1e-9)
