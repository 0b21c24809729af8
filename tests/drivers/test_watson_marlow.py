"""Watson-Marlow Du pumps: status lines as printed, echo, verification, conformance."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, Refused
from drivers.testing.links import ScriptedLink
from drivers.testing.roles import PumpConformance
from drivers.transport.port import LinkPort
from drivers.watson_marlow_du import codec
from drivers.watson_marlow_du.driver import WatsonMarlowDu, WatsonMarlowOptions
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone

TUBE = {"ml_per_rev": 0.8}


class Test323(Alone, PumpConformance):
    driver, options, emulator = WatsonMarlowDu, TUBE, {"ml_per_rev": 0.8}


class Test520WithoutEcho(Alone, PumpConformance):
    driver, options, emulator = WatsonMarlowDu, TUBE, {"type": "520Du", "echo": False}


class TestPumpThatWantsASpace(Alone, PumpConformance):
    driver, options, emulator = WatsonMarlowDu, {**TUBE, "sp_space": True}, {"space_needed": True}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"323Du 110 CW 1 !", ("323Du", 110.0, True, False)),
        (b"323Du 400.0 CCW 0 !", ("323Du", 400.0, False, False)),
        (b"520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 1 !", ("520Du", 220.0, True, True)),
    ],
)
def test_status_lines_as_printed(line: bytes, expected: tuple[str, float, bool, bool]) -> None:
    found = codec.take_status(bytearray(line + b"\r"))
    assert found is not None
    assert found[:3] == expected[:3]


def test_the_running_flag_is_the_last_field() -> None:
    assert codec.take_status(bytearray(b"323Du 110.0 CW 1 1 !")).running is True
    assert codec.take_status(bytearray(b"323Du 110.0 CW 1 0 !")).running is False
    assert codec.take_status(bytearray(b"520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 0 !")).running is False


def test_echo_and_an_older_line_before_the_answer_are_dropped() -> None:
    buffer = bytearray(b"1RS\r323Du 3.0 CW 1 0 !\r1RS\r323Du 55.5 CCW 1 1 !\r")
    assert codec.take_status(buffer) == ("323Du", 55.5, False, True)


@pytest.mark.parametrize("noise", [b"hello !", b"x" * 200, b"323Du fast CW 1 0 !"])
def test_what_is_no_status_is_refused(noise: bytes) -> None:
    with pytest.raises(BadReply):
        codec.take_status(bytearray(noise))


@given(st.binary(max_size=200))
def test_codec_is_total(noise: bytes) -> None:
    codec.skip_to_running(bytearray(noise))
    with contextlib.suppress(BadReply):
        codec.take_status(bytearray(noise))


def pump(bench: SimBench, **options: object) -> WatsonMarlowDu:
    settings = WatsonMarlowOptions.model_validate({**TUBE, **options})
    return WatsonMarlowDu("pump", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)


@pytest.mark.virtual
async def test_flow_becomes_speed_and_water_moves() -> None:
    bench = alone("watson-marlow-du", TUBE)
    driver = pump(bench)
    identity = await driver.connect()
    assert identity.model == "323Du"
    assert driver.declaration().flow_max_ml_min == pytest.approx(320.0)
    await driver.run(80.0)
    assert bench.world.flow_ml_min == pytest.approx(80.0)
    told = {s.channel: s.value for s in await driver.poll()}
    assert told == {"pump.running_on": 1.0, "pump.flow_set_ml_min": pytest.approx(80.0)}
    await driver.run(0.0)
    assert bench.world.flow_ml_min == 0.0


@pytest.mark.virtual
async def test_a_speed_that_was_not_taken_is_found_by_the_status() -> None:
    """This firmware wants a space that the bench file does not promise: the command is swallowed without a word."""
    bench = alone("watson-marlow-du", TUBE, {"space_needed": True})
    driver = pump(bench)
    await driver.connect()
    with pytest.raises(Refused, match=r"told to run at 100\.0 rpm, it runs at 110 rpm"):
        await driver.run(80.0)


@pytest.mark.virtual
async def test_slower_than_the_drive_can_turn_is_refused() -> None:
    driver = pump(alone("watson-marlow-du", TUBE))
    await driver.connect()
    with pytest.raises(Refused, match=r"outside the 2\.4 to 320 mL/min"):
        await driver.run(1.0)


@pytest.mark.virtual
async def test_another_family_is_named() -> None:
    link = ScriptedLink([(b"1RS\r", b"704Du 10.0 CW 1 0 !\r")])
    driver = WatsonMarlowDu("pump", LinkPort(link, "/dev/ttyUSB0"), WatsonMarlowOptions.model_validate(TUBE))
    with pytest.raises(DeviceError, match="a pump of type '704Du'"):
        await driver.connect()


def test_two_stop_bits_are_part_of_the_driver() -> None:
    assert WatsonMarlowDu.SERIAL.stopbits == 2
