"""What one broker and one collector hold: ``python -m tests.collect.rate [--benches 50] [--seconds 60]``.

Benches are played by one process that publishes batches as the publisher makes them (20 channels, commits every 80 ms),
each on a connection of its own; a real mosquitto; a real collector in a process of its own, with Parquet and, where it
is installed, PostgreSQL. At the end every tick must be in every sink, once. Printed: messages and samples a second, and
how long after the last message the collector had everything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pyarrow.dataset
from paho.mqtt.enums import CallbackAPIVersion

from tests.collect.database import serving, usable
from tests.mqtt.broker import Broker

CHANNELS = 20
COMMIT_S = 0.08


def samples(bench: str, session: str, n: int, ticks: int, rate_hz: float) -> str:
    """Batch ``n`` of a bench: every channel at every tick."""
    seq = list(range(n * ticks, (n + 1) * ticks))
    t_s = [s / rate_hz for s in seq]
    column = {"t_s": t_s, "value": [61.25 + 0.001 * s for s in seq], "quality": [0] * ticks}
    utc0 = f"2026-11-22T{4 + int(t_s[0] // 3600):02d}:{int(t_s[0] // 60) % 60:02d}:{t_s[0] % 60:06.3f}Z"
    body: dict[str, Any] = {
        "schema": "abl/samples/1", "bench": bench, "boot_id": "x", "bd_seq": 1, "simulated": True, "session": session,
        "batch": n, "part": 0, "parts": 1, "historical": False, "seq0": seq[0], "utc0": utc0, "n": ticks, "seq": seq,
        "t_s": t_s, "state": ["FIRING"] * ticks, "epoch": [3] * ticks, "energy_j": t_s,
        **{name: [30.0] * ticks for name in ("demand_w", "permit_w", "setpoint_w")},
        "channels": {f"device.quantity_{i}_c": column for i in range(CHANNELS)},
    }  # fmt: skip
    return json.dumps(body)


def main() -> int:
    """Print the figures; 1 when something is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benches", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate-hz", type=float, default=100.0)
    parser.add_argument("--no-postgres", action="store_true")
    options = parser.parse_args()
    ticks = round(options.rate_hz * COMMIT_S)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abl-")))
        folder.chmod(0o755)
        broker = Broker(folder)
        broker.start()
        stack.callback(broker.stop)
        told: dict[str, Any] = {
            "broker": {"host": "127.0.0.1", "port": broker.port},
            "journal": str(folder / "journal"),
            "parquet": {"folder": str(folder / "lake"), "every_s": 10},
        }
        server = None
        if usable() and not options.no_postgres:
            import psycopg

            from controller.collect.postgres import schema

            server = stack.enter_context(serving(folder / "pg"))
            with psycopg.connect(server.conninfo) as db:
                db.execute(schema())
            told["postgres"] = {"conninfo": server.conninfo}
        file = folder / "lab.json"
        file.write_text(json.dumps(told))
        command = [sys.executable, "-m", "controller", "collect", str(file), "--json", "--every", "0.5"]
        collector = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(collector.terminate)
        assert collector.stdout is not None
        while not json.loads(collector.stdout.readline())["connected"]:
            pass
        sent, late_s = play(broker.port, options.benches, options.seconds, ticks, options.rate_hz)
        ended = time.monotonic()
        while True:
            status = json.loads(collector.stdout.readline())
            if status["messages"] >= sent and not any(status["waiting"].values()):
                break
            if time.monotonic() - ended > 300:
                break
        behind_s = time.monotonic() - ended
        expected = sent * ticks
        found = {"parquet": pyarrow.dataset.dataset(sorted((folder / "lake").rglob("ticks-*"))).count_rows()}
        if server is not None:
            (row,) = server.rows("SELECT count(*), count(DISTINCT (session, seq)) FROM tick")
            found["postgres"], found["postgres, different"] = int(str(row[0])), int(str(row[1]))
        rate = sent / options.seconds
        print(f"{options.benches} benches, {options.rate_hz:g} Hz x {CHANNELS} channels, {options.seconds:g} s")
        print(f"sent {sent} messages: {rate:.0f} a second, {rate * ticks * CHANNELS:,.0f} samples a second")
        print(f"the players were late by at most {late_s:.2f} s; all was in all sinks {behind_s:.1f} s after the end")
        print(
            f"ticks expected {expected}, found {found}; missing {sum(b['missing_batches'] for b in status['benches'])}"
        )
        return 0 if all(count == expected for count in found.values()) else 1


def play(port: int, benches: int, seconds: float, ticks: int, rate_hz: float) -> tuple[int, float]:
    """Publish in step with the clock. Returns how many messages, and the greatest lateness."""
    clients: list[paho.Client] = []
    for i in range(benches):
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"b{i}")
        client.max_inflight_messages_set(100)
        client.connect("127.0.0.1", port)
        client.loop_start()
        clients.append(client)
    sent, late_s, began, last = 0, 0.0, time.monotonic(), []
    for n in range(int(seconds / COMMIT_S)):
        due = began + n * COMMIT_S
        time.sleep(max(0.0, due - time.monotonic()))
        for i, client in enumerate(clients):
            session = f"01M80R04B0ABCDEFGHJKMN{i:04d}"
            payload = samples(f"b{i}", session, n, ticks, rate_hz)
            last.append(client.publish(f"abl/v1/lab/b{i}/session/{session}/samples", payload, qos=1))
            sent += 1
        late_s = max(late_s, time.monotonic() - due)
    for one in last:
        one.wait_for_publish(60)
    for client in clients:
        client.disconnect()
        client.loop_stop()
    return sent, late_s


if __name__ == "__main__":
    raise SystemExit(main())
