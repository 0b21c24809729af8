"""The laws of damage at a constant temperature, and in the kernel that counts it cell by cell."""

import pytest

from sim.world import kernels
from sim.world.damage import DOSE_240_MIN, cell_state, cem43_min
from sim.world.properties import L1, omega, tissue_named
from sim.world.simulate import Wish, run_protocol
from tests.world.shapes import Block, growing, rings_grid


def test_a10_the_kernel_counts_what_the_law_says():
    """Reference values of A10 (set L1) as rounded there."""
    for at_c, for_s, expected, rounding in ((54.0, 300.0, 15.87, 0.005), (50.0, 600.0, 9.828, 0.0005)):
        exact = omega(at_c, for_s, L1)
        assert exact == pytest.approx(expected, abs=rounding)
        p = tissue_named("invivo_porcine").parameters()
        kinetics = {"LNA1": p[kernels.P_LNA1], "TA1": p[kernels.P_TA1]}
        block = Block(rings_grid(growing(0.0, 1e-3, 1.0, 6), wall=False), start_c=at_c, **kinetics)
        block.run(for_s, 0.25)
        assert block.state[kernels.OMEGA_1, 3, 1] == pytest.approx(exact, rel=1e-5)


def test_a10b_cem43():
    assert cem43_min(50.0, 60.0) == 128.0
    assert cem43_min(55.0, 10.0) == pytest.approx(682.7, abs=0.05)
    assert cem43_min(43.0, 60.0) == 1.0
    assert cem43_min(41.0, 60.0) == 0.0625
    for at_c, for_s in ((56.8, 1.0), (53.5, 10.0), (50.9, 60.0), (48.6, 300.0)):
        assert cem43_min(at_c, for_s) == pytest.approx(DOSE_240_MIN, rel=0.04)  # a rounding of 0.05 K is 3.5 %


def test_a10c_alive_vulnerable_dead():
    alive, dead = cell_state(65.0, 300.0)
    assert (alive, dead) == (pytest.approx(0.8773, rel=0.005), pytest.approx(0.0142, rel=0.005))
    alive, dead = cell_state(65.0, 900.0)
    assert (alive, dead) == (pytest.approx(0.0400, rel=0.005), pytest.approx(0.9200, rel=0.005))
    assert cell_state(65.0, 600.0, start=cell_state(65.0, 300.0)) == pytest.approx((alive, dead), rel=1e-4)
    assert cell_state(37.0, 0.0) == (0.99, 0.0)


def test_a10b_a_simulation_reports_the_dose_at_its_probes():
    """Forty ticks at a constant demand: between what one tick and what all of them are worth at the hottest."""
    needle = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 20}
    result = run_protocol(lambda seen: Wish(60.0), needle, "invivo_porcine", 20.0, 0.5, probe_radii_mm=(4.0, 20.0))
    near, far = result["probes"]
    assert near["max_c"] > 50.0
    assert cem43_min(near["max_c"], 0.5) <= near["cem43_min"] <= cem43_min(near["max_c"], 20.0)
    assert far["cem43_min"] < 0.01  # minutes, near body temperature
