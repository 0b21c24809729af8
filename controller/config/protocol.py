"""The protocol file: which law, with which numbers, within which limits, with what cooling."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, model_validator

from controller.config.applicators import ProtocolApplicator
from controller.config.bench import Attended, Limits, Model, Name
from controller.laws.base import LawParams, Reablate

L = TypeVar("L")


class Cooling(Model):
    """What the coolant pump does, and the circulator where there is one."""

    flow_ml_min: Annotated[float, Field(gt=0, le=1000)]
    coolant_c: Annotated[
        float | None, Field(ge=-20, le=60, description="at which roles.chiller holds the bath, from prepare on")
    ] = None
    coolant_margin_c: Annotated[
        float, Field(ge=1, le=40, description="coolant warmer than coolant_c by more than this is not cold (yet)")
    ] = 5.0
    prime_s: Annotated[float, Field(ge=0, le=600, description="coolant must have run this long before READY")] = 2.0
    run_on_s: Annotated[float, Field(ge=0, le=3600, description="coolant runs at least this long after energy")] = 10.0
    follow: Annotated[Literal["tip", "shaft"] | None, Field(description="the flow follows this temperature")] = None
    hold_c: Annotated[
        float | None, Field(ge=0, le=95, description="above this there is more flow than flow_ml_min")
    ] = None
    flow_max_ml_min: Annotated[float | None, Field(gt=0, le=1000, description="the flow goes up to this, mL/min")] = (
        None
    )

    @model_validator(mode="after")
    def _whole(self) -> Cooling:
        given = [name for name in ("follow", "hold_c", "flow_max_ml_min") if getattr(self, name) is not None]
        if given and len(given) < 3:
            raise ValueError(f"{' and '.join(given)}: follow, hold_c and flow_max_ml_min belong together")
        if self.flow_max_ml_min is not None and not self.flow_max_ml_min > self.flow_ml_min:
            raise ValueError("flow_max_ml_min must be above flow_ml_min")
        return self

    @property
    def most_ml_min(self) -> float:
        """The largest flow that is ever asked for, mL/min."""
        return self.flow_ml_min if self.flow_max_ml_min is None else self.flow_max_ml_min


class Advice(Model):
    """When to ablate again: a temperature read so long after power. For laws whose publication says none of itself."""

    at_s: Annotated[float, Field(ge=5, le=600, description="after power last flowed, s")] = 60.0
    below_c: Annotated[float, Field(ge=37, le=110, description="colder than this: ablate again")]
    of: Annotated[Literal["tip", "tissue", "tines"], Field(description="what is read, by role")] = "tip"


class ProtocolOf(Model, Generic[L]):
    """A protocol file whose ``law:`` block is an ``L``."""

    protocol: Name
    source: Annotated[str, Field(min_length=10, description="the publication, and what it was published to do")]
    modality: Literal["rf", "microwave"]
    applicator: ProtocolApplicator
    law: L
    limits: Limits = Limits()
    cooling: Cooling | None = None
    advice: Advice | None = None
    prompt_s: Annotated[
        float, Field(gt=0, le=3600, description="the law ends when a prompt stays unanswered this long under power, s")
    ] = 300.0
    attended: Attended | None = None

    @property
    def reablate(self) -> Reablate | None:
        """When to ablate again: what the file says, else what the law says."""
        if self.advice is None:
            return self.law.reablate if isinstance(self.law, LawParams) else None
        pump_off = self.cooling is not None and self.advice.of == "tip"
        return Reablate(self.advice.of, self.advice.at_s, self.advice.below_c, pump_off=pump_off)


Protocol = ProtocolOf[LawParams]
"""What the daemon sees: the law's parameters are of the class that the law declares."""
