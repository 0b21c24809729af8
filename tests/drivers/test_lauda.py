"""Lauda thermostats: exchanges as the manuals print them, dialects and units that never become a number, the interface
time-out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.contract import BadReply, DeviceError, Refused
from drivers.lauda import codec
from drivers.lauda.driver import Lauda, LaudaOptions
from drivers.testing.links import ScriptedLink
from drivers.testing.roles import CirculatorConformance
from drivers.transport.port import LinkPort
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone


class TestPro(Alone, CirculatorConformance):
    driver, options, truth = Lauda, {"safe_c": 10.0}, {"bath_c": 20.0}

    def refusal(self, request: bytes) -> bytes:
        return b"ERR_6\r\n"


class TestEcolineOnRs485(Alone, CirculatorConformance):
    driver, options = Lauda, {"family": "ecoline-re", "timeout_s": None, "address": 15}


# ---- wire format


@pytest.mark.virtual
async def test_exchanges_of_the_manuals() -> None:
    pairs: list[tuple[bytes, bytes | None]] = [
        (b"TYPE\r", b"PRO\r\n"),
        (b"IN_PV_00\r", b"021.50\r\n"),
        (b"STAT\r", b"0000000\r\n"),
        (b"OUT_SP_08_30\r", b"OK\r\n"),
        (b"IN_SP_08\r", b"30\r\n"),
        (b"IN_SP_07\r", b"020.00\r\n"),
        (b"IN_SP_08\r", b"30\r\n"),
        (b"OUT_SP_00_8.00\r", b"OK\r\n"),
        (b"IN_SP_00\r", b"008.00\r\n"),
        (b"IN_MODE_02\r", b"1\r\n"),
        (b"START\r", b"OK\r\n"),
        (b"IN_MODE_06\r", b"0\r\n"),
        (b"IN_MODE_02\r", b"0\r\n"),
        (b"STOP\r", b"OK\r\n"),
        (b"IN_MODE_02\r", b"1\r\n"),
        (b"IN_PV_00\r", b"-004.25\r\n"),
        (b"IN_SP_00\r", b"008.00\r\n"),
        (b"IN_MODE_02\r", b"1\r\n"),
        (b"STATUS\r", b"-1\r\n"),
        (b"STAT\r", b"1000100\r\n"),
    ]
    link = ScriptedLink(pairs)
    chiller = Lauda("chiller", LinkPort(link, "memory"), LaudaOptions.model_validate({}))
    identity = await chiller.connect()
    assert (identity.model, identity.extra) == ("PRO", {"interface_timeout_s": "30", "safe_setpoint_c": "20"})
    await chiller.regulate(8.0)
    await chiller.regulate(None)
    assert {s.channel: s.value for s in await chiller.poll()} == {
        "chiller.bath_c": -4.25, "chiller.setpoint_c": 8.0, "chiller.running_on": 0.0,
        "chiller.alarm_flag": 1.0, "chiller.low_level_flag": 1.0,
    }  # fmt: skip
    link.done()


@pytest.mark.parametrize(
    "error, says",
    [(b"ERR_3", "does not know the command"), (b"ERR_6", "does not permit the value"), (b"ERR_77", "see its manual")],
)
def test_errors_are_named(error: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says):
        codec.take_answer(bytearray(error + b"\r\n"))


@pytest.mark.parametrize(
    "line, says",
    [
        (b"021,50", "a decimal comma"),
        (b"070.70F", "degrees Fahrenheit"),
        (b"070,70 \xb0F", "degrees Fahrenheit"),
        (b"OK", "not a temperature"),
        (b"0", "not a temperature"),
        (b"nan", "not a temperature"),
        (b"1e9", "not a temperature"),
        (b"0021.50", "not a temperature"),
    ],
)
def test_another_dialect_never_becomes_a_number(line: bytes, says: str) -> None:
    with pytest.raises(BadReply, match=says):
        codec.temperature_c(line)


def test_flags_are_those_of_the_family() -> None:
    assert codec.low_level(b"01000", codec.FAMILIES["ecoline-re"])
    assert codec.low_level(b"0010000", codec.FAMILIES["ecoline-e"])
    assert not codec.low_level(b"1111011", codec.FAMILIES["pro"])
    with pytest.raises(BadReply, match=r"not the 7 flags of STAT; is options\.family right"):
        codec.low_level(b"01000", codec.FAMILIES["pro"])


def test_an_answer_of_another_address() -> None:
    assert codec.take_answer(bytearray(b"A015_021.50\r\n"), b"A015_") == b"021.50"
    with pytest.raises(BadReply, match="begins with A015_"):
        codec.take_answer(bytearray(b"A016_021.50\r\n"), b"A015_")


WORDS = [b"OK", b"ERR_6", b"021.50", b"021,5", b"\r\n", b"\n", b"PRO", b"-1", b"0000000", b"A015_"]


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(WORDS), max_size=20).map(b"".join)))
def test_codec_is_total(noise: bytes) -> None:
    for prefix in (b"", b"A015_"):
        with contextlib.suppress(BadReply, Refused):
            codec.take_answer(bytearray(noise), prefix)
        codec.skip_to_type(bytearray(noise), prefix)
    for parse in (codec.temperature_c, codec.number, codec.fault, codec.told, codec.is_type):
        with contextlib.suppress(BadReply):
            parse(noise)


# ---- against the emulator


def chiller(bench: SimBench, **options: Any) -> Lauda:
    settings = LaudaOptions.model_validate(options)
    return Lauda("chiller", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)


@pytest.mark.virtual
async def test_the_bath_follows_and_cools_the_coolant() -> None:
    bench = alone("lauda")
    driver = chiller(bench)
    await driver.connect()
    await driver.regulate(8.0)
    for _ in range(1200):
        told = {s.channel: s.value for s in await driver.poll()}
        await asyncio.sleep(0.5)
    assert told["chiller.bath_c"] == pytest.approx(8.0, abs=0.05)
    assert bench.world.coolant_c == pytest.approx(8.0, abs=0.05)


@pytest.mark.virtual
async def test_host_silence_brings_the_safe_set_point() -> None:
    bench = alone("lauda")
    driver = chiller(bench, safe_c=15.0, timeout_s=10)
    identity = await driver.connect()
    assert identity.extra == {"interface_timeout_s": "10", "safe_setpoint_c": "15"}
    await driver.regulate(5.0)
    await asyncio.sleep(600.0)
    assert bench.emulators["dut"].safe_mode
    assert bench.world.coolant_c == pytest.approx(15.0, abs=0.1)
    await driver.regulate(5.0)
    assert not bench.emulators["dut"].safe_mode


@pytest.mark.virtual
@pytest.mark.parametrize(
    "emulator, options, says",
    [
        ({"comma": True}, {}, r"speaks another dialect \(a decimal comma.*: 30 32 30 2c 30 30\)"),
        (
            {"family": "ecoline-e"},
            {},
            r"interface time-out cannot be set and read back \(.*ERR_3.*correct options.family",
        ),
        ({"family": "ecoline-re"}, {}, r"not the 7 flags of STAT"),
        ({"type": "ECO"}, {"model": "PRO"}, "expected PRO, found 'ECO'"),
        ({"address": 15}, {}, "no Lauda thermostat answers on sim://dut"),
    ],
)
async def test_what_is_not_as_the_bench_file_says(emulator: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        await chiller(alone("lauda", emulator=emulator), **options).connect()


@pytest.mark.virtual
async def test_a_limit_of_the_thermostat_is_a_refusal() -> None:
    driver = chiller(alone("lauda"), high_c=300.0)
    await driver.connect()
    with pytest.raises(Refused, match="ERR_6: it does not permit the value"):
        await driver.regulate(200.0)
    with pytest.raises(Refused, match=r"1 degC is outside the 2 to 300 of its options"):
        await driver.regulate(1.0)


@pytest.mark.virtual
async def test_low_level_shows() -> None:
    driver = chiller(alone("lauda", emulator={"low_level": True}))
    await driver.connect()
    told = {s.channel: s.value for s in await driver.poll()}
    assert (told["chiller.alarm_flag"], told["chiller.low_level_flag"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"low_c": 20.0, "high_c": 10.0},
        {"safe_c": 80.0},
        {"timeout_s": 100},
        {"family": "ecoline-e", "timeout_s": 30},
        {"family": "ecoline-e", "safe_c": 10.0},
    ],
)
def test_bad_options(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LaudaOptions.model_validate(options)
