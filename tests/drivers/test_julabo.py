"""Julabo circulators: exchanges as the manuals print them, pauses, units and dialects."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.contract import BadReply, DeviceError, Refused
from drivers.julabo import codec
from drivers.julabo.driver import Julabo, JulaboOptions
from drivers.testing.links import RoughLink, ScriptedLink
from drivers.testing.roles import CirculatorConformance
from drivers.transport.port import LinkPort
from safety.types import Quality
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone


class TestJulabo(Alone, CirculatorConformance):
    driver, options, truth = Julabo, {"external": True}, {"bath_c": 20.0}


class TestOnRs485WithOlderLines(Alone, CirculatorConformance):
    driver, options, emulator = Julabo, {"address": 32}, {"eol": "\n"}


class TestSwappedWithEmptyLines(Alone, CirculatorConformance):
    """As lewis' emulator has it."""

    driver, options, emulator = Julabo, {"external": True, "swapped_pv": True}, {"empty_lines": True}


# ---- wire format


@pytest.mark.virtual
async def test_exchanges_of_the_manuals() -> None:
    pairs: list[tuple[bytes, bytes | None]] = [
        (b"version\r", b"JULABO FP51_SL VERSION 1.1\r\n"),
        (b"in_sp_06\r", b"0\r\n"),
        (b"status\r", b"02 REMOTE STOP\r\n"),
        (b"in_pv_00\r", b"24.85\r\n"),
        (b"out_sp_00 15.50\r", None),
        (b"out_mode_05 1\r", None),
        (b"in_mode_05\r", b"1\r\n"),
        (b"in_sp_00\r", b"15.5\n"),
        (b"in_pv_00\r", b"-2.10\r\n"),
        (b"in_pv_00\r", b"-2.10\r\n"),  # no bath falls by 27 K from one poll to the next: asked again
        (b"in_sp_00\r", b"15.50\r\n"),
        (b"in_mode_05\r", b"1\r\n"),
        (b"status\r", b"-01 LOW LEVEL ALARM\r\n"),
    ]
    link = ScriptedLink(pairs)
    chiller = Julabo("chiller", LinkPort(link, "memory"), JulaboOptions.model_validate({}))
    assert (await chiller.connect()).model == "JULABO FP51_SL VERSION 1.1"
    await chiller.regulate(15.5)
    assert {s.channel: s.value for s in await chiller.poll()} == {
        "chiller.bath_c": -2.1, "chiller.setpoint_c": 15.5, "chiller.running_on": 1.0, "chiller.alarm_flag": 1.0,
    }  # fmt: skip
    link.done()


@pytest.mark.parametrize(
    "line, code, remote, alarm",
    [
        (b"00 MANUAL STOP", 0, False, False),
        (b"01 MANUAL START", 1, False, False),
        (b"03 REMOTE START", 3, True, False),
        (b"-01 LOW LEVEL ALARM", -1, True, True),
        (b"-03 EXCESS TEMPERATURE WARNING", -3, True, False),
        (b"-08 INVALID COMMAND", -8, True, False),
        (b"-14 EXCESS TEMPERATURE PROTECTOR ALARM", -14, True, True),
    ],
)
def test_status_texts(line: bytes, code: int, remote: bool, alarm: bool) -> None:
    status = codec.status(line)
    assert (status.code, status.remote, status.alarm) == (code, remote, alarm)
    assert str(status) == line.decode()


@pytest.mark.parametrize(
    "line, says",
    [
        (b"24,85", "a decimal comma"),
        (b"76.73F", "degrees Fahrenheit"),
        (b"76.7 \xf8F", "degrees Fahrenheit"),
        (b"1", "not a temperature"),
        (b"03 REMOTE START", "not a temperature"),
        (b"1234.5", "not a temperature"),
    ],
)
def test_another_dialect_never_becomes_a_number(line: bytes, says: str) -> None:
    with pytest.raises(BadReply, match=says):
        codec.temperature_c(line)


def test_a_missing_sensor_is_not_a_number() -> None:
    assert math.isnan(codec.temperature_c(b"---.--"))


WORDS = [b"24.85", b"---.--", b"\r\n", b"\n", b"-01 LOW LEVEL ALARM", b"JULABO X", b"1", b"A032_"]


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(WORDS), max_size=20).map(b"".join)))
def test_codec_is_total(noise: bytes) -> None:
    for prefix in (b"", b"A032_"):
        with contextlib.suppress(BadReply):
            codec.take_answer(bytearray(noise), prefix)
        codec.skip_to_version(bytearray(noise), prefix)
    for parse in (codec.temperature_c, codec.digit, codec.status, codec.version):
        with contextlib.suppress(BadReply):
            parse(noise)


# ---- against the emulator


def chiller(bench: SimBench, **options: Any) -> Julabo:
    settings = JulaboOptions.model_validate(options)
    return Julabo("chiller", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)


def test_line_settings_are_those_it_is_delivered_with() -> None:
    assert (Julabo.BAUD, Julabo.SERIAL.bytesize, Julabo.SERIAL.parity, Julabo.SERIAL.rtscts) == (4800, 7, "E", True)


@pytest.mark.virtual
async def test_pauses_are_kept_whoever_asks() -> None:
    """250 ms after an out command, 10 ms after an answer, two tasks at once included."""
    link = RoughLink(alone("julabo").open_link("sim://dut"))
    driver = Julabo("chiller", LinkPort(link, "sim://dut"), JulaboOptions())
    await driver.connect()
    first = len(link.written)
    await asyncio.gather(driver.poll(), driver.regulate(12.0), driver.poll())
    times = link.written[first:]
    for one, after in itertools.pairwise(times):
        least_s = 0.25 if one.data.startswith(b"out_") else 0.01 + 10 * len(one.data) / 4800
        assert after.t_s - one.t_s > least_s, (one, after)


@pytest.mark.virtual
async def test_the_bath_follows_and_the_external_sensor_is_the_right_one() -> None:
    for swapped in (False, True):
        bench = alone("julabo", {"external": True, "swapped_pv": swapped})
        driver = chiller(bench, external=True, swapped_pv=swapped)
        await driver.connect()
        await driver.regulate(8.0)
        await asyncio.sleep(600.0)
        told = {s.channel: s.value for s in await driver.poll()}
        assert told["chiller.bath_c"] == pytest.approx(8.0, abs=0.05)
        assert told["chiller.external_c"] == pytest.approx(8.0, abs=0.05)


@pytest.mark.virtual
async def test_a_sensor_that_is_not_there_is_a_bad_sample() -> None:
    driver = chiller(alone("julabo"), external=True)
    await driver.connect()
    assert {s.channel: s.quality for s in await driver.poll()}["chiller.external_c"] is Quality.BAD


@pytest.mark.virtual
async def test_a_refused_command_says_why() -> None:
    bench = alone("julabo")
    driver = chiller(bench, high_c=300.0)
    await driver.connect()
    with pytest.raises(Refused, match=r"told to hold 250.00 degC, it runs at .* and says -11 VALUE TOO LARGE"):
        await driver.regulate(250.0)
    bench.emulators["dut"].remote = False
    with pytest.raises(Refused, match="says -09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE"):
        await driver.regulate(12.0)


@pytest.mark.virtual
@pytest.mark.parametrize(
    "emulator, options, says",
    [
        ({"remote": False}, {}, r"its panel is in charge \(00 MANUAL STOP\); set it to remote control"),
        ({"fahrenheit": True}, {}, "set to degrees Fahrenheit.*; set it to degrees Celsius"),
        ({"unit_query": None}, {}, r"does not tell its unit by in_sp_06 .*null if its manual has none"),
        ({"version": "JULABO FL601 VERSION 2.0"}, {"model": "FP51"}, "expected FP51, found 'JULABO FL601"),
        ({"version": "LAUDA"}, {}, "no Julabo circulator answers"),
        ({"address": 32}, {}, "no Julabo circulator answers"),
    ],
)
async def test_what_is_not_as_the_bench_file_says(emulator: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        await chiller(alone("julabo", emulator=emulator), **options).connect()


@pytest.mark.virtual
async def test_a_cooler_without_a_unit() -> None:
    driver = chiller(alone("julabo", emulator={"unit_query": None}), unit_query=None)
    await driver.connect()
    assert {s.channel: s.value for s in await driver.poll()}["chiller.alarm_flag"] == 0.0


@pytest.mark.parametrize("options", [{"low_c": 20.0, "high_c": 10.0}, {"unit_query": "in_sp_00"}, {"address": 200}])
def test_bad_options(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JulaboOptions.model_validate(options)
