"""Many runs: on the cores of this machine or on a Dask cluster, each written down as it ends, so that a campaign that
was stopped goes on where it was.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sim.campaign import trial
from sim.campaign.plan import Case

RUNS = "runs.jsonl"
CHUNK = 8
"""Runs that travel together: two seconds of work, so that a core never waits for long at the end."""


class NoCluster(Exception):
    """There is no cluster to run on; the text says what to do."""


def one(case: Case) -> dict[str, Any]:
    """Run ``case``; what came of it as plain values. A defect of the campaign itself is a verdict too: ERROR."""
    try:
        verdict, why, seen = trial.run(case)
    except Exception as error:
        return {"case": case.key, "verdict": "ERROR", "why": f"{type(error).__name__}: {error}"}
    told = {name: None if value != value else value for name, value in seen._asdict().items()}
    return {"case": case.key, "verdict": str(verdict), "why": why, **told}


def several(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """:func:`one` for each."""
    return [one(case) for case in cases]


def done_before(folder: Path) -> dict[str, dict[str, Any]]:
    """Runs that an earlier campaign in ``folder`` finished, by key. A line that was cut off is left out."""
    found: dict[str, dict[str, Any]] = {}
    path = folder / RUNS
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found[row["case"]] = row
    return found


def run_all(
    cases: Sequence[Case],
    folder: Path,
    *,
    jobs: int,
    cluster: str | None = None,
    progress: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:
    """Run what ``folder`` does not hold yet; return the rows of all ``cases`` in their order.

    Raises:
        NoCluster: ``cluster`` cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = done_before(folder)
    todo = [case for case in cases if case.key not in rows]
    chunks = [todo[k : k + CHUNK] for k in range(0, len(todo), CHUNK)]
    workers = _on_cluster(chunks, cluster) if cluster else _here(chunks, jobs)
    with (folder / RUNS).open("a+b") as out:
        if out.tell() and not _ends_a_line(out):
            out.write(b"\n")  # killed while writing: what comes now is a line of its own
        for row in workers:
            rows[row["case"]] = row
            out.write(json.dumps(row).encode() + b"\n")
            out.flush()
            progress(row)
    return [rows[case.key] for case in cases]


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _here(chunks: Iterable[Sequence[Case]], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        for chunk in chunks:
            yield from map(one, chunk)
        return
    context = multiprocessing.get_context("spawn")  # a fork would share this process's loops and compiled kernels
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as executor:
        for ended in concurrent.futures.as_completed([executor.submit(several, chunk) for chunk in chunks]):
            yield from ended.result()


def _on_cluster(chunks: Sequence[Sequence[Case]], address: str) -> Iterator[dict[str, Any]]:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise NoCluster("--cluster needs Dask: pip install 'openablate[cluster]', on every worker too") from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, TimeoutError, ValueError) as error:
        raise NoCluster(f"no Dask scheduler answers at {address} ({error}); start one with: dask scheduler") from error
    with client:
        for ended in as_completed(client.map(several, chunks, pure=False)):
            yield from ended.result()
