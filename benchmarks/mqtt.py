"""What MQTT costs a bench, and how long a message takes: ``python -m benchmarks.mqtt [--seconds N] [--json]``.

A mosquitto on the loopback. The control loop publishes nothing: it hands a tick to the record, and a process of its own
follows the file. First the client alone: 200 messages a second of 353 bytes, QoS 1, from the call of our client to a
subscriber in another process, beside bare paho on the same broker, in turns. Then what handing over costs while that
process publishes, beside the same without it, and the CPU of the process and of the daemon's thread that passes on how
far it is. Last how old a sample is when a subscriber has it; it waits for the record's commit (every 80 ms) and for the
next look at the file (every 100 ms).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.daemons.processes import cpu_s
from benchmarks.records import CHANNELS
from benchmarks.records import row as record_row
from benchmarks.rows import Row, beside, command
from benchmarks.wires.ends import Peer
from controller.mqtt import broker as client
from controller.mqtt.beside import BesidePublisher
from controller.mqtt.config import MqttConfig
from controller.outputs.contract import Publication
from controller.records.session import Recorder
from tests.mqtt.broker import MOSQUITTO, Broker, wait_until

RATE_HZ, SIZE = 200, 353
CALL_US, CPU_US, P50_US, P99_US, MAX_US = 20.0, 40.0, 150.0, 1000.0, 5000.0
TOPIC, LAST = "abl/figure", b"end"
TURNS = 4
TICK_HZ = 200  # of the row that is handed over, as benchmarks.records has it

Heard = list[tuple[int, bytes]]
"""(CLOCK_MONOTONIC ns, payload)"""


def nodelay(made: paho.Client) -> None:
    """As every client of ours; paho leaves it to its user."""
    connected: Any = made.socket()
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def hear(port: int, topic: str, told: Connection) -> None:
    """Say that it is there, and on ``LAST`` everything that it has heard."""
    heard: Heard = []
    over = threading.Event()

    def on_message(_client: object, _data: object, message: Any) -> None:
        heard.append((time.monotonic_ns(), message.payload))
        if message.payload == LAST:
            over.set()

    made = paho.Client(CallbackAPIVersion.VERSION2)
    made.on_connect = lambda made, *_: made.subscribe(topic, qos=1)
    made.on_subscribe = lambda *_: told.send("ready")
    made.on_message = on_message
    made.connect("127.0.0.1", port)
    nodelay(made)
    made.loop_start()
    over.wait()
    told.send(heard)
    made.loop_stop()


def message(seq: int) -> str:
    """``SIZE`` bytes that say when they were sent."""
    text = json.dumps({"seq": seq, "t_ns": time.monotonic_ns(), "pad": ""})
    return text[:-2] + "x" * (SIZE - len(text)) + text[-2:]


def ours(port: int, count: int) -> float:
    """Publish through our client; CPU s of the thread."""

    async def run() -> float:
        config = MqttConfig(host="127.0.0.1", port=port)
        async with client.client_for(config, None, None, None) as made:
            loop = asyncio.get_running_loop()
            begin_s, before_s = loop.time(), time.thread_time()
            for seq in range(count):
                await asyncio.sleep(max(0.0, begin_s + seq / RATE_HZ - loop.time()))
                await client.publish(made, [Publication(TOPIC, message(seq))])
            return time.thread_time() - before_s

    return asyncio.run(run())


def bare(port: int, count: int) -> float:
    """Publish through paho, its own thread at work; CPU s of the process."""
    made = paho.Client(CallbackAPIVersion.VERSION2)
    made.connect("127.0.0.1", port)
    nodelay(made)
    made.loop_start()
    wait_until(made.is_connected, "the broker")
    begin_s, before_s = time.monotonic(), time.process_time()
    for seq in range(count):
        time.sleep(max(0.0, begin_s + seq / RATE_HZ - time.monotonic()))
        last = made.publish(TOPIC, message(seq), qos=1)
    last.wait_for_publish(10)
    used_s = time.process_time() - before_s
    made.disconnect()
    made.loop_stop()
    return used_s


def latencies_us(port: int, publish: Callable[[int, int], float], count: int) -> tuple[list[float], float]:
    """From the call to the subscriber; and CPU s of whoever published."""
    peer = Peer(hear, port, TOPIC, tells=True)
    try:
        assert peer.told() == "ready"
        used_s = publish(port, count)
        end(port)
        heard: Heard = peer.told()
    finally:
        peer.stop()
    assert len(heard) == count + 1, f"{len(heard) - 1} of {count} messages arrived"
    return [(at_ns - json.loads(payload)["t_ns"]) / 1e3 for at_ns, payload in heard[:-1]], used_s


def end(port: int, topic: str = TOPIC) -> None:
    """Tell the subscriber to tell."""
    made = paho.Client(CallbackAPIVersion.VERSION2)
    made.connect("127.0.0.1", port)
    made.loop_start()
    made.publish(topic, LAST, qos=1).wait_for_publish(10)
    made.disconnect()
    made.loop_stop()


def client_rows(port: int, seconds: float) -> Iterator[Row]:
    """The client alone, beside paho."""
    part = max(20, round(seconds * RATE_HZ / TURNS))
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    used = {"ours": 0.0, "bare": 0.0}
    for _ in range(TURNS):
        for name, publish in (("ours", ours), ("bare", bare)):
            late, cpu = latencies_us(port, publish, part)
            found[name] += late
            used[name] += cpu
    mine, theirs = (sorted(found[name]) for name in ("ours", "bare"))
    what, against = f"MQTT at {RATE_HZ}/s, call to subscriber", "bare paho, TCP_NODELAY"
    for name, share, most in (("p50", 0.5, P50_US), ("p99", 0.99, P99_US), ("longest", 1.0, MAX_US)):
        one, other = (late[min(len(late) - 1, int(share * len(late)))] for late in (mine, theirs))
        row = beside(f"{what}, {name}", one, "us", against, other, None, f"{len(mine)} messages, 0 lost")
        yield row._replace(target=f"<= {most:g} us", met=one <= most)
    per = 1e6 * used["ours"] / len(mine)
    row = beside("MQTT, CPU a message of our client", per, "us", against, 1e6 * used["bare"] / len(mine), None)
    yield row._replace(target=f"<= {CPU_US:g} us", met=per <= CPU_US, note=f"{SIZE} bytes, QoS 1; pauses included")


def handing_over(folder: Path, port: int | None, seconds: float) -> tuple[list[float], float, float, int]:
    """us of each tick's handing over; CPU s of the publisher's process, and of the thread here that hears from it; and
    commits."""
    recorder = Recorder.create(folder, {"bench": "figure", "simulated": True}, CHANNELS)
    publisher = None
    if port is not None:
        publisher = BesidePublisher(MqttConfig(host="127.0.0.1", port=port), "figure", simulated=True)
        publisher.start()
        publisher.attach(recorder)
        wait_until(lambda: publisher.status().connected, "the connection")
    thread = next((one.native_id for one in threading.enumerate() if one.name == "mqtt"), None)
    process = publisher.pid if publisher is not None else None
    begun_s = sum(cpu_s(process).values()) if process is not None else 0.0
    before_s, first = cpu_s(os.getpid()), recorder.head
    took: list[float] = []
    begin_s = time.monotonic()
    for seq in range(round(seconds * TICK_HZ)):
        time.sleep(max(0.0, begin_s + seq / TICK_HZ - time.monotonic()))
        made = record_row(seq, 20)
        began_s = time.perf_counter()
        recorder.tick(made)
        took.append((time.perf_counter() - began_s) * 1e6)
    used_s = sum(cpu_s(process).values()) - begun_s if process is not None else 0.0
    heard_s = cpu_s(os.getpid())[thread] - before_s[thread] if thread is not None else 0.0
    commits = recorder.head - first
    recorder.finish()
    if publisher is not None:
        publisher.detach()
        publisher.close()
    recorder.close()
    return took, used_s, heard_s, commits


def record_rows(folder: Path, port: int, seconds: float) -> Iterator[Row]:
    """What the control loop pays."""
    without, *_ = handing_over(folder, None, seconds)
    took, used_s, heard_s, commits = handing_over(folder, port, seconds)
    what = "a tick handed over while MQTT publishes, p50"
    row = beside(what, statistics.median(took), "us", "without MQTT", statistics.median(without), None)
    note = f"p99 {sorted(took)[int(0.99 * len(took))]:.0f} us; 20 samples a tick at {TICK_HZ} Hz"
    yield row._replace(target=f"<= {CALL_US:g} us", met=row.ours <= CALL_US, note=note)
    note = f"{len(took) / max(1, commits):.0f} ticks of 20 samples in each; read from the file, encoded, acknowledged"
    yield Row("MQTT, CPU a batch of its process", 1e6 * used_s / max(1, commits), "us", note=note)
    note = "a thread passes on how far the broker has come; all that MQTT takes of the daemon's interpreter"
    yield Row("MQTT, CPU a batch in the daemon", 1e6 * heard_s / max(1, commits), "us", note=note)


def age_row(folder: Path, port: int, seconds: float) -> Row:
    """From a tick to the subscriber."""
    peer = Peer(hear, port, "abl/v1/lab/aged/#", tells=True)
    try:
        assert peer.told() == "ready"
        recorder = Recorder.create(folder, {"bench": "aged", "simulated": True}, CHANNELS)
        publisher = BesidePublisher(MqttConfig(host="127.0.0.1", port=port), "aged", simulated=True)
        publisher.start()
        publisher.attach(recorder)
        begin_s, at_ns = time.monotonic(), {}
        for seq in range(round(20 * seconds)):
            time.sleep(max(0.0, begin_s + seq / 20 - time.monotonic()))
            at_ns[seq] = time.monotonic_ns()
            recorder.tick(record_row(seq, 20))
        recorder.finish()
        publisher.detach()
        publisher.close()
        recorder.close()
        end(port, "abl/v1/lab/aged/end")
        heard: Heard = peer.told()
    finally:
        peer.stop()
    ages_ms = []
    for arrived_ns, payload in heard:
        if b'"abl/samples/1"' in payload:
            ages_ms += [(arrived_ns - at_ns[seq]) / 1e6 for seq in json.loads(payload)["seq"]]
    ages_ms.sort()
    p99_ms = ages_ms[int(0.99 * len(ages_ms))]
    note = f"p99 {p99_ms:.0f}, longest {ages_ms[-1]:.0f} ms; commits every 80, looks every 100 ms"
    return Row("a tick's age at a subscriber, p50", statistics.median(ages_ms), "ms", note=note)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """All of it, on one broker."""
    if MOSQUITTO is None:
        yield Row("MQTT", float("nan"), "", note="mosquitto is not installed: apt install mosquitto")
        return
    with tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        folder = Path(scratch)
        broker = Broker(folder)
        broker.start()
        try:
            yield from client_rows(broker.port, given.seconds)
            yield from record_rows(folder, broker.port, given.seconds)
            yield age_row(folder, broker.port, given.seconds)
        finally:
            broker.stop()


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, seconds=(float, 20.0, "of each part"))


if __name__ == "__main__":
    raise SystemExit(main())
