"""Which conformance classes there are for which driver: those of the test files here, and those that plug-ins offer."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path

from drivers.contract import Circulator, CoolantPump, Driver, ElectrodeSwitch, EnableLine, PowerSource
from drivers.testing.conformance import DriverConformance
from drivers.testing.roles import (
    CirculatorConformance,
    EnableConformance,
    PumpConformance,
    SourceConformance,
    SwitchConformance,
)

GROUP = "openablate.conformance"
"""Entry points of plug-ins: a driver's name -> its conformance class, which then runs with ours."""

ROLES: dict[type[Driver], type[DriverConformance]] = {
    PowerSource: SourceConformance,
    CoolantPump: PumpConformance,
    Circulator: CirculatorConformance,
    ElectrodeSwitch: SwitchConformance,
    EnableLine: EnableConformance,
}

Kits = dict[str, list[type[DriverConformance]]]


def offered_kits() -> dict[str, type[DriverConformance]]:
    """Those of plug-ins, by driver."""
    return {entry.name: entry.load() for entry in entry_points(group=GROUP)}


def kits() -> Kits:
    """All of them, by driver."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.drivers.{path.stem}")
    found: Kits = {}
    for kit in (*_below(DriverConformance), *offered_kits().values()):
        driver = getattr(kit, "driver", None)
        if driver is not None and kit.__name__.startswith("Test"):
            found.setdefault(driver.MODEL, []).append(kit)
    return found


def without(names: Iterable[str], found: Mapping[str, list[type[DriverConformance]]]) -> list[str]:
    """Names of drivers that no conformance class is for."""
    return sorted(set(names) - set(found))


def of_another_role(found: Kits) -> list[str]:
    """Classes that leave out what their driver's role must hold."""
    return sorted(
        f"{kit.__name__} of {name} is no {required.__name__}"
        for name, these in found.items()
        for kit in these
        for role, required in ROLES.items()
        if issubclass(kit.driver, role) and not issubclass(kit, required)
    )


def _below(kind: type[DriverConformance]) -> list[type[DriverConformance]]:
    found = []
    for one in kind.__subclasses__():
        found += [one, *_below(one)]
    return list(dict.fromkeys(found))
