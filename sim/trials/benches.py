"""The benches of ``examples/benches`` in trials: everything is emulated, and the wires differ from draw to draw.

What differs: how long each device thinks before it answers, and whether the mains, over which the scanner integrates,
have 50 or 60 Hz.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sim.devices import CHAINS, emulator_class
from sim.world.scenario import factor

BENCHES = Path(__file__).resolve().parents[2] / "examples" / "benches"
LATENCY_SD = 0.5
"""Of the logarithm of a device's answering time: between 0.37 and 2.7 of what its emulator has."""


def bench_named(name: str) -> dict[str, Any]:
    """The content of ``name``'s bench file. Raises OSError: trials run in a checkout, where the examples are."""
    content: dict[str, Any] = yaml.safe_load((BENCHES / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def wired(bench: Mapping[str, Any], seed: int, index: int) -> dict[str, Any]:
    """``bench`` with the wires of draw ``index`` of ``seed``."""
    drawn = copy.deepcopy(dict(bench))
    emulated: dict[str, dict[str, Any]] = {}
    for name, device in drawn["devices"].items():
        if device["driver"] == "keysight-34970a":
            device["options"]["line_hz"] = 50 if index % 2 else 60
        for part, model in _instruments(name, device["driver"]):
            latency_s = emulator_class(model).LATENCY_S
            emulated[part] = {"latency_s": latency_s * factor(seed, index, f"wire of {part}", LATENCY_SD)}
    drawn["simulation"] = {**drawn["simulation"], "devices": emulated}
    return drawn


def _instruments(name: str, driver: str) -> Iterator[tuple[str, str]]:
    """(name in the simulated bench, model) of each instrument of a device."""
    for port, model in CHAINS.get(driver, {"port": driver}).items():
        yield (name if port == "port" else f"{name}-{port.removesuffix('_port')}"), model
