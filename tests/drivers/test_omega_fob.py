"""Omega FOB10x: replies as the manual prints them, lost probes, conformance."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.contract import BadReply, DeviceError, Refused
from drivers.omega_fob import codec
from drivers.omega_fob.driver import FobOptions, OmegaFob
from drivers.transport.port import LinkPort
from safety.types import Quality
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone

FOUR = {"channels": {1: "tissue_5mm_c", 2: "tissue_10mm_c", 4: "shaft_c"}}


class TestConformance(Alone):
    driver, options = OmegaFob, FOUR


def test_four_readings_as_printed() -> None:
    lines = codec.take_reply(bytearray(b"+24.3\r+24.5\r+24.7\r+24.4\r*"))
    assert lines is not None
    assert codec.readings_c(lines, 4) == [24.3, 24.5, 24.7, 24.4]


def test_a_missing_probe_is_not_a_number() -> None:
    assert math.isnan(codec.readings_c([b"---.-"], 1)[0])


@pytest.mark.parametrize("line", [b"24.3", b"+24,3", b"+nan", b"+1e9", b"+24.3 ", b"+9999.9"])
def test_another_dialect_never_becomes_a_number(line: bytes) -> None:
    with pytest.raises(BadReply, match=r"not a reading of the form \+24.3"):
        codec.readings_c([line], 1)


def test_errors_and_wrong_counts_are_named() -> None:
    with pytest.raises(Refused, match="Err2"):
        codec.take_reply(bytearray(b"Err2"))
    with pytest.raises(BadReply, match="1 readings where 4"):
        codec.readings_c([b"+24.3"], 4)


@given(st.binary(max_size=500))
def test_codec_is_total(noise: bytes) -> None:
    with contextlib.suppress(BadReply, Refused):
        codec.take_reply(bytearray(noise))
    codec.skip_to_box(bytearray(noise))


def thermometer(bench: SimBench, **options: object) -> OmegaFob:
    settings = FobOptions.model_validate({**FOUR, **options})
    return OmegaFob("fob", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)


@pytest.mark.virtual
async def test_a_fibre_that_broke_is_a_bad_sample() -> None:
    bench = alone("omega-fob", FOUR)
    driver = thermometer(bench)
    assert (await driver.connect()).model == "FOB104"
    assert {s.channel: s.value for s in await driver.poll()} == {
        "fob.tissue_5mm_c": 22.0, "fob.tissue_10mm_c": 22.0, "fob.shaft_c": 22.0,
    }  # fmt: skip
    bench.add_fault("dut.tissue_10mm.open")
    await asyncio.sleep(0.06)  # three inputs a scan
    qualities = {s.channel: s.quality for s in await driver.poll()}
    assert qualities["fob.tissue_10mm_c"] is Quality.BAD
    assert qualities["fob.tissue_5mm_c"] is Quality.GOOD


@pytest.mark.virtual
async def test_streaming_left_on_by_somebody_else_is_silenced() -> None:
    bench = alone("omega-fob", FOUR)
    link = bench.open_link("sim://dut")
    link.start(lambda _: None, lambda _: None)
    link.write(b"ta+\ru f\r")
    driver = thermometer(bench)
    await driver.connect()
    emulator = bench.emulators["dut"]
    assert (emulator.streaming, emulator.fahrenheit) == (False, False)


@pytest.mark.virtual
@pytest.mark.parametrize("tells_disabled", [False, True])
async def test_only_what_is_named_is_scanned(tells_disabled: bool) -> None:
    """The manual does not say whether ``t`` tells an input that is not scanned: read both ways."""
    bench = alone("omega-fob", FOUR, {"tells_disabled": tells_disabled})
    driver = thermometer(bench)
    await driver.connect()
    emulator = bench.emulators["dut"]
    assert emulator.enabled == {1, 2, 4}
    assert emulator.scan_s == pytest.approx(0.06)
    assert {spec.period_s for spec in driver.declaration().channels} == {0.06}
    bench.add_fault("dut.shaft.open")
    await asyncio.sleep(0.06)
    bad = [s.channel for s in await driver.poll() if s.quality is Quality.BAD]
    assert bad == ["fob.shaft_c"]
    link = bench.open_link("sim://dut")
    link.start(lambda _: None, lambda _: None)
    link.write(b"e\r")  # somebody else has all of them scanned
    assert len(await driver.poll()) == (3 if tells_disabled else 0)


@pytest.mark.virtual
async def test_a_box_of_one_input_is_not_asked_to_choose() -> None:
    one = {"channels": {1: "shaft_c"}, "inputs": 1}
    driver = thermometer(alone("omega-fob", one), **one)
    await driver.connect()
    assert [s.value for s in await driver.poll()] == [22.0]
    assert driver.declaration().channels[0].period_s == 0.05


@pytest.mark.virtual
async def test_a_channel_that_the_instrument_does_not_have() -> None:
    with pytest.raises(DeviceError, match="channel 4 is named, the instrument has 2"):
        await thermometer(alone("omega-fob", {**FOUR, "inputs": 2}), inputs=2).connect()


@pytest.mark.parametrize("channels", [{5: "a_c"}, {1: "a"}, {1: "a_c", 2: "a_c"}, {}])
def test_bad_options(channels: dict[int, str]) -> None:
    with pytest.raises(ValidationError):
        FobOptions.model_validate({"channels": channels})
