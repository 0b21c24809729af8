"""``docs/scale.md`` from what ``python -m benchmarks.scale`` kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.rows import number
from benchmarks.scaling.points import CURVES, Curve, Point

HEAD = """# How cost grows

Written by `python -m benchmarks.scale`, then `--page docs/scale.md`: what a bench costs as it gets more devices, faster
ticks, longer sessions; how many benches a broker carries; what processes bring to a campaign. Below each curve stands
where it bends, and why. A curve that is not here was not measured in this run.
"""
WHY = {
    "devices": """\
Rehearsed at 20 Hz, emulators and tissue included: an uncooled needle, then flow sensors, each asked ten times a
second. A device costs what its exchanges cost on both sides of the wire, and the tick itself (`own_tick_us`) its share
of a snapshot and of the interlocks that its declaration brings. The offset is the tissue and the tick of a bench with
the least devices. Nothing bends it, for nothing queues: every device has a port and a task of its own. Several devices
on one serial line would meet that line's limit long before the processor's.""",
    "ticks": """\
Rehearsed with four devices. The curve is close to a line; its offset is the devices, which are asked at their own rate
whatever the tick's, and the tissue: below 20 Hz little is left to be saved. What can bend it upwards is in the
interlocks: those of power look back over a window of time (`extremes` in `safety/monitors/power.py`), which holds more
set-points the faster the ticks, and every tick looks at each of them. The file grows with the ticks, for every one is
recorded while power flows. A bench file asks for 10 to 200 a second: slower, a permit (0.15 s) and a hold (0.3 s) would
lapse between two ticks. A rate that is not here was refused, or tripped, and the command said why.""",
    "session": """\
One session with an application every ten minutes and a benign fault in each, as `make soak` runs it; the last
column is a process of its own that verifies the file. Memory is that of daemon, emulators and tissue together: it
bends after the first applications, when caches, modules and the tissue's matrices are there. The file, and with it the
time to verify it, grows with what was measured; at rest one tick a second is kept. CPU a second of bench time is that
of the stretch since the row above.""",
    "broker": """\
Real sessions with their publishers, 20 channels each, in two processes on one mosquitto, beside a subscriber that
counts every tick. A bench sends a message for every commit of its record, at most twelve a second whatever its tick
rate. What costs is the benches' own processes, where some dozen share an interpreter; at a site each has a computer.
Where `late_s` and `lag_s` rise, these processes have no more time, and it is their curve that bends, not the broker's:
`messages_per_s` then falls behind the benches because more ticks go into each message, and none is lost.""",
    "campaign": """\
Runs of a fault campaign, each with the whole stack; the dashed line is what one process would give times their
number. Runs share nothing, so the curve is straight up to the cores there are and flat beyond them; what it lacks
before is what else the machine does.""",
}
"""What a reader wants to know of each curve beside its figures."""


def render(told: Mapping[str, Any], picture: str) -> str:
    """The page, from the JSON file of one run; ``picture``: where the page finds the figure."""
    points = [Point(**point) for point in told["points"]]
    return "\n".join([HEAD, *_machine(told), "", f"![The curves]({picture})", *_curves(points), ""])


def _machine(told: Mapping[str, Any]) -> Iterator[str]:
    quick = "; a first look (`--quick`)" if told["quick"] else ""
    yield f"Measured {told['utc']} UTC at revision {str(told['revision'])[:12]}{quick}: {told['processor']},"
    yield f"{told['cores']} cores, load {told['load']} when it ended; Python {told['python']}, {told['system']}."


def _curves(points: Sequence[Point]) -> Iterator[str]:
    for curve in CURVES:
        mine = [point for point in points if point.curve == curve.name]
        if mine:
            yield from ("", f"## {curve.name.capitalize()}", "", *_table(curve, mine), "", WHY[curve.name])


def _table(curve: Curve, points: Sequence[Point]) -> Iterator[str]:
    names = list(points[0].values)
    yield f"| {curve.x} | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for point in points:
        yield f"| {point.x:.3g} | {' | '.join(number(point.values[name]) for name in names)} |"
