"""What recording costs: ``python -m benchmarks.records [--seconds N]``.

Each figure stands beside a floor or a peer measured in the same run, and is judged by the ratio to it where one is
named.

1. What recording costs the control loop each tick: a row with 20 samples built and handed over, beside a bare
   ``deque.append``; and what the owner thread then needs for it, at most so much of it holding the interpreter's lock.
2. Rows a second through the store (a row: a tick, a sample), beside SQLite alone (``executemany`` of the same samples,
   without hash chain) and beside appends to a bare file of as many bytes as the session has, synced as often.
3. A rehearsal's record: 12 minutes at 20 Hz with 10 samples a tick, inline.
4. Lateness of a 200 Hz asyncio loop without recording, with it, and with MQTT on top whose broker is not there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchmarks.rows import Row, at_least, at_most, beside, command
from controller.mqtt.beside import BesidePublisher
from controller.mqtt.config import MqttConfig
from controller.records.session import Recorder, TickRow
from controller.records.verify import verify
from safety.types import Sample

CHANNELS = [{"name": f"device.quantity_{i}_c"} for i in range(20)]
NAMES = [str(channel["name"]) for channel in CHANNELS]


def row(seq: int, samples: int) -> TickRow:
    t_s = seq * 0.005
    measured = [Sample(name, 20.0 + 0.1 * seq, t_s) for name in NAMES[:samples]]
    return TickRow(
        seq, t_s, "FIRING", 10.0, 20.0, 10.0, 3, measured, {"phase": "ramp", "power_w": t_s, "base_ohm": 70.0}
    )


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def enqueue(folder: Path, seconds: float) -> Iterator[Row]:
    """Cost of a tick at 200 Hz with the owner thread at work."""
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS)
    queue: deque[TickRow] = deque()
    costs: list[float] = []
    floor: list[float] = []
    ticks = int(200 * seconds)
    owner_s = -time.process_time() + time.thread_time()
    for seq in range(ticks):
        made = row(seq, 20)
        began = time.perf_counter()
        queue.append(made)
        between = time.perf_counter()
        recorder.tick(TickRow(*made))
        costs.append((time.perf_counter() - between) * 1e6)
        floor.append((between - began) * 1e6)
        time.sleep(0.005)
    owner_s += time.process_time() - time.thread_time()
    recorder.close()
    p50_us, least_us = statistics.median(costs), statistics.median(floor)
    note = f"p99 {percentile(costs, 0.99):.1f} us; 20 samples a tick"
    cost = beside("record, cost to a tick", p50_us, "us", "deque.append, as cold", least_us, None, note)
    yield cost._replace(target="<= 30 us", met=p50_us <= 30.0)
    yield Row("record, owner thread a tick", owner_s / ticks * 1e6, "us", note="of CPU, hash and commit included")


class Reading(BaseModel):
    """A reading as one would write it with pydantic."""

    channel: str
    value: float
    t_request_s: float
    quality: int = 0


def encoding(folder: Path) -> Iterator[Row]:
    """A value of a tick, made and made a row of the store; beside one of pydantic, made and made JSON."""
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS, threaded=False)
    store, ours_us, theirs_us = recorder._store, [], []
    for seq in range(1000):
        rows: dict[str, list[Any]] = {"channels": [], "samples": []}
        began = time.perf_counter()
        made = row(seq, 20)
        store._tick(made)
        store._samples(made, 0, rows)
        between = time.perf_counter()
        for name in NAMES:
            Reading(channel=name, value=20.0 + 0.1 * seq, t_request_s=0.005 * seq).model_dump_json()
        ours_us.append((between - began) / 20 * 1e6)
        theirs_us.append((time.perf_counter() - between) / 20 * 1e6)
    recorder.close()
    ours, theirs = statistics.median(ours_us), statistics.median(theirs_us)
    yield at_most("a reading, made and encoded", ours, "us", 1.5, "its share of the tick's own row included")
    yield beside("a reading, made and encoded", ours, "us", "pydantic, as JSON", theirs, 0.5)


def throughput(folder: Path) -> Iterator[Row]:
    """Rows a second, durable and chained."""
    ticks = 20_000
    rows = [row(seq, 20) for seq in range(ticks)]
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS, threaded=False)
    began = time.perf_counter()
    for made in rows:
        recorder.tick(made)
    recorder.close()
    took_s = time.perf_counter() - began
    began = time.perf_counter()
    assert verify(recorder.path).ok
    verified_s = time.perf_counter() - began

    plain = [(i, i // 20, i % 20, 0.5, 20.0, 0) for i in range(20 * ticks)]
    db = sqlite3.connect(folder / "plain.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE samples(id INTEGER PRIMARY KEY, tick INTEGER, channel INTEGER, t REAL, v REAL, q INTEGER)")
    began = time.perf_counter()
    for i in range(0, len(plain), 20_000):
        db.execute("BEGIN")
        db.executemany("INSERT INTO samples VALUES(?,?,?,?,?,?)", plain[i : i + 20_000])
        db.execute("COMMIT")
    sqlite_s = time.perf_counter() - began
    db.close()
    size, batches = recorder.path.stat().st_size, recorder.head
    part, file = b"x" * (size // batches), os.open(folder / "raw", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    began = time.perf_counter()
    for _ in range(batches):
        os.write(file, part)
        os.fsync(file)
    raw_s = time.perf_counter() - began
    os.close(file)
    yield at_least("store, rows a second", 21 * ticks / took_s, "/s", 100_000)
    yield beside("store, 420 000 rows", took_s, "s", "SQLite alone, executemany", sqlite_s, 6.0, "hash chain included")
    note = f"{size / 1e6:.0f} MB in {batches} synced appends"
    yield beside("store, 420 000 rows", took_s, "s", "the same bytes in a bare file", raw_s, None, note)
    yield Row("verify, rows a second", 21 * ticks / verified_s, "/s")


def rehearsal(folder: Path) -> Iterator[Row]:
    """The share of a rehearsal that its record takes."""
    rows = [row(10 * seq, 10) for seq in range(14_400)]
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS, threaded=False)
    began = time.process_time()
    for made in rows:
        recorder.tick(made)
    recorder.close()
    took_s = time.process_time() - began
    yield at_most("record of a rehearsal of 720 s", took_s, "s", 1.0)


async def lateness(recorder: Recorder | None, seconds: float) -> float:
    loop, late = asyncio.get_running_loop(), []
    began = loop.time()
    for seq in range(int(200 * seconds)):
        due = began + seq * 0.005
        await asyncio.sleep(max(0.0, due - loop.time()))
        late.append((loop.time() - due) * 1e6)
        if recorder is not None:
            recorder.tick(row(seq, 20))
    return percentile(late, 0.99)


def loops(folder: Path, seconds: float) -> Iterator[Row]:
    """What the loop feels; single runs, so the figures are printed and only a gross difference is judged."""
    bare = asyncio.run(lateness(None, seconds))
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS)
    recorded = asyncio.run(lateness(recorder, seconds))
    recorder.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    recorder = Recorder.create(folder, {"bench": "bench"}, CHANNELS)
    publisher = BesidePublisher(MqttConfig(host="127.0.0.1", port=port), "bench", simulated=True)
    publisher.start()
    publisher.attach(recorder)
    outage = asyncio.run(lateness(recorder, seconds))
    recorder.finish()
    publisher.detach(0.0)
    publisher.close()
    recorder.close()
    for name, late_us in (("recorded", recorded), ("recorded, broker away", outage)):
        late = beside(f"200 Hz loop, {name}", late_us, "us", "lateness p99, bare", bare, None)
        yield late._replace(target="<= 5 x + 2 ms", met=late_us <= 5 * bare + 2000)


def measured(seconds: float) -> Iterator[Row]:
    """All of it, in one scratch folder."""
    with tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        folder = Path(scratch)
        yield from enqueue(folder, seconds)
        yield from encoding(folder)
        yield from throughput(folder)
        yield from rehearsal(folder)
        yield from loops(folder, seconds)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, lambda given: measured(given.seconds), seconds=(float, 5.0, "length of the paced runs"))


if __name__ == "__main__":
    raise SystemExit(main())
