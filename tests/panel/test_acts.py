"""Who may act, and what becomes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.panel import acts, link
from tests.panel.rig import REFUSED, TOKENS, Rig, rigged

ACTS = ("prepare", "arm", "ack", "silence", "reset", "confirm", "bag", "mark")
BODY = {"prepare": {"protocol": "demo-30s"}, "reset": {"reason": "looked"}, "mark": {"text": "a pop"}}


@pytest.mark.parametrize("act", ACTS)
async def test_an_act_needs_the_page_that_controls(rig: Rig, act: str) -> None:
    status, told = await rig.post(act, BODY.get(act))
    assert (status, told["error"]) == (403, "nobody controls this bench")
    await rig.post("control/take", client="the-other-page")
    status, told = await rig.post(act, BODY.get(act))
    assert (status, told["error"]) == (403, "another page controls this bench (the-othe)")
    assert "take control" in told["remedy"]
    status, told = await rig.post(act, BODY.get(act), client="")
    assert status == 403
    status, told = await rig.post(act, BODY.get(act), token=TOKENS.viewer, client="the-other-page")
    assert (status, told["error"]) == (403, "this link is for looking and for STOP")
    assert rig.daemon.asked == []


async def test_acts_reach_the_daemon_as_they_were_asked(rig: Rig) -> None:
    assert await rig.post("control/take") == (200, {"ok": True, "controller": "page-1", "you": "controller"})
    asked = [
        ("prepare", {"protocol": "demo-30s", "resume": True}),
        ("arm", {}),
        ("ack", {}),
        ("silence", {}),
        ("reset", {"reason": "tube was kinked"}),
        ("confirm", {"prompt": 3, "value": 22.5}),
        ("confirm", {}),
        ("bag", {"bag_ml": 3000}),
        ("bag", {}),
        ("mark", {"text": "a pop", "ago_s": 2.5}),
    ]
    told = [await rig.post(act, body) for act, body in asked]
    assert rig.daemon.asked == [
        "prepare demo-30s True False None",
        "arm",
        "ack",
        "silence",
        "reset tube was kinked",
        "confirm 3 22.5",
        "confirm None None",
        "bag 3000.0",
        "bag None",
        "note mark {'text': 'a pop', 'ago_s': 2.5}",
    ]
    assert [status for status, _ in told] == [200] * len(asked)
    assert told[1][1] == REFUSED  # the daemon's own word, as it said it
    assert rig.daemon.who.startswith("panel page-1 (uid ")


async def test_a_viewer_may_stop_and_is_named(rig: Rig) -> None:
    assert await rig.post("stop", {"reason": "smoke"}, token=TOKENS.viewer, client="looker") == (200, {"ok": True})
    assert rig.daemon.asked == ["stop smoke"]
    assert rig.daemon.who.startswith("panel looker (uid ")


async def test_stop_waits_behind_no_other_act(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prepare that takes its time, and ten stops: none is behind it."""
    over = asyncio.Event()

    async def slow(protocol: str, who: str, **more: object) -> dict[str, object]:
        await over.wait()
        return {"ok": True}

    monkeypatch.setattr(rig.daemon, "prepare", slow)
    await rig.post("control/take")
    preparing = asyncio.create_task(rig.post("prepare", {"protocol": "x"}))
    await asyncio.sleep(0.02)
    async with asyncio.timeout(2.0):
        told = await asyncio.gather(*(rig.post("stop", token=TOKENS.viewer) for _ in range(10)))
    assert told == [(200, {"ok": True})] * 10
    assert not preparing.done()
    over.set()
    assert (await preparing)[0] == 200


async def test_stop_finds_a_daemon_that_came_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that is kept for STOP has died: another one is made at once."""
    stopper = rig.context.link._stopper
    assert stopper is not None
    await stopper.close()
    assert await rig.post("stop") == (200, {"ok": True})


async def test_no_daemon_is_a_sentence(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged(short_dir, daemon=False) as rig:
        await rig.post("control/take")
        for act in ("arm", "stop"):
            status, told = await rig.post(act)
            assert (status, told["error"]) == (503, link.GONE)
        assert (await rig.get("status"))[0] == 503
        assert (await rig.get("health"))[1] == {"ok": True, "version": "0.1.0", "daemon": False, "viewers": 0}


async def test_a_daemon_that_hangs_is_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 0.1)
    page = await rig.page()
    await page.told("snapshot")
    rig.daemon.hangs.clear()
    assert (await page.told("gone"))["text"] == link.GONE
    assert (await rig.get("status"))[0] == 503
    rig.daemon.hangs.set()
    assert (await page.told("status"))["status"]["state"] == "SAFE"
    await page.close()


async def test_taking_and_letting_go(rig: Rig) -> None:
    await rig.post("control/take", client="one")
    await rig.post("control/take", client="two")
    assert rig.context.role.now == "two"
    assert (await rig.post("control/release", client="one"))[1]["controller"] == "two"
    assert (await rig.post("control/release", client="two"))[1] == {
        "ok": True,
        "controller": None,
        "you": "may_control",
    }
    assert (await rig.post("control/take", client=""))[0] == 400
    assert (await rig.post("control/take", client="a b"))[0] == 400
    assert (await rig.post("control/take", token=TOKENS.viewer))[0] == 403


def test_every_act_has_its_route() -> None:
    assert {path for path, _ in acts.POSTS} == {*ACTS, "stop", "control/take", "control/release"}
