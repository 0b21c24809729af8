"""Heat conduction, perfusion and Joule heat against closed forms. A3, A4, A8 and A9b are in test_thermal."""

import numpy as np
import pytest

from sim.world import kernels
from sim.world.grid import MESHES, WET, build, needle_grid
from tests.world.shapes import Block, growing, rings_grid, sphere_grid


def test_a4b_transient_sphere_with_perfusion():
    block = Block(sphere_grid(5.0e-3, 0.25e-3, 60e-3), QB=2.4538e4, TB=37.0)
    now_s = 0.0
    for t_s, at_10_mm_c in ((60.0, 42.436), (300.0, 47.343), (720.0, 47.625)):
        block.run(t_s - now_s, wall_c=100.0, film=1e7)
        now_s = t_s
        assert np.interp(10e-3, block.grid.r_m, block.row[1]) == pytest.approx(at_10_mm_c, abs=0.3)
        assert block.balance()["residual"] < 1e-9


def test_a5_cooled_joule_sphere():
    grid = sphere_grid(1.5e-3, 0.075e-3, 40e-3)
    block = Block(grid)
    assert block.joule(40.0) == pytest.approx(6.032, rel=0.01)
    block.open_to_infinity(37.0)
    now_c = block.settle(3000, wall_c=20.0, film=1e8)[:, grid.z_m.size // 2]
    hottest = int(np.argmax(now_c))
    assert now_c[hottest] == pytest.approx(105.66, rel=0.01)
    assert grid.r_m[hottest] == pytest.approx(3.175e-3, abs=0.075e-3)


def test_a5b_insulated_electrode():
    """The surface is hotter by sigma V^2 / (2 k) whatever its shape: here the needle, on the mesh of the burns."""
    grid = needle_grid(0.735e-3, 0.03, MESHES["fine"])
    block = Block(grid)
    block.joule(40.0)
    block.open_to_infinity(37.0)
    now_c = block.settle(1000)
    wet = grid.geometry[WET] > 0
    assert np.max(now_c[wet]) - 37.0 == pytest.approx(307.7, rel=0.01)
    potential = block.state[kernels.PHI]
    everywhere_c = 37.0 + 0.2 * 40.0**2 / 0.52 * (potential - potential**2 / 2.0)
    assert np.max(np.abs(now_c - everywhere_c)[wet]) < 0.01 * 307.7


def test_a9_line_source():
    grid = rings_grid(growing(0.0, 0.5e-3, 1.03, 80), wall=False)
    block = Block(grid)
    heat_w = np.zeros(grid.code.shape)
    heat_w[0] = 10.0 / 0.030 * np.diff(grid.z_face_m)
    block.set_heat(heat_w)
    block.run(720.0)
    assert np.interp(10e-3, grid.r_m, block.row[1]) - 37.0 == pytest.approx(52.5, rel=0.02)


def test_a11_point_laser():
    """Light that diffuses obeys the equation of steady heat with perfusion: D for k, mu_a for Qb, fluence for T.

    The world has no laser (the RF and microwave rooms came first), so there is no code for light to test: this shows
    that the step a laser room would use, diffusion with loss from a point, meets its closed form. Native liver at
    1064 nm: mu_a 0.3/cm, mu_s 165/cm, g 0.93.
    """
    mu_a, mu_s = 30.0, 16500.0 * (1.0 - 0.93)
    half = 12.125e-3
    r_face = np.concatenate([np.arange(0.0, 12.01e-3, 0.25e-3), growing(12.0e-3, 0.25e-3, 1.2, 16)[1:]])
    z_half = np.concatenate([np.arange(0.125e-3, 12.13e-3, 0.25e-3), growing(half, 0.25e-3, 1.2, 16)[1:]])
    z_face = np.concatenate([-z_half[::-1], z_half])
    code = np.zeros((r_face.size - 1, z_face.size - 1), np.int8)
    grid = build(r_face, z_face, code, centre_m=0.0)
    light = Block(grid, start_c=0.0, K=1.0 / (3.0 * (mu_a + mu_s)), QB=mu_a, TB=0.0)
    watts = np.zeros(code.shape)
    watts[0, z_half.size - 1] = 5.0
    light.set_heat(watts)
    fluence_w_cm2 = light.settle(1000)[:, z_half.size - 1] / 1e4
    for r_mm, expected in ((3, 17.70), (5, 5.527), (10, 0.540)):
        assert np.exp(np.interp(r_mm / 1e3, grid.r_m, np.log(fluence_w_cm2))) == pytest.approx(expected, rel=0.02)


def cooled_cylinder(coolant_c):
    """A long cooled cylinder of 1.5 mm radius after 12 min in perfused liver: r, temperature at mid-height.

    The current, 3.9 kA/m2 at the surface, leaves the hottest tissue below boiling; perfusion is our living liver's.
    """
    radius_m = 1.5e-3
    grid = rings_grid(np.concatenate([[0.0], growing(radius_m, 0.1e-3, 1.04, 95)]))
    block = Block(grid, K=0.502, RC=1060.0 * 3600.0, QB=6.8e4, TB=37.0)
    r_face = grid.r_face_m
    heat_w = np.zeros(grid.code.shape)
    per_m = 3.9e3**2 * radius_m**2 / 0.333 * 2.0 * np.pi * np.log(r_face[2:] / r_face[1:-1])
    heat_w[1:] = per_m[:, None] * np.diff(grid.z_face_m)
    block.set_heat(heat_w)
    return grid.r_m[1:], block.run(720.0, wall_c=coolant_c, film=1e8)[1:, 1]


def test_a16_cooled_needle_transient():
    """The findings of Lopez Molina et al. (Math Probl Eng 2012, 834807) as their abstract has them: a loose check."""
    lesions_mm = []
    for coolant_c in (5.0, 15.0, 25.0):
        r_m, now_c = cooled_cylinder(coolant_c)
        hottest = int(np.argmax(now_c))
        assert r_m[hottest] - 1.5e-3 == pytest.approx(3.0e-3, abs=1.0e-3)
        assert 70.0 < now_c[hottest] < 100.0
        lesions_mm.append(2e3 * np.interp(-50.0, -now_c[hottest:], r_m[hottest:]))
    assert lesions_mm[1] == pytest.approx(20.0, abs=5.0)
    assert max(lesions_mm) - min(lesions_mm) < 0.5
