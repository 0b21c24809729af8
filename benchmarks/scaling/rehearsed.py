"""Curves in virtual time: devices, tick rates, and the length of a session."""

from __future__ import annotations

import json
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scaling.points import Point
from benchmarks.tick_parts import parts_of
from controller.config import setup as setups
from controller.config.setup import Setup
from controller.perform import NotReady
from safety.watchdog.client import WatchdogError
from sim import rehearsal
from tests.soak.run import EVERY_S, Look, soak

ROOT = Path(__file__).parents[2]
NEEDLE = ROOT / "examples" / "benches" / "single-needle-rf-sim.yaml"
LEAST = ("gen", "enable", "inputs", "tc")
"""Without the first three no bench may be armed."""
MOST_DEVICES = 24
POWER_W = 15.0


def setup_of(folder: Path, devices: int, tick_hz: float, seconds: float) -> Setup:
    """An uncooled needle under constant power; from the fifth device on there are flow sensors that nothing judges
    more than any other channel, asked ten times a second each.

    Raises:
        ValueError: fewer than three.
    """
    if devices < 3:
        raise ValueError("a bench is a generator, an enable line and contacts at the least")
    data: dict[str, Any] = yaml.safe_load(NEEDLE.read_text(encoding="utf-8"))
    names, roles = LEAST[:devices], data["roles"]
    if "tc" not in names:
        roles = {role: name for role, name in roles.items() if role not in ("tip", "tissue")}
    sensor = {"driver": "sensirion-slf3x", "options": {"model": "slf3s-4000b", "interval_ms": 100}}
    chosen = {name: data["devices"][name] for name in names}
    chosen |= {f"flow{k}": {**sensor, "port": f"sim://flow{k}"} for k in range(len(names), devices)}
    protocol = {
        "protocol": "steady",
        "source": "no publication: a protocol of the benchmarks",
        "modality": "rf",
        "applicator": {"kind": "needle", "active_tip_mm": 25},
        "law": {"kind": "constant-power", "power_w": POWER_W, "duration_s": seconds},
    }
    return setups.load(
        _written(folder / "bench.yaml", {**data, "devices": chosen, "roles": roles, "tick_hz": tick_hz}),
        _written(folder / "steady.yaml", protocol),
    )


def _written(path: Path, data: Mapping[str, Any]) -> str:
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")  # which is YAML, without the anchors of its writer
    return str(path)


def _point(curve: str, x: float, devices: int, tick_hz: float, seconds: float) -> Point:
    with tempfile.TemporaryDirectory(prefix="ablate-scale-") as scratch:
        folder = Path(scratch)
        setup = setup_of(folder, devices, tick_hz, seconds)
        began_s = time.process_time()
        result = rehearsal.rehearse(setup, out=folder)
        used_s = time.process_time() - began_s
        if result["result"] != "completed":
            raise RuntimeError(f"{curve} {x:g}: {result['result']}, {result['trip']}")
        size = sum(path.stat().st_size for path in folder.rglob("*.ablate"))
        own_us = statistics.median(parts_of(setup, seconds).own_us())
    bench_s = result["ticks"] / tick_hz
    values = {"cpu_ms_per_s": 1e3 * used_s / bench_s, "own_tick_us": own_us, "file_kb_per_s": size / 1e3 / bench_s}
    return Point(curve, x, values)


def devices(counts: Iterable[int], seconds: float) -> Iterator[Point]:
    """CPU against devices, at 20 Hz."""
    _point("warm", 0.0, 4, 20.0, 2.0)  # compiles, or loads the cache
    for count in counts:
        yield _point("devices", count, count, 20.0, seconds)


def rates(rates_hz: Iterable[float], seconds: float) -> Iterator[Point]:
    """CPU against the tick rate, four devices."""
    _point("warm", 0.0, 4, 20.0, 2.0)
    for rate_hz in rates_hz:
        try:
            yield _point("ticks", rate_hz, 4, rate_hz, seconds)
        except (WatchdogError, NotReady, RuntimeError) as error:  # a rate that cannot be guarded, or trips
            print(f"ticks {rate_hz:g}: left out, {error}", file=sys.stderr)


VERIFY = """import sys, time
from controller.records.verify import verify
began_s = time.process_time()
assert not verify(sys.argv[1]).problems
print(time.process_time() - began_s)
"""


def verified_s(path: Path) -> float:
    """CPU s of verifying a session, in a process of its own: it is no part of the one that is looked at."""
    argv = [sys.executable, "-c", VERIFY, str(path)]
    return float(subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def sessions(minutes: float, every_s: float = EVERY_S) -> Iterator[Point]:
    """One session as it grows, an application every ``every_s``: looks at 1, 2, 4 ... of these, and at its end."""
    found: queue.SimpleQueue[Point | None] = queue.SimpleQueue()
    used = {"s": time.process_time(), "t_s": 0.0}
    rests = round(minutes * 60.0 / every_s)

    def told(look: Look) -> None:
        rest = round(look.t_s / every_s)
        if rest & (rest - 1) and rest != rests:
            return  # neither a power of two nor the last
        spent_s = time.process_time() - used["s"]
        (path,) = folder.rglob("*.ablate")
        values = {
            "rss_mb": look.rss_bytes / 1e6,
            "objects": float(look.objects),
            "file_mb": look.file_bytes / 1e6,
            "cpu_ms_per_s": 1e3 * spent_s / (look.t_s - used["t_s"]),
            "verify_cpu_s": verified_s(path),
        }
        used.update(s=time.process_time(), t_s=look.t_s)
        found.put(Point("session", look.t_s / 3600.0, values))

    def run() -> None:
        try:
            soak(folder, minutes / 60.0, every_s=every_s, told=told)
        finally:
            found.put(None)

    with tempfile.TemporaryDirectory(prefix="ablate-scale-") as scratch, ThreadPoolExecutor(1) as pool:
        folder = Path(scratch)
        soaked = pool.submit(run)  # beside this thread, so that a point is told when it is there
        yield from iter(found.get, None)
        soaked.result()
