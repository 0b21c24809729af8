"""The broker of deploy/, as it is, with certificates for an hour: who may do what, tried."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho

from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from tests.mqtt.broker import MOSQUITTO, free_port, wait_until

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(MOSQUITTO is None or shutil.which("openssl") is None, reason="needs mosquitto and openssl"),
]
NAMES = ("broker", "b1", "b2", "observer", "collector", "supervisor", "stranger")
ROOT = "abl/v1/lab"


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)


def certificates(folder: Path) -> None:
    """An authority and a certificate for each name; the stranger's is signed by himself."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "1")
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=lab authority")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in NAMES:
        files = ("-keyout", f"{name}.key", "-subj", f"/CN={name}")
        if name == "stranger":
            openssl(folder, "req", "-x509", *key, *files, "-out", f"{name}.crt")
            continue
        openssl(folder, "req", *key[:-2], *files, "-out", f"{name}.csr")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "san")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
    for secret in folder.glob("*.key"):
        secret.chmod(0o600)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


@pytest.fixture(scope="module")
def broker(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of mosquitto with the shipped files, and the folder of certificates."""
    assert MOSQUITTO is not None
    folder, port = tmp_path_factory.mktemp("broker"), free_port()
    certificates(folder)
    text = (repository / "deploy" / "mosquitto.conf").read_text()
    for old, new in (
        ("/etc/mosquitto/certs/", f"{folder}/"),
        ("/etc/mosquitto/openablate-acl.conf", str(repository / "deploy" / "mosquitto-acl.conf")),
        ("listener 8883", f"listener {port} 127.0.0.1"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "mosquitto.conf").write_text(f"{text}user root\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port) or process.poll() is not None, "mosquitto")
        assert process.poll() is None, (folder / "log").read_text()
        yield port, folder
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def client(broker: tuple[int, Path], name: str) -> Iterator[paho.Client]:
    """Connected as ``name``; what it hears is in ``userdata``. ConnectionError when it is not let in."""
    port, folder = broker
    heard: list[tuple[str, bytes]] = []
    made = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, userdata=heard, protocol=paho.MQTTv5)
    made.tls_set(str(folder / "ca.crt"), str(folder / f"{name}.crt"), str(folder / f"{name}.key"))
    made.on_message = lambda _, data, message: data.append((message.topic, message.payload))
    connected = threading.Event()
    made.on_connect = lambda *_: connected.set()
    try:
        made.connect("127.0.0.1", port)
        made.loop_start()
        if not connected.wait(2.0):
            raise ConnectionError("not let in")
        made.subscribe("#", qos=1)
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def publish(made: paho.Client, topic: str) -> int:
    """The reason code of the broker's acknowledgement: 0 granted, 135 not authorised, 16 nobody listens."""
    codes: list[int] = []
    made.on_publish = lambda _, __, ___, code, ____: codes.append(code.value)
    made.publish(topic, b"x", qos=1)
    wait_until(lambda: codes, "the acknowledgement")
    return codes[0]


REFUSED = 135


def test_a_stranger_is_not_let_in(broker: tuple[int, Path]) -> None:
    with pytest.raises((ConnectionError, OSError)), client(broker, "stranger"):
        pass


@pytest.mark.parametrize(
    ("name", "topic", "granted"),
    [
        ("b1", "b1/state", True),
        ("b1", "b1/session/01/samples", True),
        ("b1", "b1/sessions", True),
        ("b1", "b2/sessions", False),
        ("b1", "b1/alarm/flow", True),
        ("b1", "b1/latest", True),
        ("b1", "b1/backfill/collector/samples", True),
        ("b1", "b2/state", False),
        ("b1", "b2/backfill/collector/samples", False),
        ("b1", "b1/cmd/backfill", False),
        ("b1", "b1/cmd/stop", False),
        ("b1", "b2/cmd/stop", False),
        ("observer", "b1/cmd/stop", False),
        ("observer", "b1/state", False),
        ("observer", "b1/cmd/arm", False),
        ("observer", "b1/cmd/backfill", False),
        ("collector", "b1/cmd/backfill", True),
        ("collector", "b1/cmd/stop", False),
        ("collector", "b1/session/01/samples", False),
        ("collector", "b1/backfill/collector/samples", False),
        ("supervisor", "b1/cmd/stop", True),
        ("supervisor", "b1/cmd/arm", False),
        ("supervisor", "b1/cmd/fire", False),
        ("supervisor", "b1/state", False),
    ],
)
def test_who_may_write_what(broker: tuple[int, Path], name: str, topic: str, granted: bool) -> None:
    with client(broker, name) as made:
        assert (publish(made, f"{ROOT}/{topic}") != REFUSED) is granted


def test_a_bench_is_heard_and_stopped_through_it(broker: tuple[int, Path]) -> None:
    port, folder = broker
    stops: list[tuple[str, str]] = []
    tls = {"ca_file": folder / "ca.crt", "cert_file": folder / "b1.crt", "key_file": folder / "b1.key"}
    config = MqttConfig.model_validate({"host": "localhost", "port": port, "tls": tls, "accept_stop": True})
    publisher = Publisher(config, "b1", simulated=True, on_stop=lambda who, why: stops.append((who, why)))
    with client(broker, "observer") as observer, client(broker, "b2") as other, client(broker, "supervisor") as boss:
        publisher.start()
        try:
            heard: Any = observer.user_data_get()
            wait_until(lambda: publisher.status().connected, "the bench")
            wait_until(lambda: any(topic == f"{ROOT}/b1/status" for topic, _ in heard), "its status")
            boss.publish(f"{ROOT}/b1/cmd/stop", b'{"who": "ann", "reason": "smoke"}', qos=1)
            wait_until(lambda: stops, "the stop")
            for _ in range(300):  # a flood: the first is heard, what follows is held back
                boss.publish(f"{ROOT}/b1/cmd/stop", b'{"who": "ann"}', qos=1)
            time.sleep(0.5)
        finally:
            publisher.close()
        assert stops[0] == ("mqtt ann", "smoke")
        assert len(stops) <= 21  # ten in each second that was begun
        assert not any(topic.startswith(f"{ROOT}/b1") for topic, _ in other.user_data_get())
