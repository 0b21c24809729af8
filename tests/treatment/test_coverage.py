"""Coverage against what can be written down: spheres in spheres, and bodies whose profile is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from controller.treatment.coverage import (
    Placed,
    Profile,
    coverage,
    direction,
    ellipsoid,
    from_picture,
    signed_distance,
)

Z = (0.0, 0.0, 1.0)


def ball(radius_mm: float, x_mm: float = 0.0, z_mm: float = 0.0) -> Placed:
    """A spherical zone around a tip at x, 0, z."""
    return Placed((x_mm, 0.0, z_mm), Z, ellipsoid(2 * radius_mm, 2 * radius_mm, 0.0))


def test_a_sphere_in_a_sphere_leaves_the_difference_of_radii() -> None:
    found = coverage(20.0, 20.0, 5.0, [ball(18.0)])
    assert (found.lesion_percent, found.margin_percent, found.uncovered_ml) == (100.0, 100.0, 0.0)
    assert found.least_margin_mm == pytest.approx(8.0, abs=0.15)
    assert found.total_ml == pytest.approx(24.43, abs=0.03)  # 4/3 pi 1.8^3
    (share,) = found.shares
    assert (share.alone_percent, share.added_percent) == (100.0, 100.0)
    assert share.volume_ml == pytest.approx(24.43, abs=0.01)


def test_an_offset_takes_the_margin_from_one_side() -> None:
    found = coverage(20.0, 20.0, 5.0, [ball(15.0, x_mm=4.0)])
    assert found.lesion_percent == 100.0
    assert found.margin_percent == pytest.approx(80.11, abs=0.3)  # two spheres of 15 mm, 4 mm apart
    assert found.least_margin_mm == pytest.approx(1.0, abs=0.15)  # 15 - 4 - 10
    assert direction(found.least_margin_at_mm) == "-x"
    assert found.uncovered_ml == pytest.approx(2.81, abs=0.05)


def test_half_a_lesion_is_half_covered() -> None:
    slab = Profile(np.array([0.0, 0.001, 60.0, 60.001]), np.array([0.0, 60.0, 60.0, 0.0]))
    found = coverage(20.0, 16.0, 0.0, [Placed((0.0, 0.0, 0.0), Z, slab)])
    assert found.lesion_percent == pytest.approx(50.0, abs=0.2)
    assert found.least_margin_mm == pytest.approx(-8.0, abs=0.2)  # the centre line, as deep as the lesion is thin
    assert found.uncovered_ml == pytest.approx(1.34, abs=0.02)


def test_a_sphere_cut_by_a_large_one() -> None:
    found = coverage(20.0, 20.0, 0.0, [ball(50.0, x_mm=50.0)])
    assert found.lesion_percent == pytest.approx(46.25, abs=0.3)  # 1/2 - 3 r / 16 R
    assert found.total_ml == pytest.approx(523.6, rel=0.005)


def test_two_spheres_overlap_in_a_lens() -> None:
    found = coverage(10.0, 10.0, 0.0, [ball(10.0), ball(10.0, x_mm=10.0)])
    assert found.overlap_ml == pytest.approx(1.309, abs=0.02)  # 5/12 pi
    assert found.total_ml == pytest.approx(7.069, abs=0.03)  # twice 4/3 pi less the lens
    first, second = found.shares
    assert first.added_percent == 100.0
    assert second.added_percent == 0.0
    assert second.alone_percent == pytest.approx(40.625, abs=0.6)  # 1/2 - 3 r / 16 R


def test_two_halves_make_a_whole() -> None:
    slab = Profile(np.array([0.0, 0.001, 60.0, 60.001]), np.array([0.0, 60.0, 60.0, 0.0]))
    up, down = Placed((0.0, 0.0, 0.0), Z, slab), Placed((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), slab)
    found = coverage(20.0, 20.0, 0.0, [up, down])
    assert found.lesion_percent == pytest.approx(100.0, abs=0.05)
    assert [share.added_percent for share in found.shares] == pytest.approx([50.0, 50.0], abs=0.2)


def test_nothing_done_covers_nothing() -> None:
    found = coverage(20.0, 12.0, 5.0, [])
    assert (found.lesion_percent, found.total_ml, found.shares) == (0.0, 0.0, ())
    assert found.least_margin_mm == pytest.approx(-6.0, abs=0.1)
    assert direction(found.least_margin_at_mm) in ("centre", "+z", "-z")


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.6, 0.0, -0.8)])
def test_a_zone_lies_on_its_axis_whichever_way_it_points(axis: tuple[float, float, float]) -> None:
    tip = tuple(-20.0 * n for n in axis)
    found = coverage(20.0, 20.0, 5.0, [Placed(tip, axis, ellipsoid(40.0, 30.0, 20.0))])  # type: ignore[arg-type]
    assert found.margin_percent == pytest.approx(100.0, abs=0.05)
    assert found.least_margin_mm == pytest.approx(5.0, abs=0.15)


def test_the_distance_from_an_ellipsoid_is_that_of_its_nearest_point() -> None:
    angle = np.linspace(0.0, math.pi, 20001)
    z, rho = 20.0 * np.cos(angle), 9.0 * np.sin(angle)
    places = np.random.default_rng(1).uniform(-30.0, 30.0, (300, 3))
    found = signed_distance(40.0, 18.0, *places.T)
    for (px, py, pz), distance in zip(places, found, strict=True):
        nearest = np.min(np.hypot(pz - z, math.hypot(px, py) - rho))
        inside = (pz / 20.0) ** 2 + (px * px + py * py) / 81.0 <= 1.0
        assert distance == pytest.approx(-nearest if inside else nearest, abs=1e-4)
    assert signed_distance(40.0, 18.0, np.zeros(1), np.zeros(1), np.zeros(1))[0] == pytest.approx(-9.0)


# ---- zones from maps


def damage(r_mm: Any, z_mm: Any, across_mm: float, along_mm: float, centre_mm: float) -> Any:
    """Omega of a body whose edge (1) is an ellipse."""
    far = np.hypot(r_mm[:, None] / across_mm, (z_mm[None, :] - centre_mm) / along_mm)
    return np.exp(8.0 * (1.0 - far))


def test_a_map_gives_the_body_that_it_shows() -> None:
    r_mm, z_mm = np.linspace(0.5, 40.0, 80), np.linspace(-20.0, 60.0, 81)
    found = from_picture({"r_mm": r_mm, "z_mm": z_mm, "damage": damage(r_mm, z_mm, 16.0, 22.0, 15.0)})
    assert found is not None
    assert found.z_mm[0] == pytest.approx(-7.0, abs=0.1)
    assert found.z_mm[-1] == pytest.approx(37.0, abs=0.1)
    assert found.radius_mm.max() == pytest.approx(16.0, abs=0.05)
    assert found.volume_ml == pytest.approx(23.59, rel=0.005)  # 4/3 pi 1.6 1.6 2.2
    assert Profile.from_dict(found.as_dict()).volume_ml == pytest.approx(found.volume_ml, rel=1e-3)


def test_metal_within_a_zone_belongs_to_it() -> None:
    r_mm, z_mm = np.linspace(0.5, 40.0, 80), np.linspace(-20.0, 60.0, 81)
    omega = damage(r_mm, z_mm, 16.0, 22.0, 15.0)
    omega[:2, 20:] = 0.0  # a needle along the axis, from its tip at 0 to the handle
    found = from_picture({"r_mm": r_mm, "z_mm": z_mm, "damage": omega})
    assert found is not None
    assert found.volume_ml == pytest.approx(23.59, rel=0.005)


def test_a_cut_through_a_group_is_scaled_to_the_zone_s_volume() -> None:
    x_mm, z_mm = np.linspace(-40.0, 40.0, 161), np.linspace(-20.0, 60.0, 81)
    picture = {"r_mm": x_mm, "z_mm": z_mm, "damage": damage(x_mm, z_mm, 16.0, 22.0, 15.0)}
    found = from_picture(picture, volume_ml=12.0)
    assert found is not None
    assert found.volume_ml == pytest.approx(12.0)
    assert found.z_mm[-1] == pytest.approx(37.0, abs=0.1)


@pytest.mark.parametrize("picture", [{}, {"r_mm": [0.0, 1.0], "z_mm": [0.0, 1.0], "damage": np.zeros((2, 2))}])
def test_no_damage_is_no_zone(picture: dict[str, Any]) -> None:
    assert from_picture(picture) is None
