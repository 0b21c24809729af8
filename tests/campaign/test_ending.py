"""Ctrl-C and SIGTERM: real processes end at once, what is done is kept, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.campaign import plan, pool

RUNS = 400
ENDS_WITHIN_S = 10.0
"""A run is 0.07 s of a quiet machine; all of them are half a minute."""


def started(out: Path, jobs: int) -> subprocess.Popen[str]:
    """A campaign of its own process group, as a terminal gives it one, that has written some runs."""
    wanted = ["campaign", "--runs", str(RUNS), "--nominal", "0", "--jobs", str(jobs), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "openablate", *wanted],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=heard,
    )  # fmt: skip
    path = out / pool.RUNS
    until(lambda: path.is_file() and path.read_bytes().count(b'"case"') >= 4, 90.0)
    return process


def heard() -> None:
    """Where the tests run in the background of a shell, Ctrl-C is ignored, also by what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(true: Callable[[], bool], within_s: float) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def cases(out: Path) -> list[str]:
    rows = map(json.loads, (out / pool.RUNS).read_text().splitlines())
    return [row["case"] for row in rows if "case" in row]


def members(group: int) -> list[int]:
    """Processes of a group that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, told = path.read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        if int(told.split()[2]) == group and told.split()[0] != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize(
    ("send", "number", "code", "jobs"),
    [
        (os.killpg, signal.SIGINT, 130, 2),  # as a terminal does: to all of them
        (os.kill, signal.SIGTERM, 143, 2),
        (os.killpg, signal.SIGTERM, 143, 1),
    ],
)
def test_a_campaign_that_is_interrupted(
    send: Callable[[int, int], None], number: signal.Signals, code: int, jobs: int, tmp_path: Path
) -> None:
    process = started(tmp_path, jobs)
    begin_s = time.monotonic()
    send(process.pid, number)
    told, wrong = process.communicate(timeout=60.0)
    took_s = time.monotonic() - begin_s
    assert (process.returncode, wrong.splitlines()[1:]) == (code, []), wrong
    assert took_s < ENDS_WITHIN_S
    done = cases(tmp_path)
    assert 4 <= len(done) == len(set(done)) < RUNS
    assert wrong == f"ended after {len(done)} of {RUNS} runs; they are kept in {tmp_path}: the same command goes on\n"
    assert told.startswith(f"{len(done)} injected and 0 nominal runs: ")
    assert [path.name for path in tmp_path.iterdir()] == [pool.RUNS]  # a part is no evidence
    until(lambda: members(process.pid) == [], 10.0)  # Python's own resource tracker ends just behind it


def test_processes_do_not_outlive_a_campaign_that_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path, 2)
    process.kill()
    process.communicate()
    until(lambda: members(process.pid) == [], 30.0)


def test_a_campaign_that_was_stopped_goes_on(tmp_path: Path) -> None:
    wanted = [plan.parse(f"rf/nominal/steady/0us/{seed}") for seed in (1001, 1002, 1003)]
    asked = iter([False, True])
    rows = pool.run_all(wanted, tmp_path, jobs=1, stop=lambda: next(asked))
    assert [row["case"] for row in rows] == cases(tmp_path) == [wanted[0].key]
    ran: list[str] = []
    rows = pool.run_all(wanted, tmp_path, jobs=1, progress=lambda row: ran.append(row["case"]))
    assert ran == [case.key for case in wanted[1:]]
    assert [row["case"] for row in rows] == cases(tmp_path) == [case.key for case in wanted]
