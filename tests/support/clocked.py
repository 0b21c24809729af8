"""Which tests are judged by the wall clock."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def by_clock(path: Path) -> bool:
    """Whether a file has such tests."""
    return "mark.process" in path.read_text(encoding="utf-8")
