"""The conformance kit, and the exchanges that the manual prints."""

from __future__ import annotations

import pytest

from drivers.contract import BadReply, Refused
from drivers.registry import load_driver

from acme_rf200 import codec
from acme_rf200.conformance import TestConformance  # noqa: F401 -- pytest finds it here
from acme_rf200.driver import AcmeRf200


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
