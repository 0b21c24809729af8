"""Hands on the simulated probe: they take their time, and what sits in the metal comes into other tissue bit by bit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from sim.devices.base import World

HAND_S, STEPS = 2.0, 8
"""How long a hand takes to push tines to the next mark or to draw a probe back, and in how many steps."""
PULLED_MAX_MM = 50.0
"""At a time; of the world's domain."""


class Hands:
    """Moves ``world``'s probe, which ``applicator`` describes. ``settle`` is told before and after each movement: bring
    everything to the present.
    """

    def __init__(self, world: World, applicator: Mapping[str, Any], settle: Callable[[], None]) -> None:
        self._world, self._applicator, self._settle = world, dict(applicator), settle
        self._timer: asyncio.TimerHandle | None = None
        self._left: Callable[[], None] = lambda: None  # what the hand would still do

    def act(self, kind: str, value: float | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """As prompts ask for it: ``deploy`` tines to a mark, ``pull-back`` by a length, both mm; ``reposition`` into
        tissue that nothing was done to: this world is one probe in one piece of tissue. ``retract``: it is out; what is
        done next begins with another placing. Without a ``loop`` it is done at once.

        Raises ValueError for what hands cannot do, before anything has moved.
        """
        world = cast(Any, self._world)
        if not hasattr(world, "deploy"):
            raise ValueError("a bench on a dummy load has no probe to be moved")
        steps = 1 if loop is None else STEPS
        if kind == "deploy":
            to_mm = self._reached(kind, value)
            self._begin(lambda left: world.deploy(_on_the_way(world.deployment_mm, to_mm, left)), steps, loop)
        elif kind == "pull-back":
            step_mm = self._reached(kind, value) / steps
            self._begin(lambda _: world.retract(step_mm), steps, loop)
        elif kind == "reposition":
            self._begin(lambda _: world.renew(), 1, loop)
        elif kind != "retract":
            raise ValueError(f"no hand does {kind!r}; there are deploy, pull-back, reposition and retract")

    def rest(self) -> None:
        """Move no further."""
        if self._timer is not None:
            self._timer.cancel()

    def _reached(self, kind: str, value: float | None) -> float:
        """``value`` where hands can get there. Raises ValueError."""
        if value is None or not math.isfinite(value):
            raise ValueError(f"{kind}: how far? write a length in mm")
        if kind == "deploy" and self._applicator.get("kind") == "expandable-array":
            from sim.world.catalogue import applicator_from  # compiled on first use, as the world is

            applicator_from({**self._applicator, "deployment_mm": value})
        elif kind == "pull-back" and not 0.0 <= value <= PULLED_MAX_MM:
            raise ValueError(f"pull-back: {value:g} mm is outside 0 to {PULLED_MAX_MM:g} mm at a time")
        return value

    def _begin(self, step: Callable[[int], None], steps: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self.rest()
        self._left()  # a hurried hand ends what it was doing
        self._move(step, steps, loop)

    def _move(self, step: Callable[[int], None], left: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self._settle()
        step(left)
        self._settle()
        self._left = lambda: self._move(step, left - 1, None) if left > 1 else None
        if loop is None:
            self._left()
        elif left > 1:
            self._timer = loop.call_later(HAND_S / STEPS, self._move, step, left - 1, loop)


def _on_the_way(here_mm: float, to_mm: float, left: int) -> float:
    """Where tines are after one of ``left`` steps; at once where they are, of tines that are somewhere."""
    return here_mm + (to_mm - here_mm) / left if math.isfinite(here_mm) else to_mm
