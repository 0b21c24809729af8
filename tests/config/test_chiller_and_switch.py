"""Roles chiller and switch: who may play them, and what protocols ask of them."""

from __future__ import annotations

import pytest

from tests.config.support import BENCH, PROTOCOL, bench, both, refusal, spoiled

BATH = '  bath: {driver: julabo, port: "sim://bath", options: {low_c: 4.0, high_c: 30.0}}\n'
CHILLED = spoiled(spoiled(BENCH, "roles:\n", f"{BATH}roles:\n"), "  pump: pump\n", "  pump: pump\n  chiller: bath\n")


def wanting(cooling: str) -> str:
    return spoiled(PROTOCOL, "cooling: {flow_ml_min: 80}", f"cooling: {{flow_ml_min: 80, {cooling}}}")


@pytest.fixture(autouse=True)
def folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_a_bench_with_a_chiller_and_without() -> None:
    assert bench(CHILLED).bench.roles.chiller == "bath"
    cooling = both(CHILLED, wanting("coolant_c: 8")).protocol.protocol.cooling
    assert cooling is not None
    assert (cooling.coolant_c, cooling.coolant_margin_c) == (8.0, 5.0)
    assert both(CHILLED, PROTOCOL)


def test_only_a_circulator_can_be_the_chiller() -> None:
    assert "pump (ismatec-reglo-icc) is a coolant_pump, not a chiller" in refusal(
        spoiled(CHILLED, "  chiller: bath\n", "  chiller: pump\n")
    )
    assert "enable (kmtronic-relay) is a enable, not a switch" in refusal(
        spoiled(CHILLED, "  chiller: bath\n", "  switch: enable\n")
    )


def test_a_temperature_needs_a_chiller_that_may_hold_it() -> None:
    assert refusal(BENCH, wanting("coolant_c: 8")) == (
        "protocol.yaml:20: cooling.coolant_c: the bench has no circulator (bench.yaml:9); "
        "name one as roles.chiller, or leave coolant_c out"
    )
    assert "cooling.coolant_c: 2 is outside the 4 to 30 that bath may hold; write 4 to 30 degrees Celsius" in refusal(
        CHILLED, wanting("coolant_c: 2")
    )


def test_coolant_without_a_unit_is_named() -> None:
    assert "coolant_c" in refusal(CHILLED, wanting("coolant: 8"))


def test_a_switch_needs_no_law_that_names_electrodes() -> None:
    board = '  relays: {driver: electrode-switch, port: "sim://relays", options: {needles: {0: 1}}}\n'
    text = spoiled(
        spoiled(BENCH, "roles:\n", f"{board}roles:\n"), "  enable: enable\n", "  enable: enable\n  switch: relays\n"
    )
    assert both(text, PROTOCOL).bench.bench.roles.switch == "relays"
