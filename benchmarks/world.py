"""How many times real time the simulated world runs: ``python -m benchmarks.world [--meshes fast,fine]``.

One 12-minute pulsed application on the 17 G, 3 cm needle in bovine liver, which boils at every pulse, on each mesh; ten
minutes of a cooled microwave antenna; and the needle as a bench drives it: 20 ticks and 100 calls per simulated second.
CPU seconds of this process, the least of some runs; the first line says what compilation cost. The last lines compare
the heat step with a bare five-point stencil, the least that any explicit step must do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Row, at_least, command
from sim.world.applicator import Antenna
from sim.world.bench import World
from sim.world.burn import Burn
from sim.world.catalogue import applicator_from
from sim.world.grid import MESHES
from sim.world.needle import FILM_W_M2K, needle_from
from sim.world.properties import tissue_named
from sim.world.warm import BENCH_APPLICATOR, warm

DURATION_S = 720.0
MICROWAVE_S = 600.0
RUNS = {"fast": 5, "fine": 3, "reference": 1}
PULSED_REAL_TIME = {"fast": DURATION_S / 0.10, "fine": DURATION_S / 0.5}
MICROWAVE_REAL_TIME = {"fast": MICROWAVE_S / 0.10}
STENCIL_SHARE = 0.4
"""What is wanted: seconds of CPU for the whole burn, and of a bare stencil's rate."""


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


def antenna(mesh: str) -> tuple[float, Burn]:
    """CPU seconds of ten minutes at 60 W into tissue, driven at 10 Hz."""
    probe = applicator_from({"kind": "microwave-antenna", "antenna": "cooled-2450"})
    assert isinstance(probe, Antenna)
    burn = Burn(probe, tissue_named("exvivo_porcine"), mesh)
    began_s = time.process_time()
    for _ in range(round(MICROWAVE_S * 10)):
        burn.step(0.1, 60.0, 15.0, probe.film_w_m2k)
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


@numba.njit(fastmath=True, error_model="numpy")
def _stencil(x: NDArray[np.float64], y: NDArray[np.float64], nz: int, times: int) -> None:
    for _ in range(times):
        middle, out, above = y[nz:-nz], x[2 * nz :], x[nz + 1 :]
        here, below = x[nz:-nz], x[nz - 1 :]
        for c in range(middle.size):
            middle[c] = here[c] + 0.1 * (out[c] + x[c] + above[c] + below[c] - 4.0 * here[c])


def rates(mesh: str) -> tuple[float, float]:
    """Cells per second: of the march with its heat step, state laws, damage and sensitivity, and of a bare stencil."""
    burn = Burn(needle_from(BENCH_APPLICATOR), tissue_named("exvivo_bovine"), mesh)
    burn.step(0.1, 0.0, 20.0, FILM_W_M2K)
    nr, nz = burn.grid.code.shape
    x, y = np.random.default_rng(1).random(nr * nz), np.zeros(nr * nz)
    _stencil(x, y, nz, 1)
    march_s, stencil_s = [], []
    for _ in range(5):
        before, began_s = burn.effort()["steps"], time.process_time()
        burn.step(40.0, 0.0, 20.0, FILM_W_M2K)
        march_s.append((time.process_time() - began_s) / (burn.effort()["steps"] - before))
        began_s = time.process_time()
        _stencil(x, y, nz, 20000)
        stencil_s.append((time.process_time() - began_s) / 20000)
    return nr * nz / min(march_s), nr * nz / min(stencil_s)


def _row(name: str, cpu_s: float, duration_s: float, burn: Burn, least: float | None = None) -> Row:
    effort, zone = burn.effort(), burn.zone()
    note = (
        f"{cpu_s:.3f} s CPU, {effort['cells']:.0f} cells, {effort['steps']:.0f} steps, {effort['solves']:.0f} fields; "
        f"zone {zone['short_axis_mm']:.1f} x {zone['long_axis_mm']:.1f} mm, balance {burn.balance()['residual']:.0e}"
    )
    times = duration_s / cpu_s
    return Row(name, times, "x", note=note) if least is None else at_least(name, times, "x", least, note)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Times real time of each case; the heat step beside a bare stencil."""
    meshes = given.meshes.split(",")
    yield Row("first call", warm(), "s", note="compiles, or loads the cache")
    for mesh in meshes:
        cpu_s, burn = min((plant(mesh) for _ in range(RUNS[mesh])), key=lambda pair: pair[0])
        yield _row(f"needle, {mesh}", cpu_s, DURATION_S, burn, PULSED_REAL_TIME.get(mesh))
    for mesh in meshes:
        if mesh != "reference":
            cpu_s, burn = min((antenna(mesh) for _ in range(RUNS[mesh])), key=lambda pair: pair[0])
            yield _row(f"antenna, {mesh}", cpu_s, MICROWAVE_S, burn, MICROWAVE_REAL_TIME.get(mesh))
    cpu_s, world = min((bench(given.calls) for _ in range(3)), key=lambda pair: pair[0])
    note = f"20 ticks and {20 * given.calls} calls a second; energy balance {world.balance()['residual']:.0e}"
    yield Row("world as a bench drives it", DURATION_S / cpu_s, "x", note=note)
    for mesh in meshes:
        if mesh != "reference":
            ours, bare = rates(mesh)
            yield Row(
                f"march, {mesh}", ours / 1e9, "Gcells/s", "bare five-point stencil", bare / 1e9, ours / bare,
                f">= {STENCIL_SHARE:g} x", ours / bare >= STENCIL_SHARE,
            )  # fmt: skip


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(
        __doc__,
        measured,
        calls=(int, 5, "calls of advance per 50 ms tick"),
        meshes=(str, ",".join(MESHES), "which meshes"),
    )


if __name__ == "__main__":
    raise SystemExit(main())
