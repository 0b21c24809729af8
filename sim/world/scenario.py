"""Scenarios: the same burn in another specimen, with another needle, by another generator, drawn from their spreads.

Every quantity whose data file gives a relative standard deviation ``sd`` is multiplied by exp(sd z), z standard normal
and redrawn beyond 2: the median is the nominal value, nothing turns negative. Each quantity has a stream of its own,
from seed, index and its name alone. A draw therefore depends neither on the order of drawing nor on how many others
there are, and the same index has the same luck in every tissue: compare tissues or laws index by index.

What comes of it: in 40 draws of a 12-minute pulsed burn with a 3 cm needle the short axis spreads by 4 % of itself in
excised bovine and by 11 % in living porcine liver, the volume by 10 and 23 %. Published burns: axes 3 % (Ji 2011) to
10 % (CVIR 2009;32:1235), volumes 12 % (Ji 2011), 16 % in excised and 22 % in living liver (Song 2015).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.world.applicator import Antenna, AntennaGroup, Applicator
from sim.world.catalogue import ANTENNAS, applicator_from
from sim.world.needle import FILM_SD
from sim.world.properties import RANGES, TISSUES, Tissue, tissue_named
from sim.world.sourced import Sheet

POWER_SD = 0.03
"""Calibration of a generator's power meter, relative; makers promise 3 to 5 %."""
TRUNCATED_AT = 2.0


@dataclass(frozen=True)
class Scenario:
    """One draw.

    ``film_scale``: wall-to-coolant heat transfer, of the nominal one (an antenna of the draw has it already in its
    ``film_w_m2k``). ``power_scale``: what reaches the applicator, of what the generator says.
    ``factors``: everything that was drawn, by name, for records. ``given``: the applicator as it was named.
    """

    seed: int
    index: int
    tissue: Tissue
    applicator: Applicator
    film_scale: float
    power_scale: float
    factors: Mapping[str, float]
    given: Mapping[str, Any]

    @property
    def changes(self) -> dict[str, float]:
        """The drawn numbers of the tissue, as ``sim.world.properties.with_changes`` takes them."""
        return {key: getattr(self.tissue, key) for key in RANGES if key in self.factors}

    @property
    def simulation(self) -> dict[str, Any]:
        """``simulation:`` keys that make a ``sim.world.bench.World`` of ``given`` this draw."""
        return {"tissue": self.tissue, "film_scale": self.film_scale, "power_scale": self.power_scale}

    def as_dict(self) -> dict[str, Any]:
        """Plain data, enough to draw it again and to see what came out."""
        return {
            "seed": self.seed,
            "index": self.index,
            "tissue": self.tissue.name,
            "applicator": dict(self.given),
            "factors": dict(self.factors),
        }


def factor(seed: int, index: int, name: str, sd: float) -> float:
    """exp(sd z), z of the stream (``seed``, ``index``, ``name``), within 2. Raises ValueError for a negative number."""
    for what, number in (("seed", seed), ("index", index)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(f"{what}: {number!r} is not a whole number from 0 up")
    stream = np.random.Generator(np.random.PCG64([seed, index, zlib.crc32(name.encode())]))
    z = math.inf
    while abs(z) > TRUNCATED_AT:
        z = float(stream.standard_normal())
    return math.exp(sd * z)


def draw(tissue: str, applicator: Mapping[str, Any], seed: int, index: int = 0) -> Scenario:
    """Draw number ``index`` of ``seed``.

    Raises ValueError for an unknown tissue or applicator, or a negative number.
    """
    nominal, probe = tissue_named(tissue), applicator_from(applicator)
    film, power = factor(seed, index, "film", FILM_SD), factor(seed, index, "power", POWER_SD)
    of_tissue = _factors(TISSUES.sheet(nominal.name), seed, index)
    factors = {"film": film, "power": power, **of_tissue}
    if isinstance(probe, Antenna | AntennaGroup):
        antenna = probe if isinstance(probe, Antenna) else probe.antenna
        of_antenna = _factors(ANTENNAS.sheet(antenna.name), seed, index)
        factors |= of_antenna
        film = factors["film"] = of_antenna.pop("film_w_m2k", 1.0)
        changed = _scaled(antenna, of_antenna) | {"film_w_m2k": antenna.film_w_m2k * film}
        changed["efficiency"] = min(changed.get("efficiency", antenna.efficiency), 1.0)
        antenna = replace(antenna, **changed)
        probe = antenna if isinstance(probe, Antenna) else AntennaGroup(antenna, probe.places_m)
    return Scenario(
        seed=seed,
        index=index,
        tissue=replace(nominal, **_scaled(nominal, of_tissue)),
        applicator=probe,
        film_scale=film,
        power_scale=power,
        factors=factors,
        given=dict(applicator),
    )


def _factors(sheet: Sheet, seed: int, index: int) -> dict[str, float]:
    return {key: factor(seed, index, key, of.sd) for key, of in sheet.quantities.items() if of.sd > 0.0}


def _scaled(nominal: Tissue | Antenna, factors: Mapping[str, float]) -> dict[str, Any]:
    return {key: getattr(nominal, key) * by for key, by in factors.items()}
