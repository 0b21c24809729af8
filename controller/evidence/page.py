"""The safety case: one page of HTML without scripts, network or pictures, made of the hazard table and the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from controller.evidence import layers
from controller.evidence.argument import FAILED, NOT_RUN, OPEN, OUTSIDE, PARTLY, SHOWN, Claim, failures, wrong
from controller.evidence.store import EXPECTED, Evidence, Found
from controller.evidence.style import POLICY, STYLE
from controller.hazards import Hazard
from controller.report.sections import grid, tile

KINDS = {
    "interlock": "noticed while the bench runs",
    "process": "kept out by how the program is written and started",
    "wiring": "met by wires and devices",
    "site": "met by people at the site",
    "open": "not met yet",
}
LINES_MAX = 400
"""Rows of one evidence file that are printed; the file has them all."""


def render(claims: Sequence[Claim], found: Found, *, when: str, commit: str, stale: Mapping[str, str]) -> str:
    """The page. ``when`` and ``commit``: of the page itself; ``stale``: why evidence, by name, may hold no more."""
    parts = [
        "<main>",
        _head(when, commit),
        *_open_warning(found, stale),
        _summary(claims),
        _evidence(found, stale),
        _layers(found),
        _campaign(found.evidence.get("campaign")),
        *(_other(name, each) for name, each in found.evidence.items() if name not in ("campaign", "tests")),
        _tests(found.evidence.get("tests")),
        _overview(claims),
        "<h2>Hazard by hazard</h2>",
        *map(_card, claims),
        _open_points(claims, found),
        _not_covered(),
        "</main>",
    ]
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>Openablate: safety case</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _head(when: str, commit: str) -> str:
    return (
        f"<h1>Openablate: safety case</h1><p class=sub>{escape(when[:19].replace('T', ' '))} UTC · revision "
        f"{escape(commit)} · written by <code>ablate safety-case</code></p>"
        "<p><b>Bench and research use. Not a medical device; never on people or animals. No claim of conformity with "
        "any standard is made.</b></p>"
        "<p>The claim: energy flows only while every condition for it is proven, fresh, and within its limits; what "
        "stops being so takes the energy away within a bounded time, by two ways that do not depend on each other, and "
        "nothing but a local person's act brings it back. Below, each hazard is followed from its cause over what "
        "notices it to what has shown that it does. Every figure is from a file of the evidence folder; where nothing "
        "was run, it says so.</p>"
    )


def _open_warning(found: Found, stale: Mapping[str, str]) -> Iterator[str]:
    lacking = [f"{EXPECTED[name][0]}: not run (<code>{escape(EXPECTED[name][1])}</code>)" for name in found.missing]
    lacking += [f"{escape(name)}: cannot be read ({escape(why)})" for name, why in found.unreadable.items()]
    lacking += [f"{escape(found.evidence[name].what)}: {escape(why)}" for name, why in stale.items()]
    lacking += [escape(failure) for failure in failures(found)]
    if lacking:
        yield f"<div class=warn><b>This case does not hold yet.</b><ul>{_items(lacking)}</ul></div>"


def _items(texts: Sequence[str]) -> str:
    return "".join(f"<li>{text}</li>" for text in texts)


def _summary(claims: Sequence[Claim]) -> str:
    counts = Counter(claim.status for claim in claims)
    order = (SHOWN, PARTLY, FAILED, NOT_RUN, OUTSIDE, OPEN)
    tiles = "".join(tile(str(counts[status]), status) for status in order if counts[status])
    return f"<h2>{len(claims)} hazards</h2><div class=tiles>{tiles}</div>"


def _evidence(found: Found, stale: Mapping[str, str]) -> str:
    rows = []
    for name in dict.fromkeys((*EXPECTED, *found.evidence, *found.unreadable)):
        each = found.evidence.get(name)
        if each is None:
            why = found.unreadable.get(name)
            rows.append((name, EXPECTED.get(name, (name,))[0], f"unreadable: {why}" if why else "not run", "", "", ""))
            continue
        figures = "; ".join(f"{key} {shown(value)}" for key, value in each.figures.items())
        revision = f"{each.commit}{' (see above)' if name in stale else ''}"
        rows.append((name, each.what, figures, each.when[:16].replace("T", " "), revision, each.command))
    return "<h2>What was run</h2>" + grid(("", "what", "figures", "when, UTC", "revision", "command"), rows)


def _layers(found: Found) -> str:
    return (
        "<h2>What takes the energy away</h2><p>From the fault to 0 W in the emulated generator's own power log, worst "
        "of all runs. No hardware has been measured.</p>" + grid(layers.HEAD, list(layers.rows(found)))
    )


def _campaign(evidence: Evidence | None) -> str:
    if evidence is None:
        return "<h2>Fault campaign</h2><p>Not run.</p>"
    head = (
        "fault", "class", "runs", "verdicts", "detected, median / worst s", "told, median / worst s",
        "0 W, median / worst s", "allowed s", "proven, median / worst s", "worst J", "worst J at 200 W", "first causes",
    )  # fmt: skip
    lines = [
        (
            _fault(row),
            shown(row.get("class")),
            shown(row.get("runs")),
            shown(row.get("verdicts")),
            _pair(row, "detect"),
            _pair(row, "command"),
            _pair(row, "off"),
            shown(row.get("allowed_s")),
            _pair(row, "confirm"),
            shown(row.get("worst_j")),
            shown(row.get("worst_j_at_200_w")),
            shown(row.get("causes")),
        )
        for row in evidence.rows
    ]
    classes = _classes(evidence.rows)
    return (
        "<h2>Fault campaign</h2><p>The whole stack on virtual time against the simulated tissue; in each run one fault "
        "in one phase at one part of a tick, latent faults together with a second one. A run is OK only when the state "
        "was the intended one, the first cause one of those expected, and time and energy within their bounds. Times "
        "run from the moment at which the fault can be seen: until the first trip, until a way off was told, "
        "until 0 W, and until off counted as proven.</p>"
        + grid(
            (
                "class",
                "runs",
                "detected s",
                "told s",
                "0 W s",
                "allowed s",
                "proven s",
                "J at 200 W",
                "allowed J at 200 W",
            ),
            classes,
        )
        + "<h3>Fault by fault</h3>"
        + grid(head, lines[:LINES_MAX])
        + _rest(lines)
    )


def _classes(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The worst of each class of faults."""
    told = []
    for name in sorted({str(row["class"]) for row in rows if row.get("class")}):
        mine = [row for row in rows if row.get("class") == name]
        keys = (
            "detect_worst_s", "command_worst_s", "off_worst_s", "allowed_s", "confirm_worst_s",
            "worst_j_at_200_w", "allowed_j_at_200_w",
        )  # fmt: skip
        worst = (max((row[key] for row in mine if row.get(key) is not None), default=None) for key in keys)
        told.append((name, shown(sum(int(row.get("runs") or 0) for row in mine)), *map(shown, worst)))
    return told


def _fault(row: Mapping[str, Any]) -> str:
    return f"{row.get('fault') or 'no fault'}{' behind a latent fault' if row.get('latent') else ''}"


def _pair(row: Mapping[str, Any], what: str) -> str:
    return f"{shown(row.get(f'{what}_median_s'))} / {shown(row.get(f'{what}_worst_s'))}"


def _rest(lines: Sequence[object]) -> str:
    return f"<p class=sub>{len(lines) - LINES_MAX} more are in the file.</p>" if len(lines) > LINES_MAX else ""


def _other(name: str, evidence: Evidence) -> str:
    """Any other evidence, as it is: figures, then rows."""
    keys = list(dict.fromkeys(key for row in evidence.rows for key in row))
    lines = [[shown(row.get(key)) for key in keys] for row in evidence.rows]
    figures = [(key.replace("_", " "), shown(value)) for key, value in evidence.figures.items()]
    title = EXPECTED.get(name, (evidence.what,))[0]
    return (
        f"<h2>{escape(title[:1].upper() + title[1:])}</h2><p class=sub>{escape(evidence.command)}</p>"
        + (grid(("figure", ""), figures) if figures else "")
        + (grid([key.replace("_", " ") for key in keys], lines[:LINES_MAX]) if lines else "")
        + _rest(lines)
    )


def _tests(evidence: Evidence | None) -> str:
    if evidence is None:
        return "<h2>Tests</h2><p>Not run.</p>"
    bad = [row for row in evidence.rows if row.get("failed") or not row.get("passed")]
    lines = [[shown(row.get(key)) for key in ("test", "passed", "failed", "skipped")] for row in bad]
    text = f"{len(evidence.rows)} tests, {len(evidence.rows) - len(bad)} of them passed with all their parameters."
    return f"<h2>Tests</h2><p>{text}</p>" + (grid(("not passed", "passed", "failed", "skipped"), lines) if bad else "")


def _overview(claims: Sequence[Claim]) -> str:
    rows = "".join(
        f"<tr><td><a href=#{claim.hazard.id}>{claim.hazard.id}</a></td><td>{escape(claim.hazard.title)}</td>"
        f"<td>{escape(KINDS[claim.hazard.kind])}</td><td class={_class(claim.status)}>{escape(claim.status)}</td></tr>"
        for claim in claims
    )
    head = "<tr><th>id</th><th>hazard &larr; cause</th><th>how it is met</th><th>evidence</th></tr>"
    return f"<h2>Every hazard</h2><table>{head}{rows}</table>"


def _class(status: str) -> str:
    return {SHOWN: "ok", FAILED: "bad", OPEN: "bad"}.get(status, "mid")


def _card(claim: Claim) -> str:
    hazard = claim.hazard
    rows = "".join(f"<tr><td class=n>{name}</td><td>{text}</td></tr>" for name, text in _facts(hazard, claim) if text)
    return (
        f"<section class=hazard id={hazard.id}><h3>{hazard.id} {escape(hazard.title)} "
        f"<span class={_class(claim.status)}>{escape(claim.status)}</span></h3><table>{rows}</table></section>"
    )


def _facts(hazard: Hazard, claim: Claim) -> Iterator[tuple[str, str]]:
    yield "interlock", escape("; ".join(hazard.interlock))
    yield "threshold", escape(hazard.threshold)
    if hazard.trips_within_s is not None:
        yield "to 0 W within", f"{hazard.trips_within_s:g} s"
    acts = f"{', '.join(hazard.action) or 'none'}; alarm {hazard.alarm}; latch {hazard.latch}"
    yield "action", escape(acts)
    yield "the daemon checks", escape(hazard.check)
    yield "why so", escape(hazard.reason)
    yield "injected by", escape(", ".join(spec for spec in hazard.injection if "::" not in spec))
    yield "tests", _outcomes(claim)
    yield "campaign", "<br>".join(_line(line) for line in claim.campaign)
    yield "measured", "<br>".join(escape(_row(row)) for row in claim.others)
    yield "open", "<br>".join(escape(point) for point in claim.open_points)


def _outcomes(claim: Claim) -> str:
    marks = {"passed": ("ok", "passed"), "failed": ("bad", "FAILED"), "skipped": ("mid", "skipped")}
    told = []
    for test in claim.tests:
        style, word = marks.get(test.outcome, ("mid", test.outcome))
        cases = f" ({test.cases} cases)" if test.cases > 1 else ""
        told.append(f"<span class={style}>{word}</span> <span class=mono>{escape(test.name)}</span>{cases}")
    return "<br>".join(told)


def _row(row: Mapping[str, Any]) -> str:
    """A row of any evidence in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {shown(value)}" for key, value in row.items() if key != "hazards")


def _line(row: Mapping[str, Any]) -> str:
    verdicts = "all OK" if not wrong(row) else shown(row.get("verdicts"))
    told = f"{shown(row.get('runs'))} runs, {verdicts}"
    if row.get("off_worst_s") is not None:
        told += f", 0 W after at most {shown(row['off_worst_s'])} s (allowed {shown(row.get('allowed_s'))})"
    if row.get("worst_j") is not None:
        told += f", at most {shown(row['worst_j'])} J"
    return f"<span class=mono>{escape(_fault(row))}</span> {escape(told)}"


def _open_points(claims: Sequence[Claim], found: Found) -> str:
    lines = [(claim.hazard.id, point) for claim in claims for point in claim.open_points]
    lines += [("-", f"{EXPECTED[name][0]}: not run") for name in found.missing]
    lines += [("-", failure) for failure in failures(found)]
    return "<h2>Open points</h2>" + grid(("", "what is missing, or went wrong"), lines)


def _not_covered() -> str:
    return (
        "<h2>What this page does not show</h2><ul><li>Any real device: every time and energy is from emulated devices "
        "that speak the real ones' bytes, and from a simulated tissue.</li><li>Electrical safety, leakage current, "
        "electromagnetic compatibility, RF leakage, biological risk, fire load.</li><li>That the hazard table is "
        "complete: it was written by people.</li></ul>"
    )


def shown(value: Any) -> str:
    """A figure as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return "; ".join(shown(item) for item in value) if isinstance(value, list | tuple) else str(value)
