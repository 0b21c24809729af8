"""What the operator is asked to do with his hands. At most one question is open; an answer is his word, no permission:
the kernel neither sees nor needs it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

log = logging.getLogger(__name__)

ATTEND = "attend"
"""The kind of the question whether somebody is there: no hands move, no length is reached."""
VALUE_MAX = 1000.0  # mm; more is a slip of the keyboard
Note = Callable[[str, dict[str, Any]], object]
"""(kind, data): writes an event into the record."""
Hands = Callable[[str, float | None], Awaitable[None]]
"""(kind, value): moves what a simulated bench has in place of hands; on a real one hands have moved already."""


class Prompt(NamedTuple):
    """One question: ``kind`` is deploy, reposition, retract, pull-back or attend, ``value`` the length asked for."""

    id: int
    kind: str
    text: str
    value: float | None
    unit: str
    asked_s: float

    def as_dict(self) -> dict[str, Any]:
        """As status, socket and record show it."""
        return {"id": self.id, "kind": self.kind, "text": self.text, "value": self.value, "unit": self.unit}


class Withdrawn(Exception):
    """The question is no longer asked: the bench stopped, or something else took its place."""


async def no_hands(kind: str, value: float | None) -> None:
    """On a real bench nothing needs to be moved for the operator."""


class Prompts:
    """Keeps the open question and hands its answer to whoever asked."""

    def __init__(self, note: Note, hands: Hands = no_hands) -> None:
        self.open: Prompt | None = None
        self.answered: dict[str, Any] | None = None  # the newest answer: id, value, who
        self._note, self._hands = note, hands
        self._answer: asyncio.Future[float | None] | None = None
        self._take: Callable[[float | None], None] | None = None
        self._last_id = 0
        self._moving = False

    def ask(
        self,
        now_s: float,
        kind: str,
        text: str,
        value: float | None = None,
        unit: str = "mm",
        take: Callable[[float | None], None] | None = None,
    ) -> Prompt:
        """Open a question; ``take`` is called with the answer, before anybody else hears of it.

        Raises:
            ValueError: another one is open.
        """
        if self.open is not None:
            raise ValueError(f"prompt {self.open.id} is open: {self.open.text}")
        self._last_id += 1
        self.open = Prompt(self._last_id, kind, text, value, unit if value is not None else "", now_s)
        self._answer, self._take = asyncio.get_running_loop().create_future(), take
        self._note("prompt", self.open.as_dict())
        return self.open

    async def answer(self, prompt: Prompt) -> float | None:
        """Wait for the answer to ``prompt``: the length that the operator says he reached, else the one asked for.

        Raises:
            Withdrawn: it will not be answered.
        """
        if self.open is None or self.open.id != prompt.id or self._answer is None:
            raise Withdrawn(f"prompt {prompt.id} is not open")
        return await asyncio.shield(self._answer)

    async def confirm(self, prompt_id: int | None, who: str, value: float | None) -> dict[str, Any]:
        """The operator says that it is done.

        Args:
            prompt_id: None: the open one.
            value: the length he reached, where that is not the one asked for.
        """
        prompt = self.open
        if prompt is None:
            return self._refused("nothing is asked: no prompt is open")
        if prompt_id is not None and prompt_id != prompt.id:
            return self._refused(f"prompt {prompt_id} is not open; open is {prompt.id}: {prompt.text}")
        if value is not None and (prompt.value is None or not 0.0 <= value <= VALUE_MAX):
            wanted = f"a length of 0 to {VALUE_MAX:g} mm" if prompt.value is not None else "no value"
            return self._refused(f"prompt {prompt.id} takes {wanted}, not {value:g}: {prompt.text}")
        if self._moving:
            return self._refused(f"prompt {prompt.id} is being confirmed already")
        reached = prompt.value if value is None else value
        self._moving = True
        try:
            if prompt.kind != ATTEND:
                await self._hands(prompt.kind, reached)
        except Exception as error:  # simulated hands: what they cannot do is said, and nothing is believed
            log.warning("prompt %d: %s", prompt.id, error)
            return self._refused(f"prompt {prompt.id} could not be done: {error}")
        finally:
            self._moving = False
        if self.open is not prompt:
            return self._refused(f"prompt {prompt.id} was withdrawn: {prompt.text}")
        self.open = None
        self.answered = {"id": prompt.id, "value": reached, "who": who}
        self._note("confirmed", {**prompt.as_dict(), "value": reached, "asked": prompt.value, "who": who})
        if self._take is not None:
            self._take(reached)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reached)
        return {"ok": True, "prompt": prompt.as_dict(), "value": reached}

    def withdraw(self, why: str) -> None:
        """Nobody needs an answer any more."""
        if self.open is None:
            return
        prompt, self.open = self.open, None
        self._note("prompt_withdrawn", {**prompt.as_dict(), "reason": why})
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Withdrawn(f"{prompt.text}: {why}"))
            self._answer.exception()  # read here: nobody may be waiting

    def _refused(self, error: str) -> dict[str, Any]:
        """``open``: the id of what can be confirmed, so that nobody tries again what is gone."""
        return {"ok": False, "error": error, "open": self.open.id if self.open is not None else None}


def number(value: object) -> float | None:
    """A number that came over the socket; None for none.

    Raises:
        ValueError: it is no finite number.
    """
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer that no float can hold
        raise ValueError("a number of that many digits is none") from None
    raise ValueError(f"{value!r} is no number")
