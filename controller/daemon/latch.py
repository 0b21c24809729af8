"""The latch on disk: a trip survives the daemon. The format is :mod:`safety.latch`'s; here is only the file."""

from __future__ import annotations

import os
from pathlib import Path

from safety import latch
from safety.types import Trip


class LatchFile:
    """``<state dir>/latch.json``; written with fsync before it replaces the old one. ``path`` None keeps it in memory
    only.
    """

    def __init__(self, path: Path | None, bench: str) -> None:
        self._path, self._bench = path, bench

    def read(self) -> Trip | None:
        """The latched trip; None when there is no file. What cannot be read is a trip of its own, never "no trip"."""
        if self._path is None:
            return None
        try:
            text = self._path.read_text(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            text = f"unreadable: {error}"
        return latch.parse(text, self._bench)

    def write(self, trip: Trip) -> None:
        """Latch ``trip``. Raises OSError."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with open(new, "w") as file:
            file.write(latch.render(self._bench, trip))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)

    def clear(self) -> None:
        """A person has reset the trip."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
