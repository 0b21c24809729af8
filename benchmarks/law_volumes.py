"""Our own law against pulsed impedance: volume in the same 12 minutes on the same draws of tissue, and steam pops.

    python -m benchmarks.law_volumes [--runs N]

Each draw (sim.world.scenario) has other tissue, needle and generator; both laws see the same, through an impedance
meter with 0.4 ohm of noise that answers 0.1 s late and only under power. Wanted: 15 % more volume in the same time, or
the same volume in 15 % less time, with no more pops.
"""

from __future__ import annotations

import argparse
import math
import statistics
from typing import Any

import numpy as np

from controller.config.loading import load_protocol
from controller.laws import registry
from controller.laws.base import LawParams, Observation
from safety.types import Permit, State
from sim.world.bench import World
from sim.world.scenario import Scenario, draw
from sim.world.simulate import Seen, Wish, run_protocol

TISSUES = ("exvivo_bovine", "exvivo_porcine", "invivo_porcine")
NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
THEIRS, OURS = "cooled-needle-3cm-12min", "below-rolloff-3cm-12min"
METER_OHM, READABLE_W, FLOW_ML_MIN = 0.4, 1.0, 80.0
MORE, LESS = 1.15, 0.85


class Bench:
    """A law on one draw, through a meter."""

    def __init__(self, params: LawParams, scenario: Scenario) -> None:
        self.law = registry.create(params)
        self._permit = Permit(params.peak[1], math.inf, 0, State.FIRING)
        self._noise = np.random.default_rng([scenario.seed, scenario.index])
        self._scale = scenario.power_scale
        self._late_ohm: float | None = None

    def __call__(self, seen: Seen) -> Wish | None:
        ohm, readable = self._late_ohm, seen.load_w > READABLE_W
        self._late_ohm = seen.impedance_ohm + METER_OHM * self._noise.standard_normal() if readable else None
        demand = self.law.step(Observation(seen.t_s, ohm, seen.dt_s), self._permit, seen.dt_s)
        return None if self.law.finished else Wish(demand.power_w * self._scale)


def burn(params: LawParams, scenario: Scenario, until_s: float = math.inf) -> dict[str, Any]:
    """One application: what run_protocol returns, and ``pops``."""
    bench, pops = Bench(params, scenario), []

    def end(world: World) -> None:
        pops.append(world.pops)

    result = run_protocol(
        bench,
        scenario.given,
        scenario.tissue,
        min(until_s, params.end[1] + 1.0),
        seed=scenario.index + 1,
        flow_ml_min=FLOW_ML_MIN,
        simulation={"pops": True},
        rolloffs=lambda: [0.0] * bench.law.rolloffs,
        picture=end,
    )
    return {**result, "pops": pops[0]}


def time_to_volume_s(params: LawParams, scenario: Scenario, volume_ml: float, longest_s: float) -> float:
    """When ``params`` reaches ``volume_ml``, to 5 s; NaN: not within ``longest_s``."""
    low_s, high_s = 0.0, longest_s
    while high_s - low_s > 5.0:
        middle_s = 0.5 * (low_s + high_s)
        if burn(params, scenario, middle_s)["zone"]["volume_ml"] >= volume_ml:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s


def main() -> None:
    """Print one line for each tissue."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=5, help="draws for each tissue")
    runs: int = parser.parse_args().runs
    theirs, ours = load_protocol(THEIRS).protocol.law, load_protocol(OURS).protocol.law
    print(f"{OURS} against {THEIRS}, {runs} draws; wanted: volume {MORE:g} or time {LESS:g}")
    for tissue in TISSUES:
        ratios: list[float] = []
        times: list[float] = []
        counts = {"pulsed": [0, 0], "ours": [0, 0]}
        for index in range(runs):
            scenario = draw(tissue, NEEDLE, seed=1, index=index)
            a, b = burn(theirs, scenario), burn(ours, scenario)
            for name, result in (("pulsed", a), ("ours", b)):
                counts[name][0] += result["rolloffs"]
                counts[name][1] += result["pops"]
            ratios.append(b["zone"]["volume_ml"] / a["zone"]["volume_ml"])
            end_s = theirs.end[1]
            reached = ratios[-1] >= 1.0
            times.append(time_to_volume_s(ours, scenario, a["zone"]["volume_ml"], end_s) / end_s if reached else 1.0)
        told = "reached" if statistics.mean(ratios) >= MORE or statistics.mean(times) <= LESS else "missed"
        print(
            f"  {tissue:<15} volume {statistics.mean(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})   "
            f"time to equal volume {statistics.mean(times):.3f}   "
            f"roll-offs {counts['ours'][0] / runs:.1f} for {counts['pulsed'][0] / runs:.1f}   "
            f"pops {counts['ours'][1]} for {counts['pulsed'][1]}   {told}"
        )


if __name__ == "__main__":
    main()
