"""The assertions of the Sparkplug 3.0.0 specification for an edge node, each test named by the tags that it holds.

The texts are the specification's (sparkplug.eclipse.org, "tck-id-…"); decoding is google.protobuf's. Those for hosts,
aliases, templates, data sets and primary hosts do not concern a bench. This is no certification.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("google.protobuf", reason="the decoder that checks Sparkplug B: pip install protobuf")

from controller.outputs.contract import Publication, View
from controller.outputs.protobuf import Metric, booleans, payload
from controller.outputs.sparkplug import LOST_S, Sparkplug
from tests.outputs.decoder import command, decode, properties_of, value_of
from tests.outputs.facts import CHANNELS, UTC_MS, reading, view

NODE, NCMD = "spBv1.0/lab/{}/b1", "spBv1.0/lab/NCMD/b1"
DEVICES = ("gen", "inputs", "pump", "tc")


def kind(publication: Publication) -> str:
    return publication.topic.split("/")[2]


def metrics(publication: Publication) -> dict[str, Any]:
    return {metric.name: metric for metric in decode(publication.payload).metrics}


@pytest.fixture
def node() -> Sparkplug:
    return Sparkplug(connection=0)


@pytest.fixture
def births(node: Sparkplug) -> list[Publication]:
    return node.born(view())


def later(**values: float) -> dict[str, Any]:
    """All channels read half a second later; some with another value (``gen__power_w=31``)."""
    changed = {name.replace("__", "."): value for name, value in values.items()}
    return {
        name: {**found, "t_s": found["t_s"] + 0.5, "value": changed.get(name, found["value"])}
        for name, found in CHANNELS.items()
    }


def everything() -> Iterator[list[Publication]]:
    """Messages of every kind that a bench sends, each list in the order of one connection."""
    node, silent = Sparkplug(3), {**CHANNELS, "tc.tip_c": reading(61.5, "degC", 9.5)}
    said = [*node.born(view())]
    said += node.follow(view(later(gen__power_w=31.0), t_s=10.5, fsm="COOLDOWN"))
    moved = {name: {**found, "t_s": 30.0} for name, found in CHANNELS.items() if not name.startswith("tc.")}
    said += node.follow(view({**silent, **moved}, t_s=30.0))
    said += node.follow(view({**silent, **moved, "tc.tip_c": reading(20.0, "degC", 30.0)}, t_s=30.0))
    said += node.heard(NCMD, command("Node Control/Rebirth", True), False, view(t_s=31.0))
    assert {kind(p) for p in said} == {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH"}
    yield said


ALL = next(everything())


# ---- topics


def test_tck_id_topic_structure(births: list[Publication]) -> None:
    """And -namespace-a, -namespace-device-id-associated-message-types, -non-associated-message-types."""
    for publication in ALL:
        namespace, group, what, edge, *device = publication.topic.split("/")
        assert (namespace, group, edge) == ("spBv1.0", "lab", "b1")
        assert len(device) == (what[0] == "D")


def test_tck_id_topic_structure_namespace_valid_device_id(node: Sparkplug) -> None:
    """Without + / and #; -namespace-unique-device-id: each device once."""
    said = node.born(view({"a/b+c#.power_w": reading(1.0, "W"), "d.power_w": reading(1.0, "W")}))
    assert [p.topic for p in said[1:]] == ["spBv1.0/lab/DBIRTH/b1/a_b_c_", "spBv1.0/lab/DBIRTH/b1/d"]


def test_tck_id_topics_nbirth_topic(births: list[Publication]) -> None:
    """-nbirth-mqtt: QoS 0, not retained; the same for -message-flow-edge-node-birth-publish-nbirth-*."""
    assert [p.topic for p in births] == [NODE.format("NBIRTH"), *(f"{NODE.format('DBIRTH')}/{d}" for d in DEVICES)]
    assert {(p.qos, p.retain) for p in births} == {(0, False)}


@pytest.mark.parametrize("what", ["ndata", "ddata", "ddeath", "dbirth"])
def test_tck_id_topics_mqtt(what: str) -> None:
    """-ndata-mqtt, -ddata-mqtt, -ddeath-mqtt, -dbirth-mqtt; payloads-*-qos and -retain."""
    found = [p for p in ALL if kind(p) == what.upper()]
    assert found
    assert {(p.qos, p.retain) for p in found} == {(0, False)}


# ---- birth


def test_tck_id_topics_nbirth_seq_num(births: list[Publication]) -> None:
    """The NBIRTH has 0; -payloads-sequence-num-zero-nbirth."""
    assert decode(births[0].payload).seq == 0
    assert decode(births[0].payload).HasField("seq")


def test_tck_id_topics_nbirth_timestamp() -> None:
    """And all others; payloads-timestamp-in-UTC: milliseconds since 1970."""
    assert {decode(p.payload).timestamp for p in ALL} == {UTC_MS}


def test_tck_id_topics_nbirth_metrics(births: list[Publication]) -> None:
    """Name, data type and value of each; -operational-behavior-data-publish-nbirth-values and -dbirth-values: null is
    said, and has no value; payloads-metric-datatype-req."""
    for publication in births:
        for metric in decode(publication.payload).metrics:
            assert metric.name
            assert metric.datatype in (4, 10, 11, 12)
            value_of(metric)
    assert value_of(metrics(births[1])["impedance_ohm"]) is None
    assert value_of(metrics(births[1])["power_w"]) == 30.0
    assert value_of(metrics(births[2])["estop_a_closed"]) is True


def test_tck_id_topics_nbirth_metric_reqs(node: Sparkplug) -> None:
    """Every metric that will ever come is in a birth: what turns up later makes everything be born anew, with the
    DBIRTHs right behind the NBIRTH (payloads-dbirth-order)."""
    first = node.born(view(empty=True))
    assert [kind(p) for p in first] == ["NBIRTH"]
    assert value_of(metrics(first[0])["setpoint_w"]) is None
    assert [kind(p) for p in node.follow(view())] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    more = {**CHANNELS, "gen.reflected_power_w": reading(1.0, "W")}
    assert [kind(p) for p in node.follow(view(more))] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    born: dict[str, set[str]] = {}
    for publication in ALL:
        names, device = set(metrics(publication)), "/".join(publication.topic.split("/")[4:])
        if kind(publication) in ("NBIRTH", "DBIRTH"):
            born[device] = names
        assert names <= born[device]


def test_tck_id_topics_nbirth_bdseq_included() -> None:
    """INT64; -bdseq-matching: as in the will; -bdseq-increment: from 0, one more on every CONNECT, 0 after 255."""
    for connection, expected in ((0, 0), (1, 1), (255, 255), (256, 0), (257, 1)):
        node = Sparkplug(connection)
        will = metrics(node.will(view()))["bdSeq"]
        birth = metrics(node.born(view())[0])["bdSeq"]
        assert (will.datatype, will.long_value) == (birth.datatype, birth.long_value) == (4, expected)


def test_tck_id_topics_nbirth_rebirth_metric(births: list[Publication]) -> None:
    """Boolean, false; -operational-behavior-data-commands-rebirth-name, -datatype, -value; no alias."""
    rebirth = metrics(births[0])["Node Control/Rebirth"]
    assert (rebirth.datatype, value_of(rebirth), rebirth.HasField("alias")) == (11, False, False)


def test_tck_id_message_flow_device_birth_publish_nbirth_wait(births: list[Publication]) -> None:
    """NBIRTH first, then DBIRTH of the same group and node, one seq after the other."""
    assert [kind(p) for p in births] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    assert [decode(p.payload).seq for p in births] == [0, 1, 2, 3, 4]


# ---- data


def test_tck_id_payloads_sequence_num_incrementing() -> None:
    """One more in each message of the node, 0 after 255, and from 0 with each NBIRTH."""
    node, now = Sparkplug(0), 10.0
    said = node.born(view())
    while len(said) < 600:
        now += 1.0
        said += node.follow(view(later(gen__power_w=now, tc__tip_c=now), t_s=10.5))
    assert [decode(p.payload).seq for p in said] == [n % 256 for n in range(len(said))]
    expected = -1
    for publication in ALL:
        expected = 0 if kind(publication) == "NBIRTH" else expected + 1
        assert decode(publication.payload).seq == expected


def test_tck_id_topics_ndata_payload(node: Sparkplug, births: list[Publication]) -> None:
    """What has changed; -ddata-payload; -data-publish-nbirth-change and -dbirth-change: nothing else is said."""
    assert node.follow(view()) == []
    assert node.follow(view(later(), t_s=10.5)) == []  # read anew, with the same values
    said = node.follow(view(later(gen__power_w=31.0), t_s=10.5))
    assert [(p.topic, list(metrics(p))) for p in said] == [(f"{NODE.format('DDATA')}/gen", ["power_w"])]
    assert value_of(metrics(said[0])["power_w"]) == 31.0
    said = node.follow(view(later(gen__power_w=31.0), t_s=10.5, fsm="TRIPPED"))
    assert [(p.topic, list(metrics(p))) for p in said] == [(NODE.format("NDATA"), ["State"])]


def test_tck_id_payloads_metric_datatype_not_req() -> None:
    """No data type in NDATA and DDATA; payloads-name-requirement: the name, as there are no aliases;
    payloads-name-birth-data-requirement: a time for each metric."""
    for publication in ALL:
        for metric in decode(publication.payload).metrics:
            assert metric.HasField("datatype") is (kind(publication) in ("NBIRTH", "DBIRTH"))
            assert metric.name
            assert metric.HasField("timestamp")
            assert not metric.HasField("alias")


def test_tck_id_operational_behavior_data_publish_nbirth_order() -> None:
    """And -dbirth-order: metrics of a payload in the order of their times, which are those of the readings."""
    node = Sparkplug(0)
    said = node.born(
        view({"gen.b_w": reading(1.0, "W", 9.0), "gen.a_w": reading(1.0, "W", 9.8), "gen.c_w": reading(1.0, "W", 8.0)})
    )
    assert [(m.name, m.timestamp) for m in decode(said[1].payload).metrics] == [
        ("c_w", UTC_MS - 2000), ("b_w", UTC_MS - 1000), ("a_w", UTC_MS - 200),
    ]  # fmt: skip
    for publication in ALL:
        times = [metric.timestamp for metric in decode(publication.payload).metrics]
        assert times == sorted(times)


def test_tck_id_payloads_propertyset_quality_value_type() -> None:
    """-quality-value-value: Int32, one of 0, 192, 500; payloads-metric-propertyvalue-type-req, -keys-array-size."""
    node = Sparkplug(0)
    said = node.born(view({f"gen.x{q}_w": reading(1.0, "W", quality=q) for q in (0, 1, 2, 7)}))
    found = {name: properties_of(metric) for name, metric in metrics(said[1]).items()}
    assert {name: p["Quality"] for name, p in found.items()} == {
        "x0_w": (3, 192), "x1_w": (3, 0), "x2_w": (3, 500), "x7_w": (3, 0),
    }  # fmt: skip
    assert {p["engUnit"] for p in found.values()} == {(12, "W")}


def test_tck_id_case_sensitivity_metric_names(births: list[Publication]) -> None:
    for publication in births:
        names = [metric.name.lower() for metric in decode(publication.payload).metrics]
        assert len(names) == len(set(names))


# ---- death


def test_tck_id_payloads_ndeath_will_message(node: Sparkplug) -> None:
    """QoS 1, not retained, topic NDEATH; -topics-ndeath-payload: bdSeq alone; -topics-ndeath-seq: no seq;
    message-flow-edge-node-birth-publish-will-message-*."""
    will = node.will(view())
    assert (will.topic, will.qos, will.retain) == (NODE.format("NDEATH"), 1, False)
    body = decode(will.payload)
    assert not body.HasField("seq")
    assert [(m.name, m.datatype, m.long_value) for m in body.metrics] == [("bdSeq", 4, 0)]


def test_tck_id_operational_behavior_edge_node_intentional_disconnect_ndeath(node: Sparkplug) -> None:
    """payloads-ndeath-will-message-publisher-disconnect-mqtt311: said before the connection is closed; with MQTT 5 a
    reason code would be asked for as well (-mqtt50), which is why a node speaks 3.1.1."""
    assert node.farewell(view()) == [node.will(view())]
    assert Sparkplug.MQTT_VERSION == "3.1.1"


def test_tck_id_operational_behavior_device_ddeath(node: Sparkplug, births: list[Publication]) -> None:
    """With a seq (-topics-ddeath-seq-num, payloads-ddeath-seq-inc); its birth follows when it answers again."""
    moved = {name: {**found, "t_s": 40.0} for name, found in CHANNELS.items() if not name.startswith("tc.")}
    lost = {**moved, "tc.tip_c": reading(61.5, "degC", 40.0 - LOST_S - 0.1)}
    said = node.follow(view(lost, t_s=40.0))
    assert [p.topic for p in said] == [f"{NODE.format('DDEATH')}/tc"]
    assert (decode(said[0].payload).seq, len(decode(said[0].payload).metrics)) == (5, 0)
    assert node.follow(view(lost, t_s=41.0)) == []
    said = node.follow(view({**lost, "tc.tip_c": reading(61.5, "degC", 41.0)}, t_s=41.0))
    assert [p.topic for p in said] == [f"{NODE.format('DBIRTH')}/tc"]
    assert value_of(metrics(said[0])["tip_c"]) == 61.5


# ---- commands


def test_tck_id_message_flow_edge_node_ncmd_subscribe(node: Sparkplug) -> None:
    """And nothing else: no device takes commands (message-flow-device-dcmd-subscribe)."""
    assert list(node.subscriptions(view())) == [NCMD]


def test_tck_id_operational_behavior_data_commands_rebirth_action_1() -> None:
    """-action-2: NBIRTH and every DBIRTH; -action-3: the same bdSeq, seq from 0."""
    node = Sparkplug(7)
    node.born(view())
    node.follow(view(later(gen__power_w=31.0), t_s=10.5))
    said = node.heard(NCMD, command("Node Control/Rebirth", True), False, view())
    assert [kind(p) for p in said] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    assert [decode(p.payload).seq for p in said] == [0, 1, 2, 3, 4]
    assert value_of(metrics(said[0])["bdSeq"]) == 7
    assert node.follow(view()) == []


@pytest.mark.parametrize(
    ("topic", "data", "retained"),
    [
        (NCMD, command("Node Control/Rebirth", False), False),
        (NCMD, command("Node Control/Reboot", True), False),
        (NCMD, command("setpoint_w", True), False),
        (NCMD, command("Node Control/Rebirth", True), True),
        ("spBv1.0/lab/DCMD/b1/gen", command("Node Control/Rebirth", True), False),
        (NCMD, b"", False),
        (NCMD, b"\xff" * 30, False),
        (NCMD, command("Node Control/Rebirth", True)[:-3], False),
        (NCMD, b"\x12" + b"\x80" * 9 + b"\x01", False),
        (NCMD, b"\x1b\x1c", False),
        (NCMD, bytes(70_000), False),
    ],
)
def test_what_is_no_rebirth_changes_nothing(node: Sparkplug, topic: str, data: bytes, retained: bool) -> None:
    node.born(view())
    assert node.heard(topic, data, retained, view()) == []


# ---- bytes


def test_every_kind_of_value_is_what_protobuf_reads() -> None:
    given = [
        Metric("a", 10, -1.5e-300, 2**40), Metric("b", 11, True, 0), Metric("c", 11, False, 127),
        Metric("d", 12, "µΩ\x00", 128), Metric("e", 4, -1, 16383), Metric("f", 4, 2**62, 16384),
        Metric("g", 10, None, 1, (("p", 3, 500), ("q", 12, ""), ("r", 10, 0.1), ("s", 11, True), ("t", 3, -2))),
        Metric("h", 12, "x" * 300, 1),
    ]  # fmt: skip
    read = decode(payload(2**41, 255, given, birth=True))
    assert (read.timestamp, read.seq) == (2**41, 255)
    assert [(m.name, m.datatype, m.timestamp) for m in read.metrics] == [
        (m.name, m.datatype, m.timestamp_ms) for m in given
    ]
    values = [value_of(m) for m in read.metrics]
    assert values == [-1.5e-300, True, False, "µΩ\x00", 2**64 - 1, 2**62, None, "x" * 300]  # two's complement, unsigned
    assert properties_of(read.metrics[6]) == {
        "p": (3, 500), "q": (12, ""), "r": (10, 0.1), "s": (11, True), "t": (3, 2**32 - 2),
    }  # fmt: skip
    assert booleans(payload(1, 0, given, birth=False)) == {"b": True, "c": False}


def test_a_view_without_a_state_is_told_as_null(node: Sparkplug) -> None:
    said = node.born(View("lab", "b1", "abl/v1/lab/b1", False, {}, {}, None, UTC_MS))
    found = metrics(said[0])
    assert [value_of(found[name]) for name in ("State", "Session", "Simulated", "energy_j")] == [
        None,
        None,
        False,
        None,
    ]
