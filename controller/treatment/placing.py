"""What the operator is asked to do with his hands between two applications of a plan, in words and in millimetres."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from controller.config.setup import Setup
from controller.treatment.plan import Place, Step

SLIDE_MAX_MM = 50.0
"""A probe is drawn back in its track by this much at most; further is a new placing."""
Ask = Callable[..., Awaitable[float | None]]
"""``ask(kind, words, value=…)``: :func:`controller.perform.inquire` of one bench."""


@dataclass
class Probe:
    """Where the probe lies and how far its tines are out, as the operator last said; None: nobody knows."""

    lies: Step | None = None
    deployed_mm: float | None = None

    async def put(self, step: Step, on_bench: Setup, ask: Ask) -> Step:
        """Have it put where ``step`` wants it. Returns the step as it was reached.

        Raises:
            NotReady, NotDone: as :func:`controller.perform.inquire`.
        """
        if (wanted := placing(step, self.lies)) is not None:
            self.deployed_mm = None  # tines are drawn in before a probe is moved
            kind, words, length_mm = wanted
            reached_mm = await ask(kind, words, value=length_mm)
            if length_mm is not None and reached_mm is not None:
                step = step.further_back(reached_mm - length_mm)
        self.lies = step
        mark_mm = tines(on_bench)
        if mark_mm is not None and mark_mm != self.deployed_mm:
            await ask("deploy", f"{_title(step)}push the tines out to {mark_mm:g} mm", value=mark_mm)
        self.deployed_mm = mark_mm
        return step


def placing(step: Step, lies: Step | None) -> tuple[str, str, float | None] | None:
    """What the operator is asked before ``step`` when the probe lies as for ``lies``: kind, words, length in mm.

    None: nothing is to be moved.
    """
    if lies is not None and step.same_place(lies):
        return None
    if lies is not None and step.same_track(lies):
        back_mm = step.moved_mm(lies)
        if 0.0 < back_mm <= SLIDE_MAX_MM:
            words = f"{_title(step)}draw the probe back by {back_mm:.1f} mm, {_where(step)}"
            return "pull-back", words, round(back_mm, 1)
    return "reposition", f"{_title(step)}put the {_where(step)}{_towards(step.axis)}", None


def tines(on_bench: Setup) -> float | None:
    """The mark to which hands must push the tines, mm; None without tines, or where the law asks for it itself."""
    protocol = on_bench.protocol.protocol
    return None if protocol.law.hands else getattr(protocol.applicator, "deployment_mm", None)


def position(step: Step) -> dict[str, Any]:
    """Where the probe lies in the target's frame, for the record."""
    return {
        "at_mm": [round(x, 3) for x in step.at_mm],
        "axis": list(step.axis),
        "pull_back_mm": step.pull_back_mm,
        "track": step.track,
    }


def _title(step: Step) -> str:
    return f"target {step.target.target}, application {step.index} of {step.of}: "


def _where(step: Step) -> str:
    x, y, z = step.at_mm
    deep = step.target.lesion.depth_mm
    told = f"tip at x {x:.1f}, y {y:.1f}, z {z:.1f} mm from the lesion's centre"
    return told if deep is None else f"{told}, {deep - z:.1f} mm deep"


def _towards(axis: Place) -> str:
    x, y, z = axis
    return "" if (x, y, z) == (0.0, 0.0, 1.0) else f", handle towards ({x:.3g}, {y:.3g}, {z:.3g})"
