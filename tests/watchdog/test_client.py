"""The daemon's side: what it sends, what it believes, and the same rules in one process on virtual time."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from safety.types import State, Trip, WatchdogStatus
from safety.watchdog.client import InProcessWatchdog, Watchdog, WatchdogClient, WatchdogError
from safety.watchdog.frames import ENVIRONMENT, Heartbeat, StatusFrame, pack_status, unpack_heartbeat
from tests.watchdog.beats import CLOSE, GEN, OPEN, QUERY, RELAY, RF_OFF, SET_0_W, hello

IDLE: dict[str, Any] = {
    "state": State.SAFE,
    "epoch": 1,
    "grant_w": 0.0,
    "enable_request": False,
    "config_hash": "f00",
    "progress": (0, 0),
    "oldest_sample_age_s": 0.05,
}
FIRE: dict[str, Any] = {**IDLE, "state": State.FIRING, "epoch": 2, "grant_w": 50.0, "enable_request": True}


@pytest.fixture
def ends() -> Iterator[tuple[int, socket.socket]]:
    """The daemon's descriptor and the watchdog's socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(2.0)
    with theirs:
        yield ours.detach(), theirs


def heard(theirs: socket.socket) -> Heartbeat:
    frame = unpack_heartbeat(theirs.recv(4096))
    assert frame is not None
    return frame


async def until(what: Any) -> None:
    async with asyncio.timeout(2.0):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_beats_are_numbered_dated_and_in_wire_units(ends: tuple[int, socket.socket]) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    before_s = asyncio.get_running_loop().time()
    assert client.beat(**{**FIRE, "grant_w": 12.3456, "progress": (70000, 3)})
    assert client.beat(**FIRE)
    first, second = heard(ends[1]), heard(ends[1])
    assert (first.seq, second.seq) == (1, 2)
    assert (first.state, first.epoch, first.grant_mw, first.enable_request) == (State.FIRING, 2, 12346, True)
    assert (first.progress, first.oldest_sample_age_ms) == ((4464, 3), 50)
    assert 0 <= first.t_mono_ns / 1e9 - before_s < 2.0
    assert len(first.config_hash8) == 8
    client.close()
    assert not client.beat(**FIRE)


@pytest.mark.parametrize("grant_w", [float("nan"), float("inf"), 1e300])
async def test_a_grant_that_is_no_number_is_the_largest_there_is(
    ends: tuple[int, socket.socket], grant_w: float
) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    client.beat(**{**IDLE, "grant_w": grant_w})
    assert heard(ends[1]).grant_mw == 4294967295
    client.close()


async def test_a_beat_that_cannot_be_sent_says_so_and_takes_no_number(ends: tuple[int, socket.socket]) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    sent = 0
    while client.beat(**IDLE):
        sent += 1
        assert sent < 10000
    assert heard(ends[1]).seq == 1
    assert client.beat(**IDLE)
    numbers = [heard(ends[1]).seq for _ in range(sent)]
    assert numbers == list(range(2, sent + 2))
    client.close()


async def test_a_status_is_dated_by_its_sending(ends: tuple[int, socket.socket]) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    assert client.status is None
    now_s = asyncio.get_running_loop().time()
    frame = StatusFrame(1, round((now_s - 5.0) * 1e9), True, False, False, True, True, False, 40, 200)
    ends[1].send(b"noise")
    ends[1].send(pack_status(frame))
    await until(lambda: client.frame)
    assert client.frame == frame
    assert client.status is not None
    assert client.status == WatchdogStatus(pytest.approx(now_s - 5.0, abs=1e-6), True, False, True)
    client.close()


async def test_the_end_of_the_watchdog_is_told_once(ends: tuple[int, socket.socket]) -> None:
    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    ends[1].close()
    await until(lambda: told)
    assert not client.beat(**IDLE)
    client.close()
    assert told == ["the watchdog has ended"]
    with pytest.raises(WatchdogError):
        await client.hello(hello())


async def test_hello_passes_descriptors_and_waits_for_ready(ends: tuple[int, socket.socket]) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    read, write = os.pipe()
    task = asyncio.create_task(client.hello(hello(plans=((GEN, write),), enable=(RELAY, write))))
    await asyncio.sleep(0)
    data, fds, _, _ = socket.recv_fds(ends[1], 65536, 8)
    assert json.loads(data)["message"] == "hello"
    os.write(fds[1], b"x")
    assert os.read(read, 1) == b"x"
    ends[1].send(b'{"message": "ready", "pid": 4711, "lease_ms": 200}')
    await task
    assert client.pid == 4711
    client.close()
    for fd in (read, write, *fds):
        os.close(fd)


async def test_a_refusal_and_a_silence_are_errors(ends: tuple[int, socket.socket]) -> None:
    client = WatchdogClient(ends[0], lambda text: None)
    task = asyncio.create_task(client.hello(hello()))
    await asyncio.sleep(0)
    ends[1].send(b'{"message": "refused", "why": "a lease of 200 ms cannot guard a tick of 1000 ms: tick faster"}')
    with pytest.raises(WatchdogError, match="cannot guard a tick of 1000 ms"):
        await task
    with pytest.raises(WatchdogError, match="does not answer"):
        await client.hello(hello(), timeout_s=0.01)
    client.close()


async def test_bye_closes_and_is_not_a_loss(ends: tuple[int, socket.socket]) -> None:
    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    task = asyncio.create_task(client.bye())
    await asyncio.sleep(0)
    assert ends[1].recv(100) == b'{"message": "bye"}'
    ends[1].send(b'{"message": "bye"}')
    await task
    assert ends[1].recv(100) == b""
    assert told == []


async def test_without_a_watchdog_there_is_an_error_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in ("", "x", "99999"):
        monkeypatch.setenv(ENVIRONMENT, number)
        with pytest.raises(WatchdogError, match="start the daemon with `ablate serve`"):
            WatchdogClient.from_environment(lambda text: None)


class Rehearsed:
    """An in-process watchdog over lists, and a relay that answers at once."""

    def __init__(self) -> None:
        self.off: list[tuple[str, bytes]] = []
        self.relay: list[bytes] = []
        self.cuts: list[Trip] = []
        self.latched = False
        self.answers = True
        self.watchdog = InProcessWatchdog(
            write_off=lambda device, data: self.off.append((device, data)),
            write_enable=self.write,
            on_cut=self.cuts.append,
            latched=lambda: self.latched,
        )

    def write(self, data: bytes) -> None:
        self.relay.append(data)
        for _ in range(data.count(QUERY) if self.answers else 0):
            closed = [frame for frame in self.relay if QUERY not in frame][-1] == CLOSE
            self.watchdog.feed_enable(bytes((closed,)))
            self.watchdog.feed_enable(bytes(3))

    async def beats(self, count: int, words: dict[str, Any]) -> None:
        for seq in range(count):
            await asyncio.sleep(0.05)
            assert self.watchdog.beat(**{**words, "progress": (seq + 1, seq + 1)})


@pytest.mark.virtual
async def test_in_process_closes_refreshes_and_reads_the_enable_line() -> None:
    at = Rehearsed()
    watchdog: Watchdog = at.watchdog
    await watchdog.hello(hello())
    await at.beats(40, FIRE)
    assert at.cuts == []
    assert watchdog.status == WatchdogStatus(pytest.approx(2.0), True, True, True)
    assert at.relay[0] == OPEN
    assert at.relay.count(CLOSE) in {18, 19, 20}
    assert at.relay.count(QUERY) in {18, 19, 20, 21}
    await at.beats(3, IDLE | {"epoch": 3})
    assert watchdog.status is not None
    assert (watchdog.status.enable_closed, watchdog.status.enable_commanded) == (False, False)
    await watchdog.bye()
    assert at.off == [("gen", bytes(9)), ("gen", RF_OFF), ("gen", SET_0_W)]
    assert not watchdog.beat(**IDLE)


@pytest.mark.virtual
async def test_in_process_a_lost_await_is_cut_after_200_ms_and_off_is_asserted() -> None:
    at = Rehearsed()
    loop = asyncio.get_running_loop()
    await at.watchdog.hello(hello())
    await at.beats(5, FIRE)
    begin_s = loop.time()
    while not at.cuts:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert loop.time() - begin_s == pytest.approx(0.2, abs=0.0015)
    assert at.cuts[0].channel == "lease"
    assert at.watchdog.cut is not None
    assert at.relay[-1] == OPEN
    assert len(at.off) == 6  # before the daemon's end and after it
    await asyncio.sleep(3.1)
    assert len(at.off) == 15
    assert at.watchdog.beat(**FIRE)
    assert at.watchdog.frame is not None
    assert (at.watchdog.frame.cut, at.watchdog.frame.ready) == (True, False)
    at.watchdog.close()
    await asyncio.sleep(5.0)
    assert len(at.off) == 15


@pytest.mark.virtual
async def test_in_process_a_silent_relay_is_unknown_and_a_latch_is_not_ready() -> None:
    at = Rehearsed()
    at.answers = False
    await at.watchdog.hello(hello())
    await at.beats(5, IDLE)
    assert at.watchdog.status == WatchdogStatus(pytest.approx(0.25), True, None, False)
    at.answers, at.latched = True, True
    await at.beats(5, IDLE)
    assert at.watchdog.status == WatchdogStatus(pytest.approx(0.5), False, False, False)
    at.latched = False
    await at.beats(1, IDLE)
    assert at.watchdog.status.ready
    at.watchdog.close()


@pytest.mark.virtual
async def test_in_process_refuses_what_it_cannot_guard() -> None:
    at = Rehearsed()
    with pytest.raises(WatchdogError, match="tick faster"):
        await at.watchdog.hello(hello(period_s=1.0))
