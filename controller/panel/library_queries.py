"""What the library's routes are asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Query(BaseModel):
    """Unknown parameters are errors."""

    model_config = ConfigDict(extra="forbid")


class Listed(Query):
    """Which page of the list; ``find``: words that all must be there."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    find: Annotated[str, Field(max_length=200)] = ""


class Wanted(Query):
    """``channels``: series or channels, with commas between them; none: what the live view shows. ``from_s`` and
    ``to_s``: on the bench's clock."""

    channels: Annotated[str, Field(max_length=2000)] = ""
    points: Annotated[int, Field(ge=10, le=5000)] = 1200
    from_s: Annotated[float, Field(allow_inf_nan=False)] | None = None
    to_s: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Happened(Query):
    """Which page of the events; ``everything``: with those that only a replay of the decisions needs."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    everything: bool = False


class Played(Query):
    """How fast at first."""

    speed: Annotated[float, Field(ge=0.25, le=64.0)] = 1.0


class Signed(Query):
    """What makes an address good for a while."""

    until: int
    key: Annotated[str, Field(max_length=64)]


class Nothing(Query):
    """An empty object."""


class DryRunAsked(Query):
    """``tissue``: one that the predictor knows; None: the bench's."""

    tissue: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
