"""Kuhne KU SG 2.45-250 A: bytes as printed, the bias before RF, conformance."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, Refused
from drivers.kuhne_kusg import codec
from drivers.kuhne_kusg.driver import KuhneKusg, KuhneOptions
from drivers.testing.roles import SourceConformance
from drivers.transport.port import LinkPort
from safety.types import Setpoint
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone


class TestConformance(Alone, SourceConformance):
    driver, mint, bare_bytes = KuhneKusg, Setpoint, True


def test_commands_as_printed() -> None:
    assert codec.set_power(123) == b"A123\r"
    assert codec.set_power(0) == b"A000\r"
    with pytest.raises(ValueError, match="251 W is outside 0 to 250 W"):
        codec.set_power(251)


def test_a_power_of_13_w_looks_like_two_ends_of_line() -> None:
    assert codec.take_byte(bytearray(b"\x0d\x0d")) == 13
    with pytest.raises(BadReply, match="more than one answer"):
        codec.take_byte(bytearray(b"\x0d\x0dA\r"))
    assert codec.take_byte(bytearray(b"\x0d")) is None
    assert codec.take_byte(bytearray(b"\x0a\x0d")) == 10


@pytest.mark.parametrize(
    ("text", "hz"), [("2450MHz", 2.45e9), ("2450000kHz", 2.45e9), ("2400MHz", 2.4e9)], ids=["coarse", "fine", "low"]
)
def test_frequency_in_both_step_widths(text: str, hz: float) -> None:
    assert codec.frequency_hz(text) == hz


@pytest.mark.parametrize(
    ("take", "reply"),
    [
        (codec.take_done, b"N\r"),
        (codec.take_byte, b"\x10\x11"),
        (codec.take_flag, b"\x02\x0d"),
        (codec.take_text, b"\r"),
        (codec.take_text, b"x" * 70),
    ],
)
def test_replies_that_cannot_be_right(take, reply: bytes) -> None:
    with pytest.raises(BadReply):
        take(bytearray(reply))


@pytest.mark.parametrize("text", ["", "nanMHz", "infMHz", "1,5MHz", "--2450MHz", "+-2MHz", "2450", "1e3MHz", "MHz"])
def test_what_is_no_number_never_becomes_one(text: str) -> None:
    with pytest.raises(BadReply):
        codec.frequency_hz(text)


@given(st.binary(max_size=80))
def test_codec_is_total(noise: bytes) -> None:
    for take in (codec.take_done, codec.take_byte, codec.take_flag, codec.take_text, codec.skip_to_frequency):
        try:
            take(bytearray(noise))
        except BadReply:
            continue


async def connected(bench: SimBench, **options: object) -> KuhneKusg:
    driver = KuhneKusg("gen", LinkPort(bench.open_link("sim://dut"), "sim://dut"), KuhneOptions.model_validate(options))
    await driver.connect()
    return driver


async def polled(driver: KuhneKusg, times: int = 5) -> dict[str, float]:
    told: dict[str, float] = {}
    for _ in range(times):
        told |= {s.channel.removeprefix("gen."): s.value for s in await driver.poll()}
    return told


@pytest.mark.virtual
async def test_rf_waits_for_the_bias_to_settle() -> None:
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.5)
    began_s = driver.port.now()
    on_after_s = None
    while on_after_s is None and driver.port.now() - began_s < 2.0:
        await driver.apply(Setpoint(60.9, driver.epoch, driver.port.now() + 0.15, "test"))
        if (await polled(driver, 1))["rf_on"]:
            on_after_s = driver.port.now() - began_s
        await asyncio.sleep(0.05)
    assert on_after_s == pytest.approx(0.5, abs=0.15)
    await asyncio.sleep(0.2)
    told = await polled(driver)
    assert told["setpoint_w"] == 60.0
    assert told["forward_power_w"] == pytest.approx(60.0, abs=2.0)
    assert told["bias_on"] == 1.0
    await driver.off()
    await asyncio.sleep(0.05)
    told = await polled(driver)
    assert (told["forward_power_w"], told["rf_on"], told["bias_on"]) == (0.0, 0.0, 0.0)
    assert bench.world.forward_w == 0.0


async def firing(driver: KuhneKusg, power_w: float, seconds: float) -> list[str]:
    """Ticks of a daemon: what each set-point that was not followed was told."""
    refused: list[str] = []
    for _ in range(round(seconds / 0.05)):
        await polled(driver, 1)
        try:
            await driver.apply(Setpoint(power_w, driver.epoch, driver.port.now() + 0.15, "test"))
        except Refused as error:
            refused.append(str(error))
        await asyncio.sleep(0.05)
    return refused


@pytest.mark.virtual
async def test_a_generator_that_restarts_before_its_output_is_on_is_not_turned_on() -> None:
    """Its bias still settles: no power is missing yet, and it would be given as if nothing had been."""
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.5)
    assert await firing(driver, 60.0, 0.3) == []
    bench.add_fault("dut.restart")
    refused = await firing(driver, 60.0, 2.0)
    assert "its output went off by itself" in refused[0]
    assert bench.world.forward_w == 0.0


@pytest.mark.virtual
async def test_a_generator_that_restarted_has_lost_its_reflection_limit_and_needs_a_connect() -> None:
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.0)
    bench.add_fault("dut.restart")
    await polled(driver, 12)
    await driver.off()
    refused = await firing(driver, 60.0, 0.5)
    assert "lost the settings of connect" in refused[0]
    assert bench.world.forward_w == 0.0
    await driver.connect()
    assert await firing(driver, 60.0, 1.0) == []
    assert bench.world.forward_w == pytest.approx(60.0, abs=2.0)


@pytest.mark.virtual
async def test_one_reflection_limit_that_noise_has_changed_is_not_a_restart() -> None:
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.0)
    emulator: Any = bench.emulators["dut"]
    emulator.limit = 3
    await polled(driver, 4)
    emulator.limit = 1
    await polled(driver, 8)
    assert await firing(driver, 60.0, 1.0) == []


@pytest.mark.virtual
async def test_host_silence_leaves_it_on() -> None:
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.0)
    assert driver.declaration().native_deadman_s is None
    await driver.apply(Setpoint(20.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(60.0)
    assert bench.world.forward_w == pytest.approx(20.0, abs=0.5)


@pytest.mark.virtual
async def test_a_generator_that_is_on_is_turned_off_and_refused() -> None:
    bench = alone("kuhne-kusg")
    link = bench.open_link("sim://dut")
    link.start(lambda _: None, lambda _: None)
    for command in (b"X\r", b"A050\r", b"O\r"):
        link.write(command)
    await asyncio.sleep(0.3)
    assert bench.world.forward_w > 40.0
    with pytest.raises(DeviceError, match="was on when we connected; it has been turned off"):
        await connected(bench)
    assert bench.world.forward_w == 0.0


@pytest.mark.virtual
async def test_the_off_plan_turns_it_off_and_proves_it() -> None:
    bench = alone("kuhne-kusg")
    driver = await connected(bench, bias_settle_s=0.0)
    plan = driver.safe_off_plan()
    await driver.apply(Setpoint(50.0, driver.epoch, driver.port.now() + 0.15, "test"))
    await asyncio.sleep(0.2)
    assert [r.proves_off(reply) for r, reply in zip(plan.readbacks, (b"\x01\r", b"\x32\r"), strict=True)] == [False] * 2
    heard = bytearray()
    link = bench.open_link("sim://dut")
    link.start(heard.extend, lambda _: None)
    for data in (plan.resync, *plan.off):
        link.write(data)
    await asyncio.sleep(0.1)
    heard.clear()
    for readback in plan.readbacks:
        link.write(readback.query)
        await asyncio.sleep(0.05)
        assert readback.proves_off(bytes(heard))
        heard.clear()
    assert bench.world.forward_w == 0.0
