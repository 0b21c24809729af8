"""What a control tick computes, part by part: ``python -m benchmarks.tick_parts [--seconds N] [--json]``.

The daemon's own tick on the shipped bench of six devices, rehearsed through one application, with the time that its
parts take while power flows: what is awaited (the set-point's way to the generator) is left out, what is computed to
send it is a part of its own. Time stands still while the processor works, so no other process is in the figures but
through its caches. Own cost: all but the device's part. The kernel's steps are made again in a loop of their own, where
nothing takes the caches in between.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.rows import Row, at_most, command
from controller.config import setup as setups
from controller.config.setup import Setup
from controller.daemon.application import Application
from controller.treatment.runner import act_of
from safety import kernel
from safety.gate import Gate
from safety.kernel import Config, KernelState
from safety.types import Inputs, Outputs, State
from sim import rehearsal
from sim.clock import VirtualLoop

BENCH, PROTOCOL = "cooled-rf-sim", "cooled-needle-3cm-12min"
OWN_MOST_US = 25.0
WHOLE, DEVICE = "whole", "set-point to the generator's driver"
KERNEL, RECORD = "interlocks and state", "record, handing over"
MOST_US = {KERNEL: 50.0, RECORD: 2.0}
AGAIN_S, AGAIN = 20.0, 10


class Parts:
    """Microseconds of each part in each tick with power."""

    def __init__(self) -> None:
        self.us: dict[str, list[float]] = defaultdict(list)
        self._now: dict[str, float] = defaultdict(float)

    def timed(self, name: str, what: Callable[..., Any]) -> Callable[..., Any]:
        """``what``, with its time counted."""

        def call(*args: Any, **more: Any) -> Any:
            began_s = time.perf_counter()
            try:
                return what(*args, **more)
            finally:
                self._now[name] += time.perf_counter() - began_s

        return call

    def awaited(self, name: str, what: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """The same for a coroutine: from one wait to the next, and nothing of the waits."""

        async def call(*args: Any, **more: Any) -> Any:
            return await _Stepped(what(*args, **more), self._now, name)

        return call

    def keep(self, counts: bool) -> None:
        """A tick is over."""
        if counts:
            self._now[DEVICE] += 0.0  # also where nothing had to be sent
            for name, took_s in self._now.items():
                self.us[name].append(took_s * 1e6)
        self._now.clear()

    def own_us(self) -> list[float]:
        """Of each tick, without the device's part."""
        return [took - sent for took, sent in zip(self.us[WHOLE], self.us[DEVICE], strict=True)]


class _Stepped:
    """Awaits a coroutine and adds up the time of its steps."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], took: dict[str, float], name: str) -> None:
        self._coroutine, self._took, self._name = coroutine, took, name

    def __await__(self) -> Generator[Any, Any, Any]:
        step = partial(self._coroutine.send, None)
        while True:
            began_s = time.perf_counter()
            try:
                waited_for = step()
            except StopIteration as done:
                return done.value
            finally:
                self._took[self._name] += time.perf_counter() - began_s
            try:
                yield waited_for
            except BaseException as error:  # a time-out, thrown in from outside, belongs to the coroutine
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, None)


def parts_of(setup: Setup, seconds: float) -> Parts:
    """A rehearsal until ``seconds`` of power have been measured, or its end."""
    found = Parts()
    folder, clean = rehearsal.scratch()
    kernel_step, decide, law_step = kernel.step, Gate.decide, Application.step
    kernel.step = found.timed(KERNEL, kernel_step)
    Gate.decide = found.timed("gate", decide)  # type: ignore[method-assign]
    Application.step = found.timed("law", law_step)  # type: ignore[method-assign]
    wanted = round(seconds * setup.bench.bench.tick_hz)

    async def main() -> None:
        run = rehearsal.Rehearsal(setup, seed=1, faults=(), out=folder)
        begin = run.daemon.start

        async def start() -> None:
            await begin()
            loop, source = run.daemon.control, run.daemon.instruments.source
            run.daemon.recorder.tick = found.timed(RECORD, run.daemon.recorder.tick)  # type: ignore[method-assign]
            loop._watchdog.beat = found.timed("watchdog's beat", loop._watchdog.beat)  # type: ignore[method-assign]
            source.apply = found.awaited(DEVICE, source.apply)  # type: ignore[method-assign]
            whole = found.awaited(WHOLE, loop.tick)

            async def tick(now_s: float) -> Any:
                out = await whole(now_s)
                found.keep(out.state is State.FIRING)
                return out

            loop.tick = tick  # type: ignore[method-assign]

        run.daemon.start = start  # type: ignore[method-assign]
        await run.run(act_of(setup), lambda status: None, lambda: len(found.us[WHOLE]) >= wanted)

    try:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(math.inf)) as runner:
            runner.run(main())
    finally:
        kernel.step, Gate.decide, Application.step = kernel_step, decide, law_step  # type: ignore[method-assign]
        clean()
    return found


def again_us(setup: Setup) -> list[float]:
    """Of each step of the kernel in a rehearsal, made again ``AGAIN`` times, one behind the other."""
    kernel_step = kernel.step
    steps: list[tuple[Config, KernelState, Inputs, float]] = []

    def step(config: Config, state: KernelState, inputs: Inputs, now_s: float) -> tuple[KernelState, Outputs]:
        if state.state is State.FIRING:
            steps.append((config, state, replace(inputs, snapshot=dict(inputs.snapshot)), now_s))
        return kernel_step(config, state, inputs, now_s)

    kernel.step = step
    try:
        parts_of(setup, AGAIN_S)
    finally:
        kernel.step = kernel_step
    took_us = []
    for given in steps * AGAIN:
        began_s = time.perf_counter()
        kernel_step(*given)
        took_us.append((time.perf_counter() - began_s) * 1e6)
    return took_us


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """The whole, then its parts; medians."""
    setup = setups.load(BENCH, PROTOCOL)
    parts_of(setup, 2.0)  # compiles, or loads the cache
    found = parts_of(setup, given.seconds)
    us, own = found.us, found.own_us()
    sent = us.pop(DEVICE)
    del us[WHOLE]
    p99 = sorted(own)[int(0.99 * len(own))]
    note = f"p99 {p99:.0f} us; {len(own)} ticks with power; parts below"
    yield at_most("tick, own cost without I/O, p50", statistics.median(own), "us", OWN_MOST_US, note)
    parts = {name: statistics.median(took) for name, took in us.items()}
    for name, took in sorted(parts.items(), key=lambda part: -part[1]):
        most_us = MOST_US.get(name)
        yield Row(f"  {name}", took, "us") if most_us is None else at_most(f"  {name}", took, "us", most_us)
    yield Row("  the rest: snapshot, demand's way", statistics.median(own) - sum(parts.values()), "us")
    yield Row(f"  {DEVICE}", statistics.median(sent), "us", note="codec and port; not in the own cost")
    again = again_us(setup)
    note = f"p99 {sorted(again)[int(0.99 * len(again))]:.0f} us; {len(again)} steps of the kernel, inputs as in a run"
    yield at_most("interlocks and state, by themselves", statistics.median(again), "us", MOST_US[KERNEL], note)


def main() -> int:
    """Print the table; 1 when the target was missed."""
    return command(__doc__, measured, seconds=(float, 120.0, "of bench time with power"))


if __name__ == "__main__":
    raise SystemExit(main())
