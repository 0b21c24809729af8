"""A moving boundary with latent heat, as exact as boiling must be: freezing, because it has closed forms.

Our tissue boils; the same enthalpy step freezes when it is given the numbers of water and ice. Below ``BOIL_1`` the
kernels' "wet" phase is the ice, above ``BOIL_2`` their "dry" one is the liquid.
"""

import numpy as np
import pytest

from sim.world import kernels
from tests.world.shapes import Block, rings_grid, slab_grid


def frozen_m(enthalpy_j_m3, latent_j_m3, widths_m):
    """Depth of the ice along one line of cells: each counts with its frozen share."""
    return float(np.sum((1.0 - np.clip(enthalpy_j_m3 / latent_j_m3, 0.0, 1.0)) * widths_m))


def test_a6_one_phase_stefan():
    grid = slab_grid(0.5e-3, 40e-3)
    ice = Block(grid, RC=1.8e6, K=2.0, K_DRY=2.0, LATENT=2.5e8, BOIL_1=0.0, BOIL_2=0.0)
    ice.state[kernels.H] = 2.5e8  # all liquid, at the melting point
    ice.run(600.0, wall_c=-120.0, film=1e9)
    assert frozen_m(ice.state[kernels.H, 0, 1:], 2.5e8, 0.5e-3) == pytest.approx(30.206e-3, rel=0.02)


def test_a6b_two_phase_neumann():
    """Temperatures count in tenths of a kelvin: the conductivity of our tissue takes 4 K to go from wet to dry."""
    grid = slab_grid(0.25e-3, 80e-3)
    water = Block(grid, RC=1.8e5, RC_DRY=3.6e5, K=0.2, K_DRY=0.05, LATENT=2.5e8, BOIL_1=0.0, BOIL_2=0.0)
    water.state[kernels.H] = 2.5e8 + 3.6e5 * 370.0
    water.run(600.0, wall_c=-1200.0, film=1e9)
    assert frozen_m(water.state[kernels.H, 0, 1:], 2.5e8, 0.25e-3) == pytest.approx(24.548e-3, rel=0.02)


def test_a6c_freezing_around_a_line_heat_sink():
    grid = rings_grid(np.arange(0.0, 15.01e-3, 0.04e-3), wall=False)
    water = Block(grid, RC=1.762e6, RC_DRY=1.762e6, K=2.22, K_DRY=2.22, LATENT=3.38e8, BOIL_1=0.0, BOIL_2=0.0)
    water.state[kernels.H] = 3.38e8 + 1.762e6 * 37.0
    heat_w = np.zeros(grid.code.shape)
    heat_w[0] = -1.0e4 * np.diff(grid.z_face_m)
    water.set_heat(heat_w)
    water.run(1.0)
    assert frozen_m(water.state[kernels.H, :, 1], 3.38e8, 0.04e-3) == pytest.approx(1.8606e-3, rel=0.02)
