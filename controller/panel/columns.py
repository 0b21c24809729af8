"""The course of a session in memory, one row a control tick, and what a chart gets of it."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

OWN = ("setpoint_w", "permit_w", "energy_j")
MOST_POINTS = 1200
"""More a chart has no pixels for."""


class Columns:
    """Columns ``t_s``, ``setpoint_w``, ``permit_w``, ``energy_j`` and one for each name of ``series``."""

    def __init__(self, series: tuple[str, ...]) -> None:
        self._names = (*series, *OWN)
        self._now = [math.nan] * len(series)
        self._t_s = array("d")
        self._columns = [array("d") for _ in self._names]

    def __len__(self) -> int:
        return len(self._t_s)

    def set(self, place: int, value: float | None) -> None:
        """The newest reading of series ``place``; None: there is none."""
        self._now[place] = math.nan if value is None else value

    def row(self, t_s: float, *own: float | None) -> None:
        """A tick has passed: its own numbers, as :data:`OWN` names them."""
        told = (math.nan if value is None else value for value in own)
        for column, value in zip(self._columns, (*self._now, *told), strict=True):
            column.append(value)
        self._t_s.append(t_s)  # last: whoever reads in another thread takes the length from here

    def last(self, seconds: float | None = None, most: int = MOST_POINTS) -> dict[str, list[float | None]]:
        """The last ``seconds`` (None: all), thinned to about ``most`` points: of each stretch the lowest and the
        highest value of every series, so that no peak is lost. What was no number is null."""
        t_s = _numbers(self._t_s)
        since = int(np.searchsorted(t_s, t_s[-1] - seconds)) if seconds is not None and len(t_s) else 0
        t_s = t_s[since:]
        per = math.ceil(2 * len(t_s) / most) if len(t_s) > most else 1
        told: dict[str, list[float | None]] = {"t_s": _thin_time(t_s, per)}
        for name, column in zip(self._names, self._columns, strict=True):
            values = _numbers(column)[since : since + len(t_s)]
            told[name] = _plain(_thin(values, per) if per > 1 else values)
        return told


def _numbers(column: array[float]) -> NDArray[np.float64]:
    """A copy, in one piece: the column may grow meanwhile."""
    return np.frombuffer(column.tobytes() or bytes(8), np.float64)[: None if column else 0]


def _thin_time(t_s: NDArray[np.float64], per: int) -> list[float | None]:
    """Two moments of each stretch: its beginning and its middle."""
    if per == 1:
        return _plain(t_s)
    starts = np.arange(0, len(t_s), per)
    middles = np.minimum(starts + per // 2, len(t_s) - 1)
    return _plain(np.stack([t_s[starts], t_s[middles]], axis=1).ravel())


def _thin(values: NDArray[np.float64], per: int) -> NDArray[np.float64]:
    pad = -len(values) % per
    rows = np.concatenate([values, np.full(pad, math.nan)]).reshape(-1, per)
    seen = ~np.isnan(rows)
    some = seen.any(axis=1)
    low = np.where(some, np.where(seen, rows, math.inf).min(axis=1), math.nan)
    high = np.where(some, np.where(seen, rows, -math.inf).max(axis=1), math.nan)
    return np.stack([low, high], axis=1).ravel()


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    told: list[Any] = np.round(values, 4).tolist()
    return [value if value == value else None for value in told]
