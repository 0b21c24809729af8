"""The protocol file: which law, with which numbers, within which limits, with what cooling."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from controller.config.applicators import ProtocolApplicator
from controller.config.bench import Limits, Model, Name
from controller.laws.base import LawParams

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


class ProtocolOf(Model, Generic[L]):
    """A protocol file whose ``law:`` block is an ``L``."""

    protocol: Name
    source: Annotated[str, Field(min_length=10, description="the publication, and what it was published to do")]
    modality: Literal["rf", "microwave"]
    applicator: ProtocolApplicator
    law: L
    limits: Limits = Limits()
    cooling: Cooling | None = None


Protocol = ProtocolOf[LawParams]
"""What the daemon sees: the law's parameters are of the class that the law declares."""
