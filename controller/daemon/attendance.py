"""Long applications: somebody must be there. The foreground that holds is asked now and then, and energy ends when
nobody answers. Nothing here can do more than let go.

The question is a prompt like any other (kind ``attend``), so that whoever shows prompts shows it, and whatever confirms
one answers it. While the bench waits for hands, that prompt stands for the question: its own patience counts then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.config.bench import Attended
from controller.daemon.prompts import ATTEND, Prompts

NOT_ATTENDED = "not attended"


def stricter(one: Attended | None, other: Attended | None) -> Attended | None:
    """What holds where bench and protocol both say something: of each number the smaller one."""
    if one is None or other is None:
        return one or other
    return Attended(
        ask_every_s=min(one.ask_every_s, other.ask_every_s),
        answer_within_s=min(one.answer_within_s, other.answer_within_s),
    )


class Attendance:
    """Follows one daemon's applications. ``let_go`` ends the one that runs, with a reason for the record."""

    def __init__(self, prompts: Prompts, let_go: Callable[[str], None]) -> None:
        self._prompts, self._let_go = prompts, let_go
        self._rule: Attended | None = None
        self._held = False
        self._seen_s = 0.0

    def begin(self, rule: Attended | None, now_s: float) -> None:
        """FIRE: somebody is there. ``rule`` None: nobody is asked."""
        self._rule, self._seen_s = rule, now_s

    def seen(self, now_s: float) -> None:
        """Somebody has answered, this or another prompt."""
        self._seen_s = now_s

    def follow(self, held: bool, now_s: float) -> None:
        """One tick has passed; ``held``: under power by a foreground (a footswitch is attendance itself)."""
        self._held = held
        rule, asked = self._rule, self._asked()
        if not held or rule is None:
            if asked is not None:
                self._prompts.withdraw("the application has ended")
        elif asked is not None:
            if now_s - asked >= rule.answer_within_s:
                why = f"{NOT_ATTENDED}: nobody answered within {rule.answer_within_s:g} s"
                self._prompts.withdraw(why)
                self._let_go(why)
        elif self._prompts.open is None and now_s - self._seen_s >= rule.ask_every_s:
            text = f"still there? Energy ends {rule.answer_within_s:g} s after this question without an answer"
            self._prompts.ask(now_s, ATTEND, text)

    def status(self, now_s: float) -> dict[str, Any] | None:
        """Both numbers and the count-down: ``asks_in_s`` until the next question, ``ends_in_s`` until energy ends (each
        None while the other counts, both None while nothing is held); None: not attended.
        """
        rule, asked = self._rule, self._asked()
        if rule is None:
            return None
        waits = self._held and asked is None
        return {
            **rule.model_dump(),
            "asks_in_s": round(max(0.0, self._seen_s + rule.ask_every_s - now_s), 1) if waits else None,
            "ends_in_s": round(max(0.0, asked + rule.answer_within_s - now_s), 1) if asked is not None else None,
        }

    def _asked(self) -> float | None:
        """When the question was asked that is open."""
        prompt = self._prompts.open
        return prompt.asked_s if prompt is not None and prompt.kind == ATTEND else None
