"""Thermometers, meters and their noise.

Sensors live on a grid of 10 ms. Between two field steps what a sensor touches goes on as it went during the last one,
and its lag answers that ramp exactly. A reading depends on seed, channel and time alone: not on which other channels
are read, how often, or in which order. A sensor exists from when it is first asked for, and agrees with the place it
touches at that moment.

Lags, noise, stem conduction and pick-up: makers' data and Chakraborty & Brezovich (thermocouples in RF fields); fibres
are immune and lag 0.25 s.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.world import checks
from sim.world.applicator import Antenna, AntennaGroup, Applicator, Needle, Point
from sim.world.catalogue import tine_tips_m
from sim.world.options import THERMOCOUPLES, Options

NOISE_RATE_HZ = 100.0
NOISE_LENGTH, NOISE_BLOCK = 1 << 16, 1 << 11
"""Values before a channel's noise repeats: 655 s at 100 Hz. They are drawn in blocks as they are needed, 20 s each: all
at once they took 1.3 ms a channel, an eighth of a trial of the campaign."""
TISSUE_NOISE_C, COOLANT_NOISE_C, FIBRE_NOISE_C = 0.12, 0.08, 0.2
RESOLUTION_DECIMALS = 1
TIP_LAG_SHARE = 2.0 / 3.0
"""The tip's thermocouple lies in the coolant, which wets it better than tissue does: its lag relative to theirs."""
COOLANT_LAG_S, FIBRE_LAG_S = 2.0, 0.25
MAINS_HZ, RIPPLE = 49.98, 0.2
"""Pick-up carries some mains ripple; the mains are never exactly at 50 Hz."""
SHAFT_ABOVE_TIP_M = 40.0e-3
SKIN_M = 0.5e-3
"""A sensor on a shaft feels the tissue at this distance."""
FIXED = ("tip", "coolant_in", "coolant_out")
FIBRE = "_fo"
_TISSUE = re.compile(r"tissue_(\d{1,2}(?:\.\d+)?)mm")


class Noise:
    """Numbers by channel and time, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed: {seed!r} is not a whole number from 0 up")
        self._seed = seed
        self._tables: dict[str, tuple[list[float], np.random.Generator]] = {}

    def at(self, channel: str, t_s: float) -> float:
        """Unit-variance noise of ``channel`` at ``t_s``, seconds since the world began."""
        number = int(t_s * NOISE_RATE_HZ + 1e-6) % NOISE_LENGTH
        try:
            return self._tables[channel][0][number]
        except (KeyError, IndexError):  # first asked for, or not for so late a time
            return self._drawn(channel, number)

    def _drawn(self, channel: str, number: int) -> float:
        if channel not in self._tables:
            self._tables[channel] = [], self.draws(channel)
        table, generator = self._tables[channel]
        while len(table) <= number:
            table += generator.standard_normal(NOISE_BLOCK).tolist()
        return table[number]

    def draws(self, channel: str, *number: int) -> np.random.Generator:
        """A generator of its own for ``channel`` and what is counted in it (its k-th event)."""
        return np.random.Generator(np.random.PCG64([self._seed, zlib.crc32(channel.encode()), *number]))

    def __repr__(self) -> str:
        return f"Noise({self._seed})"


@dataclass(slots=True)
class _Thermometer:
    touches: Callable[[], float]
    lag_s: float
    noise_c: float
    pickup_c_per_v: float  # 0 where RF does not get in
    phase: float
    place_c: float
    slope_c_s: float
    reading_c: float  # at the last field step, before noise

    def at(self, since_s: float) -> float:
        """``since_s`` after the last field step."""
        ahead_c = self.place_c - self.slope_c_s * self.lag_s
        return ahead_c + self.slope_c_s * since_s + (self.reading_c - ahead_c) * math.exp(-since_s / self.lag_s)

    def step(self, dt_s: float) -> None:
        now_c = self.touches()
        self.slope_c_s = (now_c - self.place_c) / dt_s
        self.reading_c, self.place_c = self.at(dt_s), now_c


class Thermometry:
    """Every thermometer of a bench.

    ``tip``, ``coolant_in``, ``coolant_out``; ``tissue_<n>mm``: in the plane of mid-tip, n mm from the applicator's
    axis; ``tine_<k>``: in the tip of an array's k-th tine; ``shaft``: 40 mm above an antenna's tip. With ``_fo`` at its
    end (``tissue_10mm_fo``) the same place has a fibre instead of a thermocouple.

    ``tissue_c(x_m, y_m, z_m)`` is the tissue, ``fixed`` what tip and coolant sensors touch, ``shaft_c`` makes of the
    tissue at the shaft what the shaft has.
    """

    def __init__(
        self,
        applicator: Applicator,
        options: Options,
        noise: Noise,
        tissue_c: Callable[[float, float, float], float],
        fixed: Mapping[str, Callable[[], float]],
        shaft_c: Callable[[float], float],
        body_c: float,
    ) -> None:
        self._options, self._noise = options, noise
        self._tissue_c, self._fixed, self._shaft_c, self._body_c = tissue_c, fixed, shaft_c, body_c
        self._middle_m, self._radius_m, self._tines = _places(applicator)
        self._has_shaft = isinstance(applicator, Antenna | AntennaGroup)
        self._sensors: dict[str, _Thermometer] = {}
        self._gain = options.pickup_c_per_v
        for name in FIXED:
            self._sensor(name)

    def step(self, dt_s: float) -> None:
        """The field has moved on by ``dt_s``."""
        for sensor in self._sensors.values():
            sensor.step(dt_s)

    def move(self, applicator: Applicator) -> None:
        """The applicator has another shape now; sensors that went with its tines are elsewhere, or gone."""
        self._middle_m, self._radius_m, self._tines = _places(applicator)
        for name in list(self._sensors):
            base = name.removesuffix(FIBRE)
            if base in self._tines:
                self._sensors[name].touches = self._new(name).touches
            elif base.startswith("tine_"):
                del self._sensors[name]

    def true_c(self, name: str, since_s: float) -> float:
        """What ``name`` would read ``since_s`` after the field step, without noise, pick-up and rounding.

        Raises ValueError for an unknown name or place.
        """
        return self._sensor(name).at(since_s)

    def read(self, name: str, t_s: float, since_s: float, rf_v: float) -> float:
        """The reading of ``name`` at ``t_s``, seconds since the world began, degC, with ``rf_v`` on the applicator."""
        sensor = self._sensor(name)
        value_c = sensor.at(since_s) + sensor.noise_c * self._noise.at(name, t_s)
        if rf_v > 0.0 and sensor.pickup_c_per_v != 0.0:
            ripple = RIPPLE * math.sin(2.0 * math.pi * MAINS_HZ * t_s + sensor.phase)
            value_c += sensor.pickup_c_per_v * rf_v * (1.0 + ripple)
        return round(value_c, RESOLUTION_DECIMALS)

    def set_pickup(self, c_per_v: float | None) -> None:
        """Another pick-up than the option's (a shield is off); None: the option's."""
        self._gain = self._options.pickup_c_per_v if c_per_v is None else c_per_v
        for name, sensor in self._sensors.items():
            sensor.pickup_c_per_v = self._gain if _exposed(name) else 0.0

    @property
    def picks_up(self) -> bool:
        """Does RF get into any thermocouple?"""
        return self._gain != 0.0

    def save(self) -> dict[str, Any]:
        """Every sensor's state by name, and the pick-up."""
        sensors = {n: (sensor.place_c, sensor.slope_c_s, sensor.reading_c) for n, sensor in self._sensors.items()}
        return {"sensors": sensors, "pickup_c_per_v": self._gain}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take up what ``save`` gave; sensors first asked for later are forgotten."""
        self._sensors.clear()
        self._gain = saved["pickup_c_per_v"]
        for name, (place_c, slope_c_s, reading_c) in saved["sensors"].items():
            sensor = self._sensor(name)
            sensor.place_c, sensor.slope_c_s, sensor.reading_c = place_c, slope_c_s, reading_c

    def _sensor(self, name: str) -> _Thermometer:
        sensor = self._sensors.get(name)
        if sensor is None:
            sensor = self._sensors[name] = self._new(name)
        return sensor

    def _new(self, name: str) -> _Thermometer:
        fibre = name.endswith(FIBRE) and not name.startswith("coolant")
        base = name.removesuffix(FIBRE) if fibre else name
        lag_s, noise_c = THERMOCOUPLES[self._options.thermocouples], TISSUE_NOISE_C
        if base in self._fixed:
            touches = self._fixed[base]
            lag_s = lag_s * TIP_LAG_SHARE if base == "tip" else COOLANT_LAG_S
            noise_c = COOLANT_NOISE_C
        elif base == "shaft" and self._has_shaft:
            touches = self._behind(self._at((self._radius_m + SKIN_M, 0.0, SHAFT_ABOVE_TIP_M)))
        else:
            touches = self._at(self._place(base, name), 0.0 if fibre else self._options.stem)
        if fibre:
            lag_s, noise_c = FIBRE_LAG_S, FIBRE_NOISE_C
        now_c = touches()
        phase = float(self._noise.draws(name, 0).uniform(0.0, 2.0 * math.pi))
        lag_s *= self._options.lag_scale
        return _Thermometer(touches, lag_s, noise_c, self._gain if _exposed(name) else 0.0, phase, now_c, 0.0, now_c)

    def _at(self, place_m: Point, stem: float = 0.0) -> Callable[[], float]:
        """The temperature a junction at ``place_m`` has; ``stem``: how much of the body's temperature it gets."""
        x_m, y_m, z_m = place_m
        tissue_c, body_c = self._tissue_c, self._body_c
        if stem == 0.0:
            return lambda: tissue_c(x_m, y_m, z_m)
        return lambda: (1.0 - stem) * tissue_c(x_m, y_m, z_m) + stem * body_c

    def _behind(self, skin_c: Callable[[], float]) -> Callable[[], float]:
        shaft_c = self._shaft_c
        return lambda: shaft_c(skin_c())

    def _place(self, base: str, name: str) -> Point:
        match = _TISSUE.fullmatch(base)
        if match is not None:
            radius_m = checks.number(f"{name}: distance in mm", float(match[1]), 2.0, 60.0, "inside the domain") / 1e3
            return radius_m, 0.0, self._middle_m
        if base in self._tines:
            return self._tines[base]
        known = [*FIXED, "tissue_<n>mm (n from 2 to 60)", *self._tines, *(["shaft"] if self._has_shaft else [])]
        raise ValueError(checks.unknown("temperature", name, known) + f"; {FIBRE} at its end makes it a fibre")


def _exposed(name: str) -> bool:
    """Does the generator's field reach this sensor?"""
    return not name.startswith("coolant") and not name.endswith(FIBRE)


def _places(applicator: Applicator) -> tuple[float, float, dict[str, Point]]:
    """Height of mid-tip, radius of the shaft, and the tips of an array's tines by name."""
    if isinstance(applicator, Needle):
        return applicator.active_m / 2, applicator.radius_m, {}
    if isinstance(applicator, Antenna | AntennaGroup):
        antenna = applicator if isinstance(applicator, Antenna) else applicator.antenna
        return antenna.offset_m + antenna.radiating_m / 2, antenna.radius_m, {}
    heights_m = [point[2] for conductor in applicator.conductors for point in conductor.path_m]
    places = {f"tine_{k}": place for k, place in enumerate(tine_tips_m(applicator), start=1)}
    return (min(heights_m) + max(heights_m)) / 2, applicator.conductors[0].radius_m, places
