"""Tissue in the microwave bands: the published curves, plane waves, and what an antenna reflects."""

import math

import pytest

from sim.world.dielectric import Dielectric, band, complex_permittivity, ji_brace, plane_wave, reflected_share

LIVER = Dielectric(2.45e9, 43.03, 1.686)
LIVER_915 = Dielectric(915e6, 46.76, 0.861)


@pytest.mark.parametrize(
    ("celsius", "eps", "sigma"),
    [(20, 48.979, 2.1504), (37, 47.915, 2.1009), (60, 41.929, 1.8565), (100, 10.931, 0.57633), (120, 3.5672, 0.17859)],
)
def test_the_sigmoids_are_those_of_ji_and_brace(celsius, eps, sigma):
    assert ji_brace(celsius) == pytest.approx((eps, sigma), rel=1e-4)


@pytest.mark.parametrize(
    ("celsius", "depth_mm", "wavelength_mm"),
    [(20, 17.495, 17.267), (37, 17.711, 17.458), (60, 18.754, 18.659), (80, 21.848, 23.088), (100, 31.000, 36.360)],
)
def test_a13_plane_wave_in_heated_liver(celsius, depth_mm, wavelength_mm):
    attenuation, wavelength = plane_wave(*ji_brace(celsius), 2.45e9)
    assert 1e3 / attenuation == pytest.approx(depth_mm, rel=1e-3)
    assert 1e3 * wavelength == pytest.approx(wavelength_mm, rel=1e-3)


@pytest.mark.parametrize(
    ("eps", "sigma", "frequency_hz", "depth_mm"),
    [
        (46.76, 0.861, 915e6, 42.8),
        (43.03, 1.686, 2.45e9, 20.9),
        (55.0, 0.948, 915e6, 42.1),
        (52.73, 1.739, 2.45e9, 22.3),
    ],
)
def test_a13_depth_in_tissue_at_37_degrees(eps, sigma, frequency_hz, depth_mm):
    assert 1e3 / plane_wave(eps, sigma, frequency_hz)[0] == pytest.approx(depth_mm, abs=0.05)


@pytest.mark.parametrize(
    ("celsius", "eps", "sigma"),
    [(20, 43.983, 1.72575), (37, 43.03, 1.686), (60, 37.667, 1.48984), (100, 9.8966, 0.46251)],
)
def test_a_tissue_has_its_own_value_at_37_and_livers_shape(celsius, eps, sigma):
    assert LIVER.eps_r(celsius) == pytest.approx(eps, rel=1e-4)
    assert LIVER.sigma_s_m(celsius) == pytest.approx(sigma, rel=1e-4)


def test_at_915_mhz_conductivity_rises_and_permittivity_falls_by_the_measured_slopes():
    assert LIVER_915.sigma_s_m(37.0) == pytest.approx(0.861)
    assert LIVER_915.sigma_s_m(47.0) / LIVER_915.sigma_s_m(37.0) == pytest.approx(1.182)
    assert LIVER_915.eps_r(47.0) / LIVER_915.eps_r(37.0) == pytest.approx(0.987)


def test_an_antenna_reflects_more_the_drier_it_stands_and_most_in_air():
    matched = complex_permittivity(43.03, 1.686, 2.45e9)
    shares = [
        reflected_share(matched, complex_permittivity(LIVER.eps_r(t), LIVER.sigma_s_m(t), 2.45e9), 0.03)
        for t in (37.0, 60.0, 80.0, 100.0)
    ]
    assert shares == pytest.approx([0.03, 0.0421, 0.0923, 0.2420], abs=1e-4)
    assert reflected_share(matched, 1.0 + 0.0j, 0.03) == pytest.approx(0.658, abs=1e-3)


@pytest.mark.parametrize("frequency_hz", [480e3, 1.0e9, 5.8e9, math.nan])
def test_a_frequency_without_measured_curves_is_refused(frequency_hz):
    with pytest.raises(ValueError, match=r"frequency_hz.*2400 to 2500 MHz, 902 to 928 MHz"):
        band(frequency_hz)


@pytest.mark.parametrize(
    ("eps", "sigma", "named"), [(0.5, 1.7, "eps_r"), (43.0, -1.0, "sigma_s_m"), (math.nan, 1.7, "eps_r")]
)
def test_values_no_tissue_has_are_refused(eps, sigma, named):
    with pytest.raises(ValueError, match=named):
        Dielectric(2.45e9, eps, sigma)
