"""What a check needs: the running bench, somebody's hands, and a clock that is the bench's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from controller.client import Client
from controller.config.loading import LoadedBench
from controller.daemon.control import Operator

LOOK_S = 0.05

Result = Literal["passed", "failed", "skipped"]


class Act(NamedTuple):
    """What hands do: ``thing`` is a channel or a device; ``how``: open, close, warm, leave, stall or turn."""

    thing: str
    how: str


class Seen(NamedTuple):
    """How a step ended, and what was seen, in sentences that hold the values."""

    result: Result
    seen: tuple[str, ...]


class Skipped(Exception):
    """Somebody skipped the step; the text is the reason."""


class Hands(Protocol):
    """Whoever touches the bench."""

    async def do(self, text: str, acts: Sequence[Act]) -> None:
        """Ask for it; returns at once. Whether it was done is for the bench to show."""

    async def word(self, question: str) -> bool:
        """Somebody's word on what no instrument sees. Raises Skipped."""

    def skipped(self) -> str | None:
        """The reason with which the step under way was skipped; None: it was not."""

    def begin(self) -> None:
        """Another step begins: nothing of it was skipped yet."""

    def tell(self, text: str) -> None:
        """Say something."""


class Plant(Protocol):
    """A running bench that may be started again."""

    @property
    def operator(self) -> Operator | Client: ...
    async def kill_watchdog(self) -> float:
        """Kill it as if it had died; the time on the bench's clock, s."""

    async def restart(self) -> None:
        """End the daemon and start it anew."""


@dataclass
class Job:
    """One commissioning. ``patience_s``: how long is waited for hands."""

    loaded: LoadedBench
    plant: Plant
    hands: Hands
    protocols: dict[str, str]
    patience_s: float = 60.0
    sessions: list[str] = field(default_factory=list)

    async def look(self) -> dict[str, Any]:
        """Newest sample of every channel, and who the devices are."""
        return await self.plant.operator.look()

    async def until(self, holds: Callable[[dict[str, Any]], bool], within_s: float | None = None) -> bool:
        """Look until ``holds``; False when it does not within ``within_s`` (None: the patience for hands).

        Raises:
            Skipped: meanwhile somebody skipped the step.
        """
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + (self.patience_s if within_s is None else within_s)
        while not ((seen := await self.look())["ok"] and holds(seen)):
            if (reason := self.hands.skipped()) is not None:
                raise Skipped(reason)
            if loop.time() > give_up_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True


def value(look: dict[str, Any], channel: str) -> float | None:
    """The newest good reading of ``channel``."""
    sample = look["channels"].get(channel)
    return sample["value"] if sample is not None and sample["good"] else None


def verdict(good: bool, seen: Sequence[str]) -> Seen:
    """Passed or failed."""
    return Seen("passed" if good else "failed", tuple(seen))
