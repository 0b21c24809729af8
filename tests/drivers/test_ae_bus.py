"""AE Bus generators: packets as printed, the watchdog set and read back, conformance."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ae_bus import codec
from drivers.ae_bus.driver import AeBus, AeBusOptions
from drivers.contract import BadReply, DeviceError, Refused
from drivers.testing.roles import SourceConformance
from drivers.transport.port import LinkPort
from safety.types import Setpoint
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone
from tests.drivers.tables import h


class Refusing(Alone, SourceConformance):
    checked = True

    def refusal(self, request: bytes) -> bytes:
        """Command status response 4: the value is out of range."""
        return bytes((0x06, 0x09, request[1], 4, 0x09 ^ request[1] ^ 4))


class TestParamount(Refusing):
    driver, mint, acknowledge = AeBus, Setpoint, codec.ACKNOWLEDGE


class TestOldCesar(Refusing):
    driver, mint, acknowledge, emulator = AeBus, Setpoint, codec.ACKNOWLEDGE, {"watchdog": False}


@pytest.mark.parametrize(
    ("command", "data", "expected"),
    [
        (codec.RF_OFF, b"", "08 01 09"),
        (codec.RF_ON, b"", "08 02 0A"),
        (codec.CONTROL, b"\x02", "09 0E 02 05"),
        (codec.SET_POINT, codec.word(40), "0A 08 28 00 2A"),
        (codec.SET_POINT, codec.word(1000), "0A 08 E8 03 E9"),
        (codec.GET_STATUS, b"", "08 A2 AA"),
        (codec.GET_REVERSE, b"", "08 A6 AE"),
        (codec.GET_SET_POINT, b"", "08 A4 AC"),
        (codec.WATCHDOG, b"\x01" + codec.word(2000), "0B 27 01 D0 07 FA"),
        (codec.GET_WATCHDOG, b"\0", "09 8B 00 82"),
    ],
)
def test_packets_as_printed(command: int, data: bytes, expected: str) -> None:
    assert codec.packet(1, command, data) == h(expected)


def test_replies_as_printed() -> None:
    assert codec.take_done(bytearray(h("06 09 0E 00 07")), 1, codec.CONTROL) is True
    assert codec.take_number(bytearray(h("06 0C A2 20 00 00 00 8E")), 1, codec.GET_STATUS, 4) == 0x20
    assert codec.take_number(bytearray(h("06 0A A6 01 00 AD")), 1, codec.GET_REVERSE, 2) == 1
    assert codec.take_number(bytearray(h("06 0B A4 E8 03 06 42")), 1, codec.GET_SET_POINT, 2) == 1000


def test_a_refusal_says_why() -> None:
    with pytest.raises(Refused, match="answered 1: it is not in the control mode for that"):
        codec.take_done(bytearray(h("06 09 02 01 0A")), 1, codec.RF_ON)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("15", "a parity that is not odd"),
        ("06 0C A2 20 00 00 00 8F", "wrong sum"),
        ("06 14 A2 20 00 00 00 96", "from address 1"),
        ("06 0C A3 20 00 00 00 8F", "not an answer to command 162"),
        ("41", "neither 06 nor 15"),
    ],
)
def test_bad_replies(reply: str, problem: str) -> None:
    with pytest.raises(BadReply, match=problem):
        codec.take_number(bytearray(h(reply)), 1, codec.GET_STATUS, 4)


@given(st.binary(max_size=80))
def test_codec_is_total(noise: bytes) -> None:
    with contextlib.suppress(BadReply, Refused):
        codec.take_number(bytearray(noise), 1, codec.GET_STATUS, 4)
    codec.skip_to(bytearray(noise), 1, codec.GET_STATUS)


@given(st.binary(max_size=6), st.integers(1, 31), st.integers(0, 255))
def test_the_exclusive_or_of_a_packet_is_nothing(data: bytes, address: int, command: int) -> None:
    total = 0
    for byte in codec.packet(address, command, data):
        total ^= byte
    assert total == 0


async def connected(bench: SimBench, **options: object) -> AeBus:
    driver = AeBus("gen", LinkPort(bench.open_link("sim://dut"), "sim://dut"), AeBusOptions.model_validate(options))
    await driver.connect()
    return driver


async def polled(driver: AeBus) -> dict[str, float]:
    told: dict[str, float] = {}
    for _ in range(5):
        told |= {s.channel.removeprefix("gen."): s.value for s in await driver.poll()}
    return told


@pytest.mark.virtual
async def test_the_watchdog_is_set_read_back_and_real() -> None:
    bench = alone("ae-bus")
    driver = await connected(bench, watchdog_s=1.0)
    assert driver.declaration().native_deadman_s == 1.0
    await driver.apply(Setpoint(80.7, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(0.2)
    told = await polled(driver)
    assert (told["setpoint_w"], told["rf_on"]) == (80.0, 1.0)
    assert told["forward_power_w"] == pytest.approx(80.0, abs=2.0)
    await asyncio.sleep(0.95)
    assert bench.world.forward_w == pytest.approx(80.0, abs=0.5)
    await asyncio.sleep(0.1)
    assert bench.world.forward_w == 0.0
    await polled(driver)
    with pytest.raises(Refused, match="went off by itself"):
        await driver.apply(Setpoint(80.0, driver.epoch, driver.port.now() + 0.15, "test"))


@pytest.mark.virtual
async def test_a_unit_without_watchdog_declares_none_and_stays_on() -> None:
    bench = alone("ae-bus", emulator={"watchdog": False})
    driver = await connected(bench)
    assert driver.declaration().native_deadman_s is None
    assert any("stays on" in note for note in driver.declaration().notes)
    await driver.apply(Setpoint(20.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(30.0)
    assert bench.world.forward_w == pytest.approx(20.0, abs=0.5)


@pytest.mark.virtual
async def test_the_off_plan_works_behind_half_a_packet() -> None:
    """Whatever began before it is forgotten within the gap: command 40 was set to 20 ms."""
    bench = alone("ae-bus")
    driver = await connected(bench)
    plan = driver.safe_off_plan()
    assert plan.gap_s == pytest.approx(0.03)
    whole = codec.packet(1, codec.SET_POINT, codec.word(50))
    for cut in range(1, len(whole)):
        await driver.off()
        await driver.apply(Setpoint(50.0, driver.epoch, driver.port.now() + 0.15, "test"))
        await asyncio.sleep(0.1)
        assert bench.world.forward_w > 40.0
        link = bench.open_link("sim://dut")
        link.start(lambda _: None, lambda _: None)
        link.write(whole[:cut])
        for data in plan.off:
            await asyncio.sleep(plan.gap_s)
            link.write(data)
        await asyncio.sleep(0.05)
        assert bench.world.forward_w == 0.0, cut
        link.close()


@pytest.mark.virtual
async def test_wrong_address_is_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match=r"no AE Bus generator \(odd parity"):
        await connected(alone("ae-bus", emulator={"address": 2}))


def test_odd_parity_is_part_of_the_driver() -> None:
    assert AeBus.SERIAL.parity == "O"
