"""All benchmarks as one table: ``make bench``.

    python -m benchmarks [--only NAME]... [--quick] [--out build/bench.json] [--page docs/performance.md]

Each runs in an interpreter of its own, one after another, and says what it measured as rows; a row is ours, a floor or
a peer of the same run, their ratio, the target, and whether it was met. The rows go to a JSON file together with
machine, versions and load; ``--page`` makes the page of that file, and keeps the file beside it. With ``--only``, what
that file has of other benchmarks stays; where there is none yet, what docs/performance.json has.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.rows import Row, head, show

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "docs" / "performance.json"
"""The data of the page: what was measured last, by whoever committed it."""
QUICK: dict[str, tuple[str, ...]] = {
    "tick": ("--seconds", "1"),
    "lateness": ("--part", "0.05"),
    "realtime": ("--part", "0.05"),
    "tick_parts": ("--seconds", "10"),
    "daemon": ("--seconds", "10"),
    "neighbours": ("--rounds", "1", "--seconds", "2", "--minutes", "2"),
    "fast_loop": ("--queries", "150"),
    "laws": (),
    "rehearsal": (),
    "campaign": ("--runs", "64"),
    "wire": ("--queries", "150"),
    "records": ("--seconds", "1"),
    "exports": ("--minutes", "3"),
    "world": ("--meshes", "fast"),
    "solid": ("--meshes", "fast", "--runs", "1"),
    "live_world": ("--seconds", "20"),
    "startup": (),
    "ready": ("--starts", "2", "--hours", "0"),
    "off": ("--trials", "2"),
    "mqtt": ("--seconds", "2"),
    "lab": ("--benches", "10", "--seconds", "5"),
    "panel": ("--presses", "20", "--seconds", "10", "--minutes", "0"),
}
"""Benchmarks in the order of the table, and how each is asked for a first look."""
PEERS: dict[str, tuple[str, ...]] = {"peers_world": (), "peers_queries": ("--queries", "100", "--seconds", "1")}
"""The same, in the environment of ``make bench-peers``."""


def run(name: str, options: tuple[str, ...]) -> list[Row]:
    """The rows of one benchmark, shown as they come. One that fails is a row that is not met, with its last words."""
    argv = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options]
    rows: list[Row] = []
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            try:
                rows.append(Row(**json.loads(line)))
            except (ValueError, TypeError):  # words of a library, say: to be seen, and no row
                print(line, end="", flush=True)
            else:
                print(show(rows[-1]), flush=True)
        words = process.stderr.read().strip().splitlines()
    if process.returncode not in (0, 1) or not rows or "Traceback (most recent call last):" in words:
        last = words[-1] if words else f"ended with code {process.returncode}"
        rows.append(Row(name, float("nan"), "", target="a figure", met=False, note=last))
        print(show(rows[-1]), flush=True)
    return rows


def machine() -> dict[str, Any]:
    """Where it was measured."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
    }


def now(quick: bool) -> dict[str, Any]:
    """Of what, when, and what else the machine did."""
    from controller.daemon.describe import installed, revision

    return {
        "utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "revision": revision().get("revision", ""),
        "load": round(os.getloadavg()[0], 2),
        "quick": quick,
        "packages": installed(),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _kept(*files: Path) -> dict[str, Any]:
    """Of the first of these files that can be read."""
    for file in files:
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(told, dict) and "when" in told:
                return told
    return {}


def write_page(told: dict[str, Any], path: Path) -> None:
    """The page, and its data beside it."""
    path.write_text(page.render(told), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Print the table and keep it; 1 when a target was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=[*QUICK, *PEERS], help="this one; repeatable")
    parser.add_argument("--quick", action="store_true", help="a first look, in some minutes")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--page", type=Path, help="write this page of --out's file, and measure nothing")
    given = parser.parse_args()
    if given.page is not None:
        write_page(json.loads(given.out.read_text(encoding="utf-8")), given.page)
        return 0
    told = _kept(given.out, COMMITTED) if given.only else {}
    told = {**machine(), "when": told.get("when", {}), "rows": told.get("rows", {})}
    found: list[Row] = []
    print(head())
    for name in given.only or QUICK:
        print(f"== {name}")
        told["when"][name] = now(given.quick)
        rows = run(name, {**QUICK, **PEERS}[name] if given.quick else ())
        told["rows"][name] = [row._asdict() for row in rows]
        found += rows
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(told, indent=1), encoding="utf-8")
    judged = [row for row in found if row.met is not None]
    met = sum(row.met is True for row in judged)
    print(f"{met} of {len(judged)} targets met; {given.out}")
    return int(met < len(judged))


if __name__ == "__main__":
    raise SystemExit(main())
