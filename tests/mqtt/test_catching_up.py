"""What is behind: sessions of earlier runs, and batches that somebody asks for again. Against a real broker."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.mqtt.backfill import Request, Waiting, answer, parse
from controller.mqtt.catchup import CatchUp
from controller.mqtt.config import Backfill
from controller.mqtt.earlier import Ledger, Old, began, find, folder_of, followed, look
from controller.mqtt.messages import Message, Stamp
from controller.records.ids import new_session_id
from controller.records.session import Recorder
from tests.mqtt.broker import MOSQUITTO, Broker, Heard, Listener, free_port, listening, wait_until
from tests.mqtt.contract import check
from tests.mqtt.publishing import BENCH, config, publishing
from tests.records.recording import CHANNELS, HEADER, row

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")
ROOT = f"abl/v1/lab/{BENCH}"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def session(folder: Path, ticks: int, reached: int | None, bench: str = BENCH, age_days: float = 0.0) -> Recorder:
    """A closed session whose cursor stopped at ``reached`` (None: nobody followed it)."""
    utc = (datetime.now(UTC) - timedelta(days=age_days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    recorder = Recorder.create(folder, {**HEADER, "bench": bench}, CHANNELS, utc=lambda: utc, threaded=False)
    for seq in range(ticks):
        recorder.tick(row(seq))
        if seq % 10 == 9:
            recorder.event(seq * 0.05, "state", {"to": "FIRING"})  # commits
    if reached is not None:
        recorder.cursor("mqtt", reached)
    recorder.close({"result": "completed"})
    return recorder


def ticks_of(heard: list[Heard], session_id: str) -> list[int]:
    return [seq for h in heard if h.topic.endswith(f"session/{session_id}/samples") for seq in h.data["seq"]]


def unpublished(folder: Path, bench: str, ledger: Ledger, oldest: datetime, but: str) -> list[Old]:
    """Those that lack something at the broker."""
    return [old for old in followed(folder, bench, ledger, oldest, but) if old is not None and ledger.lacks(old)]


def test_an_id_tells_when_its_session_began(tmp_path: Path) -> None:
    assert began(new_session_id("2026-11-22T04:25:00.000Z")) == datetime(2026, 11, 22, 4, 25, tzinfo=UTC)
    for text in ("", "../../etc/passwd", "0" * 25, "8" + "0" * 25, "U" * 26):
        assert began(text) is None
        assert find(tmp_path, text) is None
    made = session(tmp_path, 10, None)
    assert find(tmp_path, made.session_id) == made.path
    assert folder_of(made.path) == tmp_path


def test_which_sessions_lack_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oldest first; not the complete, the unfollowed, another bench's, the too old, the running one."""
    older, newer = session(tmp_path, 40, 1, age_days=1), session(tmp_path, 40, -1)
    complete, running = session(tmp_path, 10, 2), session(tmp_path, 10, -1)
    session(tmp_path, 10, None)
    session(tmp_path, 10, -1, bench="other")
    session(tmp_path, 10, -1, age_days=40)
    (folder_of(newer.path) / "2026").mkdir(exist_ok=True)
    newer.path.with_name("junk_x.ablate").write_bytes(b"not a session")
    assert complete.head == 2
    oldest = datetime.now(UTC) - timedelta(days=30)
    ledger = Ledger(tmp_path, BENCH)
    found = unpublished(tmp_path, BENCH, ledger, oldest, running.session_id)
    assert [(old.about.session, old.acknowledged, old.head) for old in found] == [
        (older.session_id, 1, 5),
        (newer.session_id, -1, 5),
    ]
    ledger.reach(older.session_id, 5)
    ledger.reach(newer.session_id, 3)
    ledger.save(oldest)
    again = unpublished(tmp_path, BENCH, Ledger(tmp_path, BENCH), oldest, running.session_id)
    assert [(old.about.session, old.acknowledged) for old in again] == [(newer.session_id, 3)]
    cut_off = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)  # all is sent, but that it is over
    cut_off.cursor("mqtt", 1)
    cut_off.event(0.0, "state", {"to": "FIRING"})
    again = unpublished(tmp_path, BENCH, ledger, oldest, running.session_id)
    assert [old.about.session for old in again] == [newer.session_id]  # the other is being written
    monkeypatch.setattr("controller.mqtt.earlier.being_written", lambda path: False)
    again = unpublished(tmp_path, BENCH, ledger, oldest, running.session_id)
    assert [(old.about.session, old.closed) for old in again] == [
        (newer.session_id, True),
        (cut_off.session_id, False),
    ]
    ledger.reach(cut_off.session_id, 1)
    again = unpublished(tmp_path, BENCH, ledger, oldest, running.session_id)
    assert [old.about.session for old in again] == [newer.session_id]
    cut_off.close()
    ledger.path.write_text("{")
    assert Ledger(tmp_path, BENCH).reached(found[0]) == 1


@needs_mosquitto
def test_earlier_sessions_follow_behind_live_data(broker: Broker, tmp_path: Path) -> None:
    """And each once only, over another start."""
    folder = tmp_path / "sessions"
    older, newer = session(folder, 200, 4, age_days=1), session(folder, 60, -1)
    before = [part.read_bytes() for part in (older.path, newer.path)]
    with listening(broker.port) as listener:
        for _ in range(2):
            with publishing(folder, config(broker.port), simulated=False) as (recorder, publisher):
                recorder.tick(row(0))
                post, session_id = publisher._post, recorder.session_id
                wait_until(lambda i=session_id: ticks_of(listener.heard, i), "live data")
                wait_until(lambda p=post: p.catch_up._scan is None and p.catch_up.sessions == 0, "both")
                recorder.finish()
                assert publisher.detach() == 0
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the farewell")
    heard = listener.heard
    assert ticks_of(heard, older.session_id) == list(range(40, 200))  # batches 0 to 4 had arrived
    assert ticks_of(heard, newer.session_id) == list(range(60))
    order = [h.data["session"] for h in heard if h.topic.endswith("/samples") and h.data["historical"]]
    assert order.index(newer.session_id) == order.count(older.session_id) + order.index(older.session_id)
    for old in (older, newer):
        of = [h for h in heard if f"session/{old.session_id}/" in h.topic]
        assert all(h.data["historical"] and h.data["simulated"] for h in of if not h.topic.endswith("meta"))
        assert [h.topic.rsplit("/", 1)[1] for h in (of[0], of[-2], of[-1])] == ["meta", "events", "meta"]
        assert (of[-2].data["schema"], of[-1].payload) == ("abl/closed/1", b"")
    assert [part.read_bytes() for part in (older.path, newer.path)] == before  # what has ended is never written again


@needs_mosquitto
def test_sessions_are_announced(broker: Broker, tmp_path: Path) -> None:
    """Those that are telemetry, newest first; again when one ends, and to a broker that lost its memory."""
    folder = tmp_path / "sessions"
    older, newer = session(folder, 40, 3, age_days=1), session(folder, 20, 3)
    session(folder, 10, None)
    session(folder, 10, 2, bench="other")
    session(folder, 10, 2, age_days=40)
    with publishing(folder, config(broker.port)) as (recorder, publisher):
        recorder.tick(row(0))
        with listening(broker.port) as listener:

            def announced() -> list[tuple[str, int, bool]]:
                heard = listener.last("/sessions")
                told = heard.data["sessions"] if heard is not None else []
                return [(one["session"], one["last_batch"], one["closed"]) for one in told]

            ended = [(newer.session_id, newer.head, True), (older.session_id, older.head, True)]
            wait_until(lambda: [one for one in announced() if one[2]] == ended, "what earlier runs left")
            recorder.finish()
            assert publisher.detach() == 0
            wait_until(lambda: announced() == [(recorder.session_id, recorder.head, True), *ended], "the end")
        broker.stop(kill=True)
        broker.start()
        with listening(broker.port) as listener:
            wait_until(lambda: len(announced()) == 3, "the announcement after the broker's restart")
            heard = listener.last("/sessions")
            assert heard is not None
            check(heard.topic, heard.payload)


def test_fifty_sessions_are_announced(tmp_path: Path) -> None:
    made = [session(tmp_path, 1, 1, age_days=(60 - i) / 1000) for i in range(60)]
    running = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    running.cursor("mqtt", 0)
    running.event(0.0, "state", {"to": "FIRING"})
    caught = CatchUp(Backfill(), BENCH, running.path, running.session_id, Waiting())
    while caught.announced is None:
        asyncio.run(caught.step(Stamp(BENCH, "x", 1, True), no_broker, None))
    running.close()
    told = [(one["session"], one["closed"]) for one in caught.announced]
    assert told == [(running.session_id, False), *((one.session_id, True) for one in made[:10:-1])]


async def no_broker(outgoing: list[Message]) -> None:
    raise AssertionError(outgoing)


@needs_mosquitto
def test_what_a_stopped_broker_did_not_take_arrives_after_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    with publishing(folder, config(free_port())) as (recorder, alone):
        for seq in range(30):
            recorder.tick(row(seq))
            time.sleep(0.01)
        wait_until(lambda: alone.status().lag_rows > 30, "the lag to be seen")
        assert alone.status().lag_s == pytest.approx(1.45, abs=1.0)
        recorder.finish()
        assert alone.detach(0.2) == recorder.head + 1
    found = look(recorder.path, BENCH)
    assert found is not None
    assert found.acknowledged == -1
    broker = Broker(tmp_path)
    broker.start()
    try:
        with listening(broker.port) as listener, publishing(folder, config(broker.port)):
            wait_until(lambda: ticks_of(listener.heard, recorder.session_id) == list(range(30)), "the earlier session")
    finally:
        broker.stop(kill=True)


def request(session_id: str, first: int, last: int, name: str = "r1", reply_to: str = "lab-db") -> dict[str, Any]:
    return {
        "schema": "abl/backfill/1", "request": name, "session": session_id, "first_batch": first, "last_batch": last,
        "reply_to": reply_to,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "abl/backfill/2"}, "schema 'abl/backfill/2' is not abl/backfill/1"),
        ({"reply_to": "a/b"}, "cannot be part of an MQTT topic"),
        ({"reply_to": "#"}, "cannot be part of an MQTT topic"),
        ({"reply_to": ""}, "texts of 1 to 64 characters"),
        ({"request": "x" * 65}, "texts of 1 to 64 characters"),
        ({"request": 5}, "texts of 1 to 64 characters"),
        ({"first_batch": -1}, "whole numbers"),
        ({"first_batch": 9}, "in this order"),
        ({"first_batch": True}, "whole numbers"),
        ({"last_batch": 1.5}, "whole numbers"),
        ({"last_batch": 2**60}, "whole numbers"),
    ],
)
def test_what_is_no_request(change: dict[str, object], complaint: str) -> None:
    whole = request("0" * 26, 2, 5)
    assert parse(json.dumps(whole).encode(), False) == Request("r1", "0" * 26, 2, 5, "lab-db")
    assert parse(json.dumps({**whole, "more": 1}).encode(), False) == Request("r1", "0" * 26, 2, 5, "lab-db")
    found = parse(json.dumps({**whole, **change}).encode(), False)
    assert isinstance(found, str)
    assert complaint in found


def test_what_cannot_be_read_is_no_request() -> None:
    whole = json.dumps(request("0" * 26, 2, 5)).encode()
    assert "retained" in str(parse(whole, True))
    for payload in (b"", b"{", b"[1]", b"\xff", b"[" * 4000, b"{}", whole[:-1]):
        assert "cannot be read" in str(parse(payload, False))
    assert parse(whole + b" " * 4096, False) == "it is longer than 4096 bytes"


def test_askers_take_turns_and_are_bounded() -> None:
    waiting = Waiting()

    def ask(name: str, who: str) -> str:
        return waiting.add(Request(name, "0" * 26, 0, 1, who))

    assert [ask(f"a{k}", "a") for k in range(16)] == [""] * 16
    assert ask("a0", "a") == ""
    assert len(waiting) == 16
    assert ask("a16", "a").startswith("a waits for 16 others already")
    assert [ask(f"b{k}", "b") for k in range(2)] == ["", ""]
    taken = [waiting.take() for _ in range(5)]
    assert [t.request for t in taken if t is not None] == ["a0", "b0", "a1", "b1", "a2"]
    for who in "cdef":
        for k in range(16):
            ask(f"{who}{k}", who)
    assert ask("z", "z").startswith("64 others wait")


def test_requests_are_bounded_in_age_and_size(tmp_path: Path) -> None:
    made, old = session(tmp_path, 40, 5), session(tmp_path, 40, 5, age_days=31)
    bounds, now = Backfill(max_batches=4), datetime.now(UTC)

    def judged(session_id: str, first: int, last: int, bench: str = BENCH) -> tuple[str | None, int, int]:
        found = answer(Request("r", session_id, first, last, "x"), bounds, tmp_path, bench, None, now)
        return found.refused, found.first, found.last

    assert judged(made.session_id, 1, 4) == (None, 1, 4)
    assert judged(made.session_id, 4, 7) == (None, 4, 5)  # as far as there is anything
    assert judged(made.session_id, 1, 5) == ("too large", 0, -1)
    assert judged(old.session_id, 1, 2) == ("too old", 0, -1)
    assert judged(made.session_id, 1, 2, "other") == ("no such session", 0, -1)
    assert judged("0" * 26, 1, 2) == ("too old", 0, -1)
    assert judged(new_session_id("2026-11-22T04:25:00.000Z")[:-1] + "0", 1, 2)[0] in ("no such session", "too old")
    assert judged("../x", 1, 2) == ("no such session", 0, -1)


def ask(listener: Listener, body: dict[str, Any]) -> None:
    listener.publish(f"{ROOT}/cmd/backfill", json.dumps(body))


@needs_mosquitto
def test_a_gap_is_filled_on_request(broker: Broker, tmp_path: Path) -> None:
    """Of a session that has ended and of the one that runs, which goes on being told meanwhile."""
    folder = tmp_path / "sessions"
    ended = session(folder, 200, 21)
    with listening(broker.port) as listener, publishing(folder, config(broker.port)) as (recorder, publisher):
        wait_until(lambda: publisher.status().connected, "the connection")
        ask(listener, request(ended.session_id, 3, 9))
        ask(listener, request("0" * 26, 0, 1, "r2"))
        ask(listener, request("nonsense", 0, 1, "r3"))
        seq = 0
        done = f"{ROOT}/backfill/lab-db/done"
        until = time.monotonic() + 20
        while sum(h.topic == done for h in listener.heard) < 3 and time.monotonic() < until:
            recorder.tick(row(seq))
            seq += 1
            time.sleep(0.01)
        ask(listener, request(recorder.session_id, 1, 1, "r4"))
        wait_until(lambda: sum(h.topic == done for h in listener.heard) == 4, "the answer from the running session")
        recorder.finish()
        assert publisher.detach() == 0
        publisher.close()
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the farewell")
    heard = listener.heard
    answers = {h.data["request"]: h.data for h in heard if h.topic == done}
    assert (answers["r1"]["sent"], answers["r1"]["refused"]) == (7, None)
    assert [answers[name]["refused"] for name in ("r2", "r3", "r4")] == ["too old", "no such session", None]
    filled = [h for h in heard if "/backfill/lab-db/" in h.topic and h.topic != done and h.data["request"] == "r1"]
    assert filled[0].topic.endswith("/meta")
    assert filled[0].data["session"] == ended.session_id
    rows = [h.data for h in filled[1:]]
    assert sorted({r["batch"] for r in rows}) == list(range(3, 10))
    assert all(r["historical"] and r["session"] == ended.session_id for r in rows)
    assert [n for r in rows if r["schema"] == "abl/samples/1" for n in r["seq"]] == list(range(20, 90))
    assert ticks_of(heard, recorder.session_id) == list(range(seq))
    assert ticks_of(heard, ended.session_id) == []


@needs_mosquitto
def test_a_large_request_holds_up_neither_live_data_nor_the_bench(broker: Broker, tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    ended = session(folder, 12_000, 1201)
    with listening(broker.port) as listener, publishing(folder, config(broker.port)) as (recorder, publisher):
        wait_until(lambda: publisher.status().connected, "the connection")
        ask(listener, request(ended.session_id, 0, 1201))
        wait_until(lambda: listener.last("/backfill/lab-db/meta"), "the answer to begin")
        lags = []
        for seq in range(50):
            recorder.tick(row(seq))
            time.sleep(0.01)
            lags.append(publisher.status().lag_batches)
        at_once = len(ticks_of(listener.heard, recorder.session_id))
        assert listener.last("/backfill/lab-db/done") is None  # it was still being answered all that time
        assert at_once > 20
        assert sorted(lags)[25] <= 3


@needs_mosquitto
def test_nobody_is_heard_where_backfill_is_off(broker: Broker, tmp_path: Path) -> None:
    deaf = config(broker.port, backfill=None)
    with listening(broker.port) as listener, publishing(tmp_path / "sessions", deaf) as (recorder, publisher):
        wait_until(lambda: publisher.status().connected, "the connection")
        ask(listener, request(recorder.session_id, 0, 0))
        wait_until(lambda: len([h for h in listener.heard if h.topic.endswith("/status")]) > 2, "two heartbeats")
    assert not any(h.topic.endswith("/sessions") for h in listener.heard)
    assert not any("/backfill/" in h.topic and not h.topic.endswith("cmd/backfill") for h in listener.heard)
