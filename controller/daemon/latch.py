"""The latch on disk: a trip survives the daemon. The formats are :mod:`safety.latch`'s; here are only the files."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

from safety import latch
from safety.types import Trip

log = logging.getLogger(__name__)


class LatchFile:
    """``<state dir>/latch.json``, there while a trip is latched, and ``ledger.json`` beside it, there from the first
    trip on. ``path`` None keeps both in memory only.
    """

    def __init__(self, path: Path | None, bench: str) -> None:
        self._path, self._bench = path, bench
        self._trips: tuple[Trip, ...] = ()
        self._kept: Trip | None = None

    def read(self, now_s: float) -> tuple[Trip | None, tuple[float, ...]]:
        """The latched trip, None when there is none, and when resets were accepted. What cannot be read, or has been
        taken away, is a trip of its own, never "no trip". ``now_s``: the daemon's monotonic clock.
        """
        if self._path is None:
            return None, ()
        return latch.recall(_content(self._path), _content(ledger_beside(self._path)), self._bench, now_s)

    def follow(self, trips: tuple[Trip, ...], resets: tuple[float, ...]) -> None:
        """One tick has passed: keep the first of ``trips``, as a lockout if any is one; forget it after a reset."""
        if trips is self._trips:
            return
        self._trips = trips
        trip = dataclasses.replace(trips[0], lockout=any(each.lockout for each in trips)) if trips else None
        if trip == self._kept:
            return
        self._kept = trip
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if trip is not None:
                replace(self._path, latch.render(self._bench, trip))
            replace(ledger_beside(self._path), latch.render_ledger(self._bench, trip is not None, resets))
            if trip is None:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error("the latch could not be written: %s", error)


def ledger_beside(path: Path) -> Path:
    """The ledger of the latch at ``path``."""
    return path.with_name("ledger.json")


def _content(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"unreadable: {error}"


def replace(path: Path, text: str) -> None:
    """Write ``text``, on the disk before it takes the place of what was there. Raises OSError."""
    new = path.with_suffix(".new")
    with open(new, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
