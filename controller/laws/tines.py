"""The temperatures of an array's tines, from which a mean is taken: missing, masked and hot ones are left out."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

from controller.laws.base import present

BAD_READINGS = 3
"""A tine is missing after so many bad readings in a row; until then its newest good one stands."""


class Tine(NamedTuple):
    """One sensor: its newest good reading, how many bad ones since, whether it is cut off."""

    reading_c: float = math.nan
    bad: int = BAD_READINGS
    hot: bool = False


class Tines(NamedTuple):
    """All of them at one tick. ``mean_c`` is NaN when too few are read or every one is hot."""

    each: tuple[Tine, ...] = ()
    mean_c: float = math.nan
    hot: int = 0
    onset: bool = False  # one has become hot at this tick

    @property
    def missing(self) -> int:
        """How many have no reading."""
        return sum(tine.bad >= BAD_READINGS for tine in self.each)

    def read(self, readings: tuple[float | None, ...], masked: Collection[int], cut_c: float, resume_c: float) -> Tines:
        """Take one tick's readings in, degC; a negative one, as of an open thermocouple, is none.

        Tines are numbered from 1. One above ``cut_c`` is hot until it is below ``resume_c``. Less than half of those
        that are not ``masked`` are too few for a mean.
        """
        before = self.each if len(self.each) == len(readings) else (Tine(),) * len(readings)
        each: list[Tine] = []
        total_c, used, read, wanted, onset = 0.0, 0, 0, 0, False
        for number, reading_c in enumerate(readings, start=1):
            last_c, bad, hot = before[number - 1]
            if reading_c is not None and present(reading_c) and reading_c >= 0.0:
                last_c, bad = reading_c, 0
            else:
                bad = min(bad + 1, BAD_READINGS)
            if number not in masked:
                wanted += 1
                if bad < BAD_READINGS:
                    read += 1
                    onset = onset or (not hot and last_c > cut_c)
                    hot = last_c > cut_c or (hot and not last_c < resume_c)
                    if not hot:
                        total_c, used = total_c + last_c, used + 1
            each.append(Tine(last_c, bad, hot))
        mean_c = total_c / used if used > 0 and 2 * read >= wanted else math.nan
        return Tines(tuple(each), mean_c, read - used, onset)
