"""Many runs: on the cores of this machine or on a Dask cluster, each written down as it ends, so that a campaign that
was stopped goes on where it was. Each carries the hash of the program that ran it: runs of two programs do not mix.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from controller.evidence.revision import DIRTY, Origin, origin, program
from sim.campaign import ending, trial
from sim.campaign.plan import Case

RUNS = "runs.jsonl"
CHUNK = 8
"""Runs that travel together: two seconds of work, so that a core never waits for long at the end."""
AHEAD = 2
"""Chunks a process that wait or are under way: it never waits for this one, and little is left to end."""
LOOK_S = 0.2
"""How often somebody is asked whether to go on."""
_ends: Event | None = None
"""In a process of the pool: set once no further run must begin."""


Rows = Generator[dict[str, Any], None, None]


class NoCluster(Exception):
    """There is no cluster to run on; the text says what to do."""


class OtherProgram(Exception):
    """Runs were made by another program than this one; the text says where they are and what to do."""


def one(case: Case) -> dict[str, Any]:
    """Run ``case``; what came of it as plain values, with the hash of the program of this process. A defect of the
    campaign itself is a verdict too: ERROR."""
    made_by = program()
    try:
        verdict, why, seen = trial.run(case)
    except Exception as error:
        return {"case": case.key, "program": made_by, "verdict": "ERROR", "why": f"{type(error).__name__}: {error}"}
    told = {name: None if value != value else value for name, value in seen._asdict().items()}
    return {"case": case.key, "program": made_by, "verdict": str(verdict), "why": why, **told}


def several(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """:func:`one` for each, until this process is to end."""
    return [one(case) for case in itertools.takewhile(lambda case: _ends is None or not _ends.is_set(), cases)]


class Before(NamedTuple):
    """What an earlier campaign of the same program has left in a folder. ``rows``: its runs, by key; ``made_from``:
    this program, under the first revision that holds it of those under which the campaign began."""

    rows: dict[str, dict[str, Any]]
    made_from: Origin


def done_before(folder: Path, made_from: Origin) -> Before:
    """What ``folder`` holds of the program ``made_from``. A line that was cut off is left out.

    Raises:
        OtherProgram: it holds runs of another, or such as do not say of which.
    """
    rows: dict[str, dict[str, Any]] = {}
    begun: dict[str, list[str]] = {}  # program -> the revisions under which it was started
    path = folder / RUNS
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if "case" in row:
            rows[row["case"]] = row
        else:
            begun.setdefault(row["program"], []).append(row["commit"])
    others = [str(row.get("program", "")) for row in rows.values() if row.get("program") != made_from.program]
    if others:
        commit = begun.get(others[0], ["no revision told"])[0]
        raise OtherProgram(
            f"{path} holds {len(others)} runs of another program ({_named(commit, others[0])}) than this one "
            f"({_named(made_from.commit, made_from.program)}), and together they would be evidence for none: give "
            "another --out, or --anew to throw the runs in that folder away"
        )
    commits = [*begun.get(made_from.program, ()), made_from.commit]
    commit = next((each for each in commits if not each.endswith(DIRTY)), made_from.commit)
    return Before(rows, made_from._replace(commit=commit))


def run_all(
    cases: Sequence[Case],
    folder: Path,
    *,
    jobs: int,
    cluster: str | None = None,
    made_from: Origin | None = None,
    progress: Callable[[dict[str, Any]], None] = lambda row: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Run what ``folder`` does not hold yet; return the rows of all ``cases`` in their order; where it was
    stopped, of those that are done.

    Args:
        cases: what is wanted.
        folder: where rows are kept, each as soon as there is one.
        jobs: processes of this machine.
        cluster: address of a Dask scheduler to run on instead.
        made_from: this program, as it was when the command began; default: as it is now.
        progress: called with each new row.
        stop: asked again and again; once it is true no further run begins, and those under way end.

    Raises:
        NoCluster: ``cluster`` cannot be reached.
        OtherProgram: the folder, or a process that runs, is of another program.
    """
    made_from = made_from or origin()
    folder.mkdir(parents=True, exist_ok=True)
    rows = done_before(folder, made_from).rows
    todo = [case for case in cases if case.key not in rows]
    chunks = [todo[k : k + CHUNK] for k in range(0, len(todo), CHUNK)]
    workers = _on_cluster(chunks, cluster, stop) if cluster else _here(chunks, jobs, stop)
    with (folder / RUNS).open("a+b") as out, contextlib.closing(workers):
        if out.tell() and not _ends_a_line(out):
            out.write(b"\n")  # killed while writing: what comes now is a line of its own
        if todo:
            out.write(json.dumps({"program": made_from.program, "commit": made_from.commit}).encode() + b"\n")
        for row in workers:
            if row.get("program") != made_from.program:
                raise OtherProgram(
                    f"{row['case']} was run by another program (files {row.get('program')}) than the campaign began "
                    f"with ({_named(made_from.commit, made_from.program)}): files have changed since, or a worker of "
                    "the cluster has another copy; start again once there is one, with another --out or with --anew"
                )
            rows[row["case"]] = row
            out.write(json.dumps(row).encode() + b"\n")
            out.flush()
            progress(row)
    return [rows[case.key] for case in cases if case.key in rows]


def _named(commit: str, files: str) -> str:
    return f"{commit}, files {files or 'unknown'}"


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _here(chunks: Sequence[Sequence[Case]], jobs: int, stop: Callable[[], bool]) -> Rows:
    if jobs == 1:
        for case in itertools.chain.from_iterable(chunks):
            if stop():
                return
            yield one(case)
        return
    context = multiprocessing.get_context("spawn")  # a fork would share this process's loops and compiled kernels
    ends, left = context.Event(), iter(chunks)
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_worker, initargs=(ends,)) as executor:
        try:
            with ending.deaf():
                under_way = {executor.submit(several, chunk) for chunk in itertools.islice(left, AHEAD * jobs)}
            while under_way:
                ended, under_way = wait(under_way, LOOK_S, FIRST_COMPLETED)
                if stop():
                    ends.set()
                else:
                    with ending.deaf():  # it may start another process
                        under_way |= {executor.submit(several, chunk) for chunk in itertools.islice(left, len(ended))}
                for each in ended:
                    yield from each.result()
        finally:
            ends.set()  # what was submitted cannot be taken back: it ends before its next run


def _worker(ends: Event) -> None:
    """A process of the pool begins."""
    global _ends
    _ends = ends
    program()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """No process of the pool is left behind where the campaign was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _on_cluster(chunks: Sequence[Sequence[Case]], address: str, stop: Callable[[], bool]) -> Rows:
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
            if stop():
                return  # a client that leaves takes what has not begun with it
