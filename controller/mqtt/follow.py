"""A session that another process writes, as its publisher follows it: its newest batch is in its file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from controller.records.opening import connect

LOOK_S = 0.05  # how old what is known may be


class FileFollowed:
    """A :class:`~controller.mqtt.post.Followed`. ``moved`` is called when the cursor has: whoever writes the file keeps
    it there."""

    def __init__(self, path: Path, session_id: str, acknowledged: int, moved: Callable[[], object]) -> None:
        self.path, self.session_id, self.acknowledged = path, session_id, acknowledged
        self._moved = moved
        self._head, self._looked_s, self._last = -1, -LOOK_S, False

    @property
    def head(self) -> int:
        """Number of the newest durable batch. Raises :class:`RecordError`, :class:`sqlite3.Error`."""
        now_s = time.monotonic()
        if not self._last and now_s - self._looked_s >= LOOK_S:
            with contextlib.closing(connect(self.path, may_copy=False)) as db:
                (head,) = db.execute("SELECT max(n) FROM chain").fetchone()
            self._head, self._looked_s = -1 if head is None else head, now_s
        return self._head

    def ends_at(self, head: int) -> None:
        """Nothing is written any more: this is the last batch."""
        self._head, self._last = head, True

    def cursor(self, name: str, batch: int) -> None:
        """Everything up to ``batch`` has arrived."""
        if batch != self.acknowledged:
            self.acknowledged = batch
            self._moved()
