"""The conformance kit, the exchanges that the manual prints, and a shipped protocol on a simulated bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers.contract import BadReply, Refused
from drivers.registry import load_driver

from acme_rf200 import codec
from acme_rf200.conformance import TestConformance  # noqa: F401 -- pytest finds it here
from acme_rf200.driver import AcmeRf200
from acme_rf200.emulator import Emulator

BENCH = Path(__file__).with_name("bench.yaml")


def test_it_is_known_by_its_name() -> None:
    assert load_driver("acme-rf200") is AcmeRf200


def test_exchanges_as_printed() -> None:
    assert codec.set_power(50) == b"SET 50\r\n"
    assert codec.take_power(bytearray(b"POWER 50.0 2.5\r\n")) == (50.0, 2.5)
    assert codec.take_rf(bytearray(b"RF 1\r\n")) is True


@pytest.mark.parametrize("reply", [b"POWER 50,0 2,5\r\n", b"POWER nan 1\r\n", b"POWER 1\r\n", b"hello\r\n", b"x" * 99])
def test_what_is_no_power_never_becomes_a_number(reply: bytes) -> None:
    with pytest.raises(BadReply):
        codec.take_power(bytearray(reply))


def test_a_refusal_is_told() -> None:
    with pytest.raises(Refused, match="ERR unknown"):
        codec.take_done(bytearray(b"ERR unknown\r\n"))


def test_a_shipped_protocol_with_it(bench: Any) -> None:
    """30 W into tissue whenever the tip is colder than 70 degC, for three minutes."""
    result = bench(BENCH, drivers={AcmeRf200: Emulator}).run("track-ablation-70c")
    assert (result.result, result.late_ticks) == ("completed", 0), result.reason
    assert result.channel("gen.power_w").value.max() == pytest.approx(30.0, abs=2.0)


def test_the_e_stop_ends_it(bench: Any) -> None:
    result = bench(BENCH, drivers={AcmeRf200: Emulator}).run("track-ablation-70c", faults=["inputs.estop@8"])
    assert (result.result, result.trip["monitor"]) == ("tripped", "estop")
    assert result.channel("gen.rf_on").value[-1] == 0.0
