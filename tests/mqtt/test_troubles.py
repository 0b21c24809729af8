"""What a broker that says no, a certificate and a clock look like to a person: one sentence, with what to do."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import MqttError
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from controller.checkup import Verdict
from controller.checkup.broker import broker as checked
from controller.mqtt.broker import subscribe
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.mqtt.troubles import Forbidden, explain
from tests.mqtt.broker import MOSQUITTO, free_port, listening, wait_until
from tests.mqtt.publishing import publishing
from tests.records.recording import row

needs_broker = pytest.mark.skipif(
    MOSQUITTO is None or shutil.which("openssl") is None, reason="needs mosquitto and openssl"
)
PLAIN = MqttConfig(host="localhost", username="b1", client_id="b1-bench")
pytestmark = pytest.mark.filterwarnings(  # paho leaves a socket whose handshake failed to the collector
    "ignore:.*ssl.SSLSocket.*:pytest.PytestUnraisableExceptionWarning"
)
NOW = datetime(2026, 11, 22, 4, 25, tzinfo=UTC)


def refused(name: str) -> MqttConnectError:
    return MqttConnectError(ReasonCode(PacketTypes.CONNACK, name))


def untrusted(code: int) -> MqttError:
    """As aiomqtt hands it over: only the text, with the cause hidden behind it."""
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, "something"
    try:
        try:
            raise error
        except OSError as cause:
            raise MqttError(str(cause)) from None
    except MqttError as told:
        return told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("Not authorized"), "it does not let 'b1' in; check mqtt.username and password_file"),
        (refused("Bad user name or password"), "it does not know user 'b1' with this password; check"),
        (refused("Client identifier not valid"), "it refuses the name 'b1-bench'; set mqtt.client_id"),
        (refused("Unsupported protocol version"), "it does not speak MQTT 3.1.1; set mqtt.mqtt_version"),
        (refused("Server unavailable"), "it says that it cannot serve now; look at the broker's log"),
        (refused("Banned"), "it has banned this client"),
        (untrusted(9), "is not valid yet: this machine's clock says 2026-11-22 04:25 UTC; set the clock, or wait"),
        (untrusted(10), "its certificate has expired; renew it (this machine's clock says 2026-11-22 04:25 UTC)"),
        (untrusted(62), "its certificate is for another name than 'localhost'; use the name"),
        (untrusted(20), "from an authority that is not trusted here; name that in mqtt.tls.ca_file"),
        (untrusted(99), "its certificate does not hold: something"),
        (MqttError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "it does not speak TLS on this port; check"),
        (ConnectionRefusedError(111, "no"), "Connection refused: nothing listens there; start the broker"),
        (socket.gaierror(-2, "no"), "no machine of this name is known; check mqtt.host"),
        (TimeoutError(), "it does not answer; check that the machine is on"),
        (Forbidden(["abl/v1/lab/b1/birth"], "Not authorized"), "it forbids abl/v1/lab/b1/birth (Not authorized); gr"),
        (ConnectionResetError(104, "Connection reset by peer"), "it broke the connection off; check mqtt.port"),
        (MqttError("Disconnected during message iteration"), "localhost:1883: the connection was lost"),
        (MqttError("Operation timed out"), "it does not answer in time; check the broker and the network"),
        (MqttError("a {strange} word"), "a {strange} word"),
        (MqttError("two\nlines \x1b[2J"), r"two\nlines \x1b[2J"),
    ],
)  # fmt: skip
def test_every_trouble_is_a_sentence(error: Exception, words: str) -> None:
    told = explain(error, PLAIN, NOW)
    assert told.startswith("broker localhost:1883: ")
    assert words in told


class Reserved:
    """A broker's client that is granted nothing; mosquitto grants every subscription and delivers nothing."""

    def __init__(self, granted: object) -> None:
        self._granted = granted

    async def subscribe(self, topic: str, qos: int, timeout: float) -> list[object]:
        return [self._granted]


@pytest.mark.parametrize("granted", [ReasonCode(PacketTypes.SUBACK, "Not authorized"), 0x80])
async def test_a_subscription_that_is_refused(granted: object) -> None:
    refusing: Any = Reserved(granted)
    with pytest.raises(Forbidden, match="cmd/stop"):
        await subscribe(refusing, "abl/v1/lab/b1/cmd/stop")
    agreeing: Any = Reserved(ReasonCode(PacketTypes.SUBACK, "Granted QoS 1"))
    await subscribe(agreeing, "abl/v1/lab/b1/cmd/stop")


# ---- a real broker that says no


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")


def certificate(folder: Path, name: str, kind: str, host: str = "localhost") -> None:
    """``name``.crt and .key, signed by ca.crt (made when it is missing): good, expired, or not valid before 2040."""
    if not (folder / "ca.crt").exists():
        openssl(
            folder, "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", "9000", "-subj", "/CN=lab"
        )
        for made in ("index.txt", "index.txt.attr"):
            (folder / made).touch()
        (folder / "serial").write_text("01\n")
        (folder / "ca.conf").write_text(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ncertificate=ca.crt\n"
            "private_key=ca.key\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
        )
    when = {
        "good": ("-startdate", "20200101000000Z", "-enddate", "20400101000000Z"),
        "expired": ("-startdate", "20190101000000Z", "-enddate", "20200101000000Z"),
        "early": ("-startdate", "20400101000000Z", "-enddate", "20410101000000Z"),
    }[kind]
    openssl(folder, "req", *NEW_KEY, "-keyout", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
    (folder / "san").write_text(f"subjectAltName=DNS:{host}\n")
    openssl(
        folder, "ca", "-config", "ca.conf", "-batch", "-notext", *when, "-extfile", "san", "-in", f"{name}.csr",
        "-out", f"{name}.crt",
    )  # fmt: skip
    (folder / f"{name}.key").chmod(0o600)


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Its port and its process."""
    assert MOSQUITTO is not None
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(
        "\n".join(["per_listener_settings false", f"listener {port} 127.0.0.1", *lines, "user root"]) + "\n"
    )
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", str(conf)], stdout=log, stderr=log)
    try:

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                return True
            return process.poll() is not None

        wait_until(answers, "mosquitto")
        assert process.poll() is None, (folder / "broker.log").read_text()
        yield port, process
    finally:
        process.terminate()
        process.wait(10)


def told(config: MqttConfig, until: Callable[[Any], object] = lambda status: "broker " in status.text) -> str:
    """What the status of a publisher says, and ``ablate doctor`` with it."""
    publisher = Publisher(config, "b1", simulated=True)
    publisher.start()
    wait_until(lambda: until(publisher.status()), "the reason")
    text = publisher.status().text
    publisher.close()
    return text


def doctor(config: MqttConfig) -> str:
    (found,) = checked(config)
    assert found.verdict is Verdict.WARN
    assert "nothing is lost" in found.remedy
    return f"{found.text}; {found.remedy}"


@needs_broker
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_broker_that_refuses(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path, "allow_anonymous false", "password_file /dev/null") as (port, _):
        config = MqttConfig.model_validate({"host": "127.0.0.1", "port": port, "mqtt_version": version})
        for text in (told(config), doctor(config)):
            assert "it does not let 'nobody' in" in text
            assert "check mqtt.username and password_file" in text


@needs_broker
@pytest.mark.parametrize(
    ("kind", "host", "words"),
    [
        ("expired", "localhost", "its certificate has expired; renew it"),
        ("early", "localhost", "its certificate is not valid yet: this machine's clock says 20"),
        ("good", "broker.lab", "its certificate is for another name than 'localhost'; use the name"),
    ],
)
def test_a_certificate_that_does_not_hold(tmp_path: Path, kind: str, host: str, words: str) -> None:
    certificate(tmp_path, "broker", kind, host)
    files = [f"{option} {tmp_path}/{name}" for option, name in (("certfile", "broker.crt"), ("keyfile", "broker.key"))]
    with mosquitto(tmp_path, *files, "allow_anonymous true") as (port, _):
        config = MqttConfig.model_validate({"host": "localhost", "port": port, "tls": {"ca_file": tmp_path / "ca.crt"}})
        assert words in told(config)
        assert words in doctor(config)


@needs_broker
def test_the_benchs_own_certificate_has_expired_or_is_missing(tmp_path: Path) -> None:
    certificate(tmp_path, "broker", "good")
    certificate(tmp_path, "b1", "expired")
    lines = [f"cafile {tmp_path}/ca.crt", f"certfile {tmp_path}/broker.crt", f"keyfile {tmp_path}/broker.key"]
    with mosquitto(tmp_path, *lines, "require_certificate true", "use_identity_as_username true") as (port, _):
        tls: dict[str, Path] = {"ca_file": tmp_path / "ca.crt"}
        without = MqttConfig.model_validate({"host": "localhost", "port": port, "tls": tls})
        assert "it wants a certificate of the bench; give cert_file and key_file" in told(without)
        tls |= {"cert_file": tmp_path / "b1.crt", "key_file": tmp_path / "b1.key"}
        expired = MqttConfig.model_validate({"host": "localhost", "port": port, "tls": tls})
        assert "it says that the bench's certificate has expired; renew mqtt.tls.cert_file" in told(expired)


@needs_broker
def test_tls_where_there_is_none(tmp_path: Path) -> None:
    certificate(tmp_path, "broker", "good")
    with mosquitto(tmp_path, "allow_anonymous true") as (port, _):
        config = MqttConfig.model_validate({"host": "localhost", "port": port, "tls": {"ca_file": tmp_path / "ca.crt"}})
        assert "check mqtt.port" in told(config)


@needs_broker
def test_a_forbidden_topic_is_told_and_nothing_is_taken_for_sent(tmp_path: Path) -> None:
    """MQTT 5: what the broker threw away stays unsent, and arrives when it is allowed. The bench goes on meanwhile."""
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write abl/v1/lab/cooled-rf/birth\ntopic write abl/v1/lab/cooled-rf/status\n")
    with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as (port, process):
        config = MqttConfig.model_validate({"host": "127.0.0.1", "port": port, "mqtt_version": "5"})
        with publishing(tmp_path / "sessions", config) as (recorder, publisher):
            for seq in range(20):
                recorder.tick(row(seq))
                time.sleep(0.01)
            reason = "(Not authorized); grant the topic to the bench in the broker's ACL"
            wait_until(lambda: reason in publisher.status().text, "the reason")  # it is connected again now and then
            wait_until(lambda: publisher.status().lag_rows >= 60, "the lag")
            acl.write_text("topic readwrite #\n")
            process.send_signal(signal.SIGHUP)
            with listening(port) as listener:

                def ticks() -> list[int]:
                    return [seq for h in listener.heard if h.topic.endswith("/samples") for seq in h.data["seq"]]

                wait_until(lambda: ticks() == list(range(20)), "what was held back")


@needs_broker
def test_what_is_only_nice_to_have_may_be_forbidden(tmp_path: Path) -> None:
    """An ACL from before ``latest`` and backfill: the record arrives, and the status says what does not."""
    acl = tmp_path / "acl"
    root = "abl/v1/lab/cooled-rf"
    grants = "".join(f"topic write {root}/{topic}\n" for topic in ("birth", "status", "session/+/+"))
    acl.write_text(f"topic read {root}/session/#\n{grants}")
    with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as (port, _), listening(port) as listener:
        config = MqttConfig.model_validate({"host": "127.0.0.1", "port": port, "mqtt_version": "5"})
        with publishing(tmp_path / "sessions", config) as (recorder, publisher):
            for seq in range(20):
                recorder.tick(row(seq))
            wait_until(lambda: any("latest" in note for note in publisher.status().notes), "the note")
            assert publisher.status().connected
            wait_until(lambda: listener.last("/samples") and publisher.status().lag_batches == 0, "the record")
