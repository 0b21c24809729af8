"""``examples/lab``: every file of the kit, as far as its program is here."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from controller.collect.config import CollectConfig, read
from controller.collect.postgres import schema
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from tests.collect.bench import SESSION, batch, closed, meta
from tests.collect.database import Server, serving, usable
from tests.collect.test_collector import Running, closing_recorder
from tests.mqtt.broker import MOSQUITTO, free_port, wait_until
from tests.records.recording import row

LAB = Path(__file__).parents[2] / "examples" / "lab"
DASHBOARDS = sorted((LAB / "grafana" / "dashboards").glob("*.json"))
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")
needs_postgres = pytest.mark.skipif(
    not usable() or shutil.which("psql") is None, reason="PostgreSQL is not installed: apt-get install postgresql"
)


def test_every_file_parses() -> None:
    for file in [*LAB.rglob("*.yaml"), *LAB.rglob("*.toml")]:
        assert yaml.safe_load(file.read_text(encoding="utf-8")), file
    telegraf = tomllib.loads((LAB / "telegraf" / "telegraf.conf").read_text(encoding="utf-8"))
    assert telegraf["inputs"]["mqtt_consumer"][0]["topics"] == ["abl/v1/+/+/status"]
    for file in DASHBOARDS:
        board = json.loads(file.read_text(encoding="utf-8"))
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        assert all(panel["datasource"]["uid"] == "lab" for panel in board["panels"])
    compose = yaml.safe_load((LAB / "docker-compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"broker", "database", "collector", "telegraf", "grafana"}
    for name in ("mosquitto/mosquitto.conf", "collector-docker.yaml", "telegraf/telegraf.conf"):
        assert name in (LAB / "docker-compose.yaml").read_text(encoding="utf-8")
        assert (LAB / name).is_file()


def test_configurations_are_those_of_this_version() -> None:
    for name in ("collector.yaml", "collector-docker.yaml"):
        told = read(LAB / name)
        assert told.journal == LAB / "data" / "journal"
        assert told.broker.tls is not None
        assert told.broker.tls.ca_file == LAB / "certs" / "ca.crt"
        assert told.postgres is not None
        assert told.postgres.password_file == LAB / "secrets" / "postgres-collector"
    page = (LAB.parents[1] / "docs" / "lab.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert CollectConfig.model_validate(yaml.safe_load(block)).patience.answer_s == 30
    bench = yaml.safe_load((LAB / "bench-mqtt.yaml").read_text(encoding="utf-8"))
    assert MqttConfig.model_validate(bench["mqtt"]).site == "lab1"


@pytest.fixture(scope="module")
def kit() -> Iterator[Path]:
    """A copy of the folder, with certificates."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        copy = Path(folder) / "lab"
        shutil.copytree(LAB, copy, ignore=shutil.ignore_patterns("certs", "secrets", "data"))
        names = ["collector", "telegraf", "cooled-rf", "other"]
        subprocess.run([copy / "certificates.sh", "127.0.0.1", *names[:2]], check=True, capture_output=True)
        before = (copy / "certs" / "collector.crt").read_bytes()
        subprocess.run([copy / "certificates.sh", "127.0.0.1", *names], check=True, capture_output=True)
        assert (copy / "certs" / "collector.crt").read_bytes() == before  # what is there stays
        yield copy


@needs_openssl
def test_certificates_hold_and_keys_are_private(kit: Path) -> None:
    for name, purpose in (("broker", "sslserver"), ("collector", "sslclient"), ("cooled-rf", "sslclient")):
        command = ["openssl", "verify", "-purpose", purpose, "-CAfile", "certs/ca.crt", f"certs/{name}.crt"]
        told = subprocess.run(command, cwd=kit, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr
    secret = [*(kit / "certs").glob("*.key"), *(kit / "secrets").iterdir()]
    assert len(secret) == 6 + 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in secret)


@pytest.fixture
def broker(kit: Path) -> Iterator[int]:
    """The kit's own broker on a free port."""
    assert MOSQUITTO is not None
    port = free_port()
    text = (kit / "mosquitto" / "mosquitto.conf").read_text().replace("listener 8883", f"listener {port} 127.0.0.1")
    config = kit / "mosquitto" / "test.conf"
    config.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
    with (kit / "mosquitto.log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", config], cwd=kit, stdout=log, stderr=log)
    time.sleep(0.3)
    assert process.poll() is None, (kit / "mosquitto.log").read_text()
    yield port
    process.terminate()
    process.wait(10)


def tls(kit: Path, name: str) -> dict[str, str]:
    certs = kit / "certs"
    return {"ca_file": f"{certs}/ca.crt", "cert_file": f"{certs}/{name}.crt", "key_file": f"{certs}/{name}.key"}


class Client:
    """Somebody with a certificate (or without)."""

    def __init__(self, kit: Path, port: int, name: str | None) -> None:
        self.heard: list[str] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        context = ssl.create_default_context(cafile=str(kit / "certs" / "ca.crt"))
        if name:
            context.load_cert_chain(kit / "certs" / f"{name}.crt", kit / "certs" / f"{name}.key")
        self.client.tls_set_context(context)
        self.client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.client.on_connect = lambda client, *_: client.subscribe("abl/#", qos=1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@needs_openssl
@needs_mosquitto
@pytest.mark.process
def test_everybody_may_do_his_own_and_nothing_else(kit: Path, broker: int) -> None:
    bench, other, collector = listeners = [Client(kit, broker, name) for name in ("cooled-rf", "other", "collector")]
    own, foreign = "abl/v1/lab1/cooled-rf", "abl/v1/lab1/other"
    attempts = [
        ("cooled-rf", f"{own}/session/{SESSION}/samples"),
        ("cooled-rf", f"{foreign}/session/{SESSION}/samples"),
        ("cooled-rf", f"{own}/cmd/stop"),
        ("collector", f"{own}/cmd/stop"),
        ("collector", f"{own}/status"),
        ("collector", f"{own}/cmd/backfill"),
        ("cooled-rf", f"{own}/status"),
    ]
    try:
        wait_until(lambda: all(one.client.is_connected() for one in listeners), "three clients")
        for name, topic in attempts:
            speaker = Client(kit, broker, name)  # mosquitto 2.0.11 hangs up on who writes what he may not
            wait_until(speaker.client.is_connected, name)
            speaker.client.publish(topic, "{}")
            time.sleep(0.1)
            speaker.close()
        wait_until(lambda: f"{own}/status" in collector.heard, "the last one that is allowed")
        assert collector.heard == [f"{own}/session/{SESSION}/samples", f"{own}/cmd/backfill", f"{own}/status"]
        assert bench.heard == [f"{own}/cmd/backfill"]
        assert other.heard == []
    finally:
        for one in listeners:
            one.close()
    nobody = Client(kit, broker, None)
    wait_until(lambda: "peer did not return a certificate" in (kit / "mosquitto.log").read_text(), "the refusal")
    assert not nobody.client.is_connected()
    nobody.close()


@needs_openssl
@needs_mosquitto
@pytest.mark.process
def test_a_bench_and_the_collector_over_the_kit_s_broker(kit: Path, broker: int) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'openablate[export]'")
    told = yaml.safe_load((kit / "collector.yaml").read_text())
    told["broker"] |= {"host": "127.0.0.1", "port": broker, "tls": tls(kit, "collector")}
    told |= {"journal": str(kit / "data" / "journal"), "patience": {"gap_s": 0.3}}
    told["parquet"] = {"folder": str(kit / "data" / "lake")}
    del told["postgres"]
    CollectConfig.model_validate(told)
    bench = yaml.safe_load((kit / "bench-mqtt.yaml").read_text())["mqtt"]
    bench |= {"host": "127.0.0.1", "port": broker, "tls": tls(kit, "cooled-rf"), "heartbeat_s": 0.3}
    with closing_recorder(kit / "sessions") as recorder:
        publisher = Publisher(MqttConfig.model_validate(bench), "cooled-rf", simulated=True)
        publisher.attach(recorder)
        publisher.start()
        try:
            for seq in range(20):
                recorder.tick(row(seq))
            wait_until(lambda: recorder.head > 0 and publisher.status().lag_batches == 0, "the publisher")
            one = Running(told)
            try:
                ledgers, session = one.collector.journal.ledgers, recorder.session_id
                wait_until(lambda: session in ledgers, "the heartbeat that names the session")
                recorder.finish({"result": "completed"})
                assert publisher.detach() == 0
                wait_until(lambda: ledgers[session].settled, "the end")
                assert ledgers[session].verdict() == "complete"
                assert ledgers[session].backfilled > 0  # it came when the session had begun
            finally:
                one.close()
        finally:
            publisher.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'openablate[collect]'")
    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        Path(folder).chmod(0o755)
        with serving(Path(folder) / "pg") as server:
            yield server


def psql(server: Server, *arguments: str | Path, text: str | None = None) -> None:
    command = ["psql", "-v", "ON_ERROR_STOP=1", "-q", server.conninfo, *map(str, arguments)]
    told = subprocess.run(command, input=text, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


@needs_postgres
@pytest.mark.process
def test_tables_roles_and_every_query_of_the_dashboards(server: Server, kit: Path) -> None:
    import psycopg

    psql(server, text=schema())
    passwords = [f"{who}={(kit / 'secrets' / f'postgres-{who}').read_text().strip()}" for who in ROLES]
    psql(server, *(part for one in passwords for part in ("-v", one)), "-f", LAB / "postgres" / "roles.sql")
    _fill(server)
    with psycopg.connect(server.conninfo.replace("user=lab", "user=grafana")) as db:
        for title, query in _queries():
            rows = db.execute(query).fetchall()
            assert rows or title in EMPTY, title
        page = (LAB.parents[1] / "docs" / "lab.md").read_text(encoding="utf-8")
        (block,) = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for query in block.split(";")[:2]:
            assert db.execute(query).fetchall()
    for who in ("grafana", "collector"):
        with (
            psycopg.connect(server.conninfo.replace("user=lab", f"user={who}")) as db,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            db.execute("DELETE FROM sample")


ROLES = ("collector", "grafana", "telegraf")
EMPTY = {"Trips", "Impedance", "Flow and pressure"}  # what the session below has none of


def _fill(server: Server) -> None:
    """As the collector, with its rights."""
    from controller.collect.config import Postgres
    from controller.collect.journal import Kept
    from controller.collect.ledger import Ledger
    from controller.collect.postgres import PostgresSink

    bodies = [meta(), *batch(0), *batch(1), closed(2)]
    bodies[3]["kind"] = "fire"
    bodies[1]["channels"]["tc\ttip_c"]["quality"] = [0]
    ledger = Ledger("lab1", "b1", SESSION)
    for body in bodies[1:]:
        ledger.take(body)
    kept = [Kept(i, SESSION, "lab1", "b1", json.dumps(body).encode()) for i, body in enumerate(bodies)]
    sink = PostgresSink(Postgres(conninfo=server.conninfo.replace("user=lab", "user=collector")))
    sink.take(kept, [ledger])
    sink.close()


def _queries() -> Iterator[tuple[str, str]]:
    """Every query of every dashboard, with Grafana's macros spelled out."""
    for file in DASHBOARDS:
        board: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found = [(panel["title"], target["rawSql"]) for panel in board["panels"] for target in panel["targets"]]
        found += [(variable["name"], variable["query"]) for variable in board["templating"]["list"]]
        found += [(note["name"], note["target"]["rawSql"]) for note in board["annotations"]["list"]]
        for title, query in found:
            text = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 > '2000-01-01'", query)
            text = re.sub(r"\$__timeGroup\((\w+), \$__interval\)", r"date_trunc('second', \1)", text)
            text = text.replace("$session", SESSION).replace("$bench", "b1")
            assert "$" not in text
            yield title, text
