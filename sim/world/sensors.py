"""Thermocouples and their noise.

Noise of a channel is a sequence of its own, drawn from the world's seed and the channel's name, one value per 10 ms
of time. A reading therefore depends on seed, channel and time alone: not on which other channels are read, how often,
or in which order.
"""

from __future__ import annotations

import math
import re
import zlib

import numpy as np

from sim.world import checks
from sim.world.grid import Array

NOISE_RATE_HZ = 100.0
NOISE_LENGTH = 1 << 16
"""Values before a channel's noise repeats: 655 s at 100 Hz."""
TISSUE_NOISE_C, COOLANT_NOISE_C = 0.12, 0.08
RESOLUTION_DECIMALS = 1
TIP_LAG_S, COOLANT_LAG_S = 0.2, 2.0
FIXED = ("tip", "coolant_in", "coolant_out")
_TISSUE = re.compile(r"tissue_(\d{1,2}(?:\.\d+)?)mm")


class Noise:
    """Unit-variance noise by channel and time."""

    def __init__(self, seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed: {seed!r} is not a whole number from 0 up")
        self._seed = seed
        self._tables: dict[str, list[float]] = {}

    def at(self, channel: str, t_s: float) -> float:
        """The value of ``channel`` at ``t_s``, seconds since the world began."""
        table = self._tables.get(channel)
        if table is None:
            rng = np.random.Generator(np.random.PCG64([self._seed, zlib.crc32(channel.encode())]))
            table = self._tables[channel] = rng.standard_normal(NOISE_LENGTH).tolist()
        return table[int(t_s * NOISE_RATE_HZ + 1e-6) % NOISE_LENGTH]


class Thermometry:
    """Every thermocouple of the bench. Tissue probes lie in the plane at mid-tip, n mm from the needle's axis."""

    def __init__(self, radii_m: Array, lagged_c: Array, noise: Noise, start_c: float, room_c: float) -> None:
        self._radii_m = radii_m
        self._lagged_c = lagged_c  # a live view: the field step keeps it
        self._noise = noise
        self._places: dict[str, tuple[int, float]] = {}
        self._fixed = {"tip": start_c, "coolant_in": room_c, "coolant_out": room_c}

    def step(self, dt_s: float, tip_c: float, inlet_c: float, outlet_c: float) -> None:
        """Let tip and coolant sensors follow what they touch for ``dt_s``."""
        fixed = self._fixed
        fixed["tip"] += (tip_c - fixed["tip"]) * (1.0 - math.exp(-dt_s / TIP_LAG_S))
        slow = 1.0 - math.exp(-dt_s / COOLANT_LAG_S)
        fixed["coolant_in"] += (inlet_c - fixed["coolant_in"]) * slow
        fixed["coolant_out"] += (outlet_c - fixed["coolant_out"]) * slow

    def true_c(self, name: str) -> float:
        """What ``name`` would read without noise and rounding. Raises ValueError for an unknown name or place."""
        fixed = self._fixed.get(name)
        if fixed is not None:
            return fixed
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = self._locate(name)
        i, share = place
        lagged_c = self._lagged_c
        return lagged_c.item(i) * (1.0 - share) + lagged_c.item(i + 1) * share

    def read(self, name: str, t_s: float) -> float:
        """The reading of ``name`` at ``t_s``, seconds since the world began, degC."""
        rms = COOLANT_NOISE_C if name in self._fixed else TISSUE_NOISE_C
        return round(self.true_c(name) + rms * self._noise.at(name, t_s), RESOLUTION_DECIMALS)

    def _locate(self, name: str) -> tuple[int, float]:
        match = _TISSUE.fullmatch(name)
        if match is None:
            raise ValueError(checks.unknown("temperature", name, (*FIXED, "tissue_<n>mm (n from 2 to 60)")))
        radius_m = checks.number(f"{name}: distance in mm", float(match[1]), 2.0, 60.0) / 1e3
        i = int(np.searchsorted(self._radii_m, radius_m)) - 1
        return i, float((radius_m - self._radii_m[i]) / (self._radii_m[i + 1] - self._radii_m[i]))
