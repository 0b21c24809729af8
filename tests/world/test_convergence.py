"""The order of the solvers in smooth problems, and what halving mesh and time step does to a whole burn."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import j0

from sim.world import field, kernels
from sim.world.applicator import Needle
from sim.world.burn import Burn
from sim.world.grid import ACTIVE, MESHES, VOL, build
from sim.world.properties import tissue_named
from tests.world.shapes import Block


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def cooling_drum(cells, dt_s):
    """A closed drum, 20 mm each way, whose one smooth mode decays for 100 s: temperatures found and exact, volumes."""
    faces = np.linspace(0.0, 20e-3, cells + 1)
    grid = build(faces, faces, np.zeros((cells, cells), np.int8), centre_m=10e-3)
    mode = 20.0 * j0(3.8317059702 * grid.r_m / 20e-3)[:, None] * np.cos(np.pi * grid.z_m / 20e-3)
    block = Block(grid)
    block.set_temperature(37.0 + mode)
    now_c = block.run(100.0, dt_s).copy()
    rate = 0.52 / 3.816e6 * (3.8317059702**2 + np.pi**2) / 20e-3**2
    return now_c, 37.0 + mode * np.exp(-rate * 100.0), grid.geometry[VOL]


def test_heat_is_of_second_order_in_space_and_time_together():
    """The time step goes with the square of the cell, as stability wants it; the error is the rms over the volume."""
    errors = []
    for cells, dt_s in ((8, 2.0), (16, 0.5), (32, 0.125), (64, 0.03125)):
        now_c, exact_c, volume = cooling_drum(cells, dt_s)
        errors.append(np.sqrt(np.sum((now_c - exact_c) ** 2 * volume) / np.sum(volume)))
    assert np.min(orders(errors)) > 1.9
    assert errors[-1] < 1e-3


def test_heat_is_of_first_order_in_time_alone_and_the_error_is_small():
    found = [cooling_drum(16, dt_s)[0] for dt_s in (1.0, 0.5, 0.25, 0.125)]
    changes = [np.max(np.abs(a - b)) for a, b in pairwise(found)]
    assert np.min(orders(changes)) > 0.95
    assert changes[0] < 0.02  # K, at ten times the step of the burns


def resistance_ohm(cells):
    """A cylinder of 2 mm in a grounded one of 22 mm, 20 mm high, the conductivity between them smooth in r and z."""
    inner_m, outer_m, height_m = 2e-3, 22e-3, 20e-3
    r_face = np.concatenate([[0.0], np.linspace(inner_m, outer_m, cells + 1)])
    code = np.zeros((cells + 1, cells), np.int8)
    code[0] = ACTIVE
    grid = build(r_face, np.linspace(0.0, height_m, cells + 1), code, centre_m=height_m / 2)
    ground = 2.0 * np.pi * (height_m / cells) / np.log(outer_m / grid.r_m[-1])
    grid = dataclasses.replace(grid, outer=np.array([[cells * cells + j, ground] for j in range(cells)]))
    state, scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
    r_m, z_m = grid.r_m[:, None], grid.z_m
    state[kernels.SIG] = 0.2 * (1.0 + 0.8 * np.cos(np.pi * z_m / height_m) * np.exp(-(r_m - inner_m) / 8e-3))
    field.solve(grid, state, scalar, 1e-11)
    return 1.0 / scalar[kernels.Y_REF]


def test_resistance_is_of_second_order():
    found = [resistance_ohm(cells) for cells in (8, 16, 32, 64)]
    assert np.min(orders(np.abs(np.diff(found)))) > 1.5


def pulsed_burn(mesh):
    """12 min on the 17 G, 3 cm needle: ramp from 60 W by 60 W/min, 10 W for 15 s at a rise of 20 ohm, on at 70 %."""
    burn = Burn(Needle(0.735e-3, 0.03), tissue_named("exvivo_bovine"), mesh)
    power_w, base_ohm, off_s, rolloffs = 60.0, 1e9, -1e9, 0
    for k in range(7200):
        now_w = 10.0
        if k / 10 - off_s >= 15.0:
            power_w = min(power_w + 0.1, 200.0, 4.0 * burn.impedance_ohm)
            base_ohm = min(base_ohm, burn.impedance_ohm)
            now_w = power_w
            if burn.impedance_ohm > base_ohm + 20.0:
                off_s, power_w, now_w, rolloffs = k / 10, 0.7 * power_w, 10.0, rolloffs + 1
        burn.step(0.1, now_w, 10.0, 3000.0)
        assert burn.balance()["residual"] < 1e-3
    return burn.zone(), rolloffs


def test_halving_mesh_and_step_moves_the_short_axis_less_than_half_a_millimetre(monkeypatch):
    fine = MESHES["fine"]
    halved = dataclasses.replace(
        fine,
        r_fine_m=fine.r_fine_m / 2,
        z_fine_m=fine.z_fine_m / 2,
        z_active_m=fine.z_active_m / 2,
        ratio=fine.ratio**0.5,
        coarse_m=fine.coarse_m / 2,
        dt_max_s=fine.dt_max_s / 2,
    )
    monkeypatch.setitem(MESHES, "halved", halved)
    (coarse, coarse_rolloffs), (refined, refined_rolloffs) = pulsed_burn("fine"), pulsed_burn("halved")
    assert coarse["short_axis_mm"] == pytest.approx(refined["short_axis_mm"], abs=0.5)
    assert coarse["long_axis_mm"] == pytest.approx(refined["long_axis_mm"], abs=1.0)
    assert coarse_rolloffs == pytest.approx(refined_rolloffs, abs=2)
