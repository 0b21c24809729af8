"""A long session is read once, and verified by what was read, with every core: SQLite makes its rows one at a time, in
one thread of each process.

Rows are only ever added, so that pieces that several processes read between two ids are what one would have read. They
come back through a file without a future: through a pipe, they would be copied four times.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from controller.records.frames import read_samples
from controller.records.opening import connect
from controller.records.samples import DTYPES, Samples
from controller.records.stretch import PIECE, Checked, Links, check
from controller.records.verify import VerifyResult, verify

PIECE_BYTES = 40 * PIECE  # of a file
MAX_PROCESSES = 4


class Cores:
    """Processes that read and verify one session. Use it as a context manager; for a command, since it starts processes
    (which import the main module again).

    Attributes:
        begin: Begins :func:`controller.records.verify.verify`; what it returns waits for the result.
        read: As :func:`controller.records.frames.read_samples`: after ``begin``, what was verified.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._thread = ThreadPoolExecutor(1)
        self._verifying: Future[VerifyResult] | None = None
        self._room = tempfile.TemporaryDirectory(prefix="ablate-")  # a file a column, each sample at its place
        self._whole = 0  # the last sample up to which all lie there

    def _processes(self, path: Path) -> int:
        return min(MAX_PROCESSES, os.cpu_count() or 1, path.stat().st_size // PIECE_BYTES)

    def begin(self, path: Path) -> Callable[[], VerifyResult]:
        processes = self._processes(path)
        if processes < 2:
            return partial(verify, path)
        self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
        self._verifying = self._thread.submit(verify, path, partial(self._check, self._pool, path))
        return self._verifying.result

    def _check(self, pool: ProcessPoolExecutor, path: Path, stretches: Sequence[Links]) -> Iterator[Checked]:
        found = pool.map(partial(_checked, path, Path(self._room.name)), stretches)  # begins here
        return (self._noted(links, *each) for links, each in zip(stretches, found, strict=True))

    def _noted(self, links: Links, checked: Checked, there: bool) -> Checked:
        if there and links[0].batch.sample == self._whole:
            self._whole = links[-1].batch.sample
        return checked

    def read(self, path: Path, newest: int) -> Samples:
        if self._verifying is None:
            return read_samples(path, newest)
        wait([self._verifying])
        whole = min(self._whole, newest)
        if not whole:
            return read_samples(path, newest)
        rows = Samples(*(np.fromfile(Path(self._room.name, name), DTYPES[name], whole) for name in DTYPES))
        # What is left: the end of a file that grew meanwhile, or all behind the place where verification gave up.
        return rows if whole == newest else Samples.joined([rows, read_samples(path, newest, whole)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._thread.shutdown()
        self._room.cleanup()


def _checked(path: Path, room: Path, links: Links) -> tuple[Checked, bool]:
    """Check a stretch, in a process of its own, and leave its samples in ``room``; whether all of them are there."""
    with contextlib.closing(connect(path)) as db:
        found = check(db, links)
    first, last = links[0].batch.sample, links[-1].batch.sample
    if found.samples is None or len(found.samples) != last - first:
        return found._replace(samples=None), False
    try:
        for name, column in zip(DTYPES, Samples.of(found.samples).columns, strict=True):
            with open(os.open(room / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.seek(first * column.itemsize)
                out.write(column.data)
    except OSError:  # no room: whoever wants them reads them again
        return found._replace(samples=None), False
    return found._replace(samples=None), True
