"""Both outputs beside the bench's own telemetry, over a real broker; and one that fails, which hurts nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

pytest.importorskip("google.protobuf", reason="the decoder that checks Sparkplug B: pip install protobuf")

from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.outputs.contract import Output
from controller.outputs.homeassistant import HomeAssistant
from controller.outputs.sparkplug import Sparkplug
from controller.records.session import Recorder
from tests.mqtt.broker import MOSQUITTO, Broker, wait_until
from tests.outputs.decoder import command, decode, value_of
from tests.records.recording import CHANNELS, HEADER, row

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")


class Broken(Output):
    API_VERSION = 1

    def born(self, view: Any) -> list[Any]:
        raise RuntimeError("no idea")

    def follow(self, view: Any) -> list[Any]:
        return []


KINDS: dict[str, type[Output]] = {"homeassistant": HomeAssistant, "sparkplug": Sparkplug, "broken": Broken}


@pytest.fixture
def heard(broker: Broker) -> Iterator[tuple[paho.Client, list[Any]]]:
    """A client that hears everything, and what it has heard."""
    said: list[Any] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="host")
    client.on_connect = lambda made, *_: made.subscribe("#", qos=1)
    client.on_message = lambda _c, _u, message: said.append(message)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_until(client.is_connected, "the host")
    yield client, said
    client.disconnect()
    client.loop_stop()


def test_both_outputs_and_one_that_fails(
    broker: Broker, heard: tuple[paho.Client, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.mqtt.config.check_name", lambda name: None)
    monkeypatch.setattr("controller.mqtt.publisher.load_output", KINDS.__getitem__)
    client, said = heard
    config = MqttConfig(host="127.0.0.1", port=broker.port, outputs=tuple(KINDS), client_id="b1")
    recorder = Recorder.create(tmp_path / "sessions", HEADER, CHANNELS)
    publisher = Publisher(config, "b1", simulated=True, birth={"software": {"openablate": "0.1.0"}})
    publisher.set_state({"fsm": "SAFE", "epoch": 1, "simulated": True, "prompt": None})
    publisher.attach(recorder)
    publisher.start()
    for seq in range(50):
        recorder.tick(row(seq))
        time.sleep(0.01)

    def of(topic: str) -> list[Any]:
        return [m for m in said if m.topic == topic]

    device = "spBv1.0/lab/DBIRTH/b1/gen"
    wait_until(lambda: of(device), "the device's birth")
    wait_until(lambda: of("homeassistant/sensor/openablate_lab_b1/gen_power_w/config"), "the configuration")
    assert (
        json.loads(of("homeassistant/sensor/openablate_lab_b1/gen_power_w/config")[0].payload)["device_class"]
        == "power"
    )
    births = len(of(device))
    client.publish("spBv1.0/lab/NCMD/b1", command("Node Control/Rebirth", True))
    wait_until(lambda: len(of(device)) > births, "the rebirth")
    assert value_of(decode(of(device)[-1].payload).metrics[0]) == 30.0
    assert any("output broken failed: RuntimeError: no idea" in note for note in publisher.status().notes)
    assert publisher.status().connected
    recorder.finish()
    assert publisher.detach() == 0
    publisher.close()
    recorder.close()
    wait_until(lambda: of("spBv1.0/lab/NDEATH/b1"), "the farewell")
    node = [m for m in said if m.topic.startswith("spBv1.0/lab/") and m.topic.split("/")[2] != "NCMD"]
    expected = -1
    for message in node[:-1]:
        expected = 0 if "/NBIRTH/" in message.topic else expected + 1
        assert decode(message.payload).seq == expected
    assert value_of(decode(node[-1].payload).metrics[0]) == 0
    own = [m for m in said if m.topic.endswith("/samples")]
    assert sum(json.loads(m.payload)["n"] for m in own) == 50


def test_the_shipped_access_rules_let_both_outputs_through(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lines for them taken in; another bench's topics stay closed."""
    monkeypatch.setattr("controller.mqtt.config.check_name", lambda name: None)
    monkeypatch.setattr("controller.mqtt.publisher.load_output", KINDS.__getitem__)
    shipped = (repository / "deploy" / "mosquitto-acl.conf").read_text()
    rules = shipped.replace("# pattern ", "pattern ") + "\nuser host\ntopic read #\n"
    assert rules.count("\npattern ") == shipped.count("\npattern ") + 5
    (tmp_path / "acl").write_text(rules)
    broker = Broker(tmp_path, f"acl_file {tmp_path}/acl")
    broker.start()
    said: list[Any] = []
    host = paho.Client(CallbackAPIVersion.VERSION2, client_id="host")
    host.username_pw_set("host")
    host.on_connect = lambda made, *_: made.subscribe("#", qos=1)
    host.on_message = lambda _c, _u, message: said.append(message.topic)
    host.connect("127.0.0.1", broker.port)
    host.loop_start()
    wait_until(host.is_connected, "the host")
    outputs = {"outputs": ("homeassistant", "sparkplug"), "username": "b1", "mqtt_version": "5"}
    made = [
        Publisher(
            MqttConfig.model_validate({"host": "127.0.0.1", "port": broker.port, **outputs}), name, simulated=True
        )
        for name in ("b1", "b2")  # the second says who he is not
    ]
    try:
        for publisher in made:
            publisher.start()
        wanted = {"spBv1.0/lab/NBIRTH/b1", "homeassistant/sensor/openablate_lab_b1/state/config", "abl/v1/lab/b1/birth"}
        wait_until(lambda: wanted <= set(said), "what b1 says")
        # mosquitto 2.0.11 hangs up behind its refusal; on a busy machine nothing but that is heard
        refused = ("it forbids abl/v1/lab/b2/birth", "the connection was lost")
        wait_until(lambda: any(words in made[1].status().text for words in refused), "what b2 may not")
        assert made[0].status().notes == ()
        assert not any(topic.startswith(("abl/v1/lab/b2", "spBv1.0/lab/NBIRTH/b2")) for topic in said)
    finally:
        for publisher in made:
            publisher.close()
        host.disconnect()
        host.loop_stop()
        broker.stop(kill=True)


CHILD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.outputs.sparkplug import Sparkplug
import controller.mqtt.config, controller.mqtt.publisher
controller.mqtt.config.check_name = lambda name: None
controller.mqtt.publisher.load_output = lambda name: Sparkplug
config = MqttConfig(host="127.0.0.1", port={port}, outputs=("sparkplug",), keepalive_s=2)
publisher = Publisher(config, "b1", simulated=True)
publisher.start()
time.sleep(60)
"""


def test_tck_id_payloads_ndeath_will_message_is_told_when_the_process_is_killed(
    broker: Broker, heard: tuple[paho.Client, list[Any]], repository: Path
) -> None:
    _, said = heard
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(root=str(repository), port=broker.port)])
    try:
        wait_until(lambda: any("/NBIRTH/" in m.topic for m in said), "the birth")
    finally:
        child.kill()
        child.wait()
    wait_until(lambda: any("/NDEATH/" in m.topic for m in said), "the will")
    birth, death = (next(m for m in said if f"/{kind}/" in m.topic) for kind in ("NBIRTH", "NDEATH"))
    assert decode(death.payload).metrics[0].long_value == decode(birth.payload).metrics[0].long_value == 0
    assert (death.qos, death.retain) == (1, False)
