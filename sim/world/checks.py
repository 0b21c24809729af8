"""Refusals of bad input: each names what, the value given, what is allowed and where the range comes from."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any


def number(name: str, value: Any, low: float, high: float, source: str = "") -> float:
    """``value`` as a float in [low, high]. Raises ValueError otherwise (NaN, infinity, text and booleans included).

    ``source``: where the range comes from; the refusal ends with it.
    """
    because = f" ({source})" if source else ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: {value!r} is not a finite number; allowed are {low:g} to {high:g}{because}")
    if not low <= value <= high:
        raise ValueError(f"{name}: {value!r} is outside {low:g} to {high:g}{because}")
    return float(value)


def given(name: str, value: float | bool | None, choice: tuple[float, float, float]) -> float | None:
    """``value`` of a fault: None for None and False, ``choice[0]`` for True, else a number in choice[1]..choice[2]."""
    if value is None or value is False:
        return None
    return choice[0] if value is True else number(name, value, choice[1], choice[2])


def unknown(what: str, name: object, known: Collection[str]) -> str:
    """Text that says that ``name`` is no ``what``, what is, and what may have been meant."""
    near = difflib.get_close_matches(str(name), known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}: there are {', '.join(known)}{hint}"


def known_keys(where: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises ValueError for the first key of ``given`` that is not in ``known``."""
    for key in given:
        if key not in known:
            raise ValueError(unknown(f"key in {where}", key, known))
