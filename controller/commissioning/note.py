"""What is remembered of a bench's last commissioning, beside its latch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.client import state_root
from controller.daemon.latch import replace

NOTE = "commissioning.json"


def note(record: Mapping[str, Any], file: Path) -> None:
    """Keep with the bench's state what was found last. Raises OSError."""
    folder = state_root() / str(record["bench"])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {key: record[key] for key in ("utc", "who", "result", "bench_sha256", "simulated")}
    replace(folder / NOTE, json.dumps({**kept, "file": str(file.resolve())}) + "\n")


def noted(bench: str, state: Path | None = None) -> dict[str, Any] | None:
    """The note of ``bench``; None: it was never commissioned, or the note cannot be read. ``state``: its folder."""
    try:
        told = json.loads(((state or state_root() / bench) / NOTE).read_text(encoding="utf-8"))
        return {key: told[key] for key in ("utc", "who", "result", "bench_sha256", "simulated", "file")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
