"""Whether a neighbour can hold the daemon: ``python -m benchmarks.neighbours [--rounds N] [--seconds N] [--json]``.

The simulated world, the panel, MQTT's publisher and exports are processes of their own, so that none of them can hold
the interpreter that ticks. Here each is kept at work while a real daemon delivers power at 100 Hz on pseudo-terminals
(the product's default is 20 Hz; more ticks say more), in turns: nobody at work, one neighbour, nobody, the next. All
are there all the time, but for exports, which are commands; what is quiet is their work.

Two figures are told for each, beside those of the quiet turns of the same run. How late ticks were, which grows for
everybody where processors are few. And what of that the daemon's own process held, without the time for which the
kernel had no processor for its loop: this a neighbour must not change, by more than half a millisecond at p99.

A figure that cannot miss its target says nothing. So in a last kind of turn a thread inside the daemon encodes large
messages, one to two of every ten milliseconds, while exports keep the machine as busy as in their own turns: that must
be seen.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.daemons.powered import Tripped, tried
from benchmarks.neighbouring.loads import INSIDE, NEIGHBOURS, Neighbour
from benchmarks.neighbouring.site import recorded
from benchmarks.neighbouring.turns import QUIET, Account, Turn, p99, round_of
from benchmarks.rows import Row, beside, command

ADDED_MS = 0.5
WITHIN = "a thread inside"
KINDS: Mapping[str, Neighbour] = {**NEIGHBOURS, WITHIN: INSIDE}
AGAINST = "nobody at work, same run"


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Two rows a neighbour, and one of the thread inside."""
    turns: list[Turn] = []
    lacks: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        earlier = recorded(Path(scratch), given.minutes)
        for number in range(given.rounds):
            kinds, first = list(KINDS.items()), number % len(KINDS)
            order = dict(kinds[first:] + kinds[:first])  # nobody comes behind the same one in every round
            try:
                found = tried(partial(round_of, order, earlier, given.seconds))
            except Tripped as trip:
                yield Row("neighbours at work", float("nan"), "", target="no trip", met=False, note=str(trip))
                return
            turns += found.turns
            lacks |= found.lacks
    yield from judged(turns, lacks)


def judged(turns: list[Turn], lacks: Mapping[str, str]) -> Iterator[Row]:
    """The rows of these turns; ``lacks``: neighbours that could not be had, and why."""
    quiet = Account(turn for turn in turns if turn.name == QUIET)
    for name in KINDS:
        if name in lacks:
            yield Row(f"{name} at work", float("nan"), "", note=lacks[name])
            continue
        loaded = Account(turn for turn in turns if turn.name == name)
        if name != WITHIN:
            yield _late(name, loaded, quiet)
        yield _held(name, loaded, quiet)


def _late(name: str, loaded: Account, quiet: Account) -> Row:
    """How late, and how hard the neighbour has worked meanwhile."""
    did = ", ".join(f"{count} {what}" for what, count in loaded.work.items())
    note = f"{did}; its processes {loaded.share:.0f} % of a core; {loaded.ticks} ticks, {quiet.ticks} quiet"
    what = f"{name} at work: tick late, p99"
    return beside(what, p99(loaded.late_us), "us", AGAINST, p99(quiet.late_us), None, note)


def _held(name: str, loaded: Account, quiet: Account) -> Row:
    """What the process held, and what else of its loop can tell."""
    ours, theirs = p99(loaded.held_ms), p99(quiet.held_ms)
    note = f"longest {loaded.held_ms[-1]:.1f} / {quiet.held_ms[-1]:.1f} ms, skipped "
    note += f"{100.0 * loaded.skipped / loaded.ticks:.1f} / {100.0 * quiet.skipped / quiet.ticks:.1f} %, "
    note += f"the daemon's CPU a tick {loaded.cpu_us:.0f} / {quiet.cpu_us:.0f} us"
    row = beside(f"{name} at work: held in process, p99", ours, "ms", AGAINST, theirs, None, note)
    if name == WITHIN:
        return row._replace(target=f"> quiet + {ADDED_MS:g} ms", met=ours > theirs + ADDED_MS)
    return row._replace(target=f"<= quiet + {ADDED_MS:g} ms", met=ours <= theirs + ADDED_MS)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(
        __doc__,
        measured,
        rounds=(int, 4, "of all neighbours, each with a daemon of its own"),
        seconds=(float, 5.0, "of a turn"),
        minutes=(float, 10.0, "length of the session that is exported and asked for again"),
    )


if __name__ == "__main__":
    raise SystemExit(main())
