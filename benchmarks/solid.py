"""How many times real time the 3D tissue runs: ``python -m benchmarks.solid [--meshes fast,fine] [--runs N]``.

Three cooled needles (17 G, 3 cm tip, 20 mm apart, bovine liver) for 12 minutes, switched as a switching generator does:
the next needle after 30 s or when impedance is 30 ohm over its least, roll-offs and boiling included; asked at 10 Hz.
Then an expandable array and three microwave antennas. Wall and CPU seconds of this process, best of the runs; the
first line says what compilation cost. The solver runs on one thread, so that results do not depend on the cores there
are and a bench leaves the others alone; on a quiet machine wall and CPU seconds agree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from benchmarks.rows import Row, at_least, command
from sim.world.applicator import AntennaGroup, ElectrodeGroup
from sim.world.catalogue import applicator_from
from sim.world.needle import FILM_W_M2K
from sim.world.properties import tissue_named
from sim.world.solid.burn import SolidBurn
from sim.world.solid.grid import SPACINGS

DURATION_S = 720.0
DT_S = 0.1
REAL_TIME = {"fast": 200.0}
"""Times real time that are wanted."""
NEEDLES = {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 3, "spacing_mm": 20}
ARRAY = {"kind": "expandable-array", "array": "leveen-4"}
ANTENNAS = {"kind": "microwave-antennas", "antenna": "cooled-2450", "antennas": 3, "spacing_mm": 20}


Build = Callable[[str], tuple[SolidBurn, Callable[[float], float]]]
"""Mesh -> burn and rule (time in s -> power in W)."""


class SwitchingRule:
    """Each needle from 60 W on, 60 W/min upward; a roll-off takes it back to 70 % and lets it rest for 15 s."""

    def __init__(self, burn: SolidBurn, needles: int = 3, rise_ohm: float = 30.0) -> None:
        self._burn, self._count, self._rise_ohm = burn, needles, rise_ohm
        self._on, self._since_s = 0, 0.0
        self._power_w, self._base_ohm, self._rest_until_s = [60.0] * needles, [1e9] * needles, [0.0] * needles
        self.rolloffs = self.switches = 0
        burn.connect({0})

    def __call__(self, t_s: float) -> float:
        """Power from ``t_s`` on, W; connects the needle that gets it."""
        on, ohm = self._on, self._burn.impedance_ohm
        self._base_ohm[on] = min(self._base_ohm[on], ohm)
        rolled = ohm > self._base_ohm[on] + self._rise_ohm and t_s >= self._rest_until_s[on]
        if rolled:
            self.rolloffs += 1
            self._power_w[on] *= 0.7
            self._rest_until_s[on] = t_s + 15.0
        if rolled or t_s - self._since_s >= 30.0 or t_s < self._rest_until_s[on]:
            ready = [n % self._count for n in range(on + 1, on + 1 + self._count)]
            ready = [n for n in ready if t_s >= self._rest_until_s[n]]
            if not ready:
                return 0.0
            self._on, self._since_s = ready[0], t_s
            self.switches += self._on != on
            self._burn.connect({self._on})
            self._burn.power_switched()
        self._power_w[self._on] = min(self._power_w[self._on] + DT_S, 200.0)
        return self._power_w[self._on]


def switched(mesh: str) -> tuple[SolidBurn, Callable[[float], float]]:
    """Three switched needles."""
    group = applicator_from(NEEDLES)
    assert isinstance(group, ElectrodeGroup)
    burn = SolidBurn(group, tissue_named("exvivo_bovine"), mesh)
    return burn, SwitchingRule(burn)


def array(mesh: str) -> tuple[SolidBurn, Callable[[float], float]]:
    """An array of ten tines, its impedance held below 1.3 times the least."""
    group = applicator_from(ARRAY)
    assert isinstance(group, ElectrodeGroup)
    burn = SolidBurn(group, tissue_named("invivo_porcine"), mesh)
    least_ohm = [1e9]

    def rule(t_s: float) -> float:
        least_ohm[0] = min(least_ohm[0], burn.impedance_ohm)
        return min(50.0 + t_s / 6.0, 90.0) if burn.impedance_ohm < 1.3 * least_ohm[0] else 10.0

    return burn, rule


def antennas(mesh: str) -> tuple[SolidBurn, Callable[[float], float]]:
    """Three antennas, 30 W each."""
    group = applicator_from(ANTENNAS)
    assert isinstance(group, AntennaGroup)
    return SolidBurn(group, tissue_named("exvivo_bovine"), mesh), lambda t_s: 90.0


def run(
    build: Callable[[str], tuple[SolidBurn, Callable[[float], float]]], mesh: str
) -> tuple[float, float, SolidBurn]:
    """Wall and CPU seconds of 12 minutes, construction not counted, and the burn."""
    burn, rule = build(mesh)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for k in range(round(DURATION_S / DT_S)):
        burn.step(DT_S, rule(k * DT_S), 10.0, FILM_W_M2K)
    return time.perf_counter() - wall_s, time.process_time() - cpu_s, burn


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row a case and mesh."""
    began_s = time.perf_counter()
    for build in (switched, antennas):
        burn, _ = build("fast")
        burn.step(1.0, 30.0, 10.0, FILM_W_M2K)
    yield Row("first call", time.perf_counter() - began_s, "s", note="compiles, or loads the cache")
    for name, build in (("three switched needles", switched), ("array, 10 tines", array), ("three antennas", antennas)):
        for mesh in given.meshes.split(","):
            timed = [run(build, mesh) for _ in range(given.runs)]
            wall_s, cpu_s = min(t[0] for t in timed), min(t[1] for t in timed)
            effort, zone = timed[0][2].effort(), timed[0][2].zone()
            note = (
                f"{wall_s:.2f} s, CPU {cpu_s:.2f} s; core {SPACINGS[mesh].core_m * 1e3:.2f} mm, {effort['cells']:.0f} "
                f"cells, {effort['steps']:.0f} steps, {effort['solves']:.0f} fields; zone {zone['short_axis_mm']:.1f} "
                f"x {zone['long_axis_mm']:.1f} mm, balance {timed[0][2].balance()['residual']:.0e}"
            )
            least = REAL_TIME.get(mesh)
            times = DURATION_S / wall_s
            what = f"{name}, {mesh}"
            yield Row(what, times, "x", note=note) if least is None else at_least(what, times, "x", least, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    meshes = (str, "fast,fine", f"which of {', '.join(SPACINGS)}")
    return command(__doc__, measured, meshes=meshes, runs=(int, 2, "runs of each case"))


if __name__ == "__main__":
    raise SystemExit(main())
