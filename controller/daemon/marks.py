"""Marks: what a person saw on the running bench, in his words, as the record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.daemon.prompts import number
from drivers.plain import plain

MARK = "mark"
TEXT_LENGTH = 2000
"""As recorded, with escapes for what is not printable. A longer one is refused: cut, it would lose his words."""
AGO_S = 600.0
"""A mark may be told up to so long after it was seen: hands are full in the moment itself."""


def marked(data: Mapping[str, Any], now_s: float) -> dict[str, Any]:
    """``text``, and ``ago_s`` since it was seen, as the record keeps them: ``text`` and ``at_s``, on its own clock.

    Raises:
        ValueError: it says nothing, is too long, or is of another time.
    """
    text = plain(str(data.get("text") or "").strip(), TEXT_LENGTH + 1)
    ago_s = number(data.get("ago_s")) or 0.0
    if not text:
        raise ValueError("a mark needs a text; it is kept in the record")
    if len(text) > TEXT_LENGTH:
        raise ValueError(f"a mark has {TEXT_LENGTH} characters at most: say it shorter, or in two")
    if not 0.0 <= ago_s <= AGO_S:
        raise ValueError(f"a mark is of the last {AGO_S:.0f} s, not of {ago_s:g} s ago")
    return {"text": text, "at_s": round(now_s - ago_s, 3)}
