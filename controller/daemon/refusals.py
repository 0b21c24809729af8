"""What people asked for and did not get, where the kernel was not even asked: one event ``refused`` each, of the
kernel's own form. A flood of them cannot fill the record: :data:`BURST` at once, then one a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drivers.plain import plain
from safety.types import Event, Origin, State, Verb

BURST, PERIOD_S = 10, 1.0
REASONS_MAX, REASON_LENGTH, VERB_LENGTH = 12, 300, 40

Note = Callable[[str, dict[str, Any]], object]
"""(kind, data): writes an event into the record."""

NEXT = {
    State.PRECHECK: "wait until it is READY, or: ablate stop",
    State.READY: "ablate stop, then ask again",
    State.ARMED: "ablate start, or ablate stop",
    State.FIRING: "wait for the end, or: ablate stop",
    State.STOPPING: "wait until it is SAFE",
    State.COOLDOWN: "wait until it is SAFE",
    State.TRIPPED: 'ablate ack, then ablate reset "what was found"',
}
"""By state: what leads on from there. Out of LOCKOUT no act leads."""


def remedy(verb: str, state: State) -> str:
    """What to do when ``verb`` is refused in ``state``, with a semicolon before it; empty: nothing can be done."""
    if state is State.SAFE and verb in (Verb.ARM.value, Verb.FIRE.value):
        return "; ablate arm PROTOCOL comes first"
    return f"; {NEXT[state]}" if verb != Verb.RESET.value and state in NEXT else ""


class Refusals:
    """Of one daemon. Their events have ``kernel`` False: replay decides what the kernel decided, and no more."""

    def __init__(self, note: Note, loop: asyncio.AbstractEventLoop) -> None:
        self._note, self._loop = note, loop
        self._left, self._seen_s = float(BURST), loop.time()
        self._held: dict[str, Any] = {}  # the newest of those that were too many
        self._more = 0  # how many came before it and are not recorded by themselves
        self._timer: asyncio.TimerHandle | None = None
        self._judging: dict[tuple[str, str], list[str]] = {}

    def tell(self, verb: str, who: str, by: Sequence[str]) -> None:
        """Record that ``verb`` of ``who`` was refused, the most limiting reason first."""
        reasons = [plain(reason, REASON_LENGTH) for reason in by[:REASONS_MAX]]
        data = {"verb": plain(verb, VERB_LENGTH), "origin": Origin.LOCAL.value, "who": who, "kernel": False}
        data |= {"by": reasons[0] if reasons else "", "blocked_by": reasons}
        now_s = self._loop.time()
        self._left = min(float(BURST), self._left + (now_s - self._seen_s) / PERIOD_S)
        self._seen_s = now_s
        if self._left >= 1.0 and not self._held:
            self._left -= 1.0
            self._note("refused", data)
            return
        self._more += bool(self._held)
        self._held = data
        if self._timer is None:
            self._timer = self._loop.call_later(PERIOD_S, self.flush)

    def flush(self) -> None:
        """Record the newest of those that were held back, with how many there were ``more``."""
        if self._timer is not None:
            self._timer.cancel()
        held, more, self._held, self._more, self._timer = self._held, self._more, {}, 0, None
        if held:
            self._left = max(0.0, self._left - 1.0)
            self._note("refused", {**held, "more": more})

    def judging(self, verb: Verb, who: str) -> None:
        """From here on the kernel's word on this act is kept, until :meth:`verdict`."""
        self._judging[verb.value, who] = []

    def heard(self, events: Iterable[Event]) -> None:
        """What the kernel has decided in one tick."""
        for kind, data in events:
            if kind == "refused" and (key := (str(data["verb"]), str(data["who"]))) in self._judging:
                by = data["blocked_by"]
                self._judging[key] = [str(reason) for reason in by] if isinstance(by, list) else []

    def verdict(self, verb: Verb, who: str) -> list[str]:
        """Why the kernel refused it; empty: it did not."""
        return self._judging.pop((verb.value, who), [])
