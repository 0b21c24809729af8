"""A real mosquitto on a free loopback port, and a client that writes down everything it hears."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.mqtt.contract import check

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)


class Broker:
    """Keeps what a client with a lasting session has not fetched yet over its own restarts."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.port, self._folder = free_port(), folder
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"persistence true\npersistence_location {folder}/\n"
            "max_queued_messages 0\nmax_inflight_messages 0\nuser root\n" + "\n".join([*more, ""])
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        with open(self._folder / "mosquitto.log", "ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log)

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return True
            return False

        wait_until(answers, "mosquitto")

    def stop(self, kill: bool = False) -> None:
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(10)
            self._process = None

    @contextlib.contextmanager
    def away(self, frozen: bool) -> Iterator[None]:
        """Gone, with its port closed; or frozen: there, and silent."""
        assert self._process is not None
        if frozen:
            self._process.send_signal(signal.SIGSTOP)
            yield
            self._process.send_signal(signal.SIGCONT)
        else:
            self.stop()
            yield
            self.start()


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retained: bool

    @property
    def data(self) -> dict[str, Any]:
        loaded = json.loads(self.payload)
        assert isinstance(loaded, dict)
        return loaded


class Listener:
    """Subscribes to everything with a lasting session, so that the broker's restart loses nothing on this side."""

    def __init__(self, port: int, name: str = "listener") -> None:
        self.heard: list[Heard] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe("abl/#", qos=1)
        self._client.on_message = lambda _c, _u, m: self.heard.append(Heard(m.topic, bytes(m.payload), m.retain))
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_until(self._client.is_connected, "the listener")

    def publish(self, topic: str, payload: str, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def last(self, ending: str) -> Heard | None:
        return next((h for h in reversed(self.heard) if h.topic.endswith(ending)), None)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def listening(port: int, name: str = "listener") -> Iterator[Listener]:
    """In the end, every message that was heard is held to the models and to the committed document."""
    listener = Listener(port, name)
    try:
        yield listener
    finally:
        listener.close()
    for heard in listener.heard:
        check(heard.topic, heard.payload)


def ticks_arrived(heard: Iterable[Heard], session_id: str) -> list[int]:
    """Numbers of the ticks of a session, in the order of their batches; what came twice counts once."""
    of = [h.data for h in heard if h.topic.endswith(f"/session/{session_id}/samples")]
    parts = {(data["batch"], data["part"]): data["seq"] for data in of}
    return [seq for key in sorted(parts) for seq in parts[key]]
