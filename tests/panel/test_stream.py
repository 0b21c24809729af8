"""What a page is told, when, and what it may say."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from controller.daemon.control import ControlSocket
from controller.panel import controller_role, foot, server, sockets
from controller.panel.stream import MOST_WAITING
from tests.panel.rig import TOKENS, Page, Rig, rigged


async def test_the_first_message_is_the_whole_picture(rig: Rig) -> None:
    page = await rig.page("late")
    first = (await page.receive()).json()
    assert first["type"] == "snapshot"
    assert first["you"] == {"role": "may_control", "client": "late"}
    assert first["controller"] is None
    assert first["status"]["state"] == "SAFE"
    assert first["bench"]["bench"] == "cooled-rf"
    assert first["bench"]["limits"]["tip_c"] == {"value": 60.0, "layer": "bench"}
    assert first["history"]["t_s"] == []
    status = await page.told("status")
    assert status["seq"] > first["seq"]
    assert status["status"]["t_s"] == status["t_s"] > 0.0
    await page.close()


async def test_no_tick_comes_twice_and_no_more_than_twenty_a_second(rig: Rig) -> None:
    page = await rig.page()
    await page.told("status")
    began_s = asyncio.get_running_loop().time()
    ticks = [(await page.told("status"))["status"]["ticks"] for _ in range(10)]
    assert ticks == sorted(set(ticks))
    assert asyncio.get_running_loop().time() - began_s > 0.35
    await page.close()


async def test_stop_from_any_page_and_in_front_of_everything(rig: Rig) -> None:
    page = await rig.page("looker", TOKENS.viewer)
    await page.told("snapshot")
    await page.send_json({"type": "stop", "reason": "smoke"})
    assert await page.told("answer") == {"type": "answer", "to": "stop", "ok": True}
    assert rig.daemon.asked == ["stop smoke"]
    await page.close()


async def test_stop_says_when_nobody_hears_it(short_dir: Path) -> None:
    async with rigged(short_dir, daemon=False) as rig:
        page = await rig.page()
        assert (await page.told("snapshot"))["status"] is None
        assert "does not answer" in (await page.told("gone"))["text"]
        await page.send_json({"type": "stop"})
        told = await page.told("answer")
        assert told["ok"] is False
        assert "emergency stop" in told["remedy"]
        await page.close()


async def test_a_page_that_was_there_before_the_daemon_begins_anew(short_dir: Path) -> None:
    async with rigged(short_dir, daemon=False) as rig:
        page = await rig.page()
        assert (await page.told("snapshot"))["status"] is None
        await page.told("gone")
        control = ControlSocket(rig.daemon, short_dir / "control.sock")
        await control.start()
        try:
            assert (await page.told("snapshot"))["status"]["state"] == "SAFE"
            assert (await page.told("status"))["status"]["state"] == "SAFE"
        finally:
            await control.close()
        await page.close()


async def test_ping(rig: Rig) -> None:
    page = await rig.page()
    await page.send_json({"type": "ping", "id": 7})
    told = await page.told("pong")
    assert (told["id"], type(told["sent_ms"])) == (7, int)
    await page.close()


@pytest.mark.parametrize(
    "said", ['{"type":"fire"}', "[]", "{", "null", '{"type":"foot"}', '{"type":"foot","pressed":1}']
)
async def test_there_is_no_other_word(rig: Rig, said: str) -> None:
    await rig.post("control/take")
    page = await rig.page()
    await page.send_str(said)
    assert (await page.told("refused"))["text"] == "a page says hello, stop, foot or ping"
    assert rig.daemon.asked == []
    assert rig.feet.pressed == [False]
    await page.close()


async def test_a_huge_message_ends_the_connection_and_nobody_elses(rig: Rig) -> None:
    page, other = await rig.page("a"), await rig.page("b")
    await page.send_str("x" * (sockets.MAX_MESSAGE + 1))
    while (message := await page.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert page.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG, message
    await other.told("status")
    await other.close()


async def test_too_many_pages(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MOST_VIEWERS", 2)
    pages = [await rig.page(f"p{n}") for n in range(3)]
    assert (await pages[2].receive()).json() == {"type": "refused", "text": "2 pages look already; close one"}
    await pages[1].told("status")
    for page in pages:
        await page.close()


async def test_too_many_connections_leave_the_pages_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    page = await rig.page()
    many = [await asyncio.open_connection("127.0.0.1", rig.context.port) for _ in range(6)]
    refused = [await asyncio.wait_for(reader.read(), 2.0) for reader, _ in many[-3:]]
    assert all(told.startswith(b"HTTP/1.1 503") for told in refused)
    await page.send_json({"type": "stop"})
    assert (await page.told("answer"))["ok"]
    for _, writer in many:
        writer.close()
    await page.close()


async def test_a_page_that_reads_nothing_holds_nobody(rig: Rig) -> None:
    """Its newest status replaces the one before; what may not be left out fills its queue, then it is hung up on."""
    slow, other = await rig.page("slow"), await rig.page("other")
    await other.told("snapshot")
    viewer = next(v for v in rig.context.hub._viewers if v.client == "slow")
    for n in range(MOST_WAITING + 1):  # in one turn of the loop: nothing can be sent meanwhile
        viewer.say(f'{{"type":"note","n":{n}}}')
    assert viewer.ending
    assert (await other.told("status"))["status"]["state"] == "SAFE"
    while (message := await slow.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4408)
    await other.close()


async def test_a_label_may_jump_ages_do_not(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock goes back an hour: the stream goes on, by the monotonic clock."""
    page = await rig.page()
    before = await page.told("status")
    monkeypatch.setattr("controller.panel.stream.time.time", lambda: before["sent_ms"] / 1000 - 3600)
    while (after := await page.told("status"))["sent_ms"] > before["sent_ms"] - 3_000_000:
        pass
    assert after["t_s"] > before["t_s"]
    await page.close()


# -- one controls


async def test_all_are_told_who_controls(rig: Rig) -> None:
    one, two = await rig.page("one"), await rig.page("two")
    await rig.post("control/take", client="one")
    assert [(await page.told("control"))["controller"] for page in (one, two)] == ["one", "one"]
    await rig.post("control/take", client="two")
    assert [(await page.told("control"))["controller"] for page in (one, two)] == ["two", "two"]
    again = await rig.page("two")
    assert (await again.told("snapshot"))["you"]["role"] == "controller"
    for page in (one, two, again):
        await page.close()


async def test_a_page_that_is_gone_controls_no_more_and_a_reload_does(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller_role, "GRACE_S", 1.0)
    other, page = await rig.page("other"), await rig.page("page-1")
    await rig.post("control/take")
    await page.close()
    page = await rig.page("page-1")
    assert (await page.told("snapshot"))["you"]["role"] == "controller"
    await asyncio.sleep(1.1)
    assert rig.context.role.now == "page-1"
    await page.close()
    assert (await other.told("control"))["controller"] == "page-1"
    assert (await other.told("control"))["controller"] is None
    await other.close()


# -- the footswitch


async def pressing(rig: Rig) -> Page:
    await rig.post("control/take")
    page = await rig.page()
    await page.told("snapshot")
    await page.send_json({"type": "foot", "pressed": True})
    await rig.until(lambda: rig.feet.pressed[-1], "a press")
    return page


async def test_silence_lets_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert foot.HELD_S == 0.3
    monkeypatch.setattr(foot, "HELD_S", 0.6)
    page = await pressing(rig)
    for _ in range(5):
        await asyncio.sleep(0.1)
        await page.send_json({"type": "foot", "pressed": True})
    assert rig.feet.pressed[:1] + rig.feet.pressed[-1:] == [False, True]
    began_s = asyncio.get_running_loop().time()
    await rig.until(lambda: not rig.feet.pressed[-1], "letting go")
    assert asyncio.get_running_loop().time() - began_s > 0.3
    await page.close()


@pytest.mark.parametrize("how", ["said", "closed", "stop", "taken", "stopped by another"])
async def test_it_is_let_go_at_once(rig: Rig, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foot, "HELD_S", 60.0)
    page = await pressing(rig)
    match how:
        case "said":
            await page.send_json({"type": "foot", "pressed": False})
        case "closed":
            await page.close()
        case "stop":
            await page.send_json({"type": "stop"})
        case "taken":
            await rig.post("control/take", client="other")
        case _:
            await rig.post("stop", token=TOKENS.viewer, client="other")
    await rig.until(lambda: not rig.feet.pressed[-1], "letting go")
    await page.close()


async def test_only_who_controls_has_a_foot(rig: Rig) -> None:
    looker, other = await rig.page("page-1", TOKENS.viewer), await rig.page("other")
    await rig.post("control/take")
    for page in (looker, other):
        await page.send_json({"type": "foot", "pressed": True})
        assert (await page.told("refused"))["text"] == "only the page that controls may press the footswitch"
        await page.close()
    assert True not in rig.feet.pressed


async def test_a_real_bench_has_a_footswitch_of_its_own(short_dir: Path) -> None:
    async with rigged(short_dir, foot=False) as rig:
        await rig.post("control/take")
        page = await rig.page()
        assert (await page.told("snapshot"))["bench"]["foot"] is False
        await page.send_json({"type": "foot", "pressed": True})
        assert "press it, or `ablate start`" in (await page.told("refused"))["text"]
        assert rig.feet.pressed == [False]
        await page.close()


async def test_the_end_of_the_panel_is_told(short_dir: Path) -> None:
    async with rigged(short_dir) as rig:
        page = await pressing(rig)
        feet = rig.feet
        closing = asyncio.create_task(page.told("gone"))
        await asyncio.sleep(0)
    assert feet.pressed[-1] is False
    assert closing.done()
    assert closing.result()["text"] == "The bench has ended."


async def test_the_specimen_is_asked_for_once_in_two_seconds(rig: Rig) -> None:
    status, told = await rig.get("specimen")
    assert (status, told["error"]) == (404, "nobody knows what the tissue looks like inside")
    rig.feet.zone = {"zone": {"long_axis_mm": 1.0}, "picture": None}
    assert (await rig.get("specimen"))[0] == 404  # still the same answer
    assert rig.feet.asked == 1


def test_nothing_of_the_stream_is_a_number_that_no_browser_reads() -> None:
    from controller.panel.api import compact

    assert json.loads(compact({"a": [float("nan"), float("inf"), 1.5], "b": (float("-inf"),)})) == {
        "a": [None, None, 1.5],
        "b": [None],
    }


async def test_a_page_that_says_stop_and_goes_is_heard(rig: Rig) -> None:
    page = await rig.page("hasty", TOKENS.viewer)
    await page.told("snapshot")
    await page.send_json({"type": "stop", "reason": "and gone"})
    await page.close()
    await rig.until(lambda: rig.daemon.asked == ["stop and gone"], "STOP")


async def test_a_flood_of_stops_is_a_stop(rig: Rig) -> None:
    page = await rig.page()
    await page.told("snapshot")
    for _ in range(500):
        await page.send_json({"type": "stop"})
    assert (await page.told("answer"))["ok"]
    assert "stop stop" in rig.daemon.asked
    assert (await page.told("status"))["status"]["state"] == "SAFE"
    await page.close()
