"""Random kills: ``python -m tests.mqtt.endurance [--minutes 10] [--seed N]``, and ``--benches 50``.

A real mosquitto is killed, stopped and frozen, and the network to it is cut, delayed and made deaf at random, while a
bench records 20 channels at 100 Hz and publishes them, beside a twin that only records. A consumer subscribes at the
broker, finds gaps and asks for them. In the end every value that is in the session file must have arrived.

``--benches``: that many sessions on one broker with one subscriber that counts; which tick rate is held.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from controller.records.reader import open_session
from tests.mqtt.benches import BENCH, NAMES, RATE_HZ
from tests.mqtt.broker import Broker, wait_until
from tests.mqtt.proxy import Proxy

ROOT = f"abl/v1/lab/{BENCH}"
Key = tuple[int, int]  # batch, part


class Consumer:
    """Keeps each message of one bench once, notes what came twice and in which order, and asks for what is missing."""

    def __init__(self, port: int, root: str = ROOT) -> None:
        self.kept: dict[Key, dict[str, Any]] = {}
        self.parts: dict[int, int] = {}
        self.order: list[int] = []  # batches, as they were first seen without asking
        self.duplicates = self.different = self.asked = self.filled = 0
        self._prints: dict[Key, bytes] = {}
        self._lock, self._session, self._asking, self._root = threading.Lock(), "", 0.0, root
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="consumer", clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe("abl/#", qos=1)
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_until(self._client.is_connected, "the consumer")

    def _hear(self, _client: object, _data: object, message: Any) -> None:
        if not message.payload or not message.topic.endswith(("/samples", "/events")):
            return
        data = json.loads(message.payload)
        key, filling = (data["batch"], data["part"]), "/backfill/" in message.topic
        content = {k: v for k, v in data.items() if k not in ("bd_seq", "boot_id", "historical", "request")}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
        with self._lock:
            self._session = data["session"]
            if key in self.kept:
                self.duplicates += not filling
                self.different += self._prints[key] != digest
                return
            self.kept[key], self._prints[key], self.parts[key[0]] = content, digest, data["parts"]
            self.filled += filling
            if not filling and (not self.order or self.order[-1] != key[0]):
                self.order.append(key[0])

    def gaps(self, head: int | None = None) -> list[int]:
        """Batches that lack a message, up to ``head`` (default: the newest that was seen)."""
        with self._lock:
            last = head if head is not None else max(self.parts, default=-1)
            return [
                n for n in range(last + 1) if any((n, part) not in self.kept for part in range(self.parts.get(n, 1)))
            ]

    def ask(self, head: int | None = None) -> None:
        """Ask for the first gap, at most once a second: what is on its way needs no asking."""
        missing = self.gaps(head)
        if not missing or not self._session or time.monotonic() - self._asking < 1.0:
            return
        last = missing[0]
        while last + 1 in missing:
            last += 1
        self._asking = time.monotonic()
        self.asked += 1
        request = {
            "schema": "abl/backfill/1", "request": f"r{self.asked}", "session": self._session,
            "first_batch": missing[0], "last_batch": last, "reply_to": "consumer",
        }  # fmt: skip
        self._client.publish(f"{self._root}/cmd/backfill", json.dumps(request), qos=1)

    def stop(self, who: str, reason: str) -> None:
        """End the energy, as an observer may."""
        self._client.publish(f"{self._root}/cmd/stop", json.dumps({"who": who, "reason": reason}), qos=1)

    def ticks(self) -> list[int]:
        """Numbers of all that were heard of, in the order of their batches."""
        with self._lock:
            samples = [self.kept[key] for key in sorted(self.kept) if "channels" in self.kept[key]]
        return [seq for each in samples for seq in each["seq"]]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Figures(NamedTuple):
    """What a run showed."""

    disturbances: dict[str, int]
    batches: int
    values: int
    lost: int  # ticks or values of the file that did not arrive, or arrived otherwise
    gaps: int  # messages that came only when asked for
    requests: int
    duplicates: int
    different: int  # duplicates that were not what came first
    disorder: int  # batches first seen behind a later one
    left: int  # batches that were unacknowledged at the end
    healthy: bool
    without_ms: dict[str, float]  # lateness of the loop of a twin without MQTT, at the same time
    with_ms: dict[str, float]


def disturb(rng: random.Random, broker: Broker, proxy: Proxy, scale: float) -> str:
    """One disturbance, from its beginning to its end."""
    length_s = rng.uniform(0.5, 8.0) * scale
    kind = rng.choice(["kill", "stop", "freeze", "cut", "refuse", "delay", "deaf"])
    if kind == "kill":
        broker.stop(kill=True)
        time.sleep(length_s)
        broker.start()
    elif kind in ("stop", "freeze"):
        with broker.away(frozen=kind == "freeze"):
            time.sleep(length_s)
    elif kind == "cut":
        for _ in range(rng.randint(1, 4)):
            proxy.drop()
            time.sleep(0.3 * scale)
    elif kind == "refuse":
        proxy.mode = "refuse"
        proxy.drop()
        time.sleep(length_s)
    else:
        proxy.mode, proxy.delay_s = ("delay", rng.uniform(0.02, 0.6)) if kind == "delay" else ("deaf", 0.0)
        time.sleep(length_s)
        if kind == "deaf":
            proxy.drop()
    proxy.mode = "pass"
    return kind


def run(folder: Path, seconds: float, seed: int, scale: float = 1.0) -> Figures:
    """A whole run. ``scale``: how long disturbances and the pauses between them are."""
    rng, broker = random.Random(seed), Broker(folder)
    broker.start()
    proxy, consumer = Proxy(broker.port), Consumer(broker.port)
    words = [str(folder), str(proxy.port), str(seconds)]
    module = [sys.executable, "-m", "tests.mqtt.benches"]
    child = subprocess.Popen([*module, "one", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    twin = subprocess.Popen([*module, "alone", *words], stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    done: dict[str, int] = {}
    try:
        json.loads(child.stdout.readline())
        until = time.monotonic() + seconds - 2 * scale
        while time.monotonic() < until:
            calm_until = time.monotonic() + rng.uniform(0.5, 6.0) * scale
            while time.monotonic() < calm_until:
                consumer.ask()
                time.sleep(0.1)
            kind = disturb(rng, broker, proxy, scale)
            done[kind] = done.get(kind, 0) + 1
        child.stdin.write("end\n")
        child.stdin.flush()
        told = json.loads(child.stdout.readline())
        patience = time.monotonic() + 60
        while consumer.gaps(told["head"]) and time.monotonic() < patience:
            consumer.ask(told["head"])
            time.sleep(0.1)
        child.stdin.close()
        child.wait(30)
        return _figures(consumer, done, told, json.loads(twin.communicate(timeout=30)[0]))
    finally:
        twin.kill()
        twin.communicate()
        child.kill()
        child.wait()
        child.stdout.close()
        consumer.close()
        proxy.close()
        broker.stop(kill=True)


def _figures(consumer: Consumer, done: dict[str, int], told: dict[str, Any], twin: dict[str, Any]) -> Figures:
    """Compare what arrived with what is in the file."""
    samples = [consumer.kept[key] for key in sorted(consumer.kept) if "channels" in consumer.kept[key]]
    with open_session(told["path"]) as session:
        ticks = session.ticks().seq.tolist()
        lost = _differences(ticks, [seq for s in samples for seq in s["seq"]])
        values = 0
        for name in NAMES:
            kept = session.series(name).value.tolist()
            values += len(kept)
            lost += _differences(kept, [v for s in samples if s["n"] for v in s["channels"][name]["value"]])
        events = [e.seq for e in session.events()]
        lost += _differences(events, [m["seq"] for _, m in sorted(consumer.kept.items()) if "kind" in m])
    disorder = sum(later < earlier for earlier, later in zip(consumer.order, consumer.order[1:], strict=False))
    return Figures(
        done, told["head"] + 1, values, lost, consumer.filled, consumer.asked, consumer.duplicates,
        consumer.different, disorder, told["left"], told["healthy"], twin["late_ms"], told["late_ms"],
    )  # fmt: skip


def _differences(kept: list[Any], arrived: list[Any]) -> int:
    return abs(len(kept) - len(arrived)) + sum(a != b for a, b in zip(kept, arrived, strict=False))


# ---- many benches


@contextlib.contextmanager
def counting(port: int) -> Iterator[Callable[[], tuple[int, int, int]]]:
    """A subscriber that counts (messages, ticks, bytes) of samples."""
    counts = [0, 0, 0]

    def hear(_client: object, _data: object, message: Any) -> None:
        if message.topic.endswith("/samples"):
            head = message.payload.find(b'"n":')
            counts[0] += 1
            counts[1] += int(message.payload[head + 4 : message.payload.find(b",", head)])
            counts[2] += len(message.payload)

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="counter", clean_session=False)
    client.on_connect = lambda made, *_: made.subscribe("abl/#", qos=1)
    client.on_message = hear
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(client.is_connected, "the counter")
    try:
        yield lambda: (counts[0], counts[1], counts[2])
    finally:
        client.disconnect()
        client.loop_stop()


def fleet(folder: Path, benches: int, rate_hz: float, seconds: float, processes: int = 2) -> dict[str, float]:
    """``benches`` sessions at ``rate_hz`` with 20 channels each, written by ``processes``."""
    broker = Broker(folder)
    broker.start()
    try:
        with counting(broker.port) as counted:
            children = []
            for i in range(processes):
                mine = benches // processes + (i < benches % processes)
                first = sum(benches // processes + (k < benches % processes) for k in range(i))
                words = [
                    "many",
                    str(folder / f"s{i}"),
                    str(broker.port),
                    str(seconds),
                    str(mine),
                    str(rate_hz),
                    str(first),
                ]
                children.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.mqtt.benches", *words], stdout=subprocess.PIPE, text=True
                    )
                )
            told = [json.loads(child.communicate(timeout=seconds * 10 + 120)[0]) for child in children]
            ticks = sum(one["ticks"] for one in told)
            end = time.monotonic() + 20
            while counted()[1] < ticks and time.monotonic() < end:
                time.sleep(0.05)
            messages, arrived, size = counted()
    finally:
        broker.stop(kill=True)
    took_s = max(one["took_s"] for one in told)
    return {
        "rate_hz": rate_hz, "ticks": ticks, "arrived": arrived, "messages_per_s": messages / took_s,
        "values_per_s": 20 * arrived / took_s, "mb_per_s": size / took_s / 1e6,
        "lag_s": max(one["lag_s"] for one in told), "late_s": max(one["late_s"] for one in told),
        "left": sum(one["left"] for one in told), "cores": sum(one["cpu_s"] for one in told) / took_s,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mqtt.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--benches", type=int, default=0, help="Instead of kills: so many benches, with growing rates.")
    parser.add_argument("--seconds", type=float, default=15.0, help="With --benches: for each rate.")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ablate-endurance-") as folder:
        if args.benches:
            return _grow(Path(folder), args.benches, args.seconds)
        found = run(Path(folder), args.minutes * 60, args.seed)
    print(f"seed {args.seed}, {args.minutes:g} min at {RATE_HZ:g} Hz x {len(NAMES)} channels; {found.disturbances}")
    print(f"{found.batches} batches, {found.values} values: {found.lost} lost, {found.left} left unsent")
    print(f"{found.gaps} messages came only on request ({found.requests} requests)")
    print(f"{found.duplicates} duplicates, {found.different} of them unlike the first; {found.disorder} out of order")
    print(
        f"loop lateness in ms without MQTT {found.without_ms}, with it {found.with_ms}; record healthy {found.healthy}"
    )
    ratios = {name: round(found.with_ms[name] / found.without_ms[name], 2) for name in found.with_ms}
    print(f"with MQTT to without it, of the same minutes: {ratios}")
    good = not (found.lost or found.left or found.different or found.disorder) and found.healthy
    print("GOOD" if good else "BAD")
    return 0 if good else 1


def _grow(folder: Path, benches: int, seconds: float) -> int:
    held = 0.0
    for rate_hz in (2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
        (at := folder / f"{rate_hz:g}").mkdir()
        found = fleet(at, benches, rate_hz, seconds)
        good = (
            found["arrived"] == found["ticks"] and not found["left"] and found["lag_s"] < 2.0 and found["late_s"] < 1.0
        )
        told = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        print(f"{benches} benches: {told}: {'held' if good else 'NOT held'}", flush=True)
        if not good:
            break
        held = rate_hz
    print(f"{benches} benches with 20 channels hold {held:g} Hz ({benches * held * 20:g} values/s)")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
