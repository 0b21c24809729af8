"""A daemon on pseudo-terminals that delivers power while it is looked at, on a machine that may have no time for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from benchmarks.daemons import probe
from benchmarks.daemons.probe import Seen
from tests.mqtt.broker import MOSQUITTO, Broker
from tests.process.bench import ROOT, Emulated, Live, protocol, starved

ATTEMPTS = 3
"""Starts; a machine without a free processor may trip one before anything was measured."""
T = TypeVar("T")


class Tripped(Exception):
    """The text of the trip; nothing was measured."""


class Probed(NamedTuple):
    """What the probe has seen of one daemon: all its ticks, and what collections took, s."""

    ticks: list[Seen]
    collections_s: list[float]


def bench_of(stack: ExitStack, emulated: Emulated, rate_hz: int) -> dict[str, Any]:
    """The emulated bench's file at this rate, with a broker for as long as ``stack`` where mosquitto is installed."""
    bench: dict[str, Any] = {**emulated.wired_data, "tick_hz": rate_hz}
    if MOSQUITTO is not None:
        broker = Broker(emulated.folder)
        broker.start()
        stack.callback(broker.stop)
        bench["mqtt"] = {"host": "127.0.0.1", "port": broker.port}
    return bench


def look_inside(emulated: Emulated) -> Callable[[], Probed]:
    """Have the probe in the daemons of this bench; call what is returned when one has ended."""
    told = emulated.folder / "pauses.json"
    (emulated.folder / "site" / "sitecustomize.py").write_text(probe.HOOK.format(path=str(told)))
    emulated.environment["PYTHONPATH"] += os.pathsep + str(ROOT)

    def probed() -> Probed:
        loaded = json.loads(told.read_text())
        return Probed([Seen(*tick) for tick in loaded["ticks"]], loaded["collections_s"])

    return probed


def firing(emulated: Emulated, bench: Path, seconds: float) -> Live:
    """One that delivers constant power, and would for longer than ``seconds``."""
    steady = emulated.write("long.yaml", protocol("long", "constant-power", duration_s=seconds + 60.0))
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


def end(live: Live) -> dict[str, Any]:
    """End one that fires; its status just before. Raises :class:`Tripped` when it did not fire any more."""
    status = live.control.ask("status")
    if status["state"] != "FIRING":
        raise Tripped(status["trip"]["text"] if status["trip"] is not None else status["state"])
    live.let_go()
    live.state("SAFE", "COMPLETE", "COOLDOWN", "STOPPING")
    live.shut()
    return status


def tried(run: Callable[[], T]) -> T:
    """What ``run`` returns; it runs again where the machine's load has tripped it, ``ATTEMPTS`` times in all."""
    why = ""
    for _ in range(ATTEMPTS):
        try:
            return run()
        except Tripped as trip:
            why = str(trip)
        except OSError as error:  # the watchdog has killed it
            why = f"the daemon is gone ({error})"
        print(f"under power: {why}", file=sys.stderr)
    raise Tripped(f"{why}, {ATTEMPTS} times")


def skipped(t_s: Sequence[float], rate_hz: int) -> int:
    """Deadlines without a tick between the first and the last of these ticks."""
    return round((t_s[-1] - t_s[0]) * rate_hz) - (len(t_s) - 1)
