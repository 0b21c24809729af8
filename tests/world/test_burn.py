"""One needle in its tissue as a whole: energy at every step, save and restore, temperatures between cells."""

import math

import numpy as np
import pytest

from sim.world import kernels
from sim.world.applicator import Needle
from sim.world.burn import Burn
from sim.world.properties import tissue_named

THIN = Needle(0.735e-3, 0.02)


def pulsed(burn, start, count):
    """Twelve seconds of boiling, six of rest, and again; a row of what it published after each tenth of a second."""
    seen = []
    for k in range(start, start + count):
        burn.step(0.1, 60.0 if k % 180 < 120 else 5.0, 10.0, 3000.0)
        seen.append((burn.impedance_ohm, burn.cooled_w, burn.wall_c, burn.temperature_c(0.005, 0.0, 0.01)))
    return seen


@pytest.mark.parametrize("mesh", ["fast", "fine"])
@pytest.mark.parametrize("tissue", ["exvivo_bovine", "invivo_porcine"])
def test_a7_energy_is_balanced_at_every_step_of_a_boiling_burn(tissue, mesh):
    burn = Burn(THIN, tissue_named(tissue), mesh)
    for k in range(400):
        pulsed(burn, k, 1)
        assert burn.balance()["residual"] < 1e-9
    assert burn.max_c() > 100.9
    beyond = 60.0 * 28.0 + 5.0 * 12.0 - burn.balance()["source_j"]
    assert 0.03 < beyond / 1740.0 < 0.09  # dissipated farther than 70 mm away


def test_a_restored_burn_goes_on_bit_for_bit():
    burn = Burn(THIN, tissue_named("invivo_porcine"))
    pulsed(burn, 0, 150)
    saved = burn.save()
    expected = pulsed(burn, 150, 150)
    other = Burn(THIN, tissue_named("invivo_porcine"))
    pulsed(other, 0, 37)  # so that nothing of it may be left
    other.restore(saved)
    assert pulsed(other, 150, 150) == expected
    for name, array in burn.save().items():
        assert np.array_equal(array, other.save()[name]), name
    assert burn.zone() == other.zone()


def test_a_state_of_another_scene_is_refused():
    burn = Burn(THIN, tissue_named("exvivo_bovine"))
    with pytest.raises(ValueError, match=r"saved state: of another scene; this one has shape \(12, 22, 48\)"):
        burn.restore(Burn(Needle(0.735e-3, 0.03), tissue_named("exvivo_bovine")).save())


def test_temperature_between_cells_is_linear_and_ignores_the_metal():
    burn = Burn(THIN, tissue_named("exvivo_bovine"))
    grid = burn.grid
    burn._state[kernels.T] = 20.0 + 1000.0 * grid.r_m[:, None] + 300.0 * grid.z_m
    burn._state[kernels.T][grid.code != 0] = -273.0
    for x_m, y_m, z_m in ((0.01, 0.0, 0.005), (0.003, 0.004, -0.0123), (0.0, 0.02, 0.031)):
        expected = 20.0 + 1000.0 * math.hypot(x_m, y_m) + 300.0 * z_m
        assert burn.temperature_c(x_m, y_m, z_m) == pytest.approx(expected, abs=1e-9)
    first_wet_m = float(grid.r_m[grid.code[:, 30] == 0][0])
    at_wall = burn.temperature_c(0.74e-3, 0.0, float(grid.z_m[30]))
    assert at_wall == pytest.approx(20.0 + 1000.0 * first_wet_m + 300.0 * float(grid.z_m[30]), abs=1e-9)
    burn.wall_c = 33.0
    assert burn.temperature_c(0.0, 0.0, 0.01) == 33.0


@pytest.mark.parametrize(
    ("point", "text"),
    [
        ((0.08, 0.0, 0.0), "r: 80 mm is outside the domain, 0 to 70 mm"),
        ((0.0, 0.0, -0.0701), "z: -70.1 mm is outside the domain, -70 to 90 mm"),
        ((0.0, 0.0, math.nan), "z: nan mm is outside"),
    ],
)
def test_points_outside_the_domain_are_refused(point, text):
    with pytest.raises(ValueError, match=text):
        Burn(THIN, tissue_named("exvivo_bovine")).temperature_c(*point)


def test_dried_tissue_stays_stable_at_the_longest_step():
    """Dry cells overshoot a little at it: half the step gives the same burn, far beyond what any law would do."""
    found = []
    for dt_s in (0.1, 0.025):
        burn = Burn(THIN, tissue_named("exvivo_bovine"), "fine")
        for k in range(round(32.0 / dt_s)):
            burn.step(dt_s, min(60.0, 2.25 * burn.impedance_ohm), 10.0, 3000.0 if k * dt_s < 20.0 else 0.0)
        found.append((burn.max_c(), burn.impedance_ohm, burn.cooled_w))
        assert burn.max_c() > 150.0
    assert found[0] == pytest.approx(found[1], rel=0.05)


def test_a_burn_costs_few_iterations():
    burn = Burn(THIN, tissue_named("exvivo_bovine"))
    pulsed(burn, 0, 1200)
    effort = burn.effort()
    assert effort["steps"] == 1200.0
    assert effort["solves"] < 200.0
    assert effort["iterations"] < 4.0 * effort["solves"]
