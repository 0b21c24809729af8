"""Our own law against pulsed impedance on the same draws: volume in equal time, time to equal volume, steam pops.

Both laws see the tissue through an impedance meter with 0.4 ohm of noise that answers 0.1 s late and only under power;
the generator is ideal but for the draw's error of its power meter, and pops may happen by themselves.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from controller.config.loading import load_protocol
from controller.laws import registry
from controller.laws.base import LawParams, Observation
from safety.types import Permit, State
from sim.world.bench import World
from sim.world.scenario import Scenario, draw

TISSUES = ("exvivo_bovine", "exvivo_porcine", "invivo_porcine")
NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
THEIRS, OURS = "cooled-needle-3cm-12min", "below-rolloff-3cm-12min"
METER_OHM, READABLE_W, FLOW_ML_MIN, DT_S = 0.4, 1.0, 80.0, 0.1
LOOK_S = 10.0
"""Between two looks at the zone; the time to a volume is interpolated."""
MORE, LESS = 1.15, 0.85


@dataclass(frozen=True)
class Burn:
    """One law on one draw. ``volumes_ml``: every LOOK_S from FIRE, the last one at the end."""

    volumes_ml: tuple[float, ...]
    duration_s: float
    energy_j: float
    rolloffs: int
    pops: int

    def time_to_s(self, volume_ml: float) -> float:
        """When the zone had ``volume_ml``; NaN: never."""
        if self.volumes_ml[-1] < volume_ml:
            return math.nan
        times_s = [min(LOOK_S * k, self.duration_s) for k in range(len(self.volumes_ml))]
        return float(np.interp(volume_ml, self.volumes_ml, times_s))


@dataclass(frozen=True)
class Pair:
    """Both laws on one draw: ours over theirs. ``time``: NaN where ours does not reach their volume."""

    tissue: str
    index: int
    volume: float
    time: float
    energy: float
    rolloffs: tuple[int, int]
    pops: tuple[int, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a line of JSON."""
        return asdict(self)


def burn(params: LawParams, scenario: Scenario) -> Burn:
    """One application of ``params`` on ``scenario``. Raises NotConverged from the solver."""
    law = registry.create(params)
    world = World(scenario.given, {**scenario.simulation, "pops": True}, scenario.index + 1)
    permit = Permit(params.peak[1], math.inf, 0, State.FIRING)
    noise = np.random.default_rng([scenario.seed, scenario.index])
    world.pump(FLOW_ML_MIN)
    late_ohm: float | None = None
    volumes: list[float] = []
    tick, each = 0, round(LOOK_S / DT_S)
    while True:
        t_s = tick * DT_S
        world.advance(t_s)
        if tick % each == 0:
            volumes.append(world.zone()["volume_ml"])
        ohm, readable = late_ohm, world.load_w > READABLE_W
        late_ohm = world.load_ohm + METER_OHM * float(noise.standard_normal()) if readable else None
        demand = law.step(Observation(t_s, ohm, DT_S, power_w=world.load_w), permit, DT_S)
        if law.finished:
            break
        world.drive_load(demand.power_w)
        tick += 1
    volumes.append(world.zone()["volume_ml"])
    return Burn(tuple(volumes), t_s, world.energy_j, law.rolloffs, world.pops)


def race(tissue: str, seed: int, index: int) -> Pair:
    """Both shipped protocols on draw ``index``. Raises ConfigError, NotConverged."""
    scenario = draw(tissue, NEEDLE, seed, index)
    theirs, ours = (burn(load_protocol(name).protocol.law, scenario) for name in (THEIRS, OURS))
    return Pair(
        tissue,
        index,
        volume=ours.volumes_ml[-1] / theirs.volumes_ml[-1],
        time=ours.time_to_s(theirs.volumes_ml[-1]) / theirs.duration_s,
        energy=ours.energy_j / theirs.energy_j,
        rolloffs=(ours.rolloffs, theirs.rolloffs),
        pops=(ours.pops, theirs.pops),
    )


def race_key(seed: int) -> str:
    """What kept pairs stand on: 16 hex digits of the SHA-256 of both laws and the seed."""
    laws = [load_protocol(name).protocol.law.model_dump(mode="json") for name in (THEIRS, OURS)]
    return hashlib.sha256(json.dumps([laws, NEEDLE, seed], sort_keys=True).encode()).hexdigest()[:16]
