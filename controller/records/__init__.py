"""Records: one SQLite file per session, which is record, MQTT outbox, history and input of replay at once (ADR
0002)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.records.frames import Recording


def open(path: str | Path) -> Recording:  # noqa: A001 - `controller.records.open(path)` reads as it should
    """Open a session file as arrays and frames (:class:`controller.records.frames.Recording`).

    Raises:
        controller.records.store.RecordError: no such file, not a session, damaged, or of a newer version.
    """
    from controller.records.frames import Recording

    return Recording(path)
