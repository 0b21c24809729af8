"""What a bench file's ``simulation:`` block may say of the simulated bench, with ranges and where they come from.

Tissue, mesh and seed are read by ``World`` itself; everything else is one row here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sim.world import checks

OWN_KEYS = ("tissue", "mesh", "seed")
THERMOCOUPLES: dict[str, float] = {"bare": 0.3, "sheathed": 0.7}
"""Lag in tissue, s: bare wires of 0.1-0.25 mm 0.1-0.3, in a 1 mm sheath 0.5-1 (makers' data)."""


def _number(default: float, low: float, high: float, source: str) -> Any:
    return field(default=default, metadata={"range": (low, high), "source": source})


@dataclass(frozen=True)
class Options:
    """One field for each key. Raises ValueError naming key, value, range and source."""

    lead_ohm: float = _number(8.0, 0.0, 100.0, "leads and return electrode are 5-20 ohm on the bench")
    """Leads and return electrode in series with the tissue, ohm."""
    amplifier_s: float = _number(0.0, 0.0, 0.1, "output stages settle in 5-20 ms")
    """Lag of the amplifier for who drives the world himself; emulated generators have their own (``settle_s``)."""
    blanking_s: float = _number(0.1, 0.0, 2.0, "impedance meters are blanked for about 100 ms")
    """After a change of power ``impedance_ohm`` shows the value before it for this long."""
    coolant_c: float = _number(8.0, 0.5, 60.0, "liquid water")
    """The coolant bag, degC."""
    room_c: float = _number(22.0, 0.0, 45.0, "rooms")
    operator_s: float = _number(3.0, 0.0, 600.0, "assumed: to move a probe and to say so")
    """A rehearsal's operator confirms what he was asked to do after this time."""
    operator_leaves_s: float = _number(math.inf, 0.0, 1e6, "who has left answers nothing")
    """From this time after its start on a rehearsal's operator is not there; inf: he stays."""
    bag_ml: float = _number(1000.0, 10.0, 10000.0, "infusion bags and bottles")
    recirculate: bool = True
    """Does the outlet run back into the bag? If not, the bag empties and the pump then draws air."""
    pulsation: float = _number(0.01, 0.0, 0.3, "roller heads behind compliant tubing")
    """Ripple of the flow at the sensor, share of the flow."""
    thermocouples: str = "bare"
    """``bare`` or ``sheathed``: the lag of what sits in tissue or on metal."""
    stem: float = _number(0.0, 0.0, 0.1, "stem conduction is 0.02-0.08 of the difference")
    """How much of its cool stem a thermocouple in tissue sees."""
    pickup_c_per_v: float = _number(0.0, -0.05, 0.05, "0-0.05 degC per volt of unfiltered thermocouples")
    """What RF adds to a thermocouple's reading while it is on, degC per volt rms at the applicator."""
    film_scale: float = _number(1.0, 0.3, 3.0, "1000-10000 W/m2K are published for cooled needles, 3000 is nominal")
    """Heat transfer from wall to coolant, of the nominal one; of a drawn scenario."""
    power_scale: float = _number(1.0, 0.8, 1.2, "makers promise 3-5 % of their power meters")
    """What reaches the applicator, of what the generator's meter says; of a drawn scenario."""
    flow_scale: float = _number(1.0, 0.8, 1.2, "roller tubing wears and is never quite as its table says")
    """What the pump head moves, of what the pump believes."""
    lag_scale: float = _number(1.0, 0.5, 2.0, "for trials of robustness")
    """Lag of every thermometer and of the coolant line, of the nominal one."""
    vessel_mm: float = _number(math.inf, 3.5, 55.0, "clear of metal, inside the domain")
    """A large vessel runs beside the applicator, this far from axis to axis along +x; inf for none. It breaks the
    symmetry around a single probe: such a scene is solved in 3D."""
    sample_radius_mm: float = _number(math.inf, 10.0, 70.0, "the domain; thinner than 10 mm no zone fits")
    """Radius of a thin piece of tissue around one probe, insulated outside; inf: no end of it in sight."""
    vessel_diameter_mm: float = _number(6.0, 1.0, 20.0, "hepatic and portal veins")
    pops: bool = False
    """May steam pops happen by themselves?"""
    charring: bool = True
    """Does metal hotter than 130 degC grow a carbon layer?"""

    @classmethod
    def read(cls, simulation: Mapping[str, Any]) -> Options:
        """The options of a ``simulation:`` block; keys left out have their defaults."""
        rows = {row.name: row for row in fields(cls)}
        checks.known_keys("simulation", simulation, (*OWN_KEYS, *rows))
        given: dict[str, Any] = {}
        for key, value in simulation.items():
            if key in OWN_KEYS:
                continue
            row = rows[key]
            if "range" in row.metadata:
                low, high = row.metadata["range"]
                value = checks.number(f"simulation.{key}", value, low, high, row.metadata["source"])
            elif key == "thermocouples":
                if value not in THERMOCOUPLES:
                    raise ValueError(checks.unknown("simulation.thermocouples", value, THERMOCOUPLES))
            elif not isinstance(value, bool):
                raise ValueError(f"simulation.{key}: {value!r} is neither true nor false")
            given[key] = value
        return cls(**given)
