"""Applicators as files name them, by kind: what a bench has mounted, what a protocol was written for.

Names of antennas and arrays are those of the catalogue that the site keeps (the simulated bench's own lists its
models).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

ModelName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$", description="lower-case letters, digits, . - and _")
]
Tip = Annotated[float, Field(gt=0, le=100, description="bare length that conducts, mm")]
Gauge = Annotated[int, Field(ge=8, le=24)]
Deployment = Annotated[float, Field(gt=0, le=80, description="mark at which the tines are out, mm")]
Spacing = Annotated[float, Field(gt=0, le=60, description="between neighbouring axes, mm")]


class Shape(BaseModel):
    """Base of every applicator: unknown keys, wrong types, non-finite numbers are errors; nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    COOLED: ClassVar[bool] = False

    kind: str

    @property
    def cooled(self) -> bool:
        """True for a kind that must not get energy without coolant flow."""
        return self.COOLED

    def geometry(self) -> dict[str, Any]:
        """What makes one applicator of this kind another: the keys that are given, without name and ratings."""
        given = self.model_dump(exclude_none=True)
        return {key: value for key, value in given.items() if key not in ("kind", "name", *RATINGS)}

    def __str__(self) -> str:
        """``cooled-needle 30 mm``; gauge is left out."""
        numbers = [x for key, x in self.geometry().items() if key != "gauge"]
        return " ".join([self.kind, *(f"{x:g} mm" if isinstance(x, float) else str(x) for x in numbers)])


RATINGS = ("power_max_w", "current_max_a")


class CooledNeedle(Shape):
    """A straight needle with coolant inside."""

    COOLED = True
    kind: Literal["cooled-needle"]
    active_tip_mm: Tip


class Needle(Shape):
    """A straight needle without coolant."""

    kind: Literal["needle"]
    active_tip_mm: Tip


class PerfusedNeedle(Shape):
    """A straight needle that gives saline off into the tissue."""

    kind: Literal["perfused-needle"]
    active_tip_mm: Tip


class CooledCluster(Shape):
    """Three parallel cooled needles that are one electrode."""

    COOLED = True
    kind: Literal["cooled-cluster"]
    active_tip_mm: Tip = 25.0
    spacing_mm: Spacing = 5.0


class SwitchedNeedles(Shape):
    """Parallel cooled needles, each a channel of a switch; three stand in a triangle."""

    COOLED = True
    kind: Literal["switched-needles"]
    needles: Literal[2, 3]
    active_tip_mm: Tip
    spacing_mm: Spacing


class ExpandableArray(Shape):
    """Tines bent out of a trocar: one electrode."""

    kind: Literal["expandable-array"]
    array: ModelName
    deployment_mm: Deployment


class MicrowaveAntenna(Shape):
    """One antenna with a cooled shaft."""

    COOLED = True
    kind: Literal["microwave-antenna"]
    antenna: ModelName


class MicrowaveAntennas(Shape):
    """Equal parallel antennas that share the power."""

    COOLED = True
    kind: Literal["microwave-antennas"]
    antenna: ModelName
    antennas: Literal[2, 3]
    spacing_mm: Spacing


class Mounted(Shape):
    """What a bench says besides the shape: a name and what the maker allows."""

    name: Annotated[str, Field(min_length=1)]
    power_max_w: Annotated[float, Field(gt=0)]

    @property
    def rated_a(self) -> float | None:
        """The maker's limit of the current, A rms; None: none, or no electrode."""
        return getattr(self, "current_max_a", None)


class MountedElectrode(Mounted):
    """An applicator that carries a current."""

    current_max_a: Annotated[float, Field(gt=0)] | None = None


class MountedCooledNeedle(CooledNeedle, MountedElectrode):
    gauge: Gauge


class MountedNeedle(Needle, MountedElectrode):
    gauge: Gauge


class MountedPerfusedNeedle(PerfusedNeedle, MountedElectrode):
    gauge: Gauge


class MountedCooledCluster(CooledCluster, MountedElectrode):
    gauge: Gauge


class MountedSwitchedNeedles(SwitchedNeedles, MountedElectrode):
    gauge: Gauge


class MountedExpandableArray(ExpandableArray, MountedElectrode):
    deployment_mm: Deployment | None = None  # type: ignore[assignment]  # None: wherever the protocol wants the tines


class MountedMicrowaveAntenna(MicrowaveAntenna, Mounted):
    pass


class MountedMicrowaveAntennas(MicrowaveAntennas, Mounted):
    pass


class WantedCooledNeedle(CooledNeedle):
    gauge: Gauge | None = None


class WantedNeedle(Needle):
    gauge: Gauge | None = None


class WantedPerfusedNeedle(PerfusedNeedle):
    gauge: Gauge | None = None


class WantedCooledCluster(CooledCluster):
    gauge: Gauge | None = None


class WantedSwitchedNeedles(SwitchedNeedles):
    gauge: Gauge | None = None


Applicator = Annotated[
    MountedCooledNeedle
    | MountedNeedle
    | MountedPerfusedNeedle
    | MountedCooledCluster
    | MountedSwitchedNeedles
    | MountedExpandableArray
    | MountedMicrowaveAntenna
    | MountedMicrowaveAntennas,
    Field(discriminator="kind"),
]
"""The applicator in use on a bench, and what its maker allows."""

ProtocolApplicator = Annotated[
    WantedCooledNeedle
    | WantedNeedle
    | WantedPerfusedNeedle
    | WantedCooledCluster
    | WantedSwitchedNeedles
    | ExpandableArray
    | MicrowaveAntenna
    | MicrowaveAntennas,
    Field(discriminator="kind"),
]
"""What a protocol was written for; the gauge only where the publication names it and it matters."""
