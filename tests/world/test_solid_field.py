"""The 3D field solver against closed forms and the axisymmetric solver; metal that is thinner than a cell."""

import math

import numpy as np
import pytest

from sim.world import field as flat
from sim.world.applicator import Conductor
from sim.world.arrays import ARRAYS
from sim.world.needle import straight
from sim.world.solid import field, measure, wires
from sim.world.solid.field import SolidField
from sim.world.solid.grid import SPACINGS, group_grid

RADIUS_M = 0.735e-3


def solver(conductors, mesh="fast", electrodes=None):
    points = np.array([p for c in conductors for p in c.path_m])
    grid = group_grid(points.min(0), points.max(0), SPACINGS[mesh])
    return SolidField(grid, electrodes or [[c] for c in conductors])


def resistance_ohm(solid, sigma_s_m=0.2, volts=(1.0,), tolerance=1e-4):
    sigma, phi = solid.new(sigma_s_m), solid.new()
    solid.solve(sigma, phi, np.array(volts, float), tolerance)
    return 1.0 / solid.admittance_s, phi


def at(solid, values, point_m):
    cells, share = measure.around(solid.grid, point_m)
    return measure.blend(values[list(cells)].tolist(), share)


@pytest.mark.parametrize(("length_mm", "axisymmetric_ohm"), [(10, 186.3), (20, 118.2), (30, 89.0), (40, 72.3)])
def test_wires_agree_with_the_axisymmetric_solver(length_mm, axisymmetric_ohm):
    ohm = wires.resistance_ohm([straight(0.0, 0.0, RADIUS_M, length_mm / 1e3)], 0.2)
    assert ohm == pytest.approx(axisymmetric_ohm, rel=0.006)


def test_turned_copies_of_a_wire_bear_the_same_current(monkeypatch):
    array = ARRAYS.named("starburst-xl").deployed(30.0).conductors  # eight tines around, one ahead, the trocar
    assert wires.alike(array) == [0, 0, 0, 0, 0, 0, 0, 0, 8, 9]
    assert wires.alike(array[1:]) == list(range(9))  # one is missing
    unknowns, solve = [], np.linalg.solve
    monkeypatch.setattr(np.linalg, "solve", lambda a, b: (unknowns.append(len(b)), solve(a, b))[1])
    ohm = wires.resistance_ohm(array, 0.2)
    monkeypatch.setattr(wires, "alike", lambda conductors: list(range(len(conductors))))
    assert ohm == pytest.approx(wires.resistance_ohm(array, 0.2), rel=1e-12)
    assert ohm == pytest.approx(47.056, rel=1e-4)
    assert unknowns[0] <= 120 < 350 < unknowns[1]  # too few for LAPACK to take every processor of a live bench


@pytest.mark.parametrize("mesh", ["fast", "fine"])
@pytest.mark.parametrize(("length_mm", "cylinder_ohm"), [(20, 119.2), (30, 90.25)])
def test_a2_thin_cylinder(mesh, length_mm, cylinder_ohm):
    ohm, _ = resistance_ohm(solver([straight(0.0, 0.0, RADIUS_M, length_mm / 1e3)], mesh))
    assert ohm == pytest.approx(cylinder_ohm, rel=0.02)


def test_the_field_around_a_needle_is_the_axisymmetric_one():
    solid = solver([straight(0.0, 0.0, RADIUS_M, 0.03)], "fine")
    _, phi = resistance_ohm(solid)
    for x_mm, z_mm, volts in ((5, 15, 0.5120), (10, 15, 0.3448), (20, 15, 0.2039), (10, 30, 0.2726), (0, -5, 0.3131)):
        assert at(solid, phi, (x_mm / 1e3, 0.0, z_mm / 1e3)) == pytest.approx(volts, rel=0.03)


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.6])
def test_resistance_does_not_depend_on_how_a_wire_lies_in_the_grid(turn):
    tip = (0.37e-3, 0.21e-3, 0.4e-3)
    end = (tip[0] + 0.02 * math.sin(turn), tip[1], tip[2] + 0.02 * math.cos(turn))
    solid = solver([Conductor((tip, end), (), 0.15e-3, False)])
    sigma, phi = solid.new(0.2), solid.new()
    solid.solve(sigma, phi, np.array([1.0]), 1e-4)
    beside = ((tip[0] + end[0]) / 2, (tip[1] + end[1]) / 2 + 8e-3, (tip[2] + end[2]) / 2)
    assert 1.0 / solid.admittance_s == pytest.approx(180.2, rel=0.01)
    assert at(solid, phi, beside) == pytest.approx(0.2303, rel=0.015)


def test_a12_two_parallel_cylinders():
    apart_m, radius_m = 15e-3, 0.5e-3
    pair = [straight(x, 0.0, radius_m, 0.08) for x in (-apart_m / 2, apart_m / 2)]
    solid = solver(pair)
    _, phi = resistance_ohm(solid, volts=(1.0, -1.0), tolerance=1e-4)
    field_v_m = (at(solid, phi, (-1e-3, 0, 0.04)) - at(solid, phi, (1e-3, 0, 0.04))) / 2e-3
    assert field_v_m == pytest.approx(4.0 / (apart_m * math.acosh(apart_m / (2 * radius_m))), rel=0.02)


def test_power_goes_somewhere_and_scales_with_conductivity():
    solid = solver([straight(0.0, 0.0, RADIUS_M, 0.03)])
    assert resistance_ohm(solid, 0.1)[0] == pytest.approx(2 * resistance_ohm(solid, 0.2)[0], rel=1e-4)
    sigma = solid.new(1.0)
    inner = solid.grid.inner(sigma)
    inner[:] = 0.2 * np.exp(np.random.default_rng(1).normal(0.0, 1.0, inner.shape))
    phi = solid.new()
    solid.solve(sigma, phi, np.array([1.0]), 1e-4)
    contacts = solid.contacts
    g = contacts.conductance_m * solid.scales[0] * sigma[contacts.cell]
    current_a = float(np.sum(g * (1.0 - phi[contacts.cell])))
    inside_s = float(np.sum(solid.grid.inner(solid.heat) * solid.grid.volume_m3))
    assert inside_s + solid.beyond_s == pytest.approx(solid.admittance_s, rel=1e-6)
    assert solid.admittance_s == pytest.approx(current_a, rel=1e-4)
    assert np.min(solid.heat) >= 0.0


def test_heat_is_the_admittance_s_derivative():
    solid = solver([straight(0.0, 0.0, RADIUS_M, 0.03)])
    sigma, phi = solid.new(0.2), solid.new()
    solid.solve(sigma, phi, np.array([1.0]), 3e-5)
    before, i, j, k = (
        solid.admittance_s,
        solid.grid.shape[0] // 2 + 2,
        solid.grid.shape[1] // 2,
        solid.grid.shape[2] // 2,
    )
    expected = float(solid.grid.inner(solid.heat)[i, j, k] * solid.grid.volume_m3[i, j, k])
    solid.grid.inner(sigma)[i, j, k] *= 1.2
    solid.solve(sigma, phi, np.array([1.0]), 3e-5)
    assert (solid.admittance_s - before) / math.log(1.2) == pytest.approx(expected, rel=0.03)


def test_a_dry_shell_blocks_and_a_solver_that_does_not_converge_says_so(monkeypatch):
    solid = solver([straight(0.0, 0.0, RADIUS_M, 0.03)])
    ohm, _ = resistance_ohm(solid)
    x, y, z = np.meshgrid(*solid.grid.centres_m, indexing="ij")
    sigma, phi = solid.new(1.0), solid.new()
    from_axis = np.hypot(np.hypot(x, y), np.maximum(np.abs(z - 0.015) - 0.015, 0.0))
    solid.grid.inner(sigma)[:] = np.where((from_axis > 4e-3) & (from_axis < 6e-3), 2e-4, 0.2)
    solid.solve(sigma, phi, np.array([1.0]))
    assert 1.0 / solid.admittance_s > 50 * ohm
    monkeypatch.setattr(field, "MAX_ITERATIONS", 2)
    with pytest.raises(flat.NotConverged, match=r"no solution to 0.0001 in 2 iterations on .* cells"):
        resistance_ohm(solid)
    monkeypatch.undo()
    solid.grid.inner(sigma)[3, 3, 3] = math.nan
    with pytest.raises(flat.NotConverged):
        solid.solve(sigma, solid.new(), np.array([1.0]))


def test_an_electrode_that_is_not_connected_is_not_seen():
    pair = [straight(x, 0.0, RADIUS_M, 0.03) for x in (-10e-3, 10e-3)]
    solid = solver(pair)
    alone, _ = resistance_ohm(solid, volts=(1.0, math.nan))
    both, _ = resistance_ohm(solid, volts=(1.0, 1.0))
    grounded, _ = resistance_ohm(solid, volts=(1.0, 0.0))
    assert alone == pytest.approx(89.0, rel=0.01)
    assert both == pytest.approx(wires.resistance_ohm(pair, 0.2), rel=0.01)
    assert grounded < alone
