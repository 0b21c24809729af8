"""The kit finds what it is for: drivers that are wrong in one thing each fail the test of that thing."""

from __future__ import annotations

import select
import time
from functools import partial
from typing import Any

import pytest

from drivers.contract import DeviceError, Identity, NoReply
from drivers.guarded import Allowed
from drivers.tc_cxn import codec
from drivers.tc_cxn.driver import TIMEOUT_S, TcCxn
from drivers.testing.uart import Framing, misread
from safety.types import Sample, Setpoint
from tests.drivers.test_conformance_emulated import TestTcCxn as Kit


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
    ],
)
def test_one_fault_is_found(driver: type[TcCxn], tests: list[str]) -> None:
    kit: Any = type("Wrong", (Kit,), {"driver": driver})()
    for name in tests:
        with pytest.raises(AssertionError):
            getattr(kit, f"test_{name}")()


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
