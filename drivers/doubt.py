"""What a driver believes of a line whose wire format has no checksum.

Noise that spoils the form of an answer is seen; noise that makes another digit of a digit is not, and one answer in
fifty is then taken for a fresh reading (H17). So where one answer was damaged or did not end, its neighbours are not
believed either, until some have come whole, one behind the other. They are asked for at once, as many as one damaged
answer leaves time for: it alone must not make a reading too old.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from drivers.contract import BadReply, NoReply

T = TypeVar("T")

WHOLE_MAX = 3  # answers in a row: noise passes for so many once in a hundred thousand times
AGE_S = 0.25  # what the kernel lets a reading's age be at the least


def whole_answers(period_s: float, answer_s: float) -> int:
    """How many may be asked for: a reading, a period, the damaged answer and these must fit into an age of 0.25 s.
    At least one, and three at the most.
    """
    return max(1, min(WHOLE_MAX, int((AGE_S - period_s - answer_s) / answer_s)))


class Doubt:
    """Of one device's readings, which it is asked for every ``period_s``; an answer is there after ``answer_s``."""

    def __init__(self, period_s: float, answer_s: float) -> None:
        self._whole = whole_answers(period_s, answer_s)
        self._left = 0  # answers that must come whole before one is believed again

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What ``ask`` reads, repeated behind a damaged answer until it is believed again.

        Raises:
            NoReply, BadReply: damaged or missing, once more while in doubt.
            Refused, LinkLost: of ``ask``, at once.
        """
        while True:
            certain = self._left == 0
            try:
                value = await ask()
            except (NoReply, BadReply):
                self._left = self._whole
                if certain:
                    continue
                raise
            self._left -= not certain
            if self._left == 0:
                return value
