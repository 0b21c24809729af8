"""Hands on the simulated probe: they take their time, and what sits in the metal comes into other tissue bit by bit.

A new shape of an array is some ten milliseconds of work, in which no emulator answers. Between steps most of it is done
ahead, so that emulators get a word in before the shape is taken.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

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
        self._finish: Callable[[], None] = lambda: None  # all that the hand would still do

    def act(self, kind: str, value: float | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """As prompts ask for it: ``deploy`` tines to a mark, ``pull-back`` by a length, both mm; ``reposition`` into
        tissue that nothing was done to: this world is one probe in one piece of tissue. ``retract``: it is out; what is
        done next begins with another placing. Without a ``loop`` it is done at once.

        Raises ValueError for what hands cannot do, before anything has moved.
        """
        world = cast(Any, self._world)
        if not hasattr(world, "deploy"):
            raise ValueError("a bench on a dummy load has no probe to be moved")
        if kind == "deploy":
            self._begin(_Deploying(world, self._reached(kind, value)), STEPS, loop)
        elif kind == "pull-back":
            self._begin(_PullingBack(world, self._reached(kind, value)), STEPS, loop)
        elif kind == "reposition":
            self._begin(_Placing(world), 1, loop)
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

    def _begin(self, movement: _Movement, steps: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self.rest()
        self._finish()  # a hurried hand ends what it was doing
        if loop is None:
            self._move(movement, 1, loop)
        else:
            self._look_ahead(movement, steps, loop)

    def _look_ahead(self, movement: _Movement, left: int, loop: asyncio.AbstractEventLoop) -> None:
        movement.prepare(left)
        self._finish = lambda: self._move(movement, 1, None)
        self._timer = loop.call_later(HAND_S / STEPS / 2, self._move, movement, left, loop)

    def _move(self, movement: _Movement, left: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self._finish = lambda: None
        self._settle()
        movement.step(left)
        self._settle()
        if loop is not None and left > 1:
            self._finish = lambda: self._move(movement, 1, None)
            self._timer = loop.call_later(HAND_S / STEPS / 2, self._look_ahead, movement, left - 1, loop)


class _Movement(Protocol):
    """In steps: the next of ``left`` does its share of what is left."""

    def prepare(self, left: int) -> None:
        """Nothing moves yet; what the step needs is worked out."""

    def step(self, left: int) -> None:
        """Move."""


class _Deploying:
    """Tines on their way to a mark; at once where they are, of tines that are nowhere yet."""

    def __init__(self, world: Any, to_mm: float) -> None:
        self._world, self._to_mm = world, to_mm

    def _next_mm(self, left: int) -> float:
        here_mm: float = self._world.deployment_mm
        return here_mm + (self._to_mm - here_mm) / left if math.isfinite(here_mm) else self._to_mm

    def prepare(self, left: int) -> None:
        self._world.prepare(self._next_mm(left))

    def step(self, left: int) -> None:
        self._world.deploy(self._next_mm(left))


class _PullingBack:
    """A probe on its way out, by a length."""

    def __init__(self, world: Any, by_mm: float) -> None:
        self._world, self._left_mm = world, by_mm

    def prepare(self, left: int) -> None:
        """Nothing: its shape stays."""

    def step(self, left: int) -> None:
        step_mm = self._left_mm / left
        self._left_mm -= step_mm
        self._world.retract(step_mm)


class _Placing:
    """Into other tissue."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def prepare(self, left: int) -> None:
        self._world.prepare(None)

    def step(self, left: int) -> None:
        self._world.renew()
