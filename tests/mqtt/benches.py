"""The bench side of the endurance run, in a process of its own: records, publishes, and times its control loop."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from controller.daemon.__main__ import SWITCH_S
from controller.daemon.app import SWEEP_TICKS
from controller.mqtt.beside import BesidePublisher
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.records.session import Recorder, TickRow
from safety.types import Sample
from tests.mqtt.broker import wait_until

RATE_HZ = 100.0
NAMES = [f"daq.quantity_{i}_c" for i in range(20)]
CHANNELS = [{"name": name} for name in NAMES]
BENCH = "endurance"


def row(seq: int, rate_hz: float = RATE_HZ) -> TickRow:
    """A tick with one reading of each channel; every value says which it is."""
    t_s = seq / rate_hz
    samples = [Sample(name, seq + i / 100.0, t_s - 0.001) for i, name in enumerate(NAMES)]
    return TickRow(seq, t_s, "FIRING", 30.0, 200.0, 30.0, 3, samples, {"phase": "hold"}, 30.0 * t_s)


def spread(late_ms: list[float]) -> dict[str, float]:
    """Lateness of the loop's ticks in ms."""
    found = sorted(late_ms)
    at = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    return {**{name: round(found[int(q * (len(found) - 1))], 3) for name, q in at.items()}, "max": round(found[-1], 3)}


def as_a_daemon() -> None:
    """Set the interpreter as a bench's daemon does, once all is made."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.disable()


async def record(recorder: Recorder, seconds: float) -> list[float]:
    """Tick at 100 Hz on absolute deadlines. Returns how late each was, in ms."""
    loop = asyncio.get_running_loop()
    began, late_ms = loop.time(), []
    for seq in range(int(seconds * RATE_HZ)):
        due = began + seq / RATE_HZ
        if (wait_s := due - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        late_ms.append((loop.time() - due) * 1e3)
        recorder.tick(row(seq))
        if seq % SWEEP_TICKS == 0:
            gc.collect(1)
        if seq % 500 == 250:
            recorder.event(seq / RATE_HZ, "state", {"to": "FIRING", "seq": seq})
    return late_ms


def one(folder: Path, port: int, seconds: float) -> None:
    """One bench at 100 Hz. Says when it has begun, ends when it is told to, says how it ended, and answers until its
    standard input ends."""
    recorder = Recorder.create(folder / "sessions", {"bench": BENCH, "simulated": True}, CHANNELS)
    config = MqttConfig(host="127.0.0.1", port=port, keepalive_s=2, heartbeat_s=1.0, flush_s=60.0)
    publisher = BesidePublisher(config, BENCH, simulated=True)
    publisher.attach(recorder)
    publisher.start()
    as_a_daemon()
    say(began=recorder.session_id)
    with_mqtt = asyncio.run(record(recorder, seconds))
    healthy = recorder.status().healthy
    sys.stdin.readline()  # the broker is there again: what a bench could not send at its end, its next start would
    wait_until(lambda: publisher.status().connected, "the connection", timeout_s=30.0)
    recorder.finish({"result": "completed"})
    left = publisher.detach()
    say(
        path=str(recorder.path), head=recorder.head, left=left, healthy=healthy, late_ms=spread(with_mqtt)
    )  # fmt: skip
    sys.stdin.read()
    publisher.close()
    recorder.close()


def alone(folder: Path, seconds: float) -> None:
    """The same bench at the same time, without MQTT: what the machine itself does to a loop."""
    recorder = Recorder.create(folder / "alone", {"bench": BENCH}, CHANNELS)
    as_a_daemon()
    late_ms = asyncio.run(record(recorder, seconds))
    recorder.close()
    say(late_ms=spread(late_ms))


def many(folder: Path, port: int, seconds: float, benches: int, rate_hz: float, offset: int, stay: bool) -> None:
    """``benches`` sessions written by one thread at ``rate_hz`` each, every one with its own publisher. ``stay``: when
    all is recorded, say so and send what is left only when told to (a line on standard input); then answer who asks
    until that ends.
    """
    made: list[tuple[Recorder, Publisher]] = []
    for i in range(offset, offset + benches):
        recorder = Recorder.create(folder, {"bench": f"bench-{i}", "simulated": True}, CHANNELS)
        config = MqttConfig(host="127.0.0.1", port=port, keepalive_s=5, heartbeat_s=2.0, flush_s=60.0)
        publisher = Publisher(config, f"bench-{i}", simulated=True)
        publisher.attach(recorder)
        publisher.start()
        made.append((recorder, publisher))
    began, ticks, worst_s = time.monotonic(), 0, 0.0
    for seq in range(int(seconds * rate_hz)):
        due = began + seq / rate_hz
        if (wait_s := due - time.monotonic()) > 0:
            time.sleep(wait_s)
        made_row = row(seq, rate_hz)
        for recorder, _ in made:
            recorder.tick(made_row)
        ticks += benches
        worst_s = max(worst_s, time.monotonic() - due)
    took_s = time.monotonic() - began
    lag_s = max(publisher.status().lag_s for _, publisher in made)
    if stay:
        say(recorded=ticks)
        sys.stdin.readline()
        wait_until(lambda: all(publisher.status().connected for _, publisher in made), "all connections", 60.0)
    for recorder, _ in made:
        recorder.finish()
    left = sum(left_of([publisher for _, publisher in made]))
    if stay:
        say(left=left)
        sys.stdin.read()
    for recorder, publisher in made:
        publisher.close()
        recorder.close()
    say(ticks=ticks, took_s=took_s, lag_s=lag_s, left=left, late_s=worst_s, cpu_s=time.process_time())


def left_of(publishers: list[Publisher]) -> list[int]:
    """Let go of all sessions at once."""
    left: list[int] = []
    threads = [threading.Thread(target=lambda p=publisher: left.append(p.detach())) for publisher in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return left


def say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    where, at = Path(sys.argv[2]), int(sys.argv[3])
    if sys.argv[1] == "one":
        one(where, at, float(sys.argv[4]))
    elif sys.argv[1] == "alone":
        alone(where, float(sys.argv[4]))
    else:
        _, _, _, _, *numbers = sys.argv
        many(where, at, float(numbers[0]), int(numbers[1]), float(numbers[2]), int(numbers[3]), numbers[4:] == ["stay"])
