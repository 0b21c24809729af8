"""The plan file: what a lab does in one session. Targets, the applications on each, where the probe is put."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from controller.config.bench import Model, Name, Text

Place = tuple[float, float, float]
MOST_MM = 150.0
SOME = Field(json_schema_extra={"minItems": 1})
"""At least one; the loader says so (pydantic would say it also of a list whose only entry is wrong)."""


class Lesion(Model):
    """An ellipsoid of revolution about z; its centre is the origin of the target's frame."""

    long_mm: Annotated[float, Field(gt=0, le=MOST_MM, description="its axis along z")]
    short_mm: Annotated[float, Field(gt=0, le=MOST_MM, description="its axes across")]
    depth_mm: Annotated[float, Field(ge=0, le=400, description="of its centre below the surface")] | None = None


class PlannedApplication(Model):
    """One energy delivery: which protocol, and where the probe is."""

    protocol: Annotated[Text, Field(description="a file, beside the plan or by its path, or a shipped name")]
    tip_mm: Annotated[Place, Field(description="tip of the probe in the target's frame: x, y, z")]
    axis: Annotated[Place, Field(description="unit vector from the tip to the handle: x, y, z")] = (0.0, 0.0, 1.0)
    pull_back_mm: Annotated[
        float, Field(ge=0, le=100, description="drawn back along the axis from tip_mm, in the same track")
    ] = 0.0

    @property
    def at_mm(self) -> Place:
        """Where the tip is when energy goes on: ``tip_mm`` and the pull-back."""
        x, y, z = (tip + self.pull_back_mm * along for tip, along in zip(self.tip_mm, self.axis, strict=True))
        return x, y, z


class PlannedTarget(Model):
    """One lesion and what is done to it, in this order."""

    target: Name
    lesion: Lesion
    margin_mm: Annotated[float, Field(ge=0, le=50, description="to be covered around the lesion")] = 5.0
    applications: Annotated[tuple[PlannedApplication, ...], SOME]
    track: Annotated[Text, Field(description="protocol that is run while the probe is withdrawn")] | None = None


class Specimen(Model):
    """What lies on the bench."""

    organ: Annotated[Text, Field(description="liver, kidney, ...; of a phantom: what it stands for")] | None = None
    phantom: Annotated[Text, Field(description="what it is made of, where it is no organ")] | None = None
    label: Text | None = None
    tissue: Annotated[Name, Field(description="name for predictions; `ablate simulate --help` lists them")] | None = (
        None
    )


class Plan(Model):
    """A plan file."""

    plan: Name
    specimen: Specimen = Specimen()
    targets: Annotated[tuple[PlannedTarget, ...], SOME]


@dataclass(frozen=True)
class Step:
    """One energy delivery of a plan. ``index`` counts the target's deliveries from 1, its track ablation last."""

    target: PlannedTarget
    index: int
    protocol: str
    at_mm: Place
    axis: Place
    pull_back_mm: float = 0.0
    track: bool = False
    """On withdrawal: no zone of its own is planned."""

    @property
    def of(self) -> int:
        """How many deliveries the target has."""
        return len(self.target.applications) + (self.target.track is not None)

    @property
    def key(self) -> tuple[str, int]:
        """Names the delivery within its plan."""
        return self.target.target, self.index

    def same_track(self, other: Step) -> bool:
        """The probe stays in the channel that it made for ``other``; it is at most moved along it."""
        return (
            self.target.target == other.target.target
            and parallel(self.axis, other.axis)
            and _off_axis_mm(self.at_mm, other) <= SAME_MM
        )

    def moved_mm(self, other: Step) -> float:
        """Towards the handle since ``other``, for a probe in the same track."""
        return sum((a - b) * n for a, b, n in zip(self.at_mm, other.at_mm, self.axis, strict=True))

    def further_back(self, by_mm: float) -> Step:
        """The same delivery with the probe this much nearer to the handle than planned; negative: further in."""
        x, y, z = (at + by_mm * along for at, along in zip(self.at_mm, self.axis, strict=True))
        return replace(self, at_mm=(x, y, z))

    def same_place(self, other: Step) -> bool:
        """Nothing is moved at all."""
        return self.same_track(other) and abs(self.moved_mm(other)) <= SAME_MM


SAME_MM = 1.0
"""Two positions nearer than this are one: no hand places a probe better."""


def parallel(one: Place, other: Place) -> bool:
    """Within about two degrees."""
    return sum(a * b for a, b in zip(one, other, strict=True)) > 0.9994


def _off_axis_mm(at_mm: Place, other: Step) -> float:
    """Distance of a point from the track of ``other``."""
    away = [a - b for a, b in zip(at_mm, other.at_mm, strict=True)]
    along = sum(a * n for a, n in zip(away, other.axis, strict=True))
    return math.dist(away, [along * n for n in other.axis])


def steps(plan: Plan) -> tuple[Step, ...]:
    """Every energy delivery in order: the applications of a target, then its track ablation."""
    found: list[Step] = []
    for target in plan.targets:
        for index, planned in enumerate(target.applications, start=1):
            found.append(Step(target, index, planned.protocol, planned.at_mm, planned.axis, planned.pull_back_mm))
        if target.track is not None:
            last = found[-1]
            found.append(Step(target, last.index + 1, target.track, last.at_mm, last.axis, last.pull_back_mm, True))
    return tuple(found)
