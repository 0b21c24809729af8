"""The daemon's end of the link, and the rules in one process: what is sent, believed, told once, and closed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.watchdog.beats import CLOSE, GEN, OPEN, QUERY, RELAY, hello

BEAT: dict[str, Any] = {
    "epoch": 2, "grant_w": 0.0, "enable_request": False, "config_hash": "abc", "progress": (1, 2),
    "oldest_sample_age_s": 0.05,
}  # fmt: skip


def beat(**change: Any) -> dict[str, Any]:
    from safety.types import State

    return {"state": State.SAFE, **BEAT, **change}


@pytest.fixture
def ends() -> Iterator[tuple[int, socket.socket]]:
    """The daemon's descriptor and the watchdog's socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(2.0)
    with theirs:
        yield ours.detach(), theirs


async def test_a_new_client_knows_nothing_and_shares_nothing(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import REASSERT_S, WatchdogClient

    os.set_inheritable(ends[0], True)
    client = WatchdogClient(ends[0], lambda text: None)
    assert (client.status, client.frame, client.pid, REASSERT_S) == (None, None, None, 1.0)
    assert os.get_inheritable(ends[0]) is os.get_blocking(ends[0]) is False
    client.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(ends[0])


async def test_a_broken_link_is_told_once_with_its_reason(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import WatchdogClient

    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    ends[1].close()
    assert client.beat(**beat()) is False
    assert told == ["the link to the watchdog broke (Broken pipe)"]
    assert client.beat(**beat()) is False
    await asyncio.sleep(0.01)
    assert len(told) == 1


async def test_a_closed_client_tells_nothing(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import WatchdogClient

    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    client.close()
    client.close()
    await asyncio.sleep(0.01)
    assert (told, ends[1].recv(10)) == ([], b"")


async def test_whoever_waits_for_an_answer_hears_of_the_end(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import WatchdogClient, WatchdogError

    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    task = asyncio.create_task(client.hello(hello(), timeout_s=5.0))
    await asyncio.sleep(0)
    ends[1].close()
    with pytest.raises(WatchdogError, match=r"^the watchdog has ended$"):
        await task
    assert told == ["the watchdog has ended"]
    with pytest.raises(WatchdogError, match=r"^the watchdog is gone$"):
        await client.hello(hello())


async def test_only_the_answer_is_an_answer(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import WatchdogClient, WatchdogError

    client = WatchdogClient(ends[0], lambda text: None)
    ends[1].send(b'{"message": "ready", "pid": 1}')  # asked by nobody
    await asyncio.sleep(0.01)
    task = asyncio.create_task(client.hello(hello()))
    await asyncio.sleep(0)
    ends[1].send(b"{noise")
    ends[1].send(b'{"message": "refused"}')
    ends[1].send(b'{"message": "ready", "pid": 4}')
    with pytest.raises(WatchdogError, match=r"^the watchdog refuses: refused$"):
        await task
    assert client.pid is None
    client.close()


async def test_bye_without_an_answer_closes(ends: tuple[int, socket.socket]) -> None:
    from safety.watchdog.client import WatchdogClient

    told: list[str] = []
    client = WatchdogClient(ends[0], told.append)
    begin_s = asyncio.get_running_loop().time()
    await client.bye()
    assert 0.5 <= asyncio.get_running_loop().time() - begin_s < 1.5
    assert ends[1].recv(100) == b'{"message": "bye"}'
    assert (ends[1].recv(10), told) == (b"", [])


class Bench:
    """The rules in this process over lists; a relay that answers when told."""

    def __init__(self, **words: Any) -> None:
        from safety.watchdog.client import InProcessWatchdog

        self.log: list[Any] = []
        self.cuts: list[Any] = []
        self.at: Any = InProcessWatchdog(
            write_off=lambda device, data: self.log.append((device, data)),
            write_enable=self.log.append,
            on_cut=self.cut,
            **words,
        )

    def cut(self, trip: Any) -> None:
        self.log.append("cut")
        self.cuts.append(trip)


OFF = [("gen", data) for data in (GEN.resync, *GEN.off)]


@pytest.mark.virtual
async def test_before_hello_nothing_is_done() -> None:
    from safety.types import State
    from safety.watchdog.frames import Hello

    made = Bench()
    assert (made.at.status, made.at.frame, made.at.pid, made.at.cut) == (None, None, None, None)
    made.at.feed_enable(b"\1\0\0\0")
    await made.at.hello(Hello(((GEN, None),)))
    assert made.log == []
    made.at.feed_enable(b"\1\0\0\0")
    assert made.at.beat(**beat(progress=()))
    assert made.at.status is not None
    assert (made.at.status.t_s, made.at.status.enable_closed, made.at.status.ready) == (0.0, None, False)
    await made.at.bye()
    assert made.log == OFF
    assert made.at.beat(**beat(state=State.SAFE)) is False


@pytest.mark.virtual
async def test_an_answer_belongs_to_its_question() -> None:
    made: Any = Bench()
    await made.at.hello(hello(enable=(RELAY, None)))
    assert made.log == [OPEN]
    await asyncio.sleep(0.031)
    assert made.log == [OPEN, QUERY]
    made.at.feed_enable(b"\1\0")
    assert made.at.beat(**beat())
    status: Any = made.at.status
    assert status.enable_closed is None
    await asyncio.sleep(0.01)
    made.at.feed_enable(b"\0\0")
    made.at.beat(**beat())
    assert made.at.frame is not None
    assert (made.at.status.enable_closed, made.at.frame.enable_read_age_ms) == (True, 11)  # asked 10 ms ago and a bit
    made.log.clear()
    await asyncio.sleep(0.3)
    assert made.log.count(QUERY) == 1
    assert QUERY * 2 in made.log  # one question more than answers may come
    told: list[bool | None] = []
    for _ in range(2):
        made.at.feed_enable(b"\0\0\0\0")
        await asyncio.sleep(0.001)
        made.at.beat(**beat())
        told.append(made.at.status.enable_closed)
    assert told == [True, False]
    made.at.close()


@pytest.mark.virtual
async def test_a_cut_is_off_before_and_after_the_daemon_and_each_second() -> None:
    made = Bench(lease_s=0.25)
    await made.at.hello(hello())
    made.at.beat(**beat())
    made.log.clear()
    await asyncio.sleep(1.001)  # the lease of an idle daemon
    acts = [entry for entry in made.log if entry[:3] != QUERY]
    while acts[0] == OPEN and acts[1] == OPEN:
        acts.pop(0)
    assert acts == [OPEN, *OFF, "cut", *OFF]
    (trip,) = made.cuts
    assert (trip.hazard, trip.channel, trip.t_s) == ("H24", "lease", pytest.approx(1.0))
    assert made.at.cut is not None
    made.log.clear()
    await asyncio.sleep(2.0)
    assert made.log == [OPEN, *OFF] * 2
    made.at.close()
    await asyncio.sleep(3.0)
    assert len(made.log) == 8


@pytest.mark.virtual
async def test_bye_of_one_that_fires_is_a_cut() -> None:
    from safety.types import State

    made = Bench()
    await made.at.hello(hello())
    made.at.beat(**beat(state=State.FIRING, grant_w=5.0))
    await made.at.bye()
    assert [trip.channel for trip in made.cuts] == ["bye"]
    assert made.log.count("cut") == 1
    assert CLOSE not in made.log
    made.at.close()


@pytest.mark.virtual
async def test_off_that_cannot_be_written_stops_nothing() -> None:
    made = Bench(latched=lambda: True)
    failed: list[bytes] = []

    def fails(device: str, data: bytes) -> None:
        failed.append(data)
        raise OSError("gone")

    made.at._write_off = fails
    await made.at.hello(hello())
    made.at.beat(**beat())
    assert made.at.frame is not None
    assert made.at.frame.latched is True
    await made.at.bye()
    assert failed == [GEN.resync, *GEN.off]
