"""Sairem GMS: frames as printed, register 98 as dead-man, off proven twice, RTU and TCP, conformance."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, Refused
from drivers.modbus import Modbus
from drivers.sairem_gms.driver import SairemGms, SairemOptions
from drivers.testing.roles import SourceConformance
from drivers.transport.port import LinkPort
from safety.types import Setpoint
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone
from tests.drivers.tables import h


class TestRtu(Alone, SourceConformance):
    driver, mint, checked = SairemGms, Setpoint, True

    def refusal(self, request: bytes) -> bytes:
        return h("01 86 03 02 61")


class TestTcp(Alone, SourceConformance):
    driver, mint, options, emulator = SairemGms, Setpoint, {"framing": "tcp"}, {"framing": "tcp"}

    def refusal(self, request: bytes) -> bytes:
        return request[:2] + h("00 00 00 03 01 86 03")


@pytest.mark.parametrize(
    ("register", "value", "expected"),
    [
        (98, 3000, "01 06 00 62 0B B8 2F 56"),
        (2, 0x80, "01 06 00 02 00 80 29 AA"),
        (2, 0, "01 06 00 02 00 00 28 0A"),
        (0, 60, "01 06 00 00 00 3C 89 DB"),
        (1, 20, "01 06 00 01 00 14 D8 05"),
        (9, 24500, "01 06 00 09 5F B4 60 4F"),
        (2, 0x50, "01 06 00 02 00 50 28 36"),
    ],
)
def test_writes_as_printed(register: int, value: int, expected: str) -> None:
    request, parse = Modbus("rtu", 1).write_register(register, value)
    assert request == h(expected)
    assert parse(bytearray(h(expected))) is True


def test_the_reading_as_printed() -> None:
    request, parse = Modbus("rtu", 1).read_holding(100, 6)
    assert request == h("01 03 00 64 00 06 84 17")
    reply = h("01 03 0C 00 3C 00 14 00 3C 00 03 00 00 00 C0 14 73")
    assert parse(bytearray(reply)) == [60, 20, 60, 3, 0, 192]
    for cut in range(len(reply)):
        assert parse(bytearray(reply[:cut])) is None


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        ("01 83 02 C0 F1", Refused, "exception 2: illegal address"),
        ("01 83 0B 00 F7", Refused, "exception 11: the gateway got no answer"),
        ("01 03 0C 00 3C 00 14 00 3C 00 03 00 00 00 C0 14 74", BadReply, "wrong check sum"),
        ("02 03 0C 00 3C 00 14 00 3C 00 03 00 00 00 C0 50 66", BadReply, "wrong check sum, unit"),
        ("01 03 02 00 3C B8 55", BadReply, "1 registers where 6"),
    ],
)
def test_replies_that_are_not_the_answer(reply: str, error: type[Exception], text: str) -> None:
    _, parse = Modbus("rtu", 1).read_holding(100, 6)
    with pytest.raises(error, match=text):
        parse(bytearray(h(reply)))


def test_over_tcp_an_earlier_transactions_answer_is_dropped() -> None:
    bus = Modbus("tcp", 1)
    bus.read_holding(100, 1)
    request, parse = bus.read_holding(100, 1)
    assert request == h("00 02 00 00 00 06 01 03 00 64 00 01")
    buffer = bytearray(h("00 01 00 00 00 05 01 03 02 00 07"))
    assert parse(buffer) is None
    buffer += h("00 02 00 00 00 05 01 03 02 00 09")
    assert parse(buffer) == [9]


@given(st.binary(max_size=80), st.sampled_from(["rtu", "tcp"]))
def test_codec_is_total(noise: bytes, framing) -> None:
    bus = Modbus(framing, 1)
    for _, parse in (bus.read_holding(100, 6), bus.read_inputs(0, 16), bus.write_register(2, 0), bus.marker(0, 3)):
        with contextlib.suppress(BadReply, Refused):
            parse(bytearray(noise))


async def connected(bench: SimBench, **options: object) -> SairemGms:
    settings = SairemOptions.model_validate(options)
    driver = SairemGms("gen", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)
    await driver.connect()
    return driver


async def polled(driver: SairemGms) -> dict[str, float]:
    return {s.channel.removeprefix("gen."): s.value for s in await driver.poll()}


@pytest.mark.virtual
async def test_silence_turns_it_off_and_latches_until_an_off() -> None:
    bench = alone("sairem-gms")
    driver = await connected(bench, deadman_s=0.5)
    assert driver.declaration().native_deadman_s == 0.5
    assert bench.emulators["dut"].deadman_10ms == 50
    await driver.apply(Setpoint(60.4, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(0.2)
    told = await polled(driver)
    assert (told["rf_on"], told["setpoint_w"]) == (1.0, 60.0)
    assert told["forward_power_w"] == pytest.approx(60.0, abs=2.0)
    await asyncio.sleep(0.45)
    assert bench.world.forward_w == pytest.approx(60.0, abs=1.0)
    await asyncio.sleep(0.1)
    assert bench.world.forward_w == 0.0
    told = await polled(driver)
    assert (told["rf_on"], told["fault_flag"]) == (0.0, 1.0)
    with pytest.raises(Refused, match="went off by itself"):
        await driver.apply(Setpoint(60.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await driver.off()
    told = await polled(driver)
    assert (told["rf_on"], told["fault_flag"], told["setpoint_w"]) == (0.0, 0.0, 0.0)


@pytest.mark.virtual
@pytest.mark.parametrize("framing", ["rtu", "tcp"])
async def test_the_off_plan_turns_it_off_and_proves_it(framing: str) -> None:
    bench = alone("sairem-gms", emulator={"framing": framing})
    driver = await connected(bench, framing=framing)
    plan = driver.safe_off_plan()
    await driver.apply(Setpoint(80.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(0.2)
    heard = bytearray()
    link = bench.open_link("sim://dut")
    link.start(heard.extend, lambda _: None)

    async def proofs() -> list[bool]:
        found = []
        for readback in plan.readbacks:
            heard.clear()
            link.write(readback.query)
            await asyncio.sleep(0.05)
            found.append(readback.proves_off(bytes(heard)))
        return found

    assert await proofs() == [False, False]
    for data in plan.off:
        link.write(data)
        await asyncio.sleep(plan.gap_s)
    await asyncio.sleep(0.05)
    assert await proofs() == [True, True]
    assert bench.world.forward_w == 0.0


@pytest.mark.virtual
async def test_a_reflected_limit_folds_back_while_it_is_switched_on() -> None:
    bench = alone("sairem-gms")
    driver = await connected(bench, reflected_limit_w=20)
    bench.world.ohm = 400.0  # reflects 60 %
    await driver.apply(Setpoint(100.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(0.3)
    told = await polled(driver)
    assert told["reverse_power_w"] <= 23.0
    assert told["forward_power_w"] < 40.0


@pytest.mark.virtual
async def test_wrong_framing_is_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match="no Sairem GMS generator answers"):
        await connected(alone("sairem-gms", emulator={"framing": "tcp"}))


@pytest.mark.virtual
async def test_a_generator_that_forgot_its_dead_man_is_refused_until_it_is_connected_anew() -> None:
    """Register 98 is what it is at power-up: somebody switched it off and on, and nothing would stop it now."""
    bench = alone("sairem-gms")
    driver = SairemGms("gen", LinkPort(bench.open_link("sim://dut"), "sim://dut"), SairemOptions())
    await driver.connect()
    bench.emulators["dut"].deadman_10ms = 3000
    for _ in range(4):
        await driver.poll()
    for _ in range(2):
        with pytest.raises(Refused, match=r"lost the settings of connect.*connect to it anew"):
            await driver.apply(Setpoint(20.0, driver.epoch, driver.port.now() + 0.15, "test"))
        await driver.off()
    await driver.connect()
    await driver.apply(Setpoint(20.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await driver.off()
    bench.stop()
