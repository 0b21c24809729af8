"""The kit finds what it is for: drivers that are wrong in one thing each fail the test of that thing."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import DeviceError, Identity, NoReply, Refused
from drivers.guarded import Allowed
from drivers.tc_cxn import codec
from drivers.tc_cxn.driver import TIMEOUT_S, TcCxn
from drivers.testing.desk import raises
from drivers.testing.uart import Framing, misread
from safety.safeoff import SafeOffPlan
from safety.types import Quality, Sample, Setpoint
from tests.docs.blocks import ROOT
from tests.docs.test_guides import programs
from tests.drivers.test_conformance_emulated import TestTcCxn as Kit
from tests.drivers.test_sairem import TestTcp as TcpKit


class Queues(TcCxn):
    """Its off waits for its turn."""

    async def _off_command(self, command: bytes) -> None:
        await self.port.exchange(command, codec.take_ack, timeout_s=TIMEOUT_S)


class Slow(TcCxn):
    """Its off is urgent, behind exchanges that are given a second."""

    async def poll(self) -> list[Sample]:
        try:
            await self.port.exchange(self._gp, partial(codec.take_data, length=6), timeout_s=1.0)
        except NoReply:
            return []
        return await super().poll()


class Insists(TcCxn):
    """It turns on twice."""

    async def _send_on(self, allowed: Allowed) -> None:
        try:
            await super()._send_on(allowed)
        except NoReply:
            await super()._send_on(allowed)


class Clamps(TcCxn):
    """It gives what it can instead of what was asked for."""

    async def apply(self, setpoint: Setpoint) -> None:
        if self._max_w is not None and setpoint.power_w > self._max_w:
            setpoint = Setpoint(self._max_w, setpoint.epoch, setpoint.expires_at_s, "clamped")
        await super().apply(setpoint)


class Tenfold(TcCxn):
    """It takes watts for tenths of them."""

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await super()._send_power(power_w * 10.0, allowed)


class Computes(TcCxn):
    """It keeps the loop for 30 ms."""

    async def poll(self) -> list[Sample]:
        until_s = time.thread_time() + 0.03
        while time.thread_time() < until_s:
            pass
        return await super().poll()


class Waits(TcCxn):
    """It waits for 30 ms, and everybody with it."""

    async def poll(self) -> list[Sample]:
        select.select([], [], [], 0.03)
        return await super().poll()


class Dates(TcCxn):
    """It dates samples by the wall clock."""

    async def poll(self) -> list[Sample]:
        return [Sample(s.channel, s.value, time.time(), s.quality) for s in await super().poll()]


class Mumbles(TcCxn):
    """It does not say what it heard, nor where."""

    async def connect(self) -> Identity:
        try:
            return await super().connect()
        except DeviceError as error:
            raise DeviceError(self.name, "no generator", "look at it again") from error


class Remembers(TcCxn):
    """Without an answer it tells the last one again."""

    last: list[Sample] = []

    async def poll(self) -> list[Sample]:
        self.last = await super().poll() or self.last
        return self.last


class Feeds(TcCxn):
    """It tells the set-point again with each poll, permitted or not."""

    async def poll(self) -> list[Sample]:
        if self._on and self._set_w:
            await self._send_power(self._set_w, lambda: True)
        return await super().poll()


class Dawdles(TcCxn):
    """Its set-point takes a tick and more."""

    async def apply(self, setpoint: Setpoint) -> None:
        await asyncio.sleep(0.06)
        await super().apply(setpoint)


class Believes(TcCxn):
    """Its plan takes every answer for off."""

    def safe_off_plan(self) -> SafeOffPlan:
        plan = super().safe_off_plan()
        return replace(plan, readbacks=tuple(replace(readback, mask=0) for readback in plan.readbacks))


class Doubts(TcCxn):
    """Its plan awaits a longer answer than there is."""

    def safe_off_plan(self) -> SafeOffPlan:
        plan = super().safe_off_plan()
        first = replace(plan.readbacks[0], reply_length=plan.readbacks[0].reply_length + 1)
        return replace(plan, readbacks=(first, *plan.readbacks[1:]))


class Asks(TcCxn):
    """Its plan only asks."""

    def safe_off_plan(self) -> SafeOffPlan:
        plan = super().safe_off_plan()
        return replace(plan, off=(plan.readbacks[0].query,))


class Extra(TcCxn):
    """It tells what it has not declared."""

    async def poll(self) -> list[Sample]:
        return [*(samples := await super().poll()), samples[-1]._replace(channel="dut.mains_v")]


class Shorted(TcCxn):
    """Without power it tells 0 ohm as if it had measured that."""

    async def poll(self) -> list[Sample]:
        samples = await super().poll()
        return [*samples, samples[-1]._replace(channel="dut.impedance_ohm", value=0.0)]


class Blank(TcCxn):
    """Soon after the last set-point its impedance is none, as of a generator that must be kept alive."""

    told_s = 0.0

    async def apply(self, setpoint: Setpoint) -> None:
        self.told_s = self.port.now()
        await super().apply(setpoint)

    async def poll(self) -> list[Sample]:
        samples, none = await super().poll(), self.port.now() - self.told_s > 0.6
        return [s._replace(quality=Quality.BAD) if none and "_ohm" in s.channel else s for s in samples]


@pytest.mark.parametrize(
    "driver, tests",
    [
        (Queues, ["off_while_busy", "off_goes_ahead_of_the_queue", "off_after_timeout"]),
        (Slow, ["off_while_busy"]),
        (Insists, ["power_is_never_retried"]),
        (Clamps, ["range_refused_by_driver"]),
        (Tenfold, ["set_readback_within_tolerance", "unit_scaling"]),
        (Computes, ["no_blocking_call_in_loop"]),
        (Waits, ["no_blocking_call_in_loop"]),
        (Dates, ["clock_skew", "samples_are_declared_dated_and_in_range"]),
        (Mumbles, ["wrong_device", "a_device_that_is_not_there_is_an_error_with_a_remedy"]),
        (Remembers, ["mute_device_gives_nothing", "echo_on"]),
        (Extra, ["samples_are_declared_dated_and_in_range"]),
        (Shorted, ["samples_are_declared_dated_and_in_range"]),
        (Feeds, ["nothing_but_a_setpoint_keeps_it_on"]),
        (Dawdles, ["keeps_up_with_the_tick"]),
        (Believes, ["the_plan_turns_it_off_and_proves_it"]),
        (Doubts, ["the_plan_turns_it_off_and_proves_it"]),
        (Asks, ["the_plan_turns_it_off_and_proves_it"]),
    ],
)
def test_one_fault_is_found(driver: type[TcCxn], tests: list[str]) -> None:
    kit: Any = type("Wrong", (Kit,), {"driver": driver})()
    for name in tests:
        with pytest.raises(AssertionError):
            getattr(kit, f"test_{name}")()


def test_a_checksum_that_is_not_there_is_missed() -> None:
    """Modbus TCP has none: a kit that claims one finds readings made of damaged answers."""
    kit: Any = type("Claims", (TcpKit,), {"checked": True})()
    with pytest.raises(AssertionError, match="a damaged byte"):
        kit.test_damaged_answers()


def test_what_a_failure_tells() -> None:
    """The limit, what was found and what to do; and who should have raised what."""
    kit: Any = type("Wrong", (Kit,), {"driver": Dawdles})()
    with pytest.raises(AssertionError, match=r"took 6\d ms .* a tick is 50 ms: fewer or shorter exchanges"):
        kit.test_keeps_up_with_the_tick()
    kit = type("Wrong", (Kit,), {"driver": Feeds})()
    with pytest.raises(AssertionError, match="before_send"):
        kit.test_nothing_but_a_setpoint_keeps_it_on()
    with pytest.raises(AssertionError, match="sleep raised nothing, NoReply or Refused was due: because"):
        asyncio.run(raises((NoReply, Refused), asyncio.sleep(0), "because"))


def test_a_failed_test_leaves_nothing_under_way(caplog: pytest.LogCaptureFixture) -> None:
    """Else asyncio tells of it whenever that is collected, in the middle of the next failure."""
    kit: Any = type("Wrong", (Kit,), {"driver": Asks})()
    with pytest.raises(AssertionError, match=r"first off .* was not written"):
        kit.test_off_after_timeout()
    gc.collect()
    assert "never retrieved" not in caplog.text


NUMBERS = """
from drivers.testing.conformance import DriverConformance
from drivers.testing.links import TableLink
from sim.clock import VirtualLoop
from thermo import Thermometer


class TestThermometer(DriverConformance):
    driver, loop_factory, truth = Thermometer, VirtualLoop, {"tissue_c": 37.0}

    def link_factory(self):
        return TableLink({b"ID?\\r\\n": b"ID my-thermometer 0007\\r\\n", b"T?\\r\\n": b"T 21.5\\r\\n"})
"""


@pytest.mark.process
def test_a_bare_assert_of_the_kit_shows_its_numbers(tmp_path: Path) -> None:
    """As one of the test file itself would: 21.5 where 37 is true."""
    (tmp_path / "thermo.py").write_text(programs("write-a-driver.md")["thermo.py"])
    (tmp_path / "test_thermo.py").write_text(NUMBERS)
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-k", "unit_scaling"]
    places = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    told = subprocess.run(run, cwd=tmp_path, env=places, capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 1, told.stdout
    assert "(21.5 - 37.0)" in told.stdout


@pytest.mark.parametrize("test", ["wrong_length", "wrong_notation"])
def test_a_reading_that_ends_with_the_power_is_none_of_a_stranger(test: str) -> None:
    """The dead-man lets go while the line is disturbed, and one channel has nothing more to tell."""
    kit: Any = type("Right", (Kit,), {"driver": Blank})()
    getattr(kit, f"test_{test}")()


@pytest.mark.parametrize(
    "sent, read, data, made",
    [
        (Framing(), Framing(), "00 55 FF 0D", "00 55 FF 0D"),
        (Framing(parity="E"), Framing(), "01 03 0D", "01 00 0D"),  # the parity bit where the stop bit should be
        (Framing(parity="O"), Framing(), "01 03 0D", "00 03 00"),
        (Framing(bits=7, parity="E"), Framing(), "41 43", "41 C3"),  # the parity bit as the eighth
        (Framing(), Framing(0.5), "00", "F8"),
        (Framing(), Framing(2.0), "00", "00"),  # low for longer than a character: a break
    ],
)
def test_what_a_uart_makes_of_another_framing(sent: Framing, read: Framing, data: str, made: str) -> None:
    assert misread(sent, read)(bytes.fromhex(data)) == bytes.fromhex(made)
