"""What may be configured, and which messages are a STOP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from controller.mqtt.config import MqttConfig, is_loopback
from controller.mqtt.publisher import MqttProblem, Publisher
from controller.mqtt.stop import Crowd, Stop, judge

STOP = "abl/v1/lab/b1/cmd/stop"
NOW = datetime(2026, 11, 22, 4, 25, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("127.evil.example", False),
        ("localhost.evil.example", False),
        ("192.168.1.5", False),
        ("broker.lab", False),
        ("0.0.0.0", False),
    ],
)
def test_only_this_machine_needs_no_tls(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    if loopback:
        assert MqttConfig(host=host).port == 1883
        return
    with pytest.raises(ValidationError, match=f"broker {host} is not on this machine and has no TLS"):
        MqttConfig(host=host)
    assert MqttConfig(host=host, insecure_i_understand=True).tls is None
    named = {"username": "b1", "password_file": "/etc/ablate/mqtt-password"}
    certified = {"tls": {"cert_file": "b1.pem", "key_file": "b1.key"}}
    for more in ({"tls": {}, **named}, certified, {"tls": {}, "insecure_i_understand": True}):
        assert MqttConfig.model_validate({"host": host, "port": 8883, **more}).tls is not None
    for more in ({}, {"username": "b1"}):
        with pytest.raises(ValidationError, match="nothing says who this bench is: give username and password_file"):
            MqttConfig.model_validate({"host": host, "port": 8883, "tls": {}, **more})
    with pytest.raises(ValidationError, match="has no TLS"):
        MqttConfig.model_validate({"host": host, **named})


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"site": "a/b"}, "site 'a/b' cannot be part of an MQTT topic"),
        ({"site": ""}, "site '' cannot be part"),
        ({"site": "#"}, "site '#' cannot be part"),
        ({"prot": 1}, "Extra inputs are not permitted"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"heartbeat_s": float("nan")}, "finite number"),
        ({"password_file": "x"}, "password_file is given without username"),
        ({"tls": {"cert_file": "x"}}, "cert_file and key_file go together"),
    ],
)
def test_what_is_refused(more: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        MqttConfig.model_validate({"host": "localhost", **more})


def test_aiomqtt_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MqttProblem, match=r"aiomqtt is not installed: pip install 'openablate\[mqtt\]'"):
        Publisher(MqttConfig(host="localhost"), "b1", simulated=True)


def test_a_password_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    config = MqttConfig(host="localhost", username="b1", password_file=tmp_path / "none")
    with pytest.raises(MqttProblem, match="none"):
        Publisher(config, "b1", simulated=True)
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    for mode in (0o644, 0o604, 0o602):
        secret.chmod(mode)
        with pytest.raises(MqttProblem, match=r"everybody on this machine may read .*secret: chmod 640 it"):
            Publisher(MqttConfig(host="localhost", username="b1", password_file=secret), "b1", simulated=True)
    secret.chmod(0o640)
    Publisher(MqttConfig(host="localhost", username="b1", password_file=secret), "b1", simulated=True)
    with pytest.raises(MqttProblem, match="bench 'b/1' cannot be part of an MQTT topic"):
        Publisher(MqttConfig(host="localhost"), "b/1", simulated=True)


@pytest.mark.parametrize(
    ("payload", "stop"),
    [
        (b'{"who": "ann", "reason": "smoke"}', Stop("", "mqtt ann", "smoke")),
        (b'{"who": "ann", "utc": "2026-11-22T04:25:06Z"}', Stop("", "mqtt ann", "")),
        (b'{"who": "ann", "utc": "2026-11-22T04:25:06"}', Stop("", "mqtt ann", "")),
        (b'{"utc": "2026-11-22T04:25:04Z"}', Stop("it is 6 s old, at most 5 s are allowed")),
        (b'{"utc": "yesterday"}', Stop("", "mqtt unknown", "")),
        (b'{"utc": 17}', Stop("", "mqtt unknown", "")),
        (b"stop!", Stop("", "mqtt unknown", "")),
        (b"\xff\xfe", Stop("", "mqtt unknown", "")),
        (b"[1]", Stop("", "mqtt unknown", "")),
        (b"[" * 4000, Stop("", "mqtt unknown", "")),
        (b'{"who": "a\\u001b[2Jb\\n"}', Stop("", r"mqtt a\x1b[2Jb\n", "")),
        (b"", Stop("it is empty: a retained message was cleared")),
        (b" " * 4097, Stop("it is longer than 4096 bytes")),
    ],
)
def test_stop(payload: bytes, stop: Stop) -> None:
    assert judge(STOP, STOP, payload, False, NOW) == stop


def test_nothing_else_is_a_stop() -> None:
    assert judge(STOP, STOP, b"{}", True, NOW).ignored == "it is retained, so nobody has asked for it now"
    for topic in ("abl/v1/lab/b2/cmd/stop", "abl/v1/lab/b1/cmd/start", "abl/v1/lab/b1/cmd/stop/x", ""):
        assert judge(STOP, topic, b"{}", False, NOW).ignored.startswith("nothing but STOP is accepted")
    assert judge(None, STOP, b"{}", False, NOW).ignored.startswith("nothing but STOP is accepted")


def test_a_flood_is_held_back_and_what_comes_first_never() -> None:
    crowd = Crowd()
    assert [crowd.holds_back(5.0 + 0.01 * k) for k in range(13)] == [0] * 10 + [1, 2, 3]
    assert crowd.holds_back(5.99) == 4
    assert crowd.holds_back(6.0) == 0
