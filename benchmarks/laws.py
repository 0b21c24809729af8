"""One tick of every law that ships: microseconds against the 20 us that a law may take, and against an empty call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.rows import Row, at_most, command
from controller.config.loading import load_protocol
from controller.config.shipped import shipped
from controller.laws import registry
from controller.laws.base import Observation
from controller.laws.levelling import Levelling
from safety.types import Demand, Permit, State

TICKS, ROUNDS, TICK_S = 2000, 7, 0.05
ALLOWED_US = 20.0
PERMIT = Permit(200.0, 1e9, 1, State.FIRING)
WANTED = Demand(50.0)


def observation(t_s: float, power_w: float, channels: tuple[int, ...] | None) -> Observation:
    """Tissue that warms and sometimes rolls off, nine tines."""
    z_ohm = 80.0 if t_s % 40.0 < 35.0 else 115.0
    return Observation(
        t_s,
        z_ohm,
        0.1,
        60.0,
        (50.0, 40.0),
        power_w,
        power_w,
        0.03 * power_w,
        12.0,
        80.0,
        (95.0,) * 9,
        20.0,
        channels,
        50.0,
    )


def _nothing(seen: Observation, permit: Permit, dt_s: float) -> Demand:
    return Demand(0.0)


def _levelled() -> Callable[[Observation, Permit, float], Demand]:
    """What the daemon does with the demand of every radio-frequency law."""
    state = Levelling()

    def step(seen: Observation, permit: Permit, dt_s: float) -> Demand:
        nonlocal state
        state, demand = state.step(WANTED, seen.power_w, seen.forward_w, permit, dt_s)
        return demand

    return step


def _tick_us(step: Callable[[Observation, Permit, float], Demand]) -> float:
    """Median over the ticks of one application."""
    seen: list[Observation] = []
    demand, spent_ns = Demand(0.0), []
    for tick in range(TICKS):
        seen.append(observation(tick * TICK_S, demand.power_w, demand.channels))
        began_ns = time.perf_counter_ns()
        demand = step(seen[-1], PERMIT, TICK_S)
        spent_ns.append(time.perf_counter_ns() - began_ns)
    return statistics.median(spent_ns) / 1e3


def measured() -> Iterator[Row]:
    """A row a law: the best of some rounds, as others use the machine too."""
    by_law: dict[str, Any] = {}
    for path in shipped("protocol").values():
        params = load_protocol(path).protocol.law
        by_law.setdefault(params.kind, params)
    empty_us = min(_tick_us(_nothing) for _ in range(ROUNDS))
    for kind, params in sorted(by_law.items()):
        best_us = min(_tick_us(registry.create(params).step) for _ in range(ROUNDS)) - empty_us
        yield at_most(f"law {kind}", best_us, "us", ALLOWED_US)
    levelled_us = min(_tick_us(_levelled()) for _ in range(ROUNDS)) - empty_us
    yield Row("levelling, besides", levelled_us, "us", note=f"the clock and an empty law: {empty_us:.1f} us, taken off")


def main() -> int:
    """Print the table; 1 when a law is too slow."""
    return command(__doc__, lambda _: measured())


if __name__ == "__main__":
    raise SystemExit(main())
