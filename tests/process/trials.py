"""Many trials of one injected fault, judged by what the tissue received, and the account of how long it took.

A trial whose time is above its bound may be repeated when it was not the watchdog's doing. An "off" that came in time
could not have been obeyed in time: the emulator itself was kept waiting for a processor for longer than the excess, or
the watchdog's record says that it had handed over its bytes within the bound. A pseudo-terminal keeps them until a
worker of the kernel, an ordinary process among the others, carries them over; a real port does not. Or a daemon that
was killed was not dead yet, which takes each of its threads a processor, and the one that writes the record an answer
of the disk: power was gone within the bound of a moment at which it was still dying. Repetitions are counted and shown,
and of many trials few may need one.

A fault that must end nothing has no bound and no times: what is counted is in how many trials the energy went on.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

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
    """Times to 0 W of one kind of fault, s. ``bound_s`` None: the energy must go on, and ``went_on`` counts it."""

    name: str
    bound_s: float | None
    times_s: list[float] = field(default_factory=list)
    repeated: int = 0
    starts_repeated: int = 0
    failed: list[str] = field(default_factory=list)  # trials in which something else was wrong, before or after 0 W
    went_on: int = 0

    @property
    def trials(self) -> int:
        """Those that came to their end."""
        return len(self.times_s) + self.went_on

    @property
    def late(self) -> int:
        """Trials above the bound."""
        return 0 if self.bound_s is None else sum(time_s > self.bound_s for time_s in self.times_s)

    @property
    def text(self) -> str:
        """One line for the report."""
        ms = [time_s * 1e3 for time_s in self.times_s] or [float("nan")]
        spread = f"{min(ms):7.1f} {statistics.median(ms):7.1f} {max(ms):7.1f}"
        repeated = f", {self.repeated} repeated: emulator, line or death late" if self.repeated else ""
        wrong = f", {self.late} LATE" if self.late else ""
        wrong += f", {len(self.failed)} FAILED" if self.failed else ""
        starts = f", {self.starts_repeated} starts repeated" if self.starts_repeated else ""
        if self.bound_s is None:
            return f"{self.name:32s} the energy went on, {self.trials} trials{wrong}{starts}"
        bound = f"bound {self.bound_s * 1e3:.0f} ms, {self.trials} trials"
        return f"{self.name:32s} min/median/max {spread} ms, {bound}{wrong}{repeated}{starts}"


FIGURES: dict[str, Figure] = {}


@dataclass(frozen=True)
class Fault:
    """One kind of fault. ``inject`` does it and returns when it began; ``after`` is done once the power has gone."""

    name: str
    bound_s: float
    inject: Callable[[Live], float]
    after: Callable[[Live, float], Trip | None]
    causes: frozenset[tuple[str, str]]
    """Of the latch, any of these: (hazard, the watchdog's rule or else the monitor). None: a stop without a trip."""
    unruly: bool = False
    trials: int = TRIALS
    undo: Callable[[Emulated], object] = lambda emulated: None  # whatever became of the trial; before the next one


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
    return _all_right(figure, fault.trials)


def _all_right(figure: Figure, trials: int) -> Figure:
    assert figure.failed == [], figure.failed
    assert figure.trials == trials
    assert figure.late == 0, sorted(figure.times_s)[-5:]
    if trials > MANY:
        assert figure.starts_repeated <= REPEATED_SHARE * trials, STARTS_REPEATED
        assert figure.repeated <= REPEATED_SHARE * trials, figure.text
    return figure


@contextlib.contextmanager
def _counted(figure: Figure, trials: int) -> Iterator[None]:
    """What goes wrong fails the test; among many trials it is one that has failed, and the others go on."""
    try:
        yield
    except (AssertionError, OSError) as error:
        if trials <= MANY:
            raise
        figure.failed.append(str(error)[:300])


def judge_together(
    benches: Sequence[Emulated],
    name: str,
    bound_s: float,
    strike: Callable[[list[Live]], list[float]],
    trials: int = TRIALS,
) -> Figure:
    """As :func:`judge`, for a fault that spares nobody on this machine: it strikes all benches at the same moment.

    ``strike`` gives each one's time. No trial is repeated.
    """
    figure = FIGURES[name] = Figure(name, bound_s)
    for begin in range(0, trials, len(benches)):
        some = benches[: trials - begin]
        with _counted(figure, trials):
            with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(some)) as pool:
                starts = [pool.submit(started, each, each.steady, figure, stack, trials) for each in some]
                times_s = strike([start.result() for start in starts])
            figure.times_s += times_s
    return _all_right(figure, trials)


def judge_going_on(
    name: str,
    trials: int,
    application: Callable[[Figure], contextlib.AbstractContextManager[Callable[[], None]]],
    each: int,
) -> Figure:
    """Trials of a fault that must end nothing, ``each`` of them in one application, which gives what does one. They
    count when that application has ended well too."""
    figure = FIGURES[name] = Figure(name, None)
    for begin in range(0, trials, each):
        count = min(each, trials - begin)
        with _counted(figure, trials):
            with application(figure) as once:
                for _ in range(count):
                    once()
            figure.went_on += count
    return _all_right(figure, trials)


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


def started(
    emulated: Emulated,
    protocol: Path,
    figure: Figure,
    stack: contextlib.ExitStack,
    trials: int,
    bench: Path | None = None,
) -> Live:
    """A bench under power. Among many trials a start that failed is no trial of the fault: repeated, and counted."""
    for _ in range(STARTS_MAX - 1 if trials > MANY else 0):
        try:
            return stack.enter_context(firing(emulated, protocol, bench))
        except (AssertionError, OSError) as error:
            figure.starts_repeated += 1
            STARTS_REPEATED.append(str(error)[:200])
    return stack.enter_context(firing(emulated, protocol, bench))


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
        protocol = emulated.unruly_protocol if fault.unruly else emulated.steady
        live = started(emulated, protocol, figure, stack, fault.trials)
        stack.callback(fault.undo, emulated)
        fired_s = min(t_s for t_s, power_w in emulated.log.steps if power_w > 0.0 and t_s > zero_since_s)
        assert zero_since_s == 0.0 or fired_s - zero_since_s >= ZERO_FOR_S
        waited = waited_s(emulated.emulator)
        begin_s = fault.inject(live)
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
        starved_s = waited_s(emulated.emulator) - waited
        trip = fault.after(live, begin_s)
        off_s = emulated.log.off_s(begin_s)
        assert off_s is not None, "the power came back"
        assert (trip is None) == (not fault.causes), trip
        if trip is not None:
            what = trip.channel if trip.monitor == "watchdog" and trip.channel else trip.monitor
            assert (trip.hazard, what) in fault.causes, trip
    time_s = off_s - begin_s
    handed_over = handed_over_s(emulated, begin_s) - begin_s <= fault.bound_s
    dying = off_s - live.dying_s <= fault.bound_s
    return time_s, handed_over or dying or starved_s >= time_s - fault.bound_s
