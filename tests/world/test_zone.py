"""What a ruler would find: axes between cell centres, volume, and the same after contraction."""

import numpy as np
import pytest

from sim.world.applicator import Needle
from sim.world.burn import Burn
from sim.world.grid import MESHES, needle_grid
from sim.world.properties import TISSUES, with_changes
from sim.world.zone import measure, zone

GRID = needle_grid(0.7e-3, 0.02, MESHES["fine"])


def ellipsoid(long_m, short_m, centre_m=0.010):
    """Damage whose contour Omega = 1 is an ellipsoid around mid-tip."""
    inside = (2 * GRID.r_m[:, None] / short_m) ** 2 + (2 * (GRID.z_m - centre_m) / long_m) ** 2
    return np.exp(10.0 * (1.0 - inside))


def test_an_ellipsoid_has_its_axes_and_its_volume():
    found = measure(GRID, ellipsoid(0.040, 0.030))
    assert found["long_axis_mm"] == pytest.approx(40.0, abs=0.2)
    assert found["short_axis_mm"] == pytest.approx(30.0, abs=0.2)
    assert found["volume_ml"] == pytest.approx(18.85, rel=0.02)  # pi/6 x 4 x 3 x 3 cm


def test_no_contraction_changes_nothing():
    found = measure(GRID, ellipsoid(0.040, 0.030))
    assert found["contracted_long_axis_mm"] == found["long_axis_mm"]
    assert found["contracted_volume_ml"] == found["volume_ml"]


def test_contraction_is_linear_and_leaves_the_tissue_as_it_was():
    found = measure(GRID, ellipsoid(0.040, 0.030), 0.10)
    assert found["short_axis_mm"] == pytest.approx(30.0, abs=0.2)
    assert found["contracted_short_axis_mm"] == pytest.approx(27.0, abs=0.2)
    assert found["contracted_long_axis_mm"] == pytest.approx(36.0, abs=0.2)
    assert found["contracted_volume_ml"] == pytest.approx(13.74, rel=0.02)  # 0.729 of 18.85


def test_nothing_white_is_no_zone():
    assert set(measure(GRID, np.full((GRID.r_m.size, GRID.z_m.size), 0.99), 0.2).values()) == {0.0}


def test_a_zone_of_given_sizes():
    assert zone(50.0, 40.0, 41.9, 0.5 - 0.25) == {
        "long_axis_mm": 50.0,
        "short_axis_mm": 40.0,
        "volume_ml": 41.9,
        "contracted_long_axis_mm": 37.5,
        "contracted_short_axis_mm": 30.0,
        "contracted_volume_ml": pytest.approx(17.68, abs=0.01),
    }


@pytest.mark.parametrize("share", [-0.01, 0.46, float("nan"), True, "0.1"])
def test_contraction_out_of_range(share):
    with pytest.raises(ValueError, match=r"contraction: .*0 to 0\.45"):
        zone(1.0, 1.0, 1.0, share)


def test_a_burn_reports_both_by_its_tissue():
    tissue = with_changes(TISSUES["exvivo_bovine"], {"contraction_rf": 0.2, "contraction_mw": 0.3})
    burn = Burn(Needle(0.7365e-3, 0.02), tissue)
    for _ in range(600):
        burn.step(0.1, 30.0, 10.0, 3000.0)
    found = burn.zone()
    assert found["short_axis_mm"] > 8.0
    assert found["contracted_short_axis_mm"] == pytest.approx(0.8 * found["short_axis_mm"])
    assert found["contracted_volume_ml"] == pytest.approx(0.512 * found["volume_ml"])


def test_agar_gets_hot_and_shows_nothing():
    burn = Burn(Needle(0.7365e-3, 0.02), TISSUES["agar"])
    for _ in range(600):
        burn.step(0.1, 30.0, 10.0, 3000.0)
    assert burn.max_c() > 60.0
    assert set(burn.zone().values()) == {0.0}
