"""What the trials gave, as a summary for a terminal and as the page ``docs/laws.md``. Every figure is computed."""

from __future__ import annotations

import math
import statistics
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.config.loading import load_protocol
from controller.config.shipped import shipped
from controller.laws import registry
from sim.trials.arms import ARMS, Arm, draws_of
from sim.trials.race import LESS, MORE, OURS, THEIRS

Rows = Mapping[int, Mapping[str, Any]]
OVERSHOOT_C = 3.0
LATER_S, LATER_SHARE = 1.0, 0.02
"""A machine's own decision that impedance has risen takes about a second; a power meter is not right to the percent."""
WITHIN = 0.95
"""Share of draws that must not be later than that. Vapour comes in bursts of a second or two, each nearly as high as
the threshold: which burst is the first over it is chance, sooner as often as later, and no law can know."""
DELIVERED = 0.05
"""Makers promise 3 to 5 % of their power meters."""

INTRODUCTION = """
Each law is a pure state machine in `controller/laws`, named by the `law:` block of a protocol file. What follows is
made by `make laws`: closed loops on drawn scenes, and each law's rule as its module states it.
"""
HOW = """
Seed {seed}, {draws} draws of each law, shared by its arms. Each draw has other tissue, applicator, coolant film and
power meter (`sim.world.scenario`), other sensor noise, other answering times of every device (0.4 to 2.7 times the
emulator's own) and mains of 50 or 60 Hz. The whole stack runs in virtual time: daemon, safety kernel, drivers, their
bytes, emulated devices. Figures come from the session file alone: median (quartiles), extremes. Wanted: no trip and
nothing ended early; a mean temperature at most {over:g} K above its target, as the law reads it; a first roll-off on
average, and in {within:.0f} % of the draws, at most {later:g} s and {share_later:g} % later than that of the same rule
with an exact meter, an ideal generator and no wires on the same draw (no publication gives a time for any of these
machines; single draws differ by more, both ways, because vapour comes in bursts and which of them is the first over the
threshold is chance); energy by the generator's own meter within {share:g} % of what the law demanded.
"""
RACE = """
`{ours}` against `{theirs}` on the same draws, law and tissue alone, through the same noisy meter. Wanted: at least
{more:.0f} % more volume in the same 12 minutes, or the same volume in at least {less:.0f} % less time, with no more
steam pops. Ours over theirs, median (quartiles); time is the median time to the volume that theirs has at its end.
"""


def _paragraph(text: str) -> list[str]:
    return [*textwrap.fill(" ".join(text.split()), 120, break_on_hyphens=False).splitlines(), ""]


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return (values[0],) * 3 if values else (math.nan,) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _mark(met: bool) -> str:
    return "met" if met else "**missed**"


def figures(arm: Arm, rows: Rows) -> dict[str, Any]:
    """What is judged of one arm."""
    seen = list(rows.values())
    later = [row["rolloff_s"] - row["ideal_rolloff_s"] for row in seen if _both(row)]
    share = [row["metered_j"] / row["demanded_j"] for row in seen if row["demanded_j"] > 0.0]
    over = [row["overshoot_c"] for row in seen if row["overshoot_c"] is not None]
    return {
        "draws": len(seen),
        "trips": [row for row in seen if row["trip"]],
        "early": [row for row in seen if not row["trip"] and row["result"] != "completed"],
        "over": over,
        "rolloff": [row["rolloff_s"] for row in seen if row["rolloff_s"] is not None],
        "later": later,
        "share": share,
        "sooner": sum(_both(row) and row["rolloff_s"] < row["ideal_rolloff_s"] - _late_s(row) for row in seen),
        "beyond": sum(_both(row) and row["rolloff_s"] > row["ideal_rolloff_s"] + _late_s(row) for row in seen),
        "late": statistics.fmean(later) > statistics.fmean(_late_s(row) for row in seen if _both(row))
        if later
        else False,
        "never": sum(map(_never, seen)),
    }


def _both(row: Mapping[str, Any]) -> bool:
    return row["rolloff_s"] is not None and row["ideal_rolloff_s"] is not None


def _never(row: Mapping[str, Any]) -> bool:
    """It did not roll off, though the application lasted long enough to say that this is too late."""
    if row["rolloff_s"] is not None or row["ideal_rolloff_s"] is None:
        return False
    return bool(row["duration_s"] > row["ideal_rolloff_s"] + _late_s(row))


def _late_s(row: Mapping[str, Any]) -> float:
    return LATER_S + LATER_SHARE * float(row["ideal_rolloff_s"])


def verdicts(arm: Arm, rows: Rows) -> dict[str, tuple[str, bool]]:
    """What must be reached, by name: the figure in words, and whether it is."""
    f = figures(arm, rows)
    found: dict[str, tuple[str, bool]] = {"trips": (f"{len(f['trips'])} of {f['draws']}", not f["trips"])}
    found["ended early"] = (f"{len(f['early'])}", not f["early"])
    if arm.overshoot and f["over"]:
        low, middle, high = _quartiles(f["over"])
        most = max(f["over"])
        within = sum(x <= OVERSHOOT_C for x in f["over"])
        text = f"{middle:.1f} ({low:.1f} to {high:.1f}), most {most:.1f} K; {within} of {len(f['over'])} within"
        found["overshoot"] = (text, most <= OVERSHOOT_C)
    if arm.rolls_off and f["later"]:
        low, middle, high = _quartiles(f["later"])
        at_s = statistics.median(f["rolloff"])
        later = f["beyond"] + f["never"]
        text = f"{at_s:.0f} s; {middle:+.1f} ({low:+.1f} to {high:+.1f}), latest {max(f['later']):+.1f} s; "
        draws = len(f["later"]) + f["never"]
        text += f"{later} of {draws} later than that, {f['sooner']} as much sooner"
        found["first roll-off"] = (text, not f["late"] and later <= (1.0 - WITHIN) * draws)
    if f["share"]:
        _, middle, _ = _quartiles(f["share"])
        text = f"{middle:.3f} ({min(f['share']):.3f} to {max(f['share']):.3f})"
        found["delivered"] = (text, max(abs(x - 1.0) for x in f["share"]) <= DELIVERED)
    return found


def summary(trials: Mapping[str, Rows], pairs: Mapping[str, Rows]) -> str:
    """Some lines for a terminal."""
    lines = []
    for arm in ARMS:
        if rows := trials[arm.name]:
            told = "; ".join(f"{n} {t}{'' if met else ' MISSED'}" for n, (t, met) in verdicts(arm, rows).items())
            lines.append(f"{arm.name:<24} {len(rows):4} draws: {told}")
    for tissue, rows in pairs.items():
        if rows:
            lines.append(f"{tissue:<24} {len(rows):4} pairs: {_plain(_race(rows))}")
    return "\n".join(lines)


def _plain(cells: Sequence[str]) -> str:
    return ", ".join(cells).replace("**", "")


def _race(rows: Rows) -> list[str]:
    seen = list(rows.values())
    volume, time = [row["volume"] for row in seen], [row["time"] for row in seen]
    reached = sorted(x if math.isfinite(x) else math.inf for x in time)
    low, middle, high = _quartiles(volume)
    ours, theirs = (sum(row["pops"][k] for row in seen) for k in (0, 1))
    median_time = reached[len(reached) // 2] if reached else math.nan
    met = (middle >= MORE or median_time <= LESS) and ours <= theirs
    return [
        f"{middle:.3f} ({low:.3f} to {high:.3f})",
        f"{median_time:.3f}" if math.isfinite(median_time) else "not reached",
        f"{sum(math.isfinite(x) for x in time)} of {len(time)}",
        f"{statistics.median(row['energy'] for row in seen):.3f}",
        " / ".join(f"{statistics.mean(row['rolloffs'][k] for row in seen):.1f}" for k in (0, 1)),
        f"{ours} / {theirs}",
        _mark(met),
    ]


def markdown(trials: Mapping[str, Rows], pairs: Mapping[str, Rows], seed: int, draws: int) -> str:
    """The page; it says so where there are fewer than ``draws`` draws of something."""
    missing = sum(max(0, draws_of(arm, draws) - len(trials[arm.name])) for arm in ARMS)
    missing += sum(max(0, draws - len(rows)) for rows in pairs.values())
    unfinished = [f"**Not finished: {missing} draws are missing so far; `make laws` goes on.**", ""]
    lines = [
        "# Power-control laws",
        "",
        "<!-- written by `make laws`; do not edit -->",
        "",
        *_paragraph(INTRODUCTION),
        "## In closed loop",
        "",
        *_paragraph(
            HOW.format(
                seed=seed,
                draws=draws,
                over=OVERSHOOT_C,
                later=LATER_S,
                within=100 * WITHIN,
                share_later=100 * LATER_SHARE,
                share=100 * DELIVERED,
            )
        ),
        *(unfinished if missing else ()),
        "| law | draws | trips | ended early | overshoot | first roll-off; later than ideal | metered / demanded |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in ARMS:
        rows = trials[arm.name]
        cells = [arm.name, str(len(rows))]
        judged = verdicts(arm, rows) if rows else {}
        for name in ("trips", "ended early", "overshoot", "first roll-off", "delivered"):
            text, met = judged.get(name, ("-", True))
            cells.append(text if text == "-" else f"{text} {_mark(met)}")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_causes(trials), *_protocols(), *_own(pairs), "## Rules", ""]
    for kind in registry.names():
        lines += _rule(kind)
    return "\n".join(lines).rstrip() + "\n"


def _causes(trials: Mapping[str, Rows]) -> Iterable[str]:
    """Why draws tripped or ended early, counted."""
    found: dict[tuple[str, str], int] = {}
    for arm in ARMS:
        for row in trials[arm.name].values():
            if row["trip"] or row["result"] != "completed":
                why = str(row["trip"].split(":")[0] or row["stopped"] or row["result"])
                found[arm.name, why] = found.get((arm.name, why), 0) + 1
    if found:
        yield "What tripped or ended early:"
        yield ""
        yield from (f"- {name}: {count} x {why}" for (name, why), count in sorted(found.items()))
        yield ""


def _protocols() -> Iterable[str]:
    yield from ["The protocols, and what was shortened of them:", ""]
    for arm in ARMS:
        yield f"- {arm.name}: `{arm.protocol}`; {arm.why}; {', '.join(arm.tissues)}."
    yield ""


def _own(pairs: Mapping[str, Rows]) -> Iterable[str]:
    yield from [
        "## Our own law against pulsed impedance",
        "",
        *_paragraph(RACE.format(ours=OURS, theirs=THEIRS, more=100 * (MORE - 1), less=100 * (1 - LESS))),
        "| tissue | pairs | volume | time to equal volume | draws that reach it | energy | roll-offs | pops | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for tissue, rows in pairs.items():
        cells = _race(rows) if rows else ["-"] * 7
        yield f"| {tissue} | {len(rows)} | {' | '.join(cells)} |"
    yield ""


def _rule(kind: str) -> Iterable[str]:
    law = registry.find(kind)
    text = sys.modules[law.__module__].__doc__ or ""
    yield from [f"### {kind}", ""]
    code: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith("    "):
            code.append(line[4:])
            continue
        if code:
            yield from ["```text", *code, "```"]
            code = []
        yield line
    if code:
        yield from ["```text", *code, "```"]
    yield from ["", "Shipped protocols, what each sets, and its source:", ""]
    for name, path in shipped("protocol").items():
        protocol = load_protocol(path).protocol
        if protocol.law.kind == kind:
            numbers = protocol.law.model_dump(exclude_unset=True, exclude={"kind"})
            told = ", ".join(f"{key} {_number(value)}" for key, value in numbers.items())
            yield f"- `{name}`: {told}. {' '.join(protocol.source.split())}"
    yield ""


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_number(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {_number(item)}" for key, item in value.items()) + "}"
    return str(value)
