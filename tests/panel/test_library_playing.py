"""A session is played over the panel's WebSocket as it was recorded: every value at its time, every event once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from bisect import bisect_right
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from controller.panel.playing import within
from controller.records.reader import open_session
from controller.records.session import Recorder
from tests.panel.shelf import Shelf, recorded, shelf

VALUES = {
    "power_w": "gen.power_w",
    "forward_w": "gen.forward_power_w",
    "impedance_ohm": "gen.impedance_ohm",
    "tip_c": "tc.tip_c",
    "coolant_c": "tc.coolant_in_c",
    "flow_ml_min": "flow.flow_ml_min",
}
TISSUE = ("tc.tissue_10mm_c", "tc.tissue_20mm_c")
PATIENCE_S = 20.0


class Tick(NamedTuple):
    """What the record has of a tick, read with SQL alone; ``newest``: channel -> value, None where it was not good."""

    state: str
    permit_w: float
    setpoint_w: float
    energy_j: float
    law: dict[str, Any]
    newest: dict[str, float | None]


class Told(NamedTuple):
    """A session as its file tells it."""

    id: str
    ticks: dict[float, Tick]
    events: list[tuple[int, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("playing")
    recorded(made, seed=2, faults=["pump.stall@5"])
    return made / "sessions"


@pytest.fixture(scope="module")
def told(folder: Path) -> Told:
    (path,) = folder.rglob("*.ablate")
    with open_session(path) as session:
        name = session.header["id"]
    db = sqlite3.connect(path)
    rows = db.execute(
        "SELECT c.name, s.tick, s.value, s.quality FROM samples s JOIN channels c ON c.id=s.channel ORDER BY s.id"
    ).fetchall()
    ticks, newest, at = {}, dict[str, float | None](), 0
    for seq, t_s, state, permit_w, setpoint_w, energy_j, law in db.execute(
        "SELECT seq, t_s, state, permit_w, setpoint_w, energy_j, law FROM ticks ORDER BY seq"
    ):
        while at < len(rows) and rows[at][1] <= seq:
            newest = {**newest, rows[at][0]: rows[at][2] if rows[at][3] == 0 else None}
            at += 1
        ticks[t_s] = Tick(state, permit_w, setpoint_w, energy_j, json.loads(law), newest)
    events = [
        (seq, kind)
        for seq, kind in db.execute("SELECT seq, kind FROM events ORDER BY seq")
        if kind not in ("kernel", "inputs")
    ]
    db.close()
    return Told(name, ticks, events)


@pytest.fixture
async def panel(folder: Path) -> AsyncIterator[Shelf]:
    async with shelf(folder) as served:
        yield served


async def hear(ws: aiohttp.ClientWebSocketResponse, kind: str = "") -> dict[str, Any]:
    """The next message, of this kind if one is named."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message: dict[str, Any] = await ws.receive_json()
            if not kind or message["type"] == kind:
                return message


async def hear_out(ws: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Everything until the end of the session."""
    heard = [await hear(ws)]
    while not heard[-1]["playback"]["ended"]:
        heard.append(await hear(ws))
    return heard


def judge(message: dict[str, Any], told: Told) -> None:
    """A status says what the record says of its tick."""
    status, tick = message["status"], told.ticks[message["t_s"]]
    assert status["t_s"] == message["t_s"]
    assert (status["state"], status["permit_w"], status["setpoint_w"]) == (tick.state, tick.permit_w, tick.setpoint_w)
    assert status["energy_j"] == tick.energy_j
    assert status["law"] == tick.law
    values = status["values"]
    for name, channel in VALUES.items():
        assert values[name] == tick.newest.get(channel), (message["t_s"], name)
    assert values["tissue_c"] == [tick.newest.get(channel) for channel in TISSUE]
    for role, channel in (("estop", "inputs.estop_a_closed"), ("door", "inputs.door_closed")):
        closed = tick.newest.get(channel)
        assert status["contacts"][role][0]["closed"] == (None if closed is None else closed == 1.0)


async def test_what_is_played_is_what_was_recorded(panel: Shelf, told: Told) -> None:
    async with panel.playing(told.id, 8.0) as ws:
        heard = await hear_out(ws)
    statuses = [message for message in heard if message["type"] in ("snapshot", "status")]
    for message in statuses:
        judge(message, told)
    times = [message["t_s"] for message in statuses]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (min(told.ticks), max(told.ticks))
    assert len(set(times)) >= 12
    events = [event for message in heard for event in message.get("events", ())]
    assert [(event["seq"], event["kind"]) for event in events] == told.events
    assert [message["seq"] for message in heard] == list(range(1, len(heard) + 1))
    trips = {message["status"]["trip"]["channel"] for message in statuses if message["status"]["trip"]}
    assert trips == {"flow.flow_ml_min"}
    assert statuses[-1]["status"]["result"]["result"] == "tripped"
    assert {message["status"]["alarms"]["activation"] for message in statuses} == {"", "RF ON"}


async def test_at_its_own_speed_no_tick_is_left_out(panel: Shelf, told: Told) -> None:
    recorded_s = sorted(told.ticks)
    fire_s = next(t_s for t_s in recorded_s if told.ticks[t_s].state == "FIRING")
    async with panel.playing(told.id, 1.0) as ws:
        snapshot = await hear(ws, "snapshot")
        await ws.send_json({"type": "seek", "t_s": fire_s - 0.3 - snapshot["playback"]["start_s"]})
        snapshot = await hear(ws, "snapshot")
        judge(snapshot, told)
        heard = [snapshot["t_s"]]
        while heard[-1] < fire_s + 0.7:
            message = await hear(ws, "status")
            judge(message, told)
            heard.append(message["t_s"])
    first = recorded_s.index(heard[0])
    assert sorted(set(heard)) == recorded_s[first : first + len(set(heard))]


async def test_a_seek_brings_the_course_up_to_there(panel: Shelf, told: Told) -> None:
    recorded_s = sorted(told.ticks)
    async with panel.playing(told.id, 1.0) as ws:
        start_s = (await hear(ws, "snapshot"))["playback"]["start_s"]
        await ws.send_json({"type": "pause"})
        for at_s in (4.0, 1.0, 1e6, -5.0):
            await ws.send_json({"type": "seek", "t_s": at_s})
            snapshot = await hear(ws, "snapshot")
            there_s = min(max(start_s + at_s, recorded_s[0]), recorded_s[-1])
            shown = recorded_s[bisect_right(recorded_s, there_s) - 1]
            assert snapshot["t_s"] == shown
            judge(snapshot, told)
            history = snapshot["history"]
            assert history["t_s"] == pytest.approx(recorded_s[: recorded_s.index(shown) + 1], abs=1e-6)
            for i, t_s in enumerate(recorded_s[: recorded_s.index(shown) + 1]):
                want = told.ticks[t_s].newest.get("tc.tissue_20mm_c")
                assert history["tissue_c[1]"][i] == (pytest.approx(want) if want is not None else None)
                assert history["setpoint_w"][i] == pytest.approx(told.ticks[t_s].setpoint_w)
            before = [event["seq"] for event in snapshot["events"]]
            assert before == [seq for seq, _ in told.events][: len(before)]
            assert snapshot["playback"]["paused"]


async def test_pause_speed_and_once_more(panel: Shelf, told: Told) -> None:
    async with panel.playing(told.id, 64.0) as ws:
        heard = await hear_out(ws)
        assert heard[-1]["playback"]["t_s"] == pytest.approx(heard[-1]["playback"]["duration_s"])
        assert (await hear(ws))["playback"]["ended"]  # it goes on being told
        await ws.send_json({"type": "speed", "speed": 1e9})
        assert (await hear(ws, "status"))["playback"]["speed"] == 64.0
        await ws.send_json({"type": "play"})
        again = await hear(ws, "snapshot")
        assert again["t_s"] == min(told.ticks)
        await ws.send_json({"type": "speed", "speed": 0.25})
        await ws.send_json({"type": "pause"})
        while not (paused := await hear(ws, "status"))["playback"]["paused"]:
            pass
        assert paused["playback"]["speed"] == 0.25
        later = [await hear(ws, "status") for _ in range(2)]
        assert {message["playback"]["t_s"] for message in later} == {paused["playback"]["t_s"]}
        await ws.send_json({"type": "ping", "id": 7})
        assert (await hear(ws, "pong"))["id"] == 7
        for nonsense in (
            {"type": "arm"},
            {"type": "seek", "t_s": "x"},
            {"type": "speed"},
            {"type": "seek", "t_s": True},
        ):
            await ws.send_json(nonsense)
            assert (await hear(ws, "refused"))["text"]
        await ws.send_str("[]")
        await hear(ws, "refused")
        assert (await hear(ws, "status"))["playback"]["paused"]


async def test_who_may_play(panel: Shelf, told: Told) -> None:
    address = f"{panel.url}/api/v1/sessions/{told.id}/play"
    async with panel.http.ws_connect(address) as ws:
        await ws.send_json({"type": "hello", "token": "wrong", "client": "test"})
        assert (await ws.receive_json())["type"] == "refused"
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await panel.http.ws_connect(address, headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403
    assert (await panel.get(f"sessions/{told.id}/play"))[0] == 426
    assert (await panel.get(f"sessions/{told.id}/play", speed=65))[0] in (400, 426)


async def test_what_cannot_be_played_is_said(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, {"bench": "b", "simulated": True}, [], threaded=False)
    recorder.close({})
    (tmp_path / "broken.ablate").write_bytes(b"nothing")
    async with shelf(tmp_path) as panel:
        _, listed = await panel.get("sessions")
        for row in listed["sessions"]:
            async with panel.playing(row["id"], 1.0) as ws:
                gone = await hear(ws)
                assert gone["type"] == "gone"
                assert ("not a session file" if row["problem"] else "holds no tick") in gone["text"]
                assert (await ws.receive()).data == 4010
        async with panel.playing("../../etc/passwd".replace("/", "%2F"), 1.0) as ws:
            assert "there is no session" in (await hear(ws))["text"]


async def test_a_bounded_number_at_once(panel: Shelf, told: Told) -> None:
    sockets = []
    for _ in range(8):
        playing = panel.playing(told.id, 1.0)
        ws = await playing.__aenter__()
        sockets.append(playing)
        assert (await hear(ws))["type"] == "snapshot"
    async with panel.playing(told.id, 1.0) as ws:
        assert "8 sessions are played already" in (await hear(ws))["text"]
    for playing in sockets:
        await playing.__aexit__(None, None, None)
    async with panel.playing(told.id, 1.0) as ws:
        assert (await hear(ws))["type"] == "snapshot"


@pytest.mark.parametrize(("asked", "played"), [(0.0, 0.25), (0.25, 0.25), (3.0, 3.0), (64.0, 64.0), (1e9, 64.0)])
def test_speeds(asked: float, played: float) -> None:
    assert within(asked) == played
