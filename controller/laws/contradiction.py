"""Parameters that are fine one by one and contradict each other: which two, so that a reader finds both lines."""

from __future__ import annotations

from itertools import pairwise

from pydantic import BaseModel

Place = tuple[str | int, ...]


class Contradiction(ValueError):
    """``at`` and ``against`` are where the two stand, from the law's block down, e.g. ``("stages", 1, "hold_s")``."""

    def __init__(self, message: str, at: Place, against: Place) -> None:
        super().__init__(message)
        self.at, self.against = at, against


def rising(params: BaseModel, *names: str, strictly: bool = False) -> None:
    """Each named number is at most (``strictly``: less than) the one named after it.

    Raises:
        Contradiction: at the first pair that is not so.
    """
    for low, high in pairwise(names):
        a, b = getattr(params, low), getattr(params, high)
        if a > b or (strictly and a == b):
            sign = "<" if strictly else "<="
            raise Contradiction(f"{low} {sign} {high} must hold, but {a:g} is not {sign} {b:g}", (low,), (high,))
