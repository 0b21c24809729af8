"""Moxa ioLogik inputs: bits in their order, contacts, conformance."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drivers.contract import DeviceError
from drivers.modbus import Modbus
from drivers.moxa_iologik.driver import MoxaIologik, MoxaOptions
from drivers.transport.port import LinkPort
from tests.drivers.emulated import Alone, alone
from tests.drivers.tables import h

PINS = {"pins": {"estop_a_closed": 0, "estop_b_closed": 9, "door_closed": 15}, "inverted": ["door_closed"]}


class TestConformance(Alone):
    driver, options = MoxaIologik, PINS


def test_bits_in_their_order() -> None:
    request, parse = Modbus("tcp", 1).read_inputs(0, 16)
    assert request == h("00 01 00 00 00 06 01 02 00 00 00 10")
    bits = parse(bytearray(h("00 01 00 00 00 05 01 02 02 01 82")))
    assert bits is not None
    assert [n for n, bit in enumerate(bits) if bit] == [0, 9, 15]


@pytest.mark.virtual
async def test_contacts_and_an_inverted_one() -> None:
    bench = alone("moxa-iologik", PINS)
    link = bench.open_link("sim://dut")
    driver = MoxaIologik("in", LinkPort(link, "sim://dut"), MoxaOptions.model_validate(PINS))
    await driver.connect()
    assert [s.value for s in await driver.poll()] == [1.0, 1.0, 0.0]  # the door's contact is closed: inverted reads 0
    bench.world.inputs["estop_b"] = False
    assert [s.value for s in await driver.poll()] == [1.0, 0.0, 0.0]


@pytest.mark.virtual
async def test_a_smaller_module_is_named() -> None:
    bench = alone("moxa-iologik", PINS, {"inputs": 8})
    settings = MoxaOptions.model_validate(PINS)
    driver = MoxaIologik("in", LinkPort(bench.open_link("sim://dut"), "tcp://10.0.0.5:502"), settings)
    with pytest.raises(DeviceError, match=r"no Moxa ioLogik with 16 inputs answers on tcp://10\.0\.0\.5:502"):
        await driver.connect()


@pytest.mark.parametrize(
    "options",
    [
        {"pins": {"estop": 0}},
        {"pins": {"a_closed": 16}},
        {"pins": {"a_closed": 1, "b_closed": 1}},
        {"pins": {"a_closed": 1}, "inverted": ["b_closed"]},
    ],
)
def test_bad_options(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MoxaOptions.model_validate(options)
