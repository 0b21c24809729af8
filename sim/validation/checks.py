"""What must hold between burns: trends, slopes, orders, ratios. Data only; ``run`` examines them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.config.bench import Model

Id = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9.-]{0,39}$")]
Between = Annotated[tuple[float, float], Field(description="least and greatest that agree with the publication")]


class Trend(Model):
    """``of`` rises or falls over ``burns`` (by the least-squares line over their ``x``)."""

    kind: Literal["trend"]
    of: str
    burns: Annotated[tuple[Id, ...], Field(min_length=2)]
    sign: Literal["rises", "falls"]
    gate: bool = False


class Slope(Model):
    """The least-squares slope of ``of`` over the burns' ``x`` lies ``between``."""

    kind: Literal["slope"]
    of: str
    burns: Annotated[tuple[Id, ...], Field(min_length=2)]
    between: Between
    gate: bool = False


class Order(Model):
    """``of`` is greater in each of ``burns`` than in the one before."""

    kind: Literal["order"]
    of: str
    burns: Annotated[tuple[Id, ...], Field(min_length=2)]
    gate: bool = False


class Peak(Model):
    """``of`` is greatest in one of ``among``."""

    kind: Literal["peak"]
    of: str
    burns: Annotated[tuple[Id, ...], Field(min_length=2)]
    among: Annotated[tuple[Id, ...], Field(min_length=1)]
    gate: bool = False


class Ratio(Model):
    """``of`` in the first burn, divided by or less that in the second, lies ``between``."""

    kind: Literal["ratio", "difference"]
    of: str
    burns: tuple[Id, Id]
    between: Between
    gate: bool = False


class Correlation(Model):
    """Pearson's r of two quantities over ``burns`` is ``at_least``."""

    kind: Literal["correlation"]
    of: str
    over: str
    burns: Annotated[tuple[Id, ...], Field(min_length=3)]
    at_least: Annotated[float, Field(ge=-1, le=1)]
    gate: bool = False


Check = Annotated[Trend | Slope | Order | Peak | Ratio | Correlation, Field(discriminator="kind")]
