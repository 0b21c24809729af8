"""The one table of unit suffixes. Names carry their unit; a test holds every numeric field of every model to it."""

from __future__ import annotations

SUFFIXES: dict[str, str] = {
    "_w": "W",
    "_w_per_min": "W/min",
    "_w_per_s": "W/s",
    "_w_per_k": "W/K",
    "_ohm": "ohm",
    "_c": "degrees Celsius",
    "_ml_min": "mL/min",
    "_ml": "mL",
    "_per_rev": "mL/rev",
    "_s": "s",
    "_ms": "ms",
    "_days": "days",
    "_j": "J",
    "_hz": "Hz",
    "_mhz": "MHz",
    "_v": "V",
    "_a": "A",
    "_vpp": "Vpp",
    "_a_per_v": "A/V",
    "_db": "dB",
    "_kpa": "kPa",
    "_mm": "mm",
    "_a2s": "A2s",
    "_share": "of forward power",
}
"""Suffix -> unit as printed."""

TWO_VALUED: tuple[str, ...] = ("_on", "_closed", "_flag")
"""Suffixes of channels that hold 0 or 1."""

DIMENSIONLESS: frozenset[str] = frozenset(
    {
        *("address", "unit", "pump_address", "pump_number", "channel", "inputs", "relay", "port", "baud"),
        *("channels", "pins"),  # tables whose keys are terminal numbers
        *("gauge", "needles", "antennas", "electrodes", "together", "masked", "pads"),
        *("voltage_channel", "current_channel", "voltage_probe"),
        *("max_batches", "uncertainty"),  # the latter in the unit of the channel that it is given for
        *("nplc", "resume", "seed", "duty", "fold_above", "stop_above"),
    }
)
"""Names of numbers that have no unit: addresses, counts, fractions."""


def suffix(name: str) -> str:
    """The unit suffix of ``name`` (the longest that fits), or an empty string."""
    return max((s for s in SUFFIXES if name.endswith(s)), key=len, default="")


def unit(name: str) -> str:
    """The unit that ``name`` carries, as printed, or an empty string."""
    return SUFFIXES.get(suffix(name), "")
