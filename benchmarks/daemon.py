"""The live daemon at 200 Hz, as a process on pseudo-terminals: ``python -m benchmarks.daemon [--seconds N] [--json]``.

The shipped bench of six devices, emulated by another process; watchdog, interlocks, law, session file and, where
mosquitto is installed, MQTT are at work while power flows. CPU is the whole process's, acquisition, record and the
control socket included; what MQTT's own process takes beside it stands in the note. Then the same with a look from
inside: a tick's lateness without the time for which there was no processor for it is what the process itself has held:
the collector, a callback or a thread with the lock.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.daemons.powered import Probed, Tripped, bench_of, end, firing, look_inside, skipped, tried
from benchmarks.daemons.processes import cpu_s
from benchmarks.rows import Row, at_most, command
from controller.records.reader import open_session
from tests.process.bench import Emulated

RATE_HZ = 200  # the most that a bench file may ask for
CPU_US, BODY_P50_US, BODY_P99_US, CORE = 150.0, 100.0, 500.0, 3.0
PAUSE_MS, COLLECTION_MS = 2.0, 2.0


class Ran(NamedTuple):
    """One daemon under power for ``seconds``."""

    seconds: float
    cpu_s: float
    loop_cpu_s: float
    """Of its main thread."""
    ticks: int
    skipped: int
    times: dict[str, Any]
    """Its own account, since it began."""
    probed: Probed
    mqtt_cpu_s: float | None
    """Of the publisher's process."""


def ran(seconds: float, rate_hz: int, *, inside: bool) -> Ran:
    """One application; ``inside``: with the probe, which costs a system call each time that the loop rests.

    Raises :class:`Tripped` when it does so under power.
    """
    with ExitStack() as stack:
        emulated = stack.enter_context(Emulated())
        bench = emulated.write("fast.yaml", bench_of(stack, emulated, rate_hz))
        probed = look_inside(emulated) if inside else lambda: Probed([], [])
        live = stack.enter_context(firing(emulated, bench, seconds))
        time.sleep(1.0)
        before = live.control.ask("status")
        publisher = (before.get("mqtt") or {}).get("pid")
        begin_s, used, beside = time.monotonic(), cpu_s(live.pids.daemon), cpu_s(publisher) if publisher else {}
        time.sleep(seconds)
        took_s, spent = time.monotonic() - begin_s, cpu_s(live.pids.daemon)
        mqtt_cpu_s = sum(cpu_s(publisher).values()) - sum(beside.values()) if publisher else None
        status = end(live)
        threads = {thread: s - used.get(thread, 0.0) for thread, s in spent.items()}
        count = status["ticks"] - before["ticks"]
        return Ran(
            took_s, sum(threads.values()), threads[live.pids.daemon], count, _skipped(live.session, rate_hz),
            status["times"], probed(), mqtt_cpu_s,
        )  # fmt: skip


def _skipped(session: Path, rate_hz: int) -> int:
    """Deadlines without a tick while power flowed, after the record: every tick is in it then."""
    with open_session(session) as record:
        ticks = record.ticks()
        return skipped(ticks.t_s[np.asarray(ticks.state) == "FIRING"], rate_hz)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Cost and body of a tick; then what holds it."""
    what = f"tick at {RATE_HZ} Hz"
    try:
        yield from _cost(what, tried(lambda: ran(given.seconds, RATE_HZ, inside=False)))
        yield from _pauses(tried(lambda: ran(given.seconds, RATE_HZ, inside=True)).probed)
    except Tripped as trip:
        yield Row(what, float("nan"), "", target="no trip", met=False, note=str(trip))


def _cost(what: str, plain: Ran) -> Iterator[Row]:
    body = plain.times["tick"]
    note = f"the loop's own thread {1e6 * plain.loop_cpu_s / plain.ticks:.0f} us; "
    if plain.mqtt_cpu_s is None:
        note += "no mosquitto: without MQTT"
    else:
        note += f"MQTT's process {1e6 * plain.mqtt_cpu_s / plain.ticks:.0f} us beside it"
    yield at_most(f"{what}, CPU", 1e6 * plain.cpu_s / plain.ticks, "us", CPU_US, note)
    note = (
        f"mean {1e6 * body['sum_s'] / body['count']:.0f} us, longest {1e3 * body['max_s']:.2f} ms; set-point's way in"
    )
    yield at_most(f"{what}, body p50", 1e6 * body["p50_s"], "us", BODY_P50_US, note)
    yield at_most(f"{what}, body p99", 1e6 * body["p99_s"], "us", BODY_P99_US, "a bucket's upper edge")
    yield at_most(f"{what}, a core's share", 100.0 * plain.cpu_s / plain.seconds, "%", CORE)
    late = plain.times["lateness"]
    note = f"late p50 {1e6 * late['p50_s']:.0f}, p99 {1e6 * late['p99_s']:.0f} us, longest {1e3 * late['max_s']:.1f} ms"
    yield at_most(f"{what}, skipped in {plain.seconds:.0f} s", plain.skipped, "", 0, note)


def _pauses(probed: Probed) -> Iterator[Row]:
    held_ms = sorted(1e3 * tick.held_s for tick in probed.ticks)
    collected_ms = [1e3 * s for s in probed.collections_s]
    note = f"p99.9 {held_ms[int(0.999 * len(held_ms))]:.2f} ms, {len(held_ms)} ticks; "
    note += f"without a processor for up to {1e3 * max(tick.starved_s for tick in probed.ticks):.1f} ms"
    yield at_most("longest pause in process", held_ms[-1], "ms", PAUSE_MS, note)
    note = f"{len(collected_ms)} collections"
    yield at_most("longest garbage collection", max(collected_ms, default=0.0), "ms", COLLECTION_MS, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, seconds=(float, 120.0, "of power, twice"))


if __name__ == "__main__":
    raise SystemExit(main())
