"""How times are distributed, kept in a few hundred bytes however long a bench runs."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

PER_OCTAVE, OCTAVES = 4, 24
LAST = PER_OCTAVE * OCTAVES + 1
"""Bucket 0: up to a microsecond; the last: more than 2^24 of them, 16.8 s."""
_EDGES_US = [(PER_OCTAVE + k % PER_OCTAVE) * 2.0 ** (k // PER_OCTAVE) / PER_OCTAVE for k in range(LAST)]
"""Upper edges of all buckets but the last, which has none; exact, so that a search tells as a logarithm would."""


class Histogram:
    """Counts of seconds, in buckets a quarter of an octave wide: a percentile is never too low, and at most a quarter
    too high. The longest is kept as it was.
    """

    __slots__ = ("_counts", "count", "max_s", "sum_s")

    def __init__(self) -> None:
        self._counts = [0] * (LAST + 1)
        self.count, self.sum_s, self.max_s = 0, 0.0, 0.0

    def add(self, took_s: float) -> None:
        """Count one time. Less than nothing counts as nothing: a clock that was read twice in a row."""
        self.count += 1
        if took_s <= 1e-6:
            self._counts[0] += 1
            return
        self.sum_s += took_s
        if took_s > self.max_s:
            self.max_s = took_s
        self._counts[bisect_right(_EDGES_US, took_s * 1e6)] += 1

    def quantile_s(self, share: float) -> float:
        """What ``share`` (0 to 1) of all stay within: the upper edge of a bucket; 0 where there is none."""
        return self._quantile_s(share, list(accumulate(self._counts)))

    def _quantile_s(self, share: float, seen: Sequence[int]) -> float:
        """``seen``: how many up to each bucket."""
        bucket = bisect_left(seen, max(share * self.count, 1))
        return min(upper_s(bucket), self.max_s) if bucket <= LAST else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Count, sum and percentiles, s."""
        seen = list(accumulate(self._counts))
        return {
            "count": self.count,
            "sum_s": round(self.sum_s, 6),
            "p50_s": round(self._quantile_s(0.5, seen), 7),
            "p99_s": round(self._quantile_s(0.99, seen), 7),
            "p999_s": round(self._quantile_s(0.999, seen), 7),
            "max_s": round(self.max_s, 7),
        }

    def buckets(self) -> list[tuple[float, int]]:
        """(upper edge in s, how many up to it) of every bucket that holds something, ascending."""
        seen, found = 0, []
        for bucket, count in enumerate(self._counts):
            seen += count
            if count:
                found.append((upper_s(bucket), seen))
        return found


def upper_s(bucket: int) -> float:
    """Upper edge of a bucket: 1, 1.25, 1.5, 1.75, 2, 2.5, 3 ... us; the last has none."""
    if bucket == LAST:
        return math.inf
    octave, part = divmod(bucket, PER_OCTAVE)
    return (PER_OCTAVE + part) * 2.0**octave / (PER_OCTAVE * 1e6)
