"""The limit lattice: of all layers that bound a quantity, the strictest one counts.

compiled ceiling >= generator >= applicator >= bench >= protocol >= operator. Any layer may tighten, none can loosen:
the effective limit is a minimum (a maximum for lower bounds), so a layer that says less than it should is harmless by
construction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

ENERGY_AFTER_LOSS_J = 80.0
"""Most energy that may still be delivered after evidence is lost: 200 W for 0.4 s, about 5 K in 2 cm3 of tissue."""

OFF_PATH_S = 0.15
"""Time from a decision to output off that the data-age rule adds to the age limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one layer allows; None: this layer says nothing.

    ``impedance_low_ohm``, ``flow_min_ml_min`` and ``reflected_least_share`` are lower bounds, all others upper bounds.
    0 W, 0 J and 0 s are legal (no energy at all). Shares are of forward power; ``critical_cem43_s`` is a thermal dose,
    seconds at 43 C or their like; ``pad_a2s`` the square of each return electrode's current over a minute.

    Raises:
        ValueError: a value is NaN, infinite or negative.
    """

    power_w: float | None = None
    energy_j: float | None = None
    on_time_s: float | None = None
    tip_c: float | None = None
    tissue_c: float | None = None
    coolant_c: float | None = None
    impedance_low_ohm: float | None = None
    impedance_high_ohm: float | None = None
    flow_min_ml_min: float | None = None
    shaft_c: float | None = None
    cable_c: float | None = None
    critical_c: float | None = None
    critical_cem43_s: float | None = None
    reflected_share: float | None = None
    reflected_least_share: float | None = None
    reflected_w: float | None = None
    pad_a2s: float | None = None

    def __post_init__(self) -> None:
        for name in NAMES:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"limit {name} is {value!r}; give a finite number of at least 0, or leave it out")


NAMES: tuple[str, ...] = tuple(f.name for f in fields(Limits))
LOWER_BOUNDS = frozenset({"impedance_low_ohm", "flow_min_ml_min", "reflected_least_share"})

_ANY = Limits(on_time_s=1800.0, tip_c=130.0, tissue_c=130.0, coolant_c=45.0, shaft_c=60.0, cable_c=60.0)
_ANY = replace(_ANY, critical_c=45.0, critical_cem43_s=60.0)
_OHM = {"impedance_low_ohm": 5.0, "impedance_high_ohm": 2000.0}
CEILINGS: Mapping[str, Limits] = {
    "rf": replace(_ANY, power_w=250.0, energy_j=450_000.0, pad_a2s=30.0, **_OHM),
    "microwave": replace(_ANY, power_w=200.0, energy_j=360_000.0, reflected_share=0.5),
}
"""Compiled ceilings by modality. No file, option or plug-in can raise them (P35)."""


class Bound(NamedTuple):
    """An effective limit and the name of the layer that sets it."""

    value: float
    layer: str


Layers = Sequence[tuple[str, Limits]]


def stricter(name: str, a: float, b: float) -> bool:
    """True when ``a`` is stricter than ``b`` for the limit called ``name``."""
    return a > b if name in LOWER_BOUNDS else a < b


def effective(layers: Layers) -> dict[str, Bound]:
    """The strictest value of each limit over ``layers`` (outermost first); on a tie the outermost layer is named."""
    bounds: dict[str, Bound] = {}
    for layer, limits in layers:
        for name in NAMES:
            value = getattr(limits, name)
            if value is not None and (name not in bounds or stricter(name, value, bounds[name].value)):
                bounds[name] = Bound(float(value), layer)
    return bounds


def power_for_age_w(age_limit_s: float, energy_j: float = ENERGY_AFTER_LOSS_J) -> float:
    """The power that may flow when evidence may be ``age_limit_s`` old: P * (age + 0.15 s) <= 80 J."""
    return energy_j / (age_limit_s + OFF_PATH_S)
