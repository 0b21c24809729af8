"""A lab of fifty benches on one broker with one collector: ``python -m benchmarks.lab [--benches N] [--seconds N]``.

Fifty connections of our client in one process send what benches send, 20 messages a second each, 20 channels in every
one; a real mosquitto; ``ablate collect`` with its Parquet files in a process of its own; and a second subscriber that
notes when each message is there. Latency is from the call of a bench's client to that subscriber. Lost: what the
collector says it has not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from benchmarks.mqtt import Heard, end, hear
from benchmarks.rows import Row, at_most, command
from benchmarks.wires.ends import Peer
from controller.mqtt import broker as client
from controller.mqtt.config import MqttConfig
from controller.outputs.contract import Publication
from tests.collect.endurance import Collecting
from tests.collect.rate import samples
from tests.mqtt.broker import MOSQUITTO, Broker, wait_until

MESSAGES_HZ, TICK_HZ = 20, 100.0
TICKS = round(TICK_HZ / MESSAGES_HZ)
P99_MS = 50.0
ROOT = "abl/v1/lab"

Sent = dict[tuple[int, int], int]
"""(bench, batch): CLOCK_MONOTONIC ns of the call"""


async def play(port: int, benches: int, seconds: float) -> tuple[Sent, float]:
    """Every bench on its own connection, evenly spread over the period; also the greatest lateness of a call, s."""
    sent: Sent = {}
    late_s = 0.0
    loop = asyncio.get_running_loop()

    async def bench(i: int, made: client.Client, begin_s: float) -> None:
        nonlocal late_s
        session = f"01M80R04B0ABCDEFGHJKMN{i:04d}"
        topic = f"{ROOT}/b{i}/session/{session}/samples"
        for n in range(round(seconds * MESSAGES_HZ)):
            payload = samples(f"b{i}", session, n, TICKS, TICK_HZ)
            due_s = begin_s + n / MESSAGES_HZ
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            late_s = max(late_s, loop.time() - due_s)
            sent[(i, n)] = time.monotonic_ns()
            await client.publish(made, [Publication(topic, payload)])

    async with AsyncExitStack() as stack:
        config = MqttConfig(host="127.0.0.1", port=port)
        clients = [await stack.enter_async_context(client.client_for(config, None, None, None)) for _ in range(benches)]
        begin_s = loop.time() + 0.5
        spread = 1.0 / MESSAGES_HZ / benches
        await asyncio.gather(*(bench(i, made, begin_s + i * spread) for i, made in enumerate(clients)))
    return sent, late_s


def latencies_ms(sent: Sent, heard: Heard) -> list[float]:
    """Of each message that arrived, sorted."""
    found = []
    for at_ns, payload in heard:
        if payload.startswith(b"{"):
            told = json.loads(payload)
            found.append((at_ns - sent[(int(told["bench"][1:]), told["batch"])]) / 1e6)
    return sorted(found)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Latency and losses."""
    what = f"{given.benches} benches at {MESSAGES_HZ} messages/s"
    if MOSQUITTO is None:
        yield Row(what, float("nan"), "", note="mosquitto is not installed: apt install mosquitto")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abl-")))
        broker = Broker(folder)
        broker.start()
        stack.callback(broker.stop)
        told = {
            "broker": {"host": "127.0.0.1", "port": broker.port},
            "journal": str(folder / "journal"),
            "parquet": {"folder": str(folder / "lake"), "every_s": 10},
        }
        (folder / "lab.json").write_text(json.dumps(told))
        topic = f"{ROOT}/#"
        peer = Peer(hear, broker.port, topic, tells=True)
        stack.callback(peer.stop)
        assert peer.told() == "ready"
        collector = Collecting(folder / "lab.json")
        stack.callback(collector.kill)
        wait_until(lambda: collector.status.get("connected"), "the collector", 60.0)
        sent, late_s = asyncio.run(play(broker.port, given.benches, given.seconds))
        wait_until(lambda: collector.status["messages"] >= len(sent), "what the collector has not", 60.0)
        missing = collector.of_all("missing_batches") + max(0, len(sent) - collector.status["messages"])
        end(broker.port, f"{ROOT}/end")
        late_ms = latencies_ms(sent, peer.told())
    note = f"p50 {late_ms[len(late_ms) // 2]:.1f}, longest {late_ms[-1]:.0f} ms; {len(sent)} messages, "
    note += f"called up to {1e3 * late_s:.0f} ms late"
    yield at_most(f"{what}, p99", late_ms[int(0.99 * len(late_ms))], "ms", P99_MS, note)
    note = f"a second subscriber missed {len(sent) - len(late_ms)}"
    yield at_most(f"{what}, lost by the collector", missing, "", 0, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, benches=(int, 50, "connections"), seconds=(float, 60.0, "of messages"))


if __name__ == "__main__":
    raise SystemExit(main())
