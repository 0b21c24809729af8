"""docs/asyncapi.json is what the models give, and what a whole application says is what it describes."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controller.config import setup as setups
from controller.daemon.telemetry import Broker
from controller.mqtt import asyncapi, messages
from controller.mqtt.messages import Message, Stamp
from controller.mqtt.models import MESSAGES, Samples
from controller.mqtt.publisher import PublisherStatus
from controller.mqtt.watch import Watch
from controller.records.reader import connect
from sim import rehearsal
from tests.daemon.rehearsed import bench, protocol
from tests.mqtt.contract import DOCUMENT, check, document

STAMP = Stamp("cooled-rf-sim", "0" * 32, 1, True)


def test_the_committed_document_is_what_the_models_give() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == asyncapi.text(), (
        "python -m controller.mqtt.asyncapi > docs/asyncapi.json"
    )


def test_the_document_is_whole() -> None:
    made = document()
    assert made["asyncapi"] == "3.0.0"

    def follow(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(ref := node.get("$ref"), str):
                at: Any = made
                for part in ref.removeprefix("#/").split("/"):
                    at = at[part]
            for child in node.values():
                follow(child)
        elif isinstance(node, list):
            for child in node:
                follow(child)

    follow(made)
    for name in made["components"]["schemas"]:
        jsonschema.Draft202012Validator.check_schema(made["components"]["schemas"][name])
    assert set(made["operations"]) == set(made["channels"])
    heard = {name for name, operation in made["operations"].items() if operation["action"] == "receive"}
    assert heard == {"stop", "backfillAsk"}  # nothing else can be asked of a bench
    used = {name for channel in made["channels"].values() for name in channel["messages"]}
    assert used == {model.__name__ for model in MESSAGES.values()} | {"Stop"}
    assert made["components"]["schemas"]["Samples"]["properties"]["demand_w"]["unit"] == "W"


def test_a_message_that_is_not_described_is_found() -> None:
    whole = json.loads(messages.status(STAMP, online=True).payload)
    topic = "abl/v1/lab/b/status"
    assert check(topic, json.dumps(whole).encode()) == "Status"
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        check(topic, json.dumps({**whole, "more": 1}).encode())
    with pytest.raises(ValueError, match="state"):
        check(topic, json.dumps({**whole, "state": "asleep"}).encode())
    with pytest.raises(AssertionError, match="Status on"):
        check("abl/v1/lab/b/birth", json.dumps(whole).encode())
    with pytest.raises(AssertionError, match="not documented"):
        check("abl/v1/lab/b/else", b"{}")


class Told:
    """Stands in for the publisher: what the daemon hands over, made into messages at once."""

    pid = None

    def __init__(self, *_: Any, birth: Mapping[str, object], **__: Any) -> None:
        self.said = [messages.birth(STAMP, birth)]

    def start(self) -> None: ...

    def attach(self, recorder: Any) -> None: ...

    def set_state(self, state: Mapping[str, object]) -> None:
        self.said.append(messages.state(STAMP, state))

    def set_alarm(self, monitor: str, alarm: Mapping[str, object] | None) -> None:
        self.said.append(messages.alarm(STAMP, monitor, alarm))

    def status(self) -> PublisherStatus:
        return PublisherStatus(True, 0, "connected")

    def detach(self) -> int:
        return 0

    def close(self) -> None: ...


def test_what_a_real_application_says_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application on the simulated bench that ends by a trip, told from beginning to end."""
    monkeypatch.setattr("controller.mqtt.beside.BesidePublisher", Told)
    setup = setups.load(bench(tmp_path, mqtt={"host": "localhost"}), protocol(tmp_path))
    broker = Broker(setup.bench.bench, simulated=True)
    monkeypatch.setattr(rehearsal, "Silence", lambda: broker)
    result = rehearsal.rehearse(setup, out=tmp_path, faults=("inputs.estop@8",))
    told: Any = broker._publisher
    said: list[Message] = told.said
    path = Path(result["session_file"])
    with contextlib.closing(connect(path)) as db:
        about = messages.subject(messages.header_of(db))
        (head,) = db.execute("SELECT max(n) FROM chain").fetchone()
        said.append(Message(f"session/{about.session}/meta", messages.session_meta(db, STAMP)))
        for n in range(head + 1):
            said += [
                Message(f"session/{about.session}/{where}", body)
                for where, body in messages.batch_messages(db, STAMP, about, n, historical=False)
            ]
        (ticks,), (samples,) = (
            db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("ticks", "samples")
        )
    watch = Watch(path)
    watch.look(-1)
    assert watch.facts is not None
    said.append(messages.latest(STAMP, watch.facts))
    kinds = Counter(check(f"abl/v1/lab/{STAMP.bench}/{m.topic}", m.payload.encode()) for m in said)
    assert result["result"] == "tripped"
    assert {"Birth", "State", "Alarm", "SessionMeta", "Samples", "Event", "Closed", "Latest"} <= set(kinds)
    assert kinds["State"] >= 5
    columns = [Samples.model_validate_json(m.payload) for m in said if m.topic.endswith("/samples")]
    assert sum(c.n for c in columns) == ticks
    assert sum(len(column.value) for c in columns for column in c.channels.values()) == samples
    assert max(c.n for c in columns) <= messages.MOST_TICKS
    assert max(len(m.payload) for m in said) < 1_000_000  # mosquitto.conf: message_size_limit
