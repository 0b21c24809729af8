"""Reading and verifying a long session with every core: SQLite makes its rows one at a time, in one thread each.

Rows are only ever added, so that pieces that several processes read between two ids are what one would have read.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from controller.records.frames import Samples, read_samples
from controller.records.verify import VerifyResult, verify

PIECE = 300_000  # samples; a process takes about as long to start as to read so many
PIECE_BYTES = 40 * PIECE  # of a file
MAX_PROCESSES = 4


class Cores:
    """Processes that read and verify one session. Use it as a context manager; for a command, since it starts processes
    (which import the main module again).

    Attributes:
        read: As :func:`controller.records.frames.read_samples`.
        begin: Begins :func:`controller.records.verify.verify`; what it returns waits for the result.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def _processes(self, path: Path) -> int:
        return min(MAX_PROCESSES, os.cpu_count() or 1, path.stat().st_size // PIECE_BYTES)

    def begin(self, path: Path) -> Callable[[], VerifyResult]:
        processes = self._processes(path)
        if processes < 2:
            return partial(verify, path)
        self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
        return self._pool.submit(verify, path).result

    def read(self, path: Path, newest: int) -> Samples:
        if self._pool is None:
            return read_samples(path, newest)
        ends = [*range(PIECE, newest, PIECE), newest]
        pieces = self._pool.map(read_samples, [path] * len(ends), ends, [0, *ends[:-1]])
        return np.concatenate(list(pieces))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
