"""What can be chosen: instruments by the part that they play, applicators, and the ports that are there.

Two tables in the package say what is usual; an installed driver that stands in neither may be named all the same, and
whatever it needs is then asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, NamedTuple

import yaml

from drivers.contract import Driver
from drivers.registry import PluginError, load_driver, offered

SIMULATED = "sim"
MADE_HERE = ("channels", "pins")
"""Options that questions of their own make."""


class Offer(NamedTuple):
    """One answer that may be chosen by its number."""

    value: str
    say: str


@dataclass(frozen=True)
class Instrument:
    """One driver in one part. ``ask``: option -> (default, why it matters)."""

    driver: str
    say: str = ""
    modality: str = "rf"
    options: Mapping[str, Any] = field(default_factory=dict)
    ask: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    baud: int | None = None
    first: int = 1
    """The number of a thermometer's first input."""


@dataclass(frozen=True)
class Fitting:
    """An applicator, the sensors that usually come with it, the limits that are usually set for it."""

    say: str
    applicator: Mapping[str, Any]
    sensors: tuple[str, ...]
    limits: Mapping[str, float]

    @property
    def name(self) -> str:
        """How a bench file calls it."""
        return str(self.applicator["name"])

    @property
    def cooled(self) -> bool:
        """Nobody sets a least flow for what has no coolant."""
        return "flow_min_ml_min" in self.limits


def _table(name: str) -> dict[str, list[dict[str, Any]]]:
    text = (resources.files("controller") / "data" / "wizard" / name).read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    return found


@functools.cache
def instruments(part: str) -> tuple[Instrument, ...]:
    """Usual instruments for ``generator``, ``pump``, ``flow``, ``thermometer``, ``contacts`` or ``enable``."""
    rows = (
        row | {"ask": {k: tuple(v) for k, v in row.get("ask", {}).items()}} for row in _table("instruments.yaml")[part]
    )
    return tuple(Instrument(**row) for row in rows if row["driver"] in offered())


@functools.cache
def fittings(modality: str) -> tuple[Fitting, ...]:
    """Usual applicators for ``rf`` or ``microwave``."""
    rows = _table("applicators.yaml")[modality]
    return tuple(Fitting(r["say"], r["applicator"], tuple(r["sensors"]), r["limits"]) for r in rows)


def instrument(part: str, driver: str) -> Instrument:
    """``driver`` as the table has it; one that it has not is asked for the options that it cannot do without."""
    for row in instruments(part):
        if row.driver == driver:
            return row
    kind = driver_of(driver)
    needs = kind.OPTIONS.model_fields.items() if kind is not None else ()
    ask = {
        name: ("", option.description or "this driver cannot do without it")
        for name, option in needs
        if option.is_required() and name not in MADE_HERE and not name.endswith("_port")
    }
    return Instrument(driver, modality=_modality(driver), ask=ask)


def driver_of(name: str) -> type[Driver] | None:
    """The installed driver; None where there is none, which the check of the file says in its own words."""
    try:
        return load_driver(name)
    except PluginError:
        return None


def _modality(driver: str) -> str:
    from controller.config.loading import declare

    kind = driver_of(driver)
    try:
        declared = declare(kind, "gen", kind.OPTIONS.model_validate({})) if kind is not None else None
    except ValueError:
        return "rf"
    return (declared.modality if declared is not None else None) or "rf"


def ports() -> tuple[Offer, ...]:
    """Serial ports of this machine, under the names that last. None is opened."""
    from controller.checkup.ports import serial_ports

    found = []
    for port in serial_ports():
        notes = [port.description, *(f"in use by {user}" for user in port.used_by)]
        notes += [] if port.may_open else ["you may not open it: ablate doctor says why"]
        found.append(Offer(port.name, ", ".join(note for note in notes if note)))
    return tuple(found)
