"""The collector under random kills and cuts: ``python -m tests.collect.endurance [--benches 50] [--minutes 10]``.

Real sessions of real publishers, a real mosquitto, and a collector in a process of its own; between them networks that
are cut, delayed and made deaf at random, each side's by itself, while the broker is killed, stopped and frozen and the
collector killed and started again. In the end the collector's files must hold every tick and every value of every
session file, once, and what came without being asked for in its order.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.dataset

import controller.records
from tests.mqtt.benches import NAMES
from tests.mqtt.broker import Broker
from tests.mqtt.endurance import disturb
from tests.mqtt.proxy import Proxy

SETTLED_BY_S = 180.0


class Figures(NamedTuple):
    """What a run showed."""

    disturbances: dict[str, int]
    sessions: int
    values: int
    lost: int  # ticks and values of the files that the collector has not, or has otherwise
    twice: int  # ticks that it has more than once
    duplicates: int  # messages that came again, and were known for that
    backfilled: int  # messages that came only when asked for
    disorder: int  # batches behind a later one
    left: int  # batches that benches could not send before they ended
    settled_s: float  # from the last disturbance until all was there


class Collecting:
    """``ablate collect`` as a process that can be killed; what it says of itself is kept."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.status: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """Start it, anew or for the first time; returns once it has said something."""
        words = [sys.executable, "-m", "controller", "collect", str(self._file), "--json", "--every", "0.5"]
        self.status = {}
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        until = time.monotonic() + 60.0
        while not self.status and time.monotonic() < until:
            time.sleep(0.05)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("\n"):
                self.status = json.loads(line)

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """As an operator would; sinks take what is there."""
        self._process.terminate()
        self._process.wait(60)

    def of_all(self, what: str) -> int:
        """A figure of every bench, added up."""
        return sum(int(bench[what]) for bench in self.status.get("benches", []))


def run(folder: Path, benches: int, rate_hz: float, seconds: float, seed: int, scale: float = 1.0) -> Figures:
    """A whole run. ``scale``: how long disturbances and the pauses between them are."""
    rng, broker, done = random.Random(seed), Broker(folder), Counter[str]()
    with ExitStack() as stack:
        broker.start()
        stack.callback(lambda: broker.stop(kill=True))
        near, far = Proxy(broker.port), Proxy(broker.port)
        stack.callback(near.close)
        stack.callback(far.close)
        file = folder / "lab.json"
        told = {
            "broker": {"host": "127.0.0.1", "port": far.port, "keepalive_s": 5},
            "journal": str(folder / "journal"),
            "parquet": {"folder": str(folder / "lake"), "every_s": 2},
            "patience": {"gap_s": 1.0, "answer_s": 5.0, "tries": 20},
        }
        file.write_text(json.dumps(told))
        collector = Collecting(file)
        stack.callback(collector.kill)
        children = [stack.enter_context(child) for child in _benches(folder, near.port, benches, rate_hz, seconds)]
        until = time.monotonic() + seconds - 2 * scale
        while time.monotonic() < until:
            time.sleep(rng.uniform(0.5, 6.0) * scale)
            kind = rng.choice(["collector", "network of benches", "network of collector", "network of collector"])
            if kind == "collector":
                collector.kill()
                time.sleep(rng.uniform(0.2, 4.0) * scale)
                collector.start()
            else:
                kind = disturb(rng, broker, near if kind == "network of benches" else far, scale)
            done[kind] += 1
        calm_s = time.monotonic()
        left = sum(_ended(child)["left"] for child in children)
        expected = sum(_ticks_of(path) for path in (folder / "sessions").rglob("*.ablate"))
        while _ticks_in(folder / "lake") < expected and time.monotonic() < calm_s + seconds + SETTLED_BY_S:
            time.sleep(1.0)
        settled_s = time.monotonic() - calm_s
        for child in children:
            child.communicate(timeout=60)
        figures = {what: collector.of_all(what) for what in ("duplicates", "backfilled")}
        collector.end()
        return _compared(folder, dict(done), figures, left, settled_s)


def _benches(folder: Path, port: int, benches: int, rate_hz: float, seconds: float) -> list[subprocess.Popen[str]]:
    """Two processes of benches."""
    shares = [benches - benches // 2, benches // 2]
    children = []
    for i, share in enumerate(shares):
        words = ["many", str(folder / "sessions" / str(i)), str(port), str(seconds), str(share), str(rate_hz)]
        words += [str(sum(shares[:i])), "stay"]
        command = [sys.executable, "-m", "tests.mqtt.benches", *words]
        quiet = subprocess.DEVNULL
        children.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True)
        )
    return children


def _ended(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until all is recorded, have what is left sent, and say what could not be."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    child.stdin.write("end\n")
    child.stdin.flush()
    told: dict[str, Any] = json.loads(child.stdout.readline())
    return told


def _ticks_of(path: Path) -> int:
    with controller.records.open(path) as session:
        return len(session.ticks().seq)


def _ticks_in(lake: Path) -> int:
    files = sorted(lake.rglob("ticks-*.parquet"))
    return int(pyarrow.dataset.dataset(files).count_rows()) if files else 0


def _compared(folder: Path, done: dict[str, int], figures: dict[str, int], left: int, settled_s: float) -> Figures:
    """What the collector's files hold against what the session files hold."""
    lost = twice = disorder = values = sessions = 0
    for path in sorted((folder / "sessions").rglob("*.ablate")):
        with controller.records.open(path) as session:
            (there,) = (folder / "lake").rglob(f"session={session.header['id']}")
            ticks, samples = (_table(there, kind) for kind in ("ticks", "samples"))
            seq, batch = ticks["seq"].to_numpy(), ticks["batch"].to_numpy()
            kept, whole = np.unique(seq), session.ticks().seq
            twice += len(seq) - len(kept)
            lost += len(np.setdiff1d(whole, kept)) + len(np.setdiff1d(kept, whole))
            disorder += int((np.diff(batch) < 0).sum())
            channel, value, t_s = (samples[name].to_numpy() for name in ("channel", "value", "t_request_s"))
            for name in NAMES:
                mine = channel == name
                recorded, arrived = session.series(name).value, value[mine][np.argsort(t_s[mine], kind="stable")]
                lost += abs(len(recorded) - len(arrived)) or int((recorded != arrived).sum())
                values += len(recorded)
            sessions += 1
    return Figures(
        done, sessions, values, lost, twice, figures["duplicates"], figures["backfilled"], disorder, left, settled_s
    )


def _table(folder: Path, kind: str) -> Any:
    """Its files in the order in which they were written."""
    return pyarrow.dataset.dataset(sorted(folder.glob(f"{kind}-*.parquet"))).to_table()


def main() -> int:
    """Print the figures; 1 when something is missing, there twice, or out of order without having been asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.collect.endurance", description=__doc__)
    parser.add_argument("--benches", type=int, default=50)
    parser.add_argument("--rate-hz", type=float, default=5.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ablate-endurance-") as folder:
        found = run(Path(folder), given.benches, given.rate_hz, given.minutes * 60, given.seed)
    print(f"seed {given.seed}, {given.minutes:g} min, {given.benches} benches at {given.rate_hz:g} Hz x {len(NAMES)}")
    print(f"{found.disturbances}")
    print(f"{found.sessions} sessions, {found.values} values: {found.lost} lost, {found.twice} ticks there twice")
    print(f"{found.duplicates} messages came again and were known; {found.left} batches left unsent by benches")
    print(f"{found.backfilled} messages came when asked for; {found.disorder} batches behind a later one")
    print(f"all was there {found.settled_s:.1f} s after the last disturbance")
    good = not (found.lost or found.twice or found.left) and found.disorder <= found.backfilled
    print("GOOD" if good else "BAD")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
