"""Many trials of one injected fault, judged by what the tissue received, and the account of how long it took.

A trial whose time is above its bound may be repeated when it was not the watchdog's doing. An "off" that came in time
could not have been obeyed in time: the emulator itself was kept waiting for a processor for longer than the excess, or
the watchdog's record says that it had handed over its bytes within the bound. A pseudo-terminal keeps them until a
worker of the kernel, an ordinary process among the others, carries them over; a real port does not. Or a daemon that
was killed was not dead yet, which takes each of its threads a processor, and the one that writes the record an answer
of the disk: power was gone within the bound of a moment at which it was still dying. Repetitions are counted and shown,
and of many trials few may need one.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from safety import latch
from safety.types import Trip
from tests.process.bench import STARTS_REPEATED, Emulated, Live, firing
from tests.process.ends import wait_for, waited_s

TRIALS = int(os.environ.get("TRIALS", "20"))  # of each kind; `make trials` asks for 500
REPEATS_MAX = 2  # of one trial
MANY = 20
"""Above so many trials of a kind a start that failed is repeated, and a trial that failed does not end the others."""
STARTS_MAX = 3  # for one trial
REPEATED_SHARE = 0.05  # of many trials may be repeated, and of their starts
ZERO_FOR_S = 1.0  # for so long the power must stay away


@dataclass
class Figure:
    """Times to 0 W of one kind of fault, s."""

    name: str
    bound_s: float
    times_s: list[float] = field(default_factory=list)
    repeated: int = 0
    starts_repeated: int = 0
    failed: list[str] = field(default_factory=list)  # trials in which something else was wrong, before or after 0 W

    @property
    def late(self) -> int:
        """Trials above the bound."""
        return sum(time_s > self.bound_s for time_s in self.times_s)

    @property
    def text(self) -> str:
        """One line for the report."""
        ms = [time_s * 1e3 for time_s in self.times_s] or [float("nan")]
        spread = f"{min(ms):7.1f} {statistics.median(ms):7.1f} {max(ms):7.1f}"
        bound = f"bound {self.bound_s * 1e3:.0f} ms, {len(self.times_s)} trials"
        repeated = f", {self.repeated} repeated: emulator, line or death late" if self.repeated else ""
        wrong = f", {self.late} LATE" if self.late else ""
        wrong += f", {len(self.failed)} FAILED" if self.failed else ""
        starts = f", {self.starts_repeated} starts repeated" if self.starts_repeated else ""
        return f"{self.name:32s} min/median/max {spread} ms, {bound}{wrong}{repeated}{starts}"


FIGURES: dict[str, Figure] = {}


@dataclass(frozen=True)
class Fault:
    """One kind of fault. ``inject`` does it and returns when it began; ``after`` is done once the power has gone."""

    name: str
    bound_s: float
    inject: Callable[[Live], float]
    after: Callable[[Live, float], Trip]
    causes: frozenset[tuple[str, str]]  # of the latch, any of these: (hazard, the watchdog's rule or else the monitor)
    unruly: bool = False
    trials: int = TRIALS


def latched(emulated: Emulated) -> Trip:
    """The trip on disk."""
    wait_for(emulated.latch.exists, "the latch")
    trip = latch.parse(emulated.latch.read_text(), emulated.name)
    assert trip is not None
    return trip


def by_watchdog(live: Live, begin_s: float) -> Trip:
    """The watchdog has cut, killed the daemon, proved off, latched, and ended."""
    assert live.ended() == 75, live.last_words
    assert "energy cut, daemon killed, off is proven" in live.last_words
    return latched(live.emulated)


def judge(benches: Sequence[Emulated], fault: Fault) -> Figure:
    """All trials of ``fault``, shared out over benches that work side by side; AssertionError when one fails."""
    figure = FIGURES[fault.name] = Figure(fault.name, fault.bound_s)
    numbers = queue.SimpleQueue[int]()
    for number in range(fault.trials):
        numbers.put(number)
    with ThreadPoolExecutor(len(benches)) as pool:
        for done in [pool.submit(_trials, emulated, fault, figure, numbers) for emulated in benches]:
            done.result()
    assert figure.failed == [], figure.failed
    assert len(figure.times_s) == fault.trials
    assert figure.late == 0, sorted(figure.times_s)[-5:]
    if fault.trials > MANY:
        assert figure.starts_repeated <= REPEATED_SHARE * fault.trials, STARTS_REPEATED
        assert figure.repeated <= REPEATED_SHARE * fault.trials, figure.text
    return figure


def _trials(emulated: Emulated, fault: Fault, figure: Figure, numbers: queue.SimpleQueue[int]) -> None:
    zero_since_s = 0.0
    with contextlib.suppress(queue.Empty):
        while True:
            numbers.get_nowait()
            for repeat in range(REPEATS_MAX + 1):
                try:
                    off_s, excused = trial(emulated, fault, figure, zero_since_s)
                except (AssertionError, OSError) as error:
                    if fault.trials <= MANY:
                        raise
                    figure.failed.append(str(error)[:300])
                    break
                finally:
                    zero_since_s = emulated.log.off_s(0.0) or time.monotonic()
                if off_s <= fault.bound_s or not excused or repeat == REPEATS_MAX:
                    figure.times_s.append(off_s)
                    break
                figure.repeated += 1
    time.sleep(max(0.0, zero_since_s + ZERO_FOR_S - time.monotonic()))
    assert emulated.log.now_w == 0.0


def _started(emulated: Emulated, fault: Fault, figure: Figure, stack: contextlib.ExitStack) -> Live:
    """A bench under power. Among many trials a start that failed is no trial of the fault: repeated, and counted."""
    protocol = emulated.unruly_protocol if fault.unruly else emulated.steady
    for _ in range(STARTS_MAX - 1 if fault.trials > MANY else 0):
        try:
            return stack.enter_context(firing(emulated, protocol))
        except (AssertionError, OSError) as error:
            figure.starts_repeated += 1
            STARTS_REPEATED.append(str(error)[:200])
    return stack.enter_context(firing(emulated, protocol))


def handed_over_s(emulated: Emulated, begin_s: float) -> float:
    """When the watchdog, after ``begin_s``, had written "open" to the enable line and "off" to the generator, by its
    own record; infinity: it has recorded no cut, or one in which something could not be written.
    """
    for cut in reversed(emulated.cuts):
        if cut["t_mono_s"] >= begin_s and not cut["problems"] and all(d["written"] for d in cut["devices"].values()):
            return float(cut["t_mono_s"] + cut["timings_ms"]["off_written"] / 1e3)
    return math.inf


def trial(emulated: Emulated, fault: Fault, figure: Figure, zero_since_s: float) -> tuple[float, bool]:
    """One trial: the time to 0 W, and whether emulator, pseudo-terminal or a slow death may excuse it.

    ``zero_since_s``: since when, after the trial before, there must have been no power up to the next FIRE.
    """
    with contextlib.ExitStack() as stack:
        live = _started(emulated, fault, figure, stack)
        fired_s = min(t_s for t_s, power_w in emulated.log.steps if power_w > 0.0 and t_s > zero_since_s)
        assert zero_since_s == 0.0 or fired_s - zero_since_s >= ZERO_FOR_S
        waited = waited_s(emulated.emulator)
        begin_s = fault.inject(live)
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
        starved_s = waited_s(emulated.emulator) - waited
        trip = fault.after(live, begin_s)
        off_s = emulated.log.off_s(begin_s)
        assert off_s is not None, "the power came back"
        what = trip.channel if trip.monitor == "watchdog" and trip.channel else trip.monitor
        assert (trip.hazard, what) in fault.causes, trip
    time_s = off_s - begin_s
    handed_over = handed_over_s(emulated, begin_s) - begin_s <= fault.bound_s
    dying = off_s - live.dying_s <= fault.bound_s
    return time_s, handed_over or dying or starved_s >= time_s - fault.bound_s
