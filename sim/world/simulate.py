"""Plant and law alone: an ideal generator, no wires, no safety, as fast as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sim.world import checks
from sim.world.bench import World
from sim.world.damage import cem43_min
from sim.world.properties import Tissue

LETHAL_C = 54.0
"""The isotherm whose arrival at a probe is reported (Ji et al., Acad Radiol 2011)."""
DEMAND_MAX_W = 1000.0
ROLLOFF_ABOVE_W, ROLLOFF_TO = 20.0, 0.25
"""A demand that falls from above this power to less than this share of it is a roll-off, where nobody else counts."""


class Seen:
    """What a law may look at, at one tick. A value is read when it is asked for: what nobody reads costs nothing."""

    __slots__ = ("_world", "channels", "dt_s", "t_s")

    def __init__(self, world: World, dt_s: float) -> None:
        self._world = world
        self.t_s = 0.0
        self.dt_s = dt_s
        self.channels: tuple[int, ...] | None = None
        """Connected electrodes or antennas; None: as they were at first."""

    @property
    def impedance_ohm(self) -> float:
        """Of the load, exact; nan for antennas."""
        return self._world.load_ohm

    @property
    def load_w(self) -> float:
        """Absorbed by the load."""
        return self._world.load_w

    @property
    def forward_w(self) -> float:
        """Sent to the load."""
        return self._world.forward_w

    @property
    def reverse_w(self) -> float:
        """What comes back."""
        return self._world.reverse_w

    @property
    def flow_ml_min(self) -> float:
        """Reading of the coolant's flow."""
        return self._world.flow_ml_min

    def temperature_c(self, name: str) -> float:
        """Reading of a thermometer of the bench, degC."""
        return self._world.temperature_c(name)


class Wish(NamedTuple):
    """What a law wants: power, and where there are several electrodes or antennas, which (None: as they are). ``hand``
    is what the operator has just done: ``deploy`` to a mark or ``pull-back`` by a length, mm.
    """

    power_w: float
    channels: tuple[int, ...] | None = None
    hand: tuple[str, float] | None = None


LawStep = Callable[[Seen], Wish | None]
"""One tick of a law; None when it is over."""


def _move(world: World, kind: str, value_mm: float) -> None:
    if kind not in ("deploy", "pull-back"):
        raise ValueError(checks.unknown("the law's hand", kind, ("deploy", "pull-back")))
    if kind == "deploy":
        world.deploy(value_mm)
    else:
        world.retract(value_mm)


class _Probe:
    """At one distance from the axis: hottest and last temperature, when it passed 54 degC, thermal dose."""

    def __init__(self, radius_mm: float) -> None:
        self.radius_mm = radius_mm
        self.name = f"tissue_{radius_mm:g}mm"
        self.max_c = self.end_c = -math.inf
        self.cem43_min = 0.0
        self.reached_s: float | None = None

    def look(self, t_s: float, now_c: float, since_s: float) -> None:
        if self.reached_s is None and now_c >= LETHAL_C:
            share = (now_c - LETHAL_C) / (now_c - self.end_c) if self.end_c > -math.inf else 0.0
            self.reached_s = t_s - share * since_s
        self.max_c = max(self.max_c, now_c)
        self.cem43_min += cem43_min(now_c, since_s)
        self.end_c = now_c

    def result(self) -> dict[str, float | None]:
        return {
            "radius_mm": self.radius_mm,
            "max_c": self.max_c,
            "end_c": self.end_c,
            "time_to_54c_s": self.reached_s,
            "cem43_min": self.cem43_min,
        }


def run_protocol(
    law_step: LawStep,
    applicator: Mapping[str, Any],
    tissue: str | Tissue,
    duration_s: float,
    dt_s: float = 0.1,
    *,
    mesh: str = "fast",
    seed: int = 1,
    flow_ml_min: float = 80.0,
    simulation: Mapping[str, Any] | None = None,
    rolloffs: Callable[[], Sequence[float]] | None = None,
    probe_radii_mm: Sequence[float] = (10.0, 20.0),
    until_short_axis_mm: float | None = None,
    progress: Callable[[float], None] | None = None,
    picture: Callable[[World], None] | None = None,
) -> dict[str, Any]:
    """Run ``law_step`` on ``tissue`` until it returns None, at most ``duration_s``.

    The generator is ideal: at radio frequency the load absorbs what the law demands; a microwave generator sends it
    forward, and what comes back is the antenna's. ``simulation``: further keys of a bench file's block of that name.
    ``rolloffs`` returns the times of the law's roll-offs when asked at the end; without it they are counted from the
    demand. With ``until_short_axis_mm`` it ends as soon as the zone is that wide. Every simulated second ``progress``
    gets its time; ``picture`` gets the world as it is at the end.

    Returns zone, energy_j (absorbed by the load), forward_j (sent), rolloffs, first_rolloff_s, impedance_start_ohm and
    impedance_min_ohm (None for microwaves), probes (max_c, end_c, time_to_54c_s and cem43_min at each of
    ``probe_radii_mm``), duration_s, balance (J), wall_s.

    Raises ValueError for names and numbers out of range (each message says which are allowed), NotConverged from the
    solver.
    """
    duration_s = checks.number("duration_s", duration_s, 0.1, 86400.0)
    dt_s = checks.number("dt_s", dt_s, 0.01, 1.0)
    began_s = time.perf_counter()
    world = World(applicator, {**(simulation or {}), "tissue": tissue, "mesh": mesh}, seed)
    seen = Seen(world, dt_s)
    probes = [_Probe(radius_mm) for radius_mm in probe_radii_mm]
    start_ohm = least_ohm = world.load_ohm
    counted: list[float] = []
    before_w = forward_j = 0.0
    world.pump(flow_ml_min)
    ticks, each_second = round(duration_s / dt_s), max(1, round(1.0 / dt_s))
    for tick in range(ticks + 1):
        seen.t_s = t_s = tick * dt_s
        forward_j += world.forward_w * dt_s if tick else 0.0
        world.advance(t_s)
        ohm = world.load_ohm
        if ohm < least_ohm:
            least_ohm = ohm
        if tick % each_second == 0:
            for probe in probes:
                probe.look(t_s, world.true_c(probe.name), each_second * dt_s)
            if progress is not None:
                progress(t_s)
            if until_short_axis_mm is not None and world.zone()["short_axis_mm"] >= until_short_axis_mm:
                break
        wish = law_step(seen) if tick < ticks else None
        if wish is None:
            break
        demand_w = checks.number("the law's demand_w", wish.power_w, 0.0, DEMAND_MAX_W)
        if before_w > ROLLOFF_ABOVE_W and demand_w < ROLLOFF_TO * before_w:
            counted.append(t_s)
        before_w = demand_w
        if wish.hand is not None:
            _move(world, *wish.hand)
            if tick == 0:
                start_ohm = least_ohm = world.load_ohm
        if wish.channels is not None and wish.channels != seen.channels:
            seen.channels = wish.channels
            world.connect(wish.channels)
        world.drive_load(demand_w)
    world.drive(0.0)
    if picture is not None:
        picture(world)
    rolled = list(rolloffs()) if rolloffs is not None else counted
    electric = math.isfinite(start_ohm)
    return {
        "zone": world.zone(),
        "energy_j": world.energy_j,
        "forward_j": forward_j,
        "rolloffs": len(rolled),
        "first_rolloff_s": rolled[0] if rolled else None,
        "impedance_start_ohm": start_ohm if electric else None,
        "impedance_min_ohm": least_ohm if electric else None,
        "probes": [probe.result() for probe in probes],
        "duration_s": seen.t_s,
        "balance": world.balance(),
        "wall_s": time.perf_counter() - began_s,
    }
