"""What a protocol file may say of mean-temperature control: deployments of an array, their targets and holds, and the
numbers of the loop (:mod:`controller.laws.mean_temperature`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from controller.laws.base import Delivered, LawParams, Reablate
from controller.laws.contradiction import Contradiction, rising

COOL_READINGS_S = (30.0, 60.0)
"""After power: when the mean is noted."""


class Stage(BaseModel):
    """One deployment, its target and how long it is held."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    deployment_mm: Annotated[float, Field(gt=0, le=100, description="mark at which the array is out, mm")] | None = None
    target_c: Annotated[float, Field(ge=45, le=125, description="mean temperature, degrees Celsius")]
    hold_s: Annotated[float, Field(ge=0, description="time at the target, s")]


class MeanTemperatureParams(LawParams):
    """Parameters of :class:`controller.laws.mean_temperature.MeanTemperature`."""

    kind: Literal["mean-temperature"]
    sensors: Annotated[Literal["tines", "tip"], Field(description="what is averaged")] = "tines"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=10)]
    masked: Annotated[tuple[int, ...], Field(description="tines never used, from 1")] = ()
    power_max_w: Annotated[float, Field(gt=0, description="power never demanded beyond, W")]
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE after which nothing is heated, s")]
    gain_w_per_k: Annotated[float, Field(gt=0, description="proportional gain, W/K")] = 4.0
    integral_s: Annotated[float, Field(ge=1, description="integral time, s")] = 30.0
    impedance_max_ohm: Annotated[float, Field(gt=0, description="no power above this impedance, ohm")] | None = None
    cut_c: Annotated[float, Field(gt=0, description="a tine above this is cut off, degrees Celsius")] = 120.0
    resume_c: Annotated[float, Field(gt=0, description="a tine cut off is used again below this")] = 100.0
    cool_s: Annotated[float, Field(ge=0, le=600, description="how long it is watched cooling, s")] = 60.0
    reablate_below_c: Annotated[float, Field(gt=0, description="mean at the end of cooling that asks for more")] = 60.0

    @model_validator(mode="after")
    def _ordered(self) -> MeanTemperatureParams:
        rising(self, "resume_c", "cut_c", strictly=True)
        _staged(self)
        if any(number < 1 for number in self.masked):
            raise ValueError("masked: tines are numbered from 1")
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.sensors,) if self.impedance_max_ohm is None else (self.sensors, "impedance")

    @property
    def peak(self) -> tuple[str, float]:
        return "power_max_w", self.power_max_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s + self.cool_s

    @property
    def target(self) -> tuple[str, float]:
        return "stages", max(stage.target_c for stage in self.stages)

    @property
    def hands(self) -> bool:
        return any(stage.deployment_mm is not None for stage in self.stages)

    def remaining(self, done: Delivered) -> MeanTemperatureParams:
        """The stages that were not over, each with its whole hold: it runs from when the mean is at the target again.
        ``duration_s`` loses the holds that were over; what heating up took is allowed once more.

        Raises:
            ValueError: every stage was over.
        """
        left = self.stages[done.stage :]
        if not left:
            raise ValueError(f"nothing is left: all {len(self.stages)} stages were held")
        over_s = sum(stage.hold_s for stage in self.stages[: done.stage])
        return self.model_copy(update={"stages": left, "duration_s": self.duration_s - over_s})

    @property
    def reablate(self) -> Reablate:
        return Reablate(self.sensors, COOL_READINGS_S[-1], self.reablate_below_c, self.masked)


def _staged(params: MeanTemperatureParams) -> None:
    """Each stage against the whole and against the stages before it. Raises Contradiction."""
    reach_mm, held_s, deepest = 0.0, 0.0, 0
    for k, stage in enumerate(params.stages):
        if not stage.target_c < params.cut_c:
            message = f"a target of {stage.target_c:g} is not below cut_c of {params.cut_c:g}"
            raise Contradiction(message, ("stages", k, "target_c"), ("cut_c",))
        out_mm = stage.deployment_mm
        if out_mm is not None and out_mm < reach_mm:
            message = f"tines only go out, but {out_mm:g} mm is less than the {reach_mm:g} mm of stage {deepest + 1}"
            raise Contradiction(message, ("stages", k, "deployment_mm"), ("stages", deepest, "deployment_mm"))
        if out_mm is not None:
            reach_mm, deepest = out_mm, k
        held_s += stage.hold_s
        if held_s >= params.duration_s:
            message = f"the holds up to this one take {held_s:g} s, but duration_s is {params.duration_s:g} s"
            raise Contradiction(message, ("stages", k, "hold_s"), ("duration_s",))
