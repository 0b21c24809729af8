"""Plant and law alone: an ideal generator, no wires, no safety, as fast as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.world import checks
from sim.world.bench import World

LawStep = Callable[[float, float, Mapping[str, float], float, float], float | None]
"""(t_s, impedance_ohm, temperatures by name in degC, power_w now, dt_s) -> demanded W, or None when it is over."""


def run_protocol(
    law_step: LawStep,
    applicator: Mapping[str, Any],
    tissue: str,
    duration_s: float,
    dt_s: float = 0.1,
    *,
    mesh: str = "fast",
    seed: int = 1,
    flow_ml_min: float = 80.0,
    rolloffs: Callable[[], Sequence[float]] | None = None,
    probe_radii_mm: Sequence[float] = (10.0, 20.0),
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Run ``law_step`` on ``tissue`` until it returns None, at most ``duration_s``.

    The generator is ideal: what the law demands is absorbed by the load. Impedance is exact; ``temps`` has ``tip``
    and ``tissue_<n>mm`` of ``probe_radii_mm`` as thermocouples read them. ``rolloffs`` returns the times of the law's
    roll-offs when asked at the end; without it they are counted from the demand: a fall to less than a quarter is
    one. Every simulated second ``progress`` gets its time. Returns zone, energy_j, rolloffs, first_rolloff_s,
    impedance_start_ohm, impedance_min_ohm, probes, duration_s, wall_s.

    Raises ValueError for names and numbers out of range (each message says which are allowed), NotConverged from the
    solver.
    """
    duration_s = checks.number("duration_s", duration_s, 0.1, 86400.0)
    dt_s = checks.number("dt_s", dt_s, 0.01, 1.0)
    began_s = time.perf_counter()
    world = World(applicator, {"tissue": tissue, "mesh": mesh}, seed)
    names = {radius: f"tissue_{radius:g}mm" for radius in probe_radii_mm}
    hottest = dict.fromkeys(probe_radii_mm, -math.inf)
    reached: dict[float, float | None] = dict.fromkeys(probe_radii_mm)
    start_ohm = least_ohm = world.load_ohm
    counted: list[float] = []
    before_w = 0.0
    world.pump(flow_ml_min)
    ticks = round(duration_s / dt_s)
    tick = 0
    for tick in range(ticks + 1):
        t_s = tick * dt_s
        world.advance(t_s)
        ohm = world.load_ohm
        least_ohm = min(least_ohm, ohm)
        for radius, name in names.items():
            true_c = world.true_c(name)
            hottest[radius] = max(hottest[radius], true_c)
            if true_c >= 54.0 and reached[radius] is None:
                reached[radius] = t_s
        if tick == ticks:
            break
        temps = {name: world.temperature_c(name) for name in ("tip", *names.values())}
        demand_w = law_step(t_s, ohm, temps, world.load_w, dt_s)
        if demand_w is None:
            break
        demand_w = checks.number("the law's demand_w", demand_w, 0.0, 1000.0)
        if before_w > 20.0 and demand_w < 0.25 * before_w:
            counted.append(t_s)
        before_w = demand_w
        world.drive_load(demand_w)
        if progress is not None and tick % max(1, round(1.0 / dt_s)) == 0:
            progress(t_s)
    world.drive(0.0)
    rolled = list(rolloffs()) if rolloffs is not None else counted
    return {
        "zone": world.zone(),
        "energy_j": world.energy_j,
        "rolloffs": len(rolled),
        "first_rolloff_s": rolled[0] if rolled else None,
        "impedance_start_ohm": start_ohm,
        "impedance_min_ohm": least_ohm,
        "probes": [{"radius_mm": r, "max_c": hottest[r], "time_to_54c_s": reached[r]} for r in probe_radii_mm],
        "duration_s": tick * dt_s,
        "wall_s": time.perf_counter() - began_s,
    }
