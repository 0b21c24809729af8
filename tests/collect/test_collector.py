"""The collector with a real broker, a real database and real files: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import controller.records
from controller.collect.collector import Collector, Status
from controller.collect.config import CollectConfig
from controller.collect.ledger import Ledger
from controller.commands.collect import sinks_of
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.records.session import Recorder
from controller.records.verify import verify
from tests.collect.bench import HEAD, SESSION, Bench, batch, meta
from tests.collect.database import Server, serving, usable
from tests.mqtt.broker import MOSQUITTO, Broker, wait_until
from tests.records.recording import CHANNELS, HEADER, row

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'openablate[export]'")
pytest.importorskip("aiomqtt", reason="aiomqtt is not installed: pip install 'openablate[mqtt]'")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]
needs_postgres = pytest.mark.skipif(not usable(), reason="PostgreSQL is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'openablate[collect]'")
    import tempfile

    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        Path(folder).chmod(0o755)
        with serving(Path(folder) / "pg") as server:
            yield server


def config(folder: Path, port: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "c1",
        "broker": {"host": "127.0.0.1", "port": port},
        "journal": str(folder / "journal"),
        "parquet": {"folder": str(folder / "lake"), "every_s": 3600},
        "patience": {"gap_s": 0.3, "answer_s": 2.0},
        **more,
    }


class Running:
    """A collector in a thread of its own."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = CollectConfig.model_validate(told)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self.collector = Collector(self._told, sinks_of(self._told))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.collector.run(self._stop))
        self._loop.close()

    def status(self) -> Status:
        return asyncio.run_coroutine_threadsafe(self.collector.status(), self._loop).result(5)

    @property
    def ledger(self) -> Ledger | None:
        return self.collector.journal.ledgers.get(SESSION)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextmanager
def running(told: dict[str, Any]) -> Iterator[Running]:
    one = Running(told)
    try:
        wait_until(lambda: one.status().connected, "the collector")
        yield one
    finally:
        one.close()


@contextmanager
def bench(port: int, last: int = 20, name: str = "b1") -> Iterator[Bench]:
    one = Bench(port, last, name)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def closing_recorder(folder: Path) -> Iterator[Recorder]:
    recorder = Recorder.create(folder, HEADER, CHANNELS)
    try:
        yield recorder
    finally:
        recorder.close()


def settled(one: Running) -> bool:
    return one.ledger is not None and one.ledger.settled


def read(folder: Path, kind: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(folder.rglob(f"{kind}-*.parquet"))
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files], promote_options="default")


def test_gaps_are_filled_and_duplicates_are_counted(broker: Broker, tmp_path: Path) -> None:
    with bench(broker.port) as b1, running(config(tmp_path, broker.port)) as one:
        b1.status(-1)
        b1.say(f"session/{SESSION}/meta", meta(), retain=True)
        for n in range(20):
            b1.send(n, parts=(0, 2) if n == 11 else (0, 1, 2)) if n not in (0, 4, 5, 19) else None
            b1.status(n)
        b1.send(12)  # once more, all of it
        wait_until(lambda: (here := one.ledger) is not None and here.newest == 19 and not here.missing(), "the gaps")
        asked = [(told["first_batch"], told["last_batch"]) for told in b1.asked]
        assert asked == [(0, 0), (4, 5), (11, 11), (19, 19)]
        assert not settled(one)
        b1.send(20)
        wait_until(lambda: settled(one), "the end")
        (told,) = one.status().benches
        # twice: batch 12, and of batch 11 what had come before it was asked for
        assert (told.duplicates, told.missing_batches, told.lost_batches) == (3 + 2, 0, 0)
        assert one.ledger is not None
        assert one.ledger.verdict() == "complete"
    ticks, samples, events = (read(tmp_path / "lake", kind) for kind in ("ticks", "samples", "events"))
    assert sorted(ticks["seq"].to_pylist()) == list(range(160))
    assert len(samples) == 20 * 2 * 5
    assert sorted(events["seq"].to_pylist()) == list(range(1, 21))
    (folder,) = (tmp_path / "lake").glob("bench=b1/date=*/session=*")
    assert folder.name == f"session={SESSION}"
    told_file = json.loads((folder / "session.json").read_text())
    assert told_file["collected"]["verdict"] == "complete"
    assert told_file["chain_head"] == HEAD
    assert told_file["header"]["bench"] == "b1"


@needs_postgres
def test_the_database_may_be_away(broker: Broker, server: Server, tmp_path: Path) -> None:
    import psycopg

    from controller.collect.postgres import schema

    told = config(tmp_path, broker.port, postgres={"conninfo": server.conninfo}, parquet=None)
    with bench(broker.port) as b1, running(told) as one:
        b1.say(f"session/{SESSION}/meta", meta(), retain=True)
        b1.send(0)
        wait_until(lambda: "lacks a table" in one.status().sinks["postgres"], "the complaint")
        assert "ablate collect --schema | psql" in one.status().sinks["postgres"]
        with psycopg.connect(server.conninfo) as db:
            db.execute(schema())
            db.execute(schema())  # may be run again
        for n in range(1, 10):
            b1.send(n)
        wait_until(lambda: one.status().waiting["postgres"] == 0, "the database")
        server.stop()
        for n in range(10, 21):
            b1.send(n)
        wait_until(lambda: settled(one), "the end")
        assert one.status().waiting["postgres"] > 0  # kept, and acknowledged
        server.start()
        wait_until(lambda: one.status().waiting["postgres"] == 0, "the database after its outage")
    assert server.rows("SELECT count(*), count(DISTINCT seq), max(seq) FROM tick") == [(160, 160, 159)]
    assert server.rows("SELECT count(*), count(value), sum(quality) FROM sample") == [(200, 160, 40 * 3)]
    assert server.rows("SELECT verdict, chain_head, batches, missing, summary->>'result' FROM session") == [
        ("complete", HEAD, 21, 0, "completed")
    ]
    (row,) = server.rows(
        "SELECT extract(epoch FROM time)::float8, state, demand_w, setpoint_w, epoch FROM tick WHERE seq=8"
    )
    assert row == (1795321500.08, "FIRING", 30.0, None, 3)
    assert server.rows("SELECT DISTINCT channel FROM sample ORDER BY 1") == [("gen.power_w",), ("tc\ttip_c",)]
    assert server.rows("SELECT data->>'text' FROM event WHERE seq=1") == [("tab\t back\\slash 5 Ω",)]
    # a journal that was lost: everything comes again, nothing is there twice
    again = config(tmp_path / "second", broker.port, postgres={"conninfo": server.conninfo}, name="c2")
    with bench(broker.port) as b1, running(again) as one:
        b1.status(20, session=None)
        b1.send(3)
        wait_until(lambda: settled(one), "the backfill")
        wait_until(lambda: one.status().waiting["postgres"] == 0, "the database")
    assert server.rows("SELECT count(*), count(DISTINCT seq), max(seq) FROM tick") == [(160, 160, 159)]


def test_a_refusal_is_said(broker: Broker, tmp_path: Path) -> None:
    with bench(broker.port) as b1, running(config(tmp_path, broker.port)) as one:
        b1.refuses = "too old"
        b1.status(-1)
        for n in (0, 1, 3, 20):
            b1.send(n)
        wait_until(lambda: settled(one), "the refusal")
        assert one.ledger is not None
        assert one.ledger.verdict() == "17 batches are lost: the bench refused to send them again: too old"
        assert one.status().benches[0].lost_batches == 17

        def told() -> bool:
            files = list((tmp_path / "lake").rglob("session.json"))
            return bool(files) and json.loads(files[0].read_text())["collected"]["verdict"].startswith("17 batches")

        wait_until(told, "what the files say of it")


def test_noise_is_refused_and_stops_nothing(broker: Broker, tmp_path: Path) -> None:
    with bench(broker.port) as b1, running(config(tmp_path, broker.port)) as one:
        b1.say(f"session/{SESSION}/samples", {"schema": "abl/samples/1", "session": SESSION})
        b1.say(f"session/{SESSION}/samples", ["hello"])
        b1.send(0)
        wait_until(lambda: one.ledger is not None and one.ledger.ticks == 8, "the batch")
        assert one.status().refused == 2


@pytest.mark.parametrize("frozen", [False, True])
def test_a_broker_that_goes_away(broker: Broker, tmp_path: Path, frozen: bool) -> None:
    with bench(broker.port) as b1, running(config(tmp_path, broker.port)) as one:
        b1.status(-1)
        b1.send(0)
        wait_until(lambda: one.ledger is not None and one.ledger.ticks == 8, "the batch")
        with broker.away(frozen):
            time.sleep(0.5)
        for n in range(1, 21):
            b1.send(n)
        wait_until(lambda: settled(one), "the rest")
        assert one.ledger is not None
        assert one.ledger.verdict() == "complete"


def test_killed_at_any_moment_it_has_everything_once(broker: Broker, tmp_path: Path) -> None:
    """kill -9, three times, while a session comes in; Parquet files are written all the time."""
    told = {**config(tmp_path, broker.port), "parquet": {"folder": str(tmp_path / "lake"), "every_s": 1}}
    file = tmp_path / "lab.yaml"
    file.write_text(json.dumps(told))  # JSON is YAML
    command = [sys.executable, "-m", "controller", "collect", str(file), "--json", "--every", "0.2"]
    last = 80
    with bench(broker.port, last) as b1:
        b1.status(-1)
        n = 0
        for life in range(4):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                while not json.loads(process.stdout.readline())["connected"]:
                    pass
                until = time.monotonic() + 0.25 + 0.17 * life
                while time.monotonic() < until or (life == 3 and n <= last):
                    if n <= last:
                        b1.send(n)
                        n += 1
                    time.sleep(0.002)
                if life < 3:
                    process.kill()
                    continue
                for line in process.stdout:
                    status = json.loads(line)
                    (told_bench,) = status["benches"]
                    if told_bench["missing_batches"] == 0 and n > last and status["messages_per_s"] == 0:
                        break
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
    assert sorted(read(tmp_path / "lake", "ticks")["seq"].to_pylist()) == list(range(last * 8))
    assert sorted(read(tmp_path / "lake", "events")["seq"].to_pylist()) == list(range(1, last + 1))
    assert len(read(tmp_path / "lake", "samples")) == last * 10


def test_with_the_bench_s_own_publisher(broker: Broker, tmp_path: Path) -> None:
    """It comes late, asks for the beginning, and has in the end what is in the session file."""
    with closing_recorder(tmp_path / "sessions") as recorder:
        publisher = Publisher(
            MqttConfig(host="127.0.0.1", port=broker.port, heartbeat_s=0.3), "cooled-rf", simulated=True
        )
        publisher.attach(recorder)
        publisher.start()
        try:
            for seq in range(60):
                recorder.tick(row(seq))
                time.sleep(0.005)
            wait_until(lambda: recorder.head > 2 and publisher.status().lag_batches == 0, "the publisher")
            with running(config(tmp_path, broker.port)) as one:
                for seq in range(60, 90):
                    recorder.tick(row(seq))
                    time.sleep(0.005)
                recorder.event(4.5, "trip", {"monitor": "range"})
                recorder.finish({"result": "tripped"})
                assert publisher.detach() == 0
                wait_until(lambda: recorder.session_id in one.collector.journal.ledgers, "the session")
                ledger = one.collector.journal.ledgers[recorder.session_id]
                wait_until(lambda: one.collector.journal.ledgers[recorder.session_id].settled, "the end")
                ledger = one.collector.journal.ledgers[recorder.session_id]
                assert ledger.verdict() == "complete"
                assert ledger.backfilled > 0
        finally:
            publisher.close()
    found = verify(recorder.path)
    assert ledger.chain_head == found.head
    with controller.records.open(recorder.path) as session:
        file = session.tables()
    ticks = read(tmp_path / "lake", "ticks").sort_by("seq")
    for name in ("seq", "t_s", "setpoint_w", "energy_j", "epoch"):
        assert ticks[name].to_pylist() == file["ticks"][name].tolist()
    names = ("channel", "t_request_s", "value", "quality")
    collected, recorded = read(tmp_path / "lake", "samples"), file["samples"].arrow()
    rows = [sorted(zip(*(t[name].to_pylist() for name in names), strict=True)) for t in (collected, recorded)]
    assert rows[0] == rows[1]
    assert read(tmp_path / "lake", "events")["kind"].to_pylist() == ["trip"]


def test_a_session_that_nobody_listened_to(broker: Broker, tmp_path: Path) -> None:
    """It began and ended while the collector was not there, and the broker kept nothing of it but its name."""
    publisher = Publisher(MqttConfig(host="127.0.0.1", port=broker.port, heartbeat_s=0.3), "cooled-rf", simulated=True)
    publisher.start()
    try:
        recorders = []
        for _ in range(2):
            with closing_recorder(tmp_path / "sessions") as recorder:
                publisher.attach(recorder)
                for seq in range(40):
                    recorder.tick(row(seq))
                    time.sleep(0.005)
                catch_up = publisher._post.catch_up
                wait_until(lambda c=catch_up: c is not None and c.announced is not None, "the files to be looked at")
                recorder.finish({"result": "completed"})
                assert publisher.detach() == 0
            recorders.append(recorder)
        with running(config(tmp_path, broker.port)) as one:
            ledgers = one.collector.journal.ledgers
            for recorder in recorders:
                wait_until(lambda r=recorder: r.session_id in ledgers and ledgers[r.session_id].settled, "the session")
                assert ledgers[recorder.session_id].verdict() == "complete"
                assert ledgers[recorder.session_id].chain_head == verify(recorder.path).head
    finally:
        publisher.close()
    assert sorted(read(tmp_path / "lake", "ticks")["seq"].to_pylist()) == sorted([*range(40), *range(40)])


def test_the_shape_of_a_batch_is_the_bench_s_own() -> None:
    """The fake bench speaks as the documents say."""
    from tests.mqtt.contract import check

    for body in batch(1):
        kind = "events" if body["schema"] == "abl/events/1" else "samples"
        assert check(f"abl/v1/lab/b1/session/{SESSION}/{kind}", json.dumps(body).encode())
