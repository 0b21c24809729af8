"""The port: order, time-outs, resynchronisation, loss."""

from __future__ import annotations

import asyncio

import pytest

from drivers.contract import BadReply, LinkLost, NoReply, Refused
from drivers.testing.links import RoughLink, ScriptedLink, TableLink
from drivers.transport.port import LinkPort

pytestmark = pytest.mark.virtual

ECHO = {b"a\n": b"A\n", b"b\n": b"B\n", b"off\n": b"OFF\n", b"id\n": b"ID\n"}


def line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n")
    if end < 0:
        return None
    found = bytes(buffer[:end])
    del buffer[: end + 1]
    if found == b"bad":
        raise BadReply("bad", found)
    if found == b"no":
        raise Refused("no")
    return found


def until_id(buffer: bytearray) -> bytes | None:
    at = buffer.find(b"ID\n")
    if at < 0:
        return None
    del buffer[: at + 3]
    return b"ID"


def port_over(table: dict[bytes, bytes | list[bytes]]) -> tuple[LinkPort, RoughLink]:
    link = RoughLink(TableLink(dict(table)))
    return LinkPort(link, "memory"), link


async def test_exchange_tells_when_its_request_left() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.03
    await asyncio.sleep(1.0)
    first = asyncio.ensure_future(port.exchange(b"a\n", line))
    second = asyncio.ensure_future(port.exchange(b"b\n", line))
    assert await first == b"A"
    assert port.t_request_s == pytest.approx(1.0)
    assert await second == b"B"
    assert port.t_request_s == pytest.approx(1.03)
    assert port.now() == pytest.approx(1.06)
    assert port.counters.exchanges == 2


async def test_scripted_link_plays_pairs_in_order() -> None:
    link = ScriptedLink([(b"a\n", b"A\n"), (b"x", None), (b"b\n", b"B\n")])
    port = LinkPort(link, "script")
    assert await port.exchange(b"a\n", line) == b"A"
    await port.send(b"x")
    assert await port.exchange(b"b\n", line) == b"B"
    link.done()
    with pytest.raises(AssertionError, match="nothing more was expected"):
        link.write(b"a\n")


async def test_silence_is_no_reply_after_the_time_out() -> None:
    port, link = port_over(ECHO)
    link.mute = True
    with pytest.raises(NoReply, match=r"no reply to b'a\\n' within 0.2 s"):
        await port.exchange(b"a\n", line)
    assert port.now() == pytest.approx(0.2)
    assert port.counters.timeouts == 1


async def test_late_reply_is_thrown_away_by_the_marker() -> None:
    port, link = port_over(ECHO)
    port.set_marker(b"id\n", until_id)
    link.delay_s = 0.3
    with pytest.raises(NoReply):
        await port.exchange(b"a\n", line, timeout_s=0.1)
    link.delay_s = 0.0
    assert await port.exchange(b"b\n", line) == b"B"
    assert [w.data for w in link.written] == [b"a\n", b"id\n", b"b\n"]
    assert port.t_request_s >= 0.3
    assert port.counters.resyncs == 1


async def test_constant_lateness_never_shifts_replies_by_one() -> None:
    port, link = port_over({b"a\n": [b"1\n", b"2\n", b"3\n", b"4\n", b"5\n", b"6\n"], b"id\n": b"ID\n"})
    port.set_marker(b"id\n", until_id)
    link.delay_s = 0.12
    for _ in range(3):
        with pytest.raises(NoReply):
            await port.exchange(b"a\n", line, timeout_s=0.1)
    link.delay_s = 0.05
    assert await port.exchange(b"a\n", line, timeout_s=0.1) == b"4"


async def test_without_a_marker_silence_brings_it_back_in_step() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.2
    with pytest.raises(NoReply):
        await port.exchange(b"a\n", line, timeout_s=0.1)
    link.delay_s = 0.0
    assert await port.exchange(b"b\n", line) == b"B"
    assert link.written[-1].t_s == pytest.approx(0.22)  # the late reply came at 0.2, then 20 ms of silence


async def test_lost_reply_costs_the_late_window_only() -> None:
    port, link = port_over(ECHO)
    link.mute = True
    with pytest.raises(NoReply):
        await port.exchange(b"a\n", line, timeout_s=0.1)
    link.mute = False
    assert await port.exchange(b"b\n", line) == b"B"
    assert link.written[-1].t_s == pytest.approx(0.25)


async def test_urgent_goes_before_everything_that_waits() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.01
    waiting = [asyncio.ensure_future(port.exchange(b"a\n", line)) for _ in range(4)]
    await asyncio.sleep(0.001)
    assert await port.exchange(b"off\n", line, urgent=True) == b"OFF"
    await asyncio.gather(*waiting)
    assert [w.data for w in link.written] == [b"a\n", b"off\n", b"a\n", b"a\n", b"a\n"]


async def test_urgent_waits_for_nothing_but_the_exchange_in_flight() -> None:
    port, link = port_over(ECHO)
    port.set_marker(b"id\n", until_id)
    link.mute = True
    with pytest.raises(NoReply):
        await port.exchange(b"a\n", line, timeout_s=0.1)
    blocked = asyncio.ensure_future(port.exchange(b"b\n", line))
    await asyncio.sleep(0.05)  # the marker has been sent and is not answered
    assert link.written[-1].data == b"id\n"
    link.mute = False
    assert await port.exchange(b"off\n", line, urgent=True) == b"OFF"
    off = next(w for w in link.written if w.data == b"off\n")
    assert off.t_s == pytest.approx(0.15)
    assert await blocked == b"B"
    assert [w.data for w in link.written] == [b"a\n", b"id\n", b"off\n", b"id\n", b"b\n"]


async def test_port_that_does_not_come_back_fails_what_waits() -> None:
    port, link = port_over(ECHO)
    port.set_marker(b"id\n", until_id)
    link.mute = True
    for _ in range(3):
        with pytest.raises(NoReply):
            await port.exchange(b"a\n", line, timeout_s=0.1)
    assert port.now() == pytest.approx(0.1 + 2 * 0.52)


async def test_cancelled_while_in_flight_and_while_waiting() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.05
    flying = asyncio.ensure_future(port.exchange(b"a\n", line))
    waiting = asyncio.ensure_future(port.exchange(b"a\n", line))
    await asyncio.sleep(0.01)
    waiting.cancel()
    flying.cancel()
    await asyncio.gather(flying, waiting, return_exceptions=True)
    assert await port.exchange(b"b\n", line) == b"B"
    assert [w.data for w in link.written] == [b"a\n", b"b\n"]
    assert port.counters.cancelled == 2


async def test_before_send_is_asked_with_the_port_held() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.05
    allowed = True
    first = asyncio.ensure_future(port.exchange(b"a\n", line))
    second = asyncio.ensure_future(port.exchange(b"b\n", line, before_send=lambda: allowed))
    await asyncio.sleep(0.01)
    allowed = False
    assert await first == b"A"
    with pytest.raises(Refused, match="no longer allowed"):
        await second
    assert len(link.written) == 1


async def test_before_send_that_raises_fails_its_own_request_only() -> None:
    port, _ = port_over(ECHO)

    def broken() -> bool:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await port.exchange(b"a\n", line, before_send=broken)
    assert await port.exchange(b"b\n", line) == b"B"


async def test_a_no_leaves_the_port_in_step_and_a_bad_reply_does_not() -> None:
    port, link = port_over({b"a\n": [b"no\n", b"bad\n", b"A\n"]})
    with pytest.raises(Refused):
        await port.exchange(b"a\n", line)
    assert port.counters.refused == 1
    with pytest.raises(BadReply):
        await port.exchange(b"a\n", line)
    assert link.written[-1].t_s == 0.0
    assert await port.exchange(b"a\n", line) == b"A"
    assert link.written[-1].t_s == pytest.approx(0.15)
    assert port.counters.bad_replies == 1


async def test_a_codec_that_fails_does_not_take_the_reader_with_it() -> None:
    port, _ = port_over(ECHO)

    def broken(_: bytearray) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await port.exchange(b"a\n", broken)
    assert await port.exchange(b"b\n", line) == b"B"


async def test_send_keeps_the_port_quiet() -> None:
    port, link = port_over({**ECHO, b"set\n": b""})
    sending = asyncio.ensure_future(port.send(b"set\n", quiet_s=0.05))
    await asyncio.sleep(0)
    assert await port.exchange(b"a\n", line) == b"A"
    assert sending.done()
    assert link.written[-1].t_s == pytest.approx(0.05)


async def test_unsolicited_bytes_are_not_an_answer() -> None:
    port, link = port_over(ECHO)
    link.tell(b"old\n")
    assert await port.exchange(b"a\n", line) == b"A"
    assert port.counters.unexpected_bytes == 4


async def test_flood_is_a_bad_reply_and_its_buffer_is_bounded() -> None:
    port, link = port_over(ECHO)
    link.mute = True
    asking = asyncio.ensure_future(port.exchange(b"a\n", line))
    await asyncio.sleep(0)
    for _ in range(100):
        link.tell(b"x" * 1000)
    with pytest.raises(BadReply, match="more than 4096 bytes"):
        await asking
    link.mute = False
    assert await port.exchange(b"b\n", line) == b"B"


async def test_a_device_that_never_falls_silent_fails_what_waits() -> None:
    port, link = port_over(ECHO)
    link.mute = True
    with pytest.raises(NoReply):
        await port.exchange(b"a\n", line, timeout_s=0.1)

    async def babble() -> None:
        while True:
            link.tell(b"x")
            await asyncio.sleep(0.01)

    task = asyncio.ensure_future(babble())
    with pytest.raises(BadReply, match="never falls silent"):
        await port.exchange(b"b\n", line)
    assert port.now() < 1.3
    off = asyncio.ensure_future(port.exchange(b"off\n", line, urgent=True))
    await asyncio.sleep(0)
    assert link.written[-1].data == b"off\n"
    task.cancel()
    await asyncio.gather(task, off, return_exceptions=True)


async def test_lost_link_fails_everything_at_once() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.05
    waiting = [asyncio.ensure_future(port.exchange(b"a\n", line)) for _ in range(3)]
    waiting.append(asyncio.ensure_future(port.exchange(b"off\n", line, urgent=True)))
    await asyncio.sleep(0.01)
    link.lose(OSError(5, "Input/output error"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(r) for r in results] == [LinkLost] * 4
    assert port.now() == pytest.approx(0.01)
    with pytest.raises(LinkLost, match="Input/output error"):
        await port.send(b"x")
    await port.close()
    await port.close()


async def test_a_write_that_fails_is_a_lost_link() -> None:
    port, link = port_over(ECHO)
    link.closed = True
    with pytest.raises(LinkLost):
        await port.exchange(b"a\n", line)


async def test_too_many_waiting_requests_are_turned_away_but_never_off() -> None:
    port, link = port_over(ECHO)
    link.delay_s = 0.001
    waiting = [asyncio.ensure_future(port.exchange(b"a\n", line)) for _ in range(65)]
    await asyncio.sleep(0)
    with pytest.raises(NoReply, match="64 requests are waiting"):
        await port.exchange(b"a\n", line)
    assert await port.exchange(b"off\n", line, urgent=True) == b"OFF"
    await asyncio.gather(*waiting)


async def test_what_nobody_asked_for_is_named_in_the_next_complaint() -> None:
    port, link = port_over(ECHO)
    link.tell(b"17.3 W\r")  # somebody else talks to this device
    assert await port.exchange(b"a\n", line) == b"A"
    with pytest.raises(NoReply, match=r"no reply to b'x\\n' within 0.2 s; before it, unasked: 31 37 2e 33 20 57 0d$"):
        await port.exchange(b"x\n", line)
    with pytest.raises(NoReply, match=r"within 0.2 s$"):
        await port.exchange(b"x\n", line)
