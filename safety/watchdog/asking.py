"""Which question of the enable line an answer belongs to (H18). Pure.

Answers bear no number, so that a late one looks like that of the newest question. One question is under way at a time.
One without an answer within ``LATE_S`` may be answered yet, or never: then one question more is asked at once than
answers may still be coming. Answers keep the order of their questions, so when so many have come the last of them is
that of a question of this moment, whatever was lost. A line that stays behind is left alone for ``SILENCE_S``, until
nothing can be under way; by then its last answer is long too old.

What one late answer costs (H06): asked each R = 0.1 s, a board needs d for an answer, one is L late. It is given up
2 R after its question; the answers to the next two come behind it, at L + d. The word before was asked R earlier, and
is then R + L + d old: within core's READ_FRESH_S of 0.5 s, L may be 0.4 s - d, and no other way of asking could bear
more, for nothing overtakes the late one. Of two in a row the second is asked 2 R after the first: 0.2 s - d.
"""

from __future__ import annotations

import math

from safety.safeoff import EnablePlan

LATE_S = 0.15  # a relay answers within 5 to 40 ms, by way of a USB adapter or a gateway
OWED_MAX = 3  # with more answers outstanding the line is left alone
SILENCE_S = 3.0  # no answer is later than this


class Asking:
    """The questions to one enable line. ``now_s`` is one clock's seconds, never decreasing; no input raises."""

    def __init__(self, plan: EnablePlan) -> None:
        self._plan = plan
        self._buffer = b""
        self._asked_s: float | None = None  # the question under way
        self._awaited: int  # how many answers from now the one to it is
        self._owed = 0  # questions given up, whose answers may come yet
        self._heard_s = -math.inf  # the newest whole answer
        self._silent_until_s = -math.inf

    def ask(self, now_s: float) -> bytes:
        """What to write now; b"" while an answer is awaited or the line is left alone."""
        if now_s < self._silent_until_s:
            return b""
        if self._asked_s is not None:
            if now_s - self._asked_s < LATE_S:
                return b""
            self._asked_s, self._owed = None, self._owed + self._awaited
            if self._owed > OWED_MAX:
                self._silent_until_s = now_s + SILENCE_S
                return b""
        elif self._owed > 0:
            if now_s - self._heard_s < LATE_S:
                return b""
            self._owed = 0  # of questions asked at one time so many were answered, and no more
        self._buffer, self._asked_s, self._awaited = b"", now_s, self._owed + 1
        return self._plan.query * self._awaited

    @property
    def under_way(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked_s is not None

    def hear(self, data: bytes, now_s: float) -> tuple[bool, float] | None:
        """What ``data`` says: closed or not, and when that was asked; None: nothing new."""
        self._buffer += data
        found: tuple[bool, float] | None = None
        for closed in self._answers():
            self._heard_s = now_s
            if self._asked_s is None:  # late, or to no question at all: then something is later than is thought of
                if self._owed == 0 or now_s < self._silent_until_s:
                    self._silent_until_s = now_s + SILENCE_S
                self._owed = max(0, self._owed - 1)
                continue
            self._awaited -= 1
            if self._awaited == 0:
                found, self._asked_s = (closed, self._asked_s), None
        return found

    def _answers(self) -> list[bool]:
        """Take the whole answers off the buffer, the oldest first."""
        plan, size = self._plan, self._plan.reply_length
        if not plan.prefix:
            whole = len(self._buffer) // size * size
            answers = [self._buffer[at : at + size] for at in range(0, whole, size)]
            self._buffer = self._buffer[whole:]
        else:
            heard = [plan.prefix + text for text in self._buffer.split(plan.prefix)[1:]]
            answers = [text for text in heard if len(text) >= size]  # the others are echoes that nothing followed
            if heard:
                self._buffer = heard[-1][size:] if answers[-1:] == heard[-1:] else heard[-1]
        return [plan.closed(answer) is True for answer in answers]
