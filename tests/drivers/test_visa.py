"""VISA by pyvisa and pyvisa-py, each kind of resource against a real server: answers, late and torn ones, an off beside
a slow question, instruments that go or become others."""

from __future__ import annotations

import asyncio
import gc
import os
import termios
import time
from pathlib import Path

import pytest

from drivers.contract import DeviceError, LinkLost, NoReply
from drivers.transport.base import SerialSettings
from drivers.transport.open import open_link, reopen_target
from drivers.transport.port import LinkPort
from tests.drivers.visas import KINDS, Instrument, instrument
from tests.support.vxi11 import Vxi11Server

pyvisa = pytest.importorskip("pyvisa")
leaky = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyvisa-py's, of sessions that fail
every = pytest.mark.parametrize("kind", KINDS)


def line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n")
    if end < 0:
        return None
    found = bytes(buffer[:end])
    del buffer[: end + 1]
    return found


async def opened(one: Instrument) -> LinkPort:
    return LinkPort(await open_link(one.url, 115_200), one.url)


@every
async def test_questions_are_answered_and_orders_are_only_written(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        assert port.fileno() is None
        await port.send(b"SOUR1:FREQ 480000\n")
        assert await port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=1.0) == b"+4.800000000000000E+05"
        assert await port.exchange(b"OUTP1?\n", line, timeout_s=1.0) == b"0"
        assert one.sent == [b"*IDN?\n", b"SOUR1:FREQ 480000\n", b"SOUR1:FREQ?\n", b"OUTP1?\n"]
        await port.close()


@every
async def test_a_late_answer_is_not_taken_for_the_next_ones(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        one.wire.set_fault("delay", 0.5)
        with pytest.raises(NoReply):
            await port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=0.2)
        one.wire.clear_fault("delay")
        assert await port.exchange(b"OUTP1?\n", line, timeout_s=3.0) == b"0"
        assert await port.exchange(b"SOUR1:FUNC?\n", line, timeout_s=1.0) == b"SIN"
        assert one.sent.count(b"*IDN?\n") == 2  # it was asked again who it is
        if one.server is not None:
            assert one.server.sessions == 2
        await port.close()


@every
async def test_an_answer_that_comes_in_two_halves_is_one(kind: str, tmp_path: Path) -> None:
    """A number without its first digits would be another number."""
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        await port.send(b"SOUR1:FREQ 480000\n")
        one.tear(0.35)
        assert await port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=2.0) == b"+4.800000000000000E+05"
        with pytest.raises(NoReply):
            await port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=0.25)
        one.tear(0.0)
        assert await port.exchange(b"SOUR1:FUNC?\n", line, timeout_s=3.0) == b"SIN"
        await port.close()


@every
async def test_off_does_not_wait_for_a_slow_answer_nor_for_a_new_session(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        await port.send(b"OUTP1 ON\n")
        one.wire.set_fault("delay", 1.0)
        slow = asyncio.ensure_future(port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=0.2))
        await asyncio.sleep(0.05)
        asked_s = time.monotonic()
        with pytest.raises(NoReply):
            await port.exchange(b"OUTP1 OFF;OUTP1?\n", line, timeout_s=0.3, urgent=True)
        assert isinstance((await asyncio.gather(slow, return_exceptions=True))[0], NoReply)
        # 150 ms until the question's time is over, one slice of 100 ms, and the machine that runs the tests
        assert one.when(b"OUTP1 OFF;OUTP1?\n") - asked_s < 0.4
        assert one.sent[:5] == [b"*IDN?\n", b"OUTP1 ON\n", b"SOUR1:FREQ?\n", b"OUTP1 OFF;OUTP1?\n", b"*IDN?\n"]
        assert not one.bench.emulators["gen"].rf_on  # type: ignore[attr-defined]
        one.wire.clear_fault("delay")
        await port.close()


@every
async def test_another_instrument_after_a_time_out_is_a_lost_link(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        one.wire.set_fault("delay", 0.8)
        with pytest.raises(NoReply):
            await port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=0.2)
        one.bench.emulators["gen"].identity = "Somebody,Else,2,0"  # type: ignore[attr-defined]
        with pytest.raises(LinkLost, match="and after a time-out is 'Somebody,Else,2,0'"):
            await port.exchange(b"OUTP1?\n", line, timeout_s=4.0)
        assert b"OUTP1?\n" not in one.sent
        await port.close()


@leaky
@every
async def test_an_instrument_that_goes_is_a_lost_link(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        port = await opened(one)
        one.kill()
        with pytest.raises((LinkLost, NoReply)):
            await port.exchange(b"OUTP1?\n", line, timeout_s=1.0)
        with pytest.raises(LinkLost):
            await port.exchange(b"OUTP1?\n", line, timeout_s=3.0)
        with pytest.raises(LinkLost):
            await port.send(b"OUTP1 OFF\n", urgent=True)
        await port.close()
    gc.collect()


@leaky
async def test_a_server_that_answers_no_call_any_more_holds_up_no_off(tmp_path: Path) -> None:
    """pyvisa-py alone would wait 1.2 s for the call, and five more to take its leave."""
    async with instrument("vxi11", tmp_path) as one:
        port = await opened(one)
        one.wire.set_fault("delay", 1.0)
        slow = asyncio.ensure_future(port.exchange(b"SOUR1:FREQ?\n", line, timeout_s=0.2))
        await asyncio.sleep(0.05)
        asked_s = time.monotonic()
        assert isinstance(one.server, Vxi11Server)
        one.server.deaf = True
        with pytest.raises((NoReply, LinkLost)):
            await port.exchange(b"OUTP1 OFF;OUTP1?\n", line, timeout_s=0.5, urgent=True)
        await asyncio.gather(slow, return_exceptions=True)
        assert one.when(b"OUTP1 OFF;OUTP1?\n") - asked_s < 0.6  # 150 ms, a call of 200 ms, and the machine
        with pytest.raises(LinkLost):
            await port.exchange(b"OUTP1?\n", line, timeout_s=6.0)
        await port.close()
    gc.collect()


async def test_a_serial_resource_is_framed_as_the_driver_says(tmp_path: Path) -> None:
    async with instrument("serial", tmp_path) as one:
        settings = SerialSettings(bytesize=7, parity="E", stopbits=2)  # a PTY has neither parity nor seven bits
        for _ in range(2):
            link = await open_link(one.url, 19_200, settings=settings)
            fd = os.open(tmp_path / "gen", os.O_RDWR | os.O_NOCTTY)
            _, _, control, _, speed, _, _ = termios.tcgetattr(fd)
            os.close(fd)
            assert control & termios.CSTOPB
            assert speed == termios.B19200
            link.close()


@leaky
@every
async def test_nobody_there(kind: str, tmp_path: Path) -> None:
    async with instrument(kind, tmp_path) as one:
        one.kill()
        with pytest.raises(DeviceError, match="nothing identifies itself"):
            await open_link(one.url, 0)
    gc.collect()


async def test_a_resource_that_is_none() -> None:
    with pytest.raises(DeviceError, match="check the resource name"):
        await open_link("visa://nonsense", 0)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("visa://TCPIP::10.0.0.7::5025::SOCKET", "tcp://10.0.0.7:5025"),
        ("visa://TCPIP0::scope.lab::5025::socket", "tcp://scope.lab:5025"),
        ("visa://TCPIP::10.0.0.7::hislip0::INSTR", None),
        ("visa://TCPIP::10.0.0.7::INSTR", None),
        ("visa://ASRL/dev/ttyUSB0::INSTR", "/dev/ttyUSB0"),
        ("visa://ASRL3::INSTR", None),
    ],
)
def test_what_the_watchdog_could_open_itself(url: str, target: str | None) -> None:
    assert reopen_target(url) == target
