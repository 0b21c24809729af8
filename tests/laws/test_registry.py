"""Laws are found by entry point; what is wrong with one is said, never skipped."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from controller.laws import registry
from controller.laws.constant_power import ConstantPower, ConstantPowerParams
from controller.laws.pulsed_impedance import PulsedImpedance
from drivers.registry import PluginError


def test_the_laws_that_ship():
    assert registry.names() == [
        "below-rolloff",
        "constant-current",
        "constant-power",
        "mean-temperature",
        "microwave-constant",
        "pulsed-impedance",
        "stepped-rolloff",
        "switching",
        "track-ablation",
    ]
    assert registry.find("constant-power") is ConstantPower
    assert registry.find("pulsed-impedance") is PulsedImpedance


def test_a_law_is_made_fresh_from_its_parameters():
    made = ConstantPowerParams(kind="constant-power", power_w=30.0, duration_s=10.0)
    first, second = registry.create(made), registry.create(made)
    assert isinstance(first, ConstantPower)
    assert first is not second


def test_an_unknown_law_is_refused_with_a_suggestion():
    with pytest.raises(PluginError, match=r"^no law 'pulse-impedance'; did you mean 'pulsed-impedance'\?$"):
        registry.find("pulse-impedance")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("no_such_module:Law", "does not load: ModuleNotFoundError"),
        ("json:dumps", "is not a subclass of controller.laws.base.Law"),
    ],
)
def test_a_broken_plug_in_is_an_error(monkeypatch: pytest.MonkeyPatch, target: str, says: str):
    monkeypatch.setattr(registry, "offered", lambda group: {"mine": EntryPoint("mine", target, group)})
    with pytest.raises(PluginError, match=says):
        registry.find("mine")
