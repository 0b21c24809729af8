"""A long session is read once, and verified by what was read, with every core: SQLite makes its rows one at a time, in
one thread of each process.

Rows are only ever added, so that pieces that several processes read between two ids are what one would have read.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from controller.records.frames import read_samples
from controller.records.samples import Samples
from controller.records.stretch import PIECE, Checked, Links, check_file
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
        self._pieces: list[tuple[int, Samples]] = []  # id of the last sample of each

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
        found = pool.map(partial(check_file, path), stretches)  # begins here
        return (self._kept(links, checked) for links, checked in zip(stretches, found, strict=True))

    def _kept(self, links: Links, checked: Checked) -> Checked:
        if checked.samples is not None:
            self._pieces.append((links[-1].batch.sample, checked.samples))
        return checked

    def read(self, path: Path, newest: int) -> Samples:
        if self._verifying is None:
            return read_samples(path, newest)
        wait([self._verifying])
        whole = [(last, samples) for last, samples in self._pieces if last <= newest]
        after = whole[-1][0] if whole else 0
        # What is left: the end of a file that grew meanwhile, or all behind the place where verification gave up.
        return np.concatenate([*(samples for _, samples in whole), read_samples(path, newest, after)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._thread.shutdown()
