"""An enable line that echoes (H06): whatever was echoed before it, only the answer to the question is a state.

Bytes are those of a Numato relay module; the plan of a line without echo is read byte for byte as ever.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from safety.safeoff import EnablePlan, from_json, to_json
from safety.types import Trip
from safety.watchdog.client import InProcessWatchdog
from safety.watchdog.cutoff import Cutoff
from safety.watchdog.line import Line
from safety.watchdog.process import Process
from tests.watchdog.beats import RELAY, hello

ON, OFF, READ = b"relay on 0\r", b"\rrelay off 0\r", b"relay read 0\r"
ECHO = b"relay read 0\n\r"
PLAN = EnablePlan("enable", ON, OFF, READ, len(ECHO) + 2, len(ECHO) + 1, ord("n"), prefix=ECHO)
STALE = [b"", b"relay on 0\n\r>", b"\n\r>relay off 0\n\r>", b"relay on 0\n\r>" * 4, b"on\n\r>", b"relay read 0\n\r"]


@pytest.mark.parametrize("stale", STALE)
def test_an_echo_alone_is_no_state_and_hides_none(stale: bytes) -> None:
    for end in range(len(stale) + 1):
        assert PLAN.closed(stale[:end]) is None
    assert PLAN.closed(stale + ECHO + b"on\n\r>") is True
    assert PLAN.closed(stale + ECHO + b"off\n\r>") is False
    assert PLAN.closed(stale + ECHO + b"o") is None


def test_the_newest_answer_counts() -> None:
    assert PLAN.closed(ECHO + b"on\n\r>" + ECHO) is None
    assert PLAN.closed(ECHO + b"on\n\r>" + ECHO + b"off\n\r>") is False


def test_without_a_prefix_every_byte_is_where_it_was() -> None:
    assert RELAY.prefix == b""
    for states in ("01 00 00 00", "00 01 01 01", "02 00 00 00", "01 00 00 00 00 00"):
        reply = bytes.fromhex(states)
        assert RELAY.closed(reply) is (reply[0] == 1)
        for end in range(4):
            assert RELAY.closed(reply[:end]) is None


def test_a_plan_survives_its_json() -> None:
    assert from_json(to_json(PLAN)) == PLAN
    assert from_json(to_json(RELAY).replace('"prefix": {"hex": ""}, ', "")) == RELAY


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    theirs.close()


@pytest.fixture
def process(tmp_path: Path, ends: tuple[socket.socket, socket.socket]) -> Process:
    process = Process(tmp_path, tmp_path, "bench", 0.2)
    process.cutoff.enable = (PLAN, Line(ends[0].detach(), None, 9600))
    process._hear_enable()  # listens from now on
    return process


def hear(process: Process, read: Callable[[], object]) -> object:
    process._hear_enable()
    return read()


def test_the_process_reads_behind_the_echo(process: Process, ends: tuple[socket.socket, socket.socket]) -> None:
    device, told = ends[1], lambda: process.core._read[0]
    process._write_enable(close=True)
    assert device.recv(100) == ON
    process._write_enable(close=False)
    assert device.recv(100) == READ
    for piece, state in (
        (b"relay on 0\n\r>", None),  # the echo of "close", late
        (b"relay re", None),
        (b"ad 0\n\ro", None),
        (b"ff\n\r>", False),
    ):
        device.send(piece)
        assert hear(process, told) is state
    process._write_enable(close=False)
    device.send(ECHO + b"on\n\r>")
    assert hear(process, told) is True


@pytest.mark.parametrize("answer, closed", [(b"on\n\r>", True), (b"off\n\r>", False), (b"", None)])
def test_the_cut_asks_behind_the_echo(
    tmp_path: Path, ends: tuple[socket.socket, socket.socket], answer: bytes, closed: bool | None
) -> None:
    cutoff = Cutoff(tmp_path, "bench")
    cutoff.enable = (PLAN, Line(ends[0].detach(), None, 9600))

    def device() -> None:
        assert ends[1].recv(100) == READ
        ends[1].send(b"\n\r>relay on 0\n\r>")
        time.sleep(0.01)
        ends[1].send(ECHO + answer)

    thread = threading.Thread(target=device)
    thread.start()
    assert cutoff._enable_is_closed() is closed
    thread.join()


@pytest.mark.virtual
async def test_the_rehearsed_watchdog_reads_behind_the_echo() -> None:
    written: list[bytes] = []
    cuts: list[Trip] = []
    watchdog = InProcessWatchdog(write_off=lambda device, data: None, write_enable=written.append, on_cut=cuts.append)
    await watchdog.hello(hello(enable=(PLAN, None)))
    assert written == [OFF]
    await asyncio.sleep(0.031)
    assert written == [OFF, READ]
    for piece, state in ((b"\n\r>relay off 0\n\r>relay on 0\n\r>", None), (ECHO + b"on", True)):
        watchdog.feed_enable(piece)
        assert watchdog._core._read[0] is state
    watchdog.close()
