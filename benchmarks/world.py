"""How many times real time the simulated world runs: ``python -m benchmarks.world [--calls N]``.

One 12-minute pulsed application on the 17 G, 3 cm needle in bovine liver, on each mesh alone, and on the fast mesh as
a bench drives it: 20 ticks and 100 calls per simulated second. CPU seconds of this process; the first line says what
compilation cost.
"""

from __future__ import annotations

import argparse
import time

from sim.world.bench import World
from sim.world.burn import Burn
from sim.world.grid import MESHES
from sim.world.needle import FILM_W_M2K, needle_from
from sim.world.properties import tissue_named
from sim.world.warm import BENCH_APPLICATOR, warm

DURATION_S = 720.0


class PulsedRule:
    """Ramp from 60 W by 60 W/min; 20 ohm over the least impedance: 10 W for 15 s, then on at 70 %."""

    def __init__(self) -> None:
        self.power_w, self.base_ohm, self.off_s = 60.0, 1e9, -1e9

    def __call__(self, t_s: float, ohm: float, dt_s: float) -> float:
        if t_s - self.off_s < 15.0:
            return 10.0
        self.power_w = min(self.power_w + dt_s, 200.0, 4.0 * ohm)
        self.base_ohm = min(self.base_ohm, ohm)
        if ohm > self.base_ohm + 20.0:
            self.off_s, self.power_w = t_s, 0.7 * self.power_w
            return 10.0
        return self.power_w


def plant(mesh: str) -> tuple[float, Burn]:
    """CPU seconds of the tissue alone, with the rule at 10 Hz."""
    burn = Burn(needle_from(BENCH_APPLICATOR), tissue_named("exvivo_bovine"), mesh)
    rule = PulsedRule()
    began_s = time.process_time()
    for k in range(round(DURATION_S * 10)):
        ohm = burn.impedance_ohm + 8.0
        burn.step(0.1, rule(k / 10, ohm, 0.1) * burn.impedance_ohm / ohm, 10.0, FILM_W_M2K)
    return time.process_time() - began_s, burn


def bench(calls_per_tick: int) -> tuple[float, World]:
    """CPU seconds of the whole world, driven and read at 20 Hz with ``calls_per_tick`` advances per tick."""
    world = World(BENCH_APPLICATOR, {"tissue": "exvivo_bovine"}, seed=1)
    rule = PulsedRule()
    world.pump(80.0)
    began_s = time.process_time()
    for k in range(round(DURATION_S * 20)):
        for c in range(calls_per_tick):
            world.advance(k * 0.05 + c * 0.05 / calls_per_tick)
        world.drive_load(rule(k * 0.05, world.load_ohm, 0.05))
        for name in ("tip", "tissue_10mm", "tissue_20mm", "coolant_in"):
            world.temperature_c(name)
        _ = world.flow_ml_min, world.coolant_c
    return time.process_time() - began_s, world


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5, help="calls of advance per 50 ms tick (default 5)")
    calls = parser.parse_args().calls
    print(f"first call (compiles, or loads the cache): {warm():.2f} s")
    print(
        f"{'run':<22}{'cells':>7}{'CPU s':>9}{'x real time':>13}{'steps':>8}{'fields':>8}"
        f"{'SAD mm':>8}{'LAD mm':>8}{'balance':>10}"
    )
    for mesh in MESHES:
        cpu_s, burn = min((plant(mesh) for _ in range(3 if mesh == "fast" else 1)), key=lambda pair: pair[0])
        effort, zone = burn.effort(), burn.zone()
        print(
            f"{'plant, ' + mesh:<22}{effort['cells']:>7.0f}{cpu_s:>9.3f}{DURATION_S / cpu_s:>13.0f}"
            f"{effort['steps']:>8.0f}{effort['solves']:>8.0f}{zone['short_axis_mm']:>8.1f}{zone['long_axis_mm']:>8.1f}{burn.balance()['residual']:>10.0e}"
        )
    cpu_s, world = min((bench(calls) for _ in range(3)), key=lambda pair: pair[0])
    zone = world.zone()
    print(
        f"{f'bench, {20 * calls} calls/s':<22}{'':>7}{cpu_s:>9.3f}{DURATION_S / cpu_s:>13.0f}{'':>16}"
        f"{zone['short_axis_mm']:>8.1f}{zone['long_axis_mm']:>8.1f}{world.balance()['residual']:>10.0e}"
    )


if __name__ == "__main__":
    main()
