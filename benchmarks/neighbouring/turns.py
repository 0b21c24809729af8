"""Turns of a daemon's neighbours: who was at work, and how late and how held the ticks of that time were."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from benchmarks.daemons.powered import end, skipped
from benchmarks.daemons.probe import Seen
from benchmarks.daemons.processes import cpu_s
from benchmarks.neighbouring.loads import Neighbour, Work
from benchmarks.neighbouring.site import Earlier, Site, under_power

RATE_HZ = 100
SETTLE_S = 0.7
"""A load has begun for so long before its turn does: who has just been started is not at work yet."""
AROUND_S = 10.0
"""The most that the begin and the end of a load take beside its turn."""
QUIET = "quiet"


class Turn(NamedTuple):
    """One load, and the ticks meanwhile. ``cpu_s``: of the daemon; ``neighbour_cpu_s``: of the neighbour's own."""

    name: str
    begin_s: float
    end_s: float
    cpu_s: float
    neighbour_cpu_s: float
    work: Work
    """From the begin of the load to its end."""
    ticks: Sequence[Seen] = ()


class Round(NamedTuple):
    """Turns of one daemon, and why others are left out."""

    turns: list[Turn]
    lacks: dict[str, str]


def round_of(neighbours: Mapping[str, Neighbour], earlier: Earlier, seconds: float) -> Round:
    """Time each neighbour once, in turns with nobody at work.

    Raises :class:`Tripped` when the daemon does so.
    """
    turns: list[Turn] = []
    lacks: dict[str, str] = {}
    with under_power(earlier, RATE_HZ, 2 * len(neighbours) * (seconds + AROUND_S)) as site:
        for name, neighbour in neighbours.items():
            turns.append(_turn(site, QUIET, None, seconds))
            if lack := neighbour.lacks(site):
                lacks[name] = lack
            else:
                turns.append(_turn(site, name, neighbour, seconds))
        end(site.live)
        seen = site.probed().ticks
    return Round([t._replace(ticks=[tick for tick in seen if t.begin_s <= tick.t_s < t.end_s]) for t in turns], lacks)


def _turn(site: Site, name: str, neighbour: Neighbour | None, seconds: float) -> Turn:
    def used_s() -> tuple[float, float]:
        return sum(cpu_s(site.live.pids.daemon).values()), neighbour.cpu_s(site) if neighbour is not None else 0.0

    with neighbour.load(site) if neighbour is not None else nullcontext(Counter[str]()) as work:
        time.sleep(SETTLE_S)
        begin_s, (before_s, beside_s) = time.monotonic(), used_s()
        time.sleep(seconds)
        end_s, (after_s, later_s) = time.monotonic(), used_s()
    return Turn(name, begin_s, end_s, after_s - before_s, later_s - beside_s, work)


class Account:
    """Of all turns of one name.

    Attributes:
        ticks: How many.
        late_us: How late each was, sorted.
        held_ms: What of that the daemon's process held, sorted.
        skipped: Deadlines without a tick.
        cpu_us: Of the daemon, for a tick.
        share: Of a core that the neighbour's processes took, %.
        work: What was done.
    """

    def __init__(self, turns: Iterable[Turn]) -> None:
        turns = list(turns)
        ticks = [tick for turn in turns for tick in turn.ticks]
        self.ticks = len(ticks)
        self.late_us = sorted(1e6 * tick.late_s for tick in ticks)
        self.held_ms = sorted(1e3 * tick.held_s for tick in ticks)
        self.skipped = sum(skipped([tick.t_s - tick.late_s for tick in turn.ticks], RATE_HZ) for turn in turns)
        self.cpu_us = 1e6 * sum(turn.cpu_s for turn in turns) / len(ticks)
        seconds = sum(turn.end_s - turn.begin_s for turn in turns)
        self.share = 100.0 * sum(turn.neighbour_cpu_s for turn in turns) / seconds
        self.work = sum((turn.work for turn in turns), Counter[str]())


def p99(ordered: Sequence[float]) -> float:
    """Of sorted values."""
    return ordered[int(0.99 * len(ordered))]
