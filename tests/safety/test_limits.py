"""The lattice of minima: anything may tighten, nothing may loosen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config.layers import Layer, loosenings
from controller.config.yaml_loader import parse
from safety.limits import CEILINGS, Bound, Limits, effective, power_for_age_w

WATTS = st.one_of(st.none(), st.floats(0.0, 1000.0))


def test_the_strictest_layer_wins_and_is_named() -> None:
    bounds = effective(
        (
            ("ceiling", CEILINGS["rf"]),
            ("generator", Limits(power_w=300.0)),
            ("applicator", Limits(power_w=180.0)),
            ("bench", Limits(power_w=200.0, impedance_low_ohm=25.0)),
            ("protocol", Limits(power_w=180.0, energy_j=1000.0)),
        )
    )
    assert bounds["power_w"] == Bound(180.0, "applicator")
    assert bounds["energy_j"] == Bound(1000.0, "protocol")
    assert bounds["impedance_low_ohm"] == Bound(25.0, "bench")
    assert bounds["on_time_s"] == Bound(1800.0, "ceiling")


def test_compiled_ceilings() -> None:
    rf, mw = CEILINGS["rf"], CEILINGS["microwave"]
    assert (rf.power_w, rf.energy_j, rf.on_time_s) == (250.0, 450_000.0, 1800.0)
    assert (mw.power_w, mw.energy_j, mw.on_time_s) == (200.0, 360_000.0, 1800.0)
    assert (rf.tip_c, rf.tissue_c, rf.coolant_c, rf.impedance_low_ohm, rf.impedance_high_ohm) == (130, 130, 45, 5, 2000)
    assert (mw.tip_c, mw.tissue_c, mw.coolant_c) == (130, 130, 45)
    for limits in (rf, mw):
        assert (limits.shaft_c, limits.cable_c, limits.critical_c, limits.critical_cem43_s) == (60, 60, 45, 60)
    assert (rf.pad_a2s, rf.reflected_share, mw.pad_a2s, mw.reflected_share) == (30, None, None, 0.5)
    assert (mw.reflected_w, mw.reflected_least_share) == (None, None)


def test_what_asks_for_more_is_named_for_the_configuration_to_refuse() -> None:
    document = parse("limits:\n  power_w: 60\n  flow_min_ml_min: 30\n", "f.yaml")
    bench = Layer("bench", Limits(power_w=50.0, flow_min_ml_min=40.0), document)
    found = loosenings((bench, Layer("protocol", Limits(60.0, flow_min_ml_min=30.0), document)))
    assert [(p.path, p.line) for p in found] == [("limits.power_w", 2), ("limits.flow_min_ml_min", 3)]
    assert "60 W is above the bench's 50 W" in str(found[0])
    assert "30 mL/min is below the bench's 40 mL/min" in str(found[1])
    assert loosenings((bench, Layer("protocol", Limits(power_w=50.0), document))) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001])
def test_a_limit_that_is_no_limit_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="power_w"):
        Limits(power_w=value)


def test_what_always_comes_back_is_a_lower_bound() -> None:
    layers = (("bench", Limits(reflected_least_share=0.02)), ("protocol", Limits(reflected_least_share=0.01)))
    assert effective(layers)["reflected_least_share"] == Bound(0.02, "bench")


def test_zero_is_a_limit() -> None:
    assert effective((("bench", Limits(power_w=5.0)), ("operator", Limits(power_w=0.0))))["power_w"] == Bound(
        0.0, "operator"
    )


@given(st.lists(WATTS, min_size=1, max_size=6), WATTS)
def test_adding_a_layer_never_loosens(layers: list[float | None], extra: float | None) -> None:
    named = [(str(i), Limits(power_w=w, flow_min_ml_min=w)) for i, w in enumerate(layers)]
    before, after = effective(named), effective([*named, ("x", Limits(power_w=extra, flow_min_ml_min=extra))])
    if "power_w" in before:
        assert after["power_w"].value <= before["power_w"].value
        assert after["flow_min_ml_min"].value >= before["flow_min_ml_min"].value
    assert effective([*named, *named]) == before


@pytest.mark.parametrize("age_s, power_w", [(0.25, 200.0), (0.5, 123.07692307692308), (0.85, 80.0)])
def test_power_that_the_age_of_data_allows(age_s: float, power_w: float) -> None:
    assert power_for_age_w(age_s) == pytest.approx(power_w, rel=1e-12)
