"""The limit lattice with its places: which line sets each layer, and who asks for more than a layer above grants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.config.bench import Bench
from controller.config.problems import Problem
from controller.config.protocol import Protocol
from controller.config.units import unit
from controller.config.yaml_loader import Document, Loc
from drivers.contract import Declaration
from safety import limits as lattice


@dataclass(frozen=True)
class Layer:
    """One layer: its name in messages, its limits, and where they are written (None: compiled or declared)."""

    name: str
    limits: lattice.Limits
    document: Document | None = None
    locs: Mapping[str, Loc] | None = None  # limit -> where; default: limits.<name>

    def loc(self, limit: str) -> Loc:
        """Where ``limit`` is written."""
        return (self.locs or {}).get(limit, ("limits", limit))

    def place(self, limit: str) -> str:
        """``file:line`` of ``limit``, or an empty string."""
        return f"{self.document.file}:{self.document.line(self.loc(limit))}" if self.document is not None else ""


def bench_layers(document: Document, bench: Bench, source: Declaration) -> tuple[Layer, ...]:
    """The layers that a bench brings, outermost first."""
    at_source: Loc = ("devices", bench.roles.source, "options", "power_limit_w")
    ceiling = lattice.CEILINGS.get(source.modality or "rf", lattice.CEILINGS["rf"])
    by_age_w = float(math.floor(lattice.power_for_age_w(bench.sample_age_s)))
    return (
        Layer("compiled ceiling", ceiling),
        Layer("generator", lattice.Limits(power_w=source.power_max_w), document, {"power_w": at_source}),
        Layer(
            "applicator",
            lattice.Limits(power_w=bench.applicator.power_max_w),
            document,
            {"power_w": ("applicator", "power_max_w")},
        ),
        Layer("sample age", lattice.Limits(power_w=by_age_w), document, {"power_w": ("sample_age_s",)}),
        Layer("bench", bench.limits.layer(), document),
    )


def protocol_layers(document: Document, protocol: Protocol) -> tuple[Layer, ...]:
    """The layers of a protocol alone, with no bench above it."""
    ceiling = lattice.CEILINGS[protocol.modality]
    return Layer("compiled ceiling", ceiling), Layer("protocol", protocol.limits.layer(), document)


def effective(layers: Sequence[Layer]) -> dict[str, lattice.Bound]:
    """The strictest value of each limit and the layer that sets it."""
    return lattice.effective([(layer.name, layer.limits) for layer in layers])


def loosenings(layers: Sequence[Layer]) -> list[Problem]:
    """Every limit that is laxer than a layer above it, at its own file and line."""
    by_name = {layer.name: layer for layer in layers}
    found = []
    for count, layer in enumerate(layers):
        if layer.name == "sample age":  # nobody's wish; what it cuts is said below it
            continue
        for name, bound in effective(layers[:count]).items():
            value = getattr(layer.limits, name)
            if value is not None and lattice.stricter(name, bound.value, value):
                found.append(beyond(layer, name, value, by_name[bound.layer], bound.value))
    return found


def beyond(layer: Layer, limit: str, value: float, above: Layer, above_value: float, loc: Loc | None = None) -> Problem:
    """``limits.power_w: 250 W is above the bench's 200 W (bench.yaml:9); write at most 200``."""
    assert layer.document is not None
    lower = limit in lattice.LOWER_BOUNDS
    place = above.place(limit)
    return layer.document.problem(
        loc or layer.loc(limit),
        f"{value:g} {unit(limit)} is {'below' if lower else 'above'} the {above.name}'s {above_value:g} {unit(limit)}"
        + (f" ({place})" if place else ""),
        f"write at {'least' if lower else 'most'} {above_value:g}",
    )
