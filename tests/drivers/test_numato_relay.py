"""Numato relay: exchanges as the user guide prints them, and echoes that are never taken for a state."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, EnableLine
from drivers.kmtronic_relay.driver import KmtronicRelay
from drivers.numato_relay import codec
from drivers.numato_relay.driver import NumatoRelay, NumatoRelayOptions
from drivers.testing.roles import EnableConformance
from drivers.transport.port import LinkPort
from safety.safeoff import from_json, to_json
from sim.bench import SimBench
from tests.drivers.emulated import Alone, alone


class TestNumatoRelay(Alone, EnableConformance):
    driver, options = NumatoRelay, {"relay": 0}


class TestWithTheOtherLineEnd(Alone, EnableConformance):
    driver, options, emulator = NumatoRelay, {"relay": 11}, {"eol": "\r\n", "relays": 16}


@pytest.mark.parametrize(
    "told, state",
    [
        (b"relay read 0\n\ron\n\r>", (True, b"\n\r")),
        (b"relay read 0\r\noff\r\n>", (False, b"\r\n")),
        (b"\n\r>relay off 0\n\r>relay read 0\n\roff\n\r>", (False, b"\n\r")),
        (b"relay read 0\n\ron\n\r>relay read 0\n\roff\n\r>", (False, b"\n\r")),
        (b"relay on 0\n\r>", None),
        (b"relay read 0\n\ron", None),
    ],
)
def test_answers(told: bytes, state: tuple[bool, bytes] | None) -> None:
    assert codec.take_state(bytearray(told), 0) == state


@pytest.mark.parametrize(
    "told", [b"relay read 0\n\r>", b"relay read 0\n\r1\n\r>", b"relay read 0\n\rON\n\r>", bytes(600)]
)
def test_anything_else_is_no_state(told: bytes) -> None:
    with pytest.raises(BadReply):
        codec.take_state(bytearray(told), 0)


@given(st.lists(st.sampled_from([b"relay read 0", b"\n\r", b"on", b"off", b">", b"relay on 0", b"\xff"]), max_size=30))
def test_codec_is_total(words: list[bytes]) -> None:
    with contextlib.suppress(BadReply):
        codec.take_state(bytearray(b"".join(words)), 0)


def relay(bench: SimBench, **options: Any) -> NumatoRelay:
    settings = NumatoRelayOptions.model_validate(options)
    return NumatoRelay("enable", LinkPort(bench.open_link("sim://dut"), "socket://moxa:4001"), settings)


@pytest.mark.virtual
async def test_the_plan_is_bytes_of_the_manual() -> None:
    driver = relay(alone("numato-relay"))
    identity = await driver.connect()
    assert (identity.model, identity.serial, identity.firmware) == ("Numato relay", "00000000", "00000008")
    plan = driver.enable_plan()
    assert (plan.close, plan.open, plan.query) == (b"relay on 0\r", b"\rrelay off 0\r", b"relay read 0\r")
    assert plan.prefix == b"relay read 0\n\r"
    assert plan.reopen == "tcp://moxa:4001"
    assert from_json(to_json(plan)) == plan


@pytest.mark.virtual
async def test_an_echo_is_never_a_state() -> None:
    """H06: what the watchdog reads back is the answer to its question, whatever was echoed before it."""
    driver = relay(alone("numato-relay"))
    await driver.connect()
    plan = driver.enable_plan()
    stale = b"relay on 0\n\r>"
    for seen in (stale, stale * 3, stale + b"relay read 0\n\r", b"\n\r>relay off 0\n\r>", b"on\n\r>", b"relay read 0"):
        assert plan.closed(seen) is None
    assert plan.closed(stale + b"relay read 0\n\roff\n\r>") is False
    assert plan.closed(b"\n\r>relay off 0\n\r>relay read 0\n\ron\n\r>") is True
    assert plan.closed(b"relay read 0\n\ron\n\r>relay read 0\n\r") is None  # an older answer, the newest is on its way
    assert plan.closed(b"relay read 0\n\ron\n\r>relay read 0\n\rof") is False


@pytest.mark.virtual
@pytest.mark.parametrize("kind", [NumatoRelay, KmtronicRelay])
async def test_a_plan_alone_moves_and_reads_the_line(kind: type[EnableLine]) -> None:
    bench = alone(kind.MODEL)
    driver = kind("enable", LinkPort(bench.open_link("sim://dut"), "sim://dut"), kind.OPTIONS())
    await driver.connect()
    plan = driver.enable_plan()
    link, seen = bench.open_link("sim://dut"), bytearray()
    link.start(seen.extend, lambda _: None)
    for order, closed in ((plan.close, True), (plan.open, False), (plan.close, True), (b"rel" + plan.open, False)):
        link.write(order)
        await asyncio.sleep(0.03)
        seen.clear()
        link.write(plan.query)
        await asyncio.sleep(0.03)
        assert plan.closed(bytes(seen)) is closed


@pytest.mark.virtual
async def test_a_gpio_module_is_not_a_relay_module() -> None:
    bench = alone("numato-gpio", {"pins": {"door_closed": 0}})
    with pytest.raises(DeviceError, match=r"has no relay 0 .*a GPIO module has no relays"):
        await relay(bench).connect()


@pytest.mark.virtual
async def test_a_relay_that_does_not_open_is_told() -> None:
    bench = alone("numato-relay")
    bench.emulators["dut"].switch = lambda index, on, t_s: None
    bench.emulators["dut"].coil[0] = True
    with pytest.raises(DeviceError, match="reads closed after it was opened"):
        await relay(bench).connect()


@pytest.mark.virtual
async def test_another_module() -> None:
    with pytest.raises(DeviceError, match="expected module 'AAAAAAAA', found '00000000'"):
        await relay(alone("numato-relay"), board_id="AAAAAAAA").connect()
