"""The publisher's process beside the daemon: killed or frozen, it is replaced, and nothing is lost or held up."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.mqtt import beside
from controller.mqtt.beside import BesidePublisher
from controller.mqtt.config import MqttConfig
from controller.records.session import Recorder
from tests.mqtt.broker import MOSQUITTO, Broker, free_port, listening, ticks_arrived, wait_until
from tests.mqtt.publishing import BENCH, TRIP, config
from tests.records.recording import CHANNELS, HEADER, row

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")


@contextlib.contextmanager
def publishing(folder: Path, config: MqttConfig, **more: object) -> Iterator[tuple[Recorder, BesidePublisher]]:
    recorder = Recorder.create(folder, HEADER, CHANNELS)
    publisher = BesidePublisher(config, BENCH, simulated=True, **more)  # type: ignore[arg-type]
    try:
        publisher.start()
        publisher.attach(recorder)
        yield recorder, publisher
    finally:
        publisher.close()
        recorder.close()


def record(recorder: Recorder, seqs: range) -> None:
    for seq in seqs:
        recorder.tick(row(seq))
        time.sleep(0.005)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@needs_mosquitto
def test_a_session_from_birth_to_farewell(broker: Broker, tmp_path: Path) -> None:
    with listening(broker.port) as listener:
        with publishing(tmp_path, config(broker.port), birth={"software": {"openablate": "0.1"}}) as (recorder, bench):
            bench.set_state({"fsm": "SAFE", "epoch": 1, "simulated": True, "prompt": None})
            bench.set_alarm("range", TRIP)
            record(recorder, range(40))
            wait_until(lambda: listener.last("/alarm/range"), "the alarm")
            assert bench.pid not in (None, os.getpid())
            recorder.finish({"result": "tripped"})
            assert bench.detach() == 0
            assert bench.status() == (True, 0, "connected", 0, 0.0, 0, ())
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the farewell")
        assert bench.pid is None
    heard = listener.heard
    assert heard[0].data["software"] == {"openablate": "0.1"}
    assert ticks_arrived(heard, recorder.session_id) == list(range(40))
    (closed,) = [h.data for h in heard if h.topic.endswith("/events")]
    assert (closed["schema"], closed["summary"]) == ("abl/closed/1", {"result": "tripped"})
    assert [h.data["fsm"] for h in heard if h.topic.endswith("/state")] == ["SAFE"]


@needs_mosquitto
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_another_takes_over_where_it_was(
    broker: Broker,
    tmp_path: Path,
    blow: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(beside, "SILENT_S", 1.5)
    stops: list[tuple[str, str]] = []
    with (
        listening(broker.port) as listener,
        publishing(
            tmp_path, config(broker.port, accept_stop=True), on_stop=lambda who, why: stops.append((who, why))
        ) as (recorder, bench),
    ):
        bench.set_state({"fsm": "FIRING", "epoch": 1, "simulated": True, "prompt": None})
        record(recorder, range(60))
        wait_until(lambda: listener.last("/samples"), "the first samples")
        first = bench.pid
        assert first is not None
        os.kill(first, blow)
        costs: list[float] = []
        for seq in range(60, 160):
            began_s = time.perf_counter()
            recorder.tick(row(seq))
            bench.set_alarm("range", {**TRIP, "value": float(seq)})
            bench.status()
            costs.append(time.perf_counter() - began_s)
            time.sleep(0.005)
        wait_until(lambda: bench.pid not in (None, first) and bench.status().connected, "the next one")
        assert gone(first)
        record(recorder, range(160, 200))
        listener.publish("abl/v1/lab/cooled-rf/cmd/stop", '{"who": "ann", "reason": "smoke"}')
        wait_until(lambda: stops, "the stop")
        recorder.finish()
        assert bench.detach() == 0
        wait_until(lambda: ticks_arrived(listener.heard, recorder.session_id) == list(range(200)), "every tick")
        states = [h.data["fsm"] for h in listener.heard if h.topic.endswith("/state")]
        births = [h.data for h in listener.heard if h.topic.endswith("/birth")]
    assert sorted(costs)[50] < 0.001
    assert stops == [("mqtt ann", "smoke")]
    assert states[-1] == "FIRING"
    assert len({birth["boot_id"] for birth in births}) == 1
    assert births[0]["bd_seq"] < births[1]["bd_seq"]
    how = "has died (exit code -9)" if blow is signal.SIGKILL else "was frozen, and has been killed"
    assert f"mqtt: the publisher {how}; it is started again, and nothing is lost" in caplog.text


@needs_mosquitto
def test_it_ends_with_the_daemon_and_the_will_is_told(broker: Broker, tmp_path: Path, repository: Path) -> None:
    with listening(broker.port) as listener:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "tests.mqtt.test_beside", str(tmp_path), str(broker.port)],
            cwd=repository,
            stdout=subprocess.PIPE,
        )
        try:
            assert daemon.stdout is not None
            pid = int(daemon.stdout.readline())
            wait_until(lambda: listener.last("/samples"), "the first samples")
            os.kill(pid, signal.SIGTERM)  # a service manager ends all at once: the daemon says when it is over
            os.kill(pid, signal.SIGINT)
            time.sleep(0.2)
            assert not gone(pid)
        finally:
            daemon.kill()
            daemon.communicate()
        wait_until(lambda: (h := listener.last("/status")) and h.data["state"] == "offline", "the will")
        wait_until(lambda: gone(pid), "its end")


def test_what_it_says_is_in_the_log_of_the_daemon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with publishing(tmp_path, config(free_port())) as (recorder, bench):
        record(recorder, range(3))
        wait_until(lambda: "Connection refused" in bench.status().text, "the reason")
        assert "nothing is lost: what is not sent waits in the session file" in caplog.text
        recorder.finish()
        began_s = time.monotonic()
        assert bench.detach(30.0) == recorder.head + 1
        assert time.monotonic() - began_s < 10.0
    assert bench.status().lag_batches == 0


def test_one_that_cannot_begin_says_why_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o600)
    monkeypatch.setattr(beside, "AGAIN_S", (0.05, 0.1))
    port = free_port()
    bench = BesidePublisher(config(port, username="b1", password_file=secret), "b1", simulated=True)
    secret.chmod(0o644)  # after the daemon has looked at it
    bench.start()
    try:
        wait_until(lambda: "has died (exit code 3)" in bench.status().text, "its end")
        assert "everybody on this machine may read" in caplog.text
        assert not bench.status().connected
        secret.chmod(0o600)
        wait_until(lambda: "Connection refused" in bench.status().text, "the next one")
    finally:
        bench.close()


@pytest.mark.parametrize("words", [b"no json\n", b'{"session": 1, "log": ["?"]}\n', b"[]\n"])
def test_nonsense_of_the_process_ends_it_and_not_the_telemetry(
    words: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(beside, "AGAIN_S", (0.05, 0.1))
    nonsense = f"import socket, sys; socket.socket(fileno=int(sys.argv[-1])).sendall({words!r}); sys.stdin.read()"
    popen, begun = subprocess.Popen, []

    def first(argv: list[str], **more: object) -> subprocess.Popen[bytes]:
        begun.append(argv)
        return popen([argv[0], "-c", nonsense, argv[-1]] if len(begun) == 1 else argv, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(beside.subprocess, "Popen", first)
    bench = BesidePublisher(config(free_port()), "b1", simulated=True)
    bench.start()
    try:
        wait_until(lambda: "Connection refused" in bench.status().text, "the next one")
    finally:
        bench.close()
    assert len(begun) == 2
    assert "mqtt: the publisher cannot be kept (" in caplog.text


@needs_mosquitto
def test_a_stop_that_cannot_be_handed_over_is_told_and_the_next_is_heard(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stops: list[str] = []

    def on_stop(who: str, why: str) -> None:
        stops.append(why)
        raise RuntimeError("the loop is closed")

    with (
        listening(broker.port) as listener,
        publishing(tmp_path, config(broker.port, accept_stop=True), on_stop=on_stop) as (_, bench),
    ):
        wait_until(lambda: bench.status().connected, "the connection")
        pid = bench.pid
        for why in ("one", "two"):
            listener.publish("abl/v1/lab/cooled-rf/cmd/stop", f'{{"who": "ann", "reason": "{why}"}}')
            wait_until(lambda w=why: w in stops, "the stop")
        assert bench.pid == pid
    assert "STOP over MQTT could not be handed over" in caplog.text


def test_closed_before_it_has_begun(tmp_path: Path) -> None:
    bench = BesidePublisher(config(free_port()), "b1", simulated=True)
    bench.start()
    bench.close(0.2)
    assert bench.pid is None
    never = BesidePublisher(config(free_port()), "b1", simulated=True)
    never.close()


if __name__ == "__main__":
    with publishing(Path(sys.argv[1]), MqttConfig(host="127.0.0.1", port=int(sys.argv[2]), keepalive_s=2)) as (
        recorder,
        bench,
    ):
        while bench.pid is None:
            time.sleep(0.01)
        print(bench.pid, flush=True)
        record(recorder, range(100_000))
