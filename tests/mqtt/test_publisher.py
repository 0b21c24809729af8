"""The publisher against Debian's mosquitto: nothing is lost, the will is told, and only a fresh STOP gets in."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.live_view import broker_line
from controller.mqtt.publisher import Publisher, PublisherStatus
from controller.records.reader import find_sessions, open_session
from controller.records.session import Recorder
from tests.mqtt.broker import MOSQUITTO, Broker, free_port, listening, ticks_arrived, wait_until
from tests.mqtt.publishing import TRIP, config, publishing
from tests.records.recording import CHANNELS, HEADER, row

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")
OUTAGE_S = 3.0


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder.create(tmp_path / "sessions", HEADER, CHANNELS)
    yield recorder
    recorder.close()


@needs_mosquitto
def test_a_session_from_birth_to_farewell(broker: Broker, recorder: Recorder) -> None:
    with listening(broker.port) as listener:
        publisher = Publisher(config(broker.port), "b1", simulated=True, birth={"software": {"openablate": "0.1"}})
        publisher.set_state({"fsm": "SAFE", "epoch": 1, "simulated": True, "prompt": None})
        publisher.set_alarm("range", TRIP)
        publisher.attach(recorder)
        publisher.start()
        recorder.event(0.0, "state", {"to": "FIRING"})
        for seq in range(40):
            recorder.tick(row(seq))
            time.sleep(0.005)
        wait_until(lambda: listener.last("/alarm/range"), "the alarm")
        wait_until(lambda: listener.last("/latest"), "the newest readings")
        publisher.set_alarm("range", None)
        wait_until(lambda: listener.heard[-1].topic.endswith("/status"), "a heartbeat")
        recorder.event(2.0, "trip", {"monitor": "range"})
        recorder.finish({"result": "tripped"})
        assert publisher.detach() == 0
        assert publisher.status() == (True, 0, "connected", 0, 0.0, 0, ())
        publisher.close()
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the farewell")

    heard, root, session = listener.heard, "abl/v1/lab/b1", f"abl/v1/lab/b1/session/{recorder.session_id}"
    assert heard[0].topic == f"{root}/birth"
    birth = heard[0].data
    assert (birth["bench"], birth["bd_seq"], birth["simulated"]) == ("b1", 1, True)
    assert birth["software"] == {"openablate": "0.1"}
    states = [h.data for h in heard if h.topic == f"{root}/status"]
    assert {s["boot_id"] for s in states} == {birth["boot_id"]}
    assert [s["beat"] for s in states[:-1]] == list(range(len(states) - 1))
    meta = [h for h in heard if h.topic == f"{session}/meta"]
    assert meta[0].data["header"]["bench"] == "cooled-rf"
    assert meta[0].data["channels"][0]["unit"] == "W"
    assert meta[-1].payload == b""
    samples = [h.data for h in heard if h.topic == f"{session}/samples"]
    assert [seq for s in samples for seq in s["seq"]] == list(range(40))
    assert [s["n"] for s in samples] == [len(s["t_s"]) for s in samples]
    power = [x for s in samples if s["n"] for x in s["channels"]["gen.power_w"]["value"]]
    assert power == [30.0] * 40
    assert samples[-1]["channels"]["tc.tip_c"]["quality"][0] == 2
    events = [h.data for h in heard if h.topic == f"{session}/events"]
    assert [e.get("kind") for e in events] == ["state", "trip", None]
    assert events[-1]["schema"] == "abl/closed/1"
    assert events[-1]["summary"] == {"result": "tripped"}
    assert events[-1]["chain_head"] == recorder._store.hash.hex()
    assert [h.data["fsm"] for h in heard if h.topic == f"{root}/state"] == ["SAFE"]
    assert [(h.data["text"], h.data["value"]) for h in heard if h.topic == f"{root}/alarm/range" and h.payload] == [
        ("too hot", 97.0)
    ]
    latest = next(h.data for h in reversed(heard) if h.topic == f"{root}/latest")
    assert latest["session"] == recorder.session_id
    assert latest["channels"]["gen.power_w"] == {"value": 30.0, "unit": "W", "quality": 0, "t_s": latest["t_s"] - 0.01}
    assert [h.payload == b"" for h in heard if h.topic == f"{root}/alarm/range"] == [False, True]


@needs_mosquitto
@pytest.mark.parametrize("frozen", [False, True], ids=["broker stopped", "broker frozen"])
def test_an_outage_loses_nothing(broker: Broker, recorder: Recorder, frozen: bool) -> None:
    publisher = Publisher(config(broker.port), "b1", simulated=True)
    with listening(broker.port) as listener:
        publisher.start()
        publisher.attach(recorder)
        seq = 0

        def record(seconds: float) -> None:
            nonlocal seq
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                recorder.tick(row(seq))
                seq += 1
                time.sleep(0.01)

        record(1.0)
        wait_until(lambda: listener.last("/samples"), "the first samples")
        with broker.away(frozen):
            record(OUTAGE_S)
            assert publisher.status().connected is frozen
            assert publisher.status().lag_batches > 10
        record(1.0)
        recorder.finish()
        wait_until(lambda: publisher.status().lag_batches == 0, "the backlog")
        assert publisher.detach() == 0
        publisher.close()
        wait_until(lambda: (h := listener.last("/events")) and h.data["schema"] == "abl/closed/1", "the end")

    samples = [h.data for h in listener.heard if h.topic.endswith("/samples")]
    by_batch = {s["batch"]: s for s in samples}  # (bench, session, batch) identifies a duplicate
    assert [n for s in by_batch.values() for n in s["seq"]] == list(range(seq))
    births = [h.data["bd_seq"] for h in listener.heard if h.topic.endswith("/birth") and not h.retained]
    assert births == [1] if frozen else len(set(births)) >= 2
    assert any(s["historical"] for s in samples if s["n"]) is not frozen  # the batch of the header may be


@needs_mosquitto
def test_the_will_is_told_when_the_process_is_killed(broker: Broker, tmp_path: Path, repository: Path) -> None:
    with listening(broker.port) as listener:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.mqtt.publishing", str(tmp_path), str(broker.port)], cwd=repository
        )
        try:
            wait_until(lambda: listener.last("/samples"), "the first samples")
        finally:
            child.kill()
            child.wait()
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the will")
    births = [h.data for h in listener.heard if h.topic.endswith("/birth")]
    will = listener.last("/status")
    assert will is not None
    assert [(will.data["boot_id"], will.data["bd_seq"])] == [(b["boot_id"], b["bd_seq"]) for b in births]
    with listening(broker.port, "latecomer") as latecomer:
        wait_until(lambda: (h := latecomer.last("/status")) and h.retained and h.data["state"] == "offline", "the will")


@needs_mosquitto
def test_only_a_fresh_stop_gets_in(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    stops: list[tuple[str, str]] = []
    caplog.set_level(logging.WARNING)
    with listening(broker.port) as listener:
        listener.publish("abl/v1/lab/b1/cmd/stop", '{"who": "the past"}', retain=True)
        publisher = Publisher(
            config(broker.port, accept_stop=True),
            "b1",
            simulated=True,
            on_stop=lambda who, why: stops.append((who, why)),
        )
        publisher.start()
        wait_until(lambda: publisher.status().connected, "the connection")
        wait_until(lambda: "it is retained" in caplog.text, "the refusal")
        listener.publish("abl/v1/lab/b1/cmd/start", "{}")
        listener.publish("abl/v1/lab/b1/cmd/arm", "{}")
        listener.publish("abl/v1/lab/b1/cmd/stop", "", retain=True)
        assert stops == []
        listener.publish("abl/v1/lab/b1/cmd/stop", '{"who": "ann", "reason": "smoke"}')
        wait_until(lambda: stops, "the stop")
        publisher.close()
    assert stops == [("mqtt ann", "smoke")]
    assert "it is empty" in caplog.text


@needs_mosquitto
def test_stop_is_not_even_heard_where_it_is_not_accepted(broker: Broker) -> None:
    stops: list[str] = []
    with listening(broker.port) as listener:
        publisher = Publisher(config(broker.port), "b1", simulated=True, on_stop=lambda who, why: stops.append(who))
        publisher.start()
        wait_until(lambda: publisher.status().connected, "the connection")
        listener.publish("abl/v1/lab/b1/cmd/stop", "{}")
        wait_until(lambda: len([h for h in listener.heard if h.topic.endswith("/status")]) > 2, "two heartbeats")
        publisher.close()
    assert stops == []


@needs_mosquitto
def test_mqtt_5(broker: Broker, recorder: Recorder) -> None:
    with listening(broker.port) as listener:
        publisher = Publisher(config(broker.port, mqtt_version="5"), "b1", simulated=False)
        publisher.start()
        publisher.attach(recorder)
        recorder.tick(row(0))
        recorder.finish()
        assert publisher.detach() == 0
        publisher.close()
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the farewell")
    assert listener.heard[0].data["simulated"] is False


@needs_mosquitto
def test_what_a_killed_process_left_is_sent_by_the_next(broker: Broker, tmp_path: Path, repository: Path) -> None:
    """Its broker had been silent for a while, so that much was recorded that had not been sent."""
    folder = tmp_path / "sessions"
    words = [sys.executable, "-m", "tests.mqtt.publishing", str(folder), str(broker.port)]
    with listening(broker.port) as listener:
        child = subprocess.Popen(words, cwd=repository)
        try:
            wait_until(lambda: (h := listener.last("/samples")) and h.data["batch"] > 3, "the first samples")
            with broker.away(frozen=True):
                time.sleep(1.0)
                child.kill()
                child.wait()
        finally:
            child.kill()
            child.wait()
        (killed,) = find_sessions(folder)
        with open_session(killed) as session:
            kept, name = session.ticks().seq.tolist(), session.header["id"]
        with publishing(folder, config(broker.port)):
            wait_until(lambda: ticks_arrived(listener.heard, name) == kept, "what was left")
            wait_until(lambda: (h := listener.last(f"{name}/meta")) and h.payload == b"", "its meta to be cleared")
    assert len(kept) > 10


@needs_mosquitto
def test_a_silent_broker_costs_the_caller_nothing(broker: Broker, tmp_path: Path) -> None:
    """It publishes from a thread of its own; whatever hangs there, its methods return at once."""
    with publishing(tmp_path / "sessions", config(broker.port)) as (recorder, publisher):
        wait_until(lambda: publisher.status().connected, "the connection")
        assert "mqtt" in {thread.name for thread in threading.enumerate()} - {threading.current_thread().name}
        costs: list[float] = []
        with broker.away(frozen=True):
            for seq in range(100):
                recorder.tick(row(seq))
                began = time.perf_counter()
                publisher.set_state({"fsm": "SAFE", "epoch": seq, "simulated": True, "prompt": None})
                publisher.set_alarm("range", None)
                publisher.status()
                costs.append(time.perf_counter() - began)
                time.sleep(0.005)
    assert sorted(costs)[50] < 0.001


def test_a_person_sees_what_is_behind() -> None:
    here = {"broker": "lab:8883", **PublisherStatus(True, 0, "connected")._asdict()}
    assert broker_line(here) == "mqtt lab:8883 connected; nothing waits"
    gone = PublisherStatus(False, 30, "broker lab:8883: it is busy; wait", 41_200, 19.64, 2)
    assert broker_line({"broker": "lab:8883", **gone._asdict()}) == (
        "mqtt NOT CONNECTED: broker lab:8883: it is busy; wait; 41200 rows, 19.6 s behind; "
        "earlier sessions to be sent: 2"
    )


def test_no_broker_costs_the_caller_nothing(recorder: Recorder) -> None:
    publisher = Publisher(config(free_port()), "b1", simulated=True)
    publisher.start()
    publisher.attach(recorder)
    costs: list[float] = []
    for seq in range(100):
        began = time.perf_counter()
        recorder.tick(row(seq))
        publisher.set_state({"seq": seq})
        costs.append(time.perf_counter() - began)
        time.sleep(0.01)
    assert sorted(costs)[50] < 0.001
    wait_until(lambda: "Connection refused" in publisher.status().text, "the reason")
    assert recorder.status().healthy
    recorder.finish()
    began = time.monotonic()
    left = publisher.detach(30.0)
    assert left == recorder.head + 1
    assert time.monotonic() - began < 10
    publisher.close()
    assert publisher.status().lag_batches == 0
