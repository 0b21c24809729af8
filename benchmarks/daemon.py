"""The live daemon at 200 Hz, as a process on pseudo-terminals: ``python -m benchmarks.daemon [--seconds N] [--json]``.

The shipped bench of six devices, emulated by another process; watchdog, interlocks, law, session file and, where
mosquitto is installed, MQTT are at work while power flows. CPU is the whole process's, acquisition, record and the
control socket included; what MQTT's own process takes beside it stands in the note. Then the same with a look from
inside: a tick's lateness without the time for which there was no processor for it is what the process itself has held:
the collector, a callback or a thread with the lock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.daemons import probe
from benchmarks.daemons.processes import cpu_s
from benchmarks.rows import Row, at_most, command
from controller.records.reader import open_session
from tests.mqtt.broker import MOSQUITTO, Broker
from tests.process.bench import ROOT, Emulated, Live, protocol, starved

RATE_HZ = 200  # the most that a bench file may ask for
CPU_US, BODY_P50_US, BODY_P99_US, CORE = 150.0, 100.0, 500.0, 3.0
PAUSE_MS, COLLECTION_MS = 2.0, 2.0
ATTEMPTS = 3
"""Starts; a machine without a free processor may trip one before anything was measured."""


class Tripped(Exception):
    """The text of the trip; nothing was measured."""


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
    pauses: dict[str, list[float]]
    mqtt_cpu_s: float | None
    """Of the publisher's process."""


def ran(seconds: float, rate_hz: int, *, inside: bool) -> Ran:
    """One application; ``inside``: with the probe, which costs a system call a tick.

    Raises :class:`Tripped` when it does so under power.
    """
    with ExitStack() as stack:
        emulated = stack.enter_context(Emulated())
        bench: dict[str, Any] = {**emulated.wired_data, "tick_hz": rate_hz}
        if MOSQUITTO is not None:
            broker = Broker(emulated.folder)
            broker.start()
            stack.callback(broker.stop)
            bench["mqtt"] = {"host": "127.0.0.1", "port": broker.port}
        told = emulated.folder / "pauses.json"
        if inside:
            (emulated.folder / "site" / "sitecustomize.py").write_text(probe.HOOK.format(path=str(told)))
            emulated.environment["PYTHONPATH"] += os.pathsep + str(ROOT)
        steady = emulated.write("long.yaml", protocol("long", "constant-power", duration_s=seconds + 60.0))
        live = stack.enter_context(_firing(emulated, emulated.write("fast.yaml", bench), steady))
        time.sleep(1.0)
        before = live.control.ask("status")
        publisher = (before.get("mqtt") or {}).get("pid")
        begin_s, used, beside = time.monotonic(), cpu_s(live.pids.daemon), cpu_s(publisher) if publisher else {}
        time.sleep(seconds)
        took_s, spent, status = time.monotonic() - begin_s, cpu_s(live.pids.daemon), live.control.ask("status")
        mqtt_cpu_s = sum(cpu_s(publisher).values()) - sum(beside.values()) if publisher else None
        if status["state"] != "FIRING":
            raise Tripped(status["trip"]["text"] if status["trip"] is not None else status["state"])
        live.let_go()
        live.state("SAFE", "COMPLETE", "COOLDOWN", "STOPPING")
        live.shut()
        threads = {thread: s - used.get(thread, 0.0) for thread, s in spent.items()}
        pauses = json.loads(told.read_text()) if inside else {}
        count = status["ticks"] - before["ticks"]
        return Ran(
            took_s, sum(threads.values()), threads[live.pids.daemon], count, _skipped(live.session, rate_hz),
            status["times"], pauses, mqtt_cpu_s,
        )  # fmt: skip


def tried(seconds: float, *, inside: bool) -> Ran:
    """As :func:`ran`, again where the machine's load has tripped it, ``ATTEMPTS`` in all."""
    why = ""
    for _ in range(ATTEMPTS):
        try:
            return ran(seconds, RATE_HZ, inside=inside)
        except Tripped as trip:
            why = str(trip)
        except OSError as error:  # the watchdog has killed it
            why = f"the daemon is gone ({error})"
        print(f"under power: {why}", file=sys.stderr)
    raise Tripped(why)


def _firing(emulated: Emulated, bench: Path, steady: Path) -> Live:
    for attempt in range(ATTEMPTS):
        live = Live(emulated, bench)
        try:
            live.fire(steady)
        except (AssertionError, OSError):
            live.close()
            if attempt == ATTEMPTS - 1 or not starved(emulated):
                raise
        else:
            return live
    raise AssertionError


def _skipped(session: Path, rate_hz: int) -> int:
    """Deadlines without a tick while power flowed, after the record: every tick is in it then."""
    with open_session(session) as record:
        ticks = record.ticks()
        t_s = ticks.t_s[np.asarray(ticks.state) == "FIRING"]
    return round(float(t_s[-1] - t_s[0]) * rate_hz) - (len(t_s) - 1)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Cost and body of a tick; then what holds it."""
    what = f"tick at {RATE_HZ} Hz"
    try:
        yield from _cost(what, tried(given.seconds, inside=False))
        yield from _pauses(tried(given.seconds, inside=True))
    except Tripped as trip:
        yield Row(what, float("nan"), "", target="no trip", met=False, note=f"{trip}, {ATTEMPTS} times")


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


def _pauses(run: Ran) -> Iterator[Row]:
    looked = run.pauses
    held_ms, collected_ms = ([1e3 * s for s in looked[name]] for name in ("held_s", "collections_s"))
    note = f"p99.9 {held_ms[int(0.999 * len(held_ms))]:.2f} ms, {len(held_ms)} ticks; "
    note += f"without a processor for up to {1e3 * looked['starved_s'][-1]:.1f} ms"
    yield at_most("longest pause in process", held_ms[-1], "ms", PAUSE_MS, note)
    note = f"{len(collected_ms)} collections"
    yield at_most("longest garbage collection", max(collected_ms, default=0.0), "ms", COLLECTION_MS, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, seconds=(float, 120.0, "of power, twice"))


if __name__ == "__main__":
    raise SystemExit(main())
