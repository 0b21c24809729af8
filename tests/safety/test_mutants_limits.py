"""The lattice of limits: every ceiling, every bound, and layers that say nothing."""

from __future__ import annotations

import importlib
from dataclasses import asdict

import pytest

from tests.mutation.total import raises_nothing

NOTHING_SAID = dict.fromkeys(
    (
        "power_w", "energy_j", "on_time_s", "tip_c", "tissue_c", "coolant_c", "impedance_low_ohm", "impedance_high_ohm",
        "flow_min_ml_min", "shaft_c", "cable_c", "critical_c", "critical_cem43_s", "reflected_share",
        "reflected_least_share", "reflected_w", "pad_a2s",
    )
)  # fmt: skip
HOT = {"tip_c": 130.0, "tissue_c": 130.0, "coolant_c": 45.0, "shaft_c": 60.0, "cable_c": 60.0, "critical_c": 45.0}
CEILINGS = {
    "rf": {
        "power_w": 250.0, "energy_j": 450_000.0, "on_time_s": 1800.0, **HOT, "critical_cem43_s": 60.0,
        "impedance_low_ohm": 5.0, "impedance_high_ohm": 2000.0, "pad_a2s": 30.0,
    },
    "microwave": {
        "power_w": 200.0, "energy_j": 360_000.0, "on_time_s": 1800.0, **HOT, "critical_cem43_s": 60.0,
        "reflected_share": 0.5,
    },
}  # fmt: skip


@raises_nothing
def test_the_module_has_these_ceilings_and_no_others() -> None:
    limits = importlib.import_module("safety.limits")  # in here, since a ceiling that is none is found at import
    told = {name: asdict(layer) for name, layer in limits.CEILINGS.items()}
    assert told == {name: {**NOTHING_SAID, **layer} for name, layer in CEILINGS.items()}
    assert tuple(NOTHING_SAID) == limits.NAMES
    assert frozenset({"impedance_low_ohm", "flow_min_ml_min", "reflected_least_share"}) == limits.LOWER_BOUNDS
    assert (limits.ENERGY_AFTER_LOSS_J, limits.OFF_PATH_S) == (80.0, 0.15)


@pytest.mark.parametrize("name", NOTHING_SAID)
@raises_nothing
def test_a_limit_of_nothing_or_a_fraction_is_a_limit(name: str) -> None:
    limits = importlib.import_module("safety.limits")
    for value in (0.0, 0.5, 1e9):
        assert getattr(limits.Limits(**{name: value}), name) == value
    with pytest.raises(ValueError, match=rf"^limit {name} is -0.5; give a finite number of at least 0, or leave it"):
        limits.Limits(**{name: -0.5})


@raises_nothing
def test_stricter_is_more_of_a_lower_bound_and_less_of_any_other() -> None:
    limits = importlib.import_module("safety.limits")
    for name in NOTHING_SAID:
        more = name in ("impedance_low_ohm", "flow_min_ml_min", "reflected_least_share")
        assert limits.stricter(name, 2.0, 1.0) is more
        assert limits.stricter(name, 1.0, 2.0) is not more
        assert limits.stricter(name, 1.0, 1.0) is False


@raises_nothing
def test_layers_that_say_nothing_change_nothing() -> None:
    limits = importlib.import_module("safety.limits")
    layers = (("a", limits.Limits()), ("b", limits.Limits(power_w=10.0, flow_min_ml_min=20.0)), ("c", limits.Limits()))
    assert limits.effective(layers) == {"power_w": (10.0, "b"), "flow_min_ml_min": (20.0, "b")}
    assert limits.effective(()) == {}
    laxer = (*layers, ("d", limits.Limits(power_w=10.5, flow_min_ml_min=19.5)))
    assert limits.effective(laxer) == limits.effective(layers)


@raises_nothing
def test_on_a_tie_the_outer_layer_is_named() -> None:
    limits = importlib.import_module("safety.limits")
    same = limits.Limits(power_w=10.0, flow_min_ml_min=20.0)
    bounds = limits.effective((("a", same), ("b", same)))
    assert bounds == {"power_w": (10.0, "a"), "flow_min_ml_min": (20.0, "a")}


@raises_nothing
def test_power_for_an_age() -> None:
    limits = importlib.import_module("safety.limits")
    assert limits.power_for_age_w(0.25) == pytest.approx(200.0, rel=1e-12)
    assert limits.power_for_age_w(0.05, 40.0) == pytest.approx(200.0, rel=1e-12)
