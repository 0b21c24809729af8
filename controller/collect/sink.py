"""Where data end up, and the thread that takes them there from the journal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from controller.collect.journal import Journal, Kept
from controller.collect.ledger import Ledger

log = logging.getLogger("controller.collect")

RETRY_S = (0.5, 10.0)


class SinkError(Exception):
    """A sink cannot take anything now; the text says why and what to do. It is tried again."""


class Sink(Protocol):
    """One place. Its methods are called from one thread."""

    name: str
    most: int  # messages at once
    whole: bool  # what was handed out once is handed out again as the same messages after a crash
    every_s: float  # rest between two takes that are not full

    def take(self, messages: Sequence[Kept], ledgers: Sequence[Ledger]) -> None:
        """Make messages durable, also those that were taken before; ``ledgers``: of their sessions, as they are now.

        Raises:
            SinkError: nothing was taken.
        """

    def close(self) -> None:
        """Let go."""


class SinkThread:
    """Follows the journal for one sink. ``problem``: why it does not; empty when it does."""

    def __init__(self, sink: Sink, journal: Journal) -> None:
        self.sink, self.problem = sink, ""
        self._journal, self._ended_before = journal, 0
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink-{sink.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def poke(self) -> None:
        """There is news."""
        if self.sink.every_s == 0:
            self._wake.set()

    def close(self, timeout_s: float = 30.0) -> None:
        """Take what has arrived and end; what a sink refuses now waits in the journal for the next start."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        retry_s, next_s = RETRY_S[0], time.monotonic() + self.sink.every_s
        while True:
            closing = self._closing.is_set()
            try:
                due = closing or time.monotonic() >= next_s or self._journal.marked(self.sink.name) or self._ended()
                took = self._step() if due else 0
                self.problem, retry_s = "", RETRY_S[0]
            except Exception as error:
                self._complain(str(error) if isinstance(error, SinkError) else f"unexpected: {error!r}")
                if closing:
                    break
                self._closing.wait(retry_s)
                retry_s = min(2 * retry_s, RETRY_S[1])
                continue
            if took and (took >= self.sink.most or self.sink.every_s == 0):
                continue
            if due:
                next_s = time.monotonic() + self.sink.every_s
            if closing:
                break
            self._wake.wait(min(self.sink.every_s, 1.0) if self.sink.every_s else 1.0)
            self._wake.clear()
        self.sink.close()

    def _step(self) -> int:
        messages = self._journal.after(self.sink.name, self.sink.most, whole=self.sink.whole)
        if messages:
            self.sink.take(messages, self._journal.copies({message.session for message in messages}))
            self._journal.moved(self.sink.name, messages[-1].id)
        return len(messages)

    def _ended(self) -> bool:
        """Whether a session has ended since this was asked last: its data are wanted now."""
        before, self._ended_before = self._ended_before, self._journal.ended
        return self._ended_before != before

    def _complain(self, text: str) -> None:
        if text != self.problem:
            log.warning("%s: %s; trying again", self.sink.name, text)
        self.problem = text
