"""What the daemon tells of its own punctuality: lateness of its ticks, what they cost, how long devices take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from controller.daemon.histogram import Histogram
from controller.daemon.ticker import Ticker

FRESH_S = 1.0
"""Percentiles are told anew at most once a second: whoever watches asks twenty times."""


class Timing:
    """Account of one daemon. ``tick`` counts what its ticks take, the set-point's way to the source included; ``polls``
    what its devices' polls take, and grows by itself. ``ticker`` comes when it begins to tick.
    """

    ticker: Ticker | None = None

    def __init__(self, polls: Mapping[str, Histogram]) -> None:
        self.tick = Histogram()
        self._polls = polls
        self._times: dict[str, Any] = {}
        self._times_s = -math.inf

    def as_dict(self, now_s: float) -> dict[str, Any]:
        """For status: how many ticks, how many late, and ``times``: ``lateness``, ``tick`` and ``poll DEVICE``, each as
        :meth:`Histogram.as_dict`.
        """
        if now_s - self._times_s >= FRESH_S:
            self._times_s, self._times = now_s, {name: times.as_dict() for name, times in self._named().items()}
        return {**self._counts(), "times": self._times}

    def record(self) -> dict[str, Any]:
        """For the session file: the same with ``buckets``, each [upper edge in s or null, how many up to it]."""
        return {
            **self._counts(),
            "times": {
                name: {
                    **times.as_dict(),
                    "buckets": [[edge if math.isfinite(edge) else None, count] for edge, count in times.buckets()],
                }
                for name, times in self._named().items()
            },
        }

    def _named(self) -> dict[str, Histogram]:
        lateness = {"lateness": self.ticker.lateness} if self.ticker is not None else {}
        return {**lateness, "tick": self.tick, **{f"poll {device}": times for device, times in self._polls.items()}}

    def _counts(self) -> dict[str, Any]:
        if (ticker := self.ticker) is None:
            return {"ticks": 0, "late_ticks": 0, "worst_late_s": 0.0}
        return {"ticks": ticker.ticks, "late_ticks": ticker.late_ticks, "worst_late_s": round(ticker.worst_late_s, 6)}
