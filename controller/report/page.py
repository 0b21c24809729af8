"""The report: one HTML file that needs nothing else, today or in ten years."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from controller.records.ids import utc_now
from controller.records.outcome import ON_RECORD, SUMMED, WHY, alive
from controller.records.reader import SessionFile, open_session
from controller.records.verify import VerifyResult, verify
from controller.report import targets
from controller.report.digest import FIGURES, Digest, Pairs, digest, quantity
from controller.report.sections import grid, table, tile
from controller.report.style import document
from controller.treatment.summary import from_session

MAX_EVENTS = 500
MAX_TEXT = 200_000
UNTOLD = frozenset({"protocol", "result", "plan", "predicted", "kernel", "inputs"})
"""Events that the page tells elsewhere, or that only a replay needs."""


def write(session: SessionFile | str | Path, path: str | Path, utc: str | None = None) -> Path:
    """Write the report of ``session`` to ``path``, whole or not at all, and return it. ``utc``: now, for its label.

    Raises:
        ImportError: matplotlib (extra ``report``) is not installed.
        RecordError: the session cannot be read.
        OSError: ``path`` cannot be written.
    """
    if isinstance(session, SessionFile):
        return keep(render(session, utc), path)
    live = alive(Path(session))
    with open_session(session) as opened:
        return keep(render(opened, utc, live), path)


def keep(text: str, path: str | Path) -> Path:
    """Write a page, whole or not at all. Raises OSError."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def render(session: SessionFile, utc: str | None = None, live: bool = False) -> str:
    """The page as text. ``live``: whether the session's writer lives.

    Everything that came from files, devices or people is escaped.
    """
    from controller.report import plots

    facts, checked = digest(session, live), verify(session.path)
    section = plots.zone(facts.picture) if facts.picture else None
    treatment = from_session(session)
    parts = [
        _heading(session, facts, treatment.plan.plan if treatment is not None else facts.asked[0][1]),
        targets.tiles(treatment) if treatment is not None else _tiles(facts),
        _applications(facts) if treatment is None else "",
        _trip(facts),
        _courses(plots.courses(facts)),
        targets.render(treatment) if treatment is not None else "",
        _zone(facts, section, _newest(facts) if treatment is None else "The zone of the last application"),
        _both(facts),
        _events(facts),
        _integrity(checked, utc or utc_now()),
        _provenance(session, facts),
    ]
    return document(f"{facts.title}: {facts.ended.text}", facts.banner, parts)


def _courses(svg: str) -> str:
    label = "power, impedance, temperatures and flow over time"
    return f'<section><h2>Courses</h2><div role="img" aria-label="{label}">{svg}</div></section>'


def _both(facts: Digest) -> str:
    asked, happened = table(facts.asked), table(facts.happened)
    return (
        f"<div class=two><section><h2>What was asked</h2>{asked}</section>"
        f"<section><h2>What happened</h2>{happened}</section></div>"
    )


def _heading(session: SessionFile, facts: Digest, name: str) -> str:
    began, number = when(str(session.header.get("utc", ""))), str(session.header.get("id", ""))
    return (
        f"<h1>{escape(facts.title)}: {escape(name)}</h1>"
        f"<p class=sub>{escape(began)} · session <span class=mono>{escape(number)}</span></p>"
    )


def when(utc: str) -> str:
    """ISO 8601 for people."""
    return utc.replace("T", " ").replace("Z", " UTC")


def _tiles(facts: Digest) -> str:
    result = facts.result
    ended = facts.ended
    kind = ended.result if ended.result in ("completed", "tripped", "aborted") else "aborted"
    tiles = [f"<div class='tile {kind}'><b>{escape(ended.text)}</b><span>result</span></div>"]
    of_all = " of all" if len(ended.applications) > 1 else ""
    shown = {
        "duration_s": "time of energy",
        "energy_j": "energy",
        "rolloffs": "roll-offs",
        "time_to_off_s": "time to off",
    }
    for name, label in shown.items():
        if result.get(name) is not None:
            only = "" if ended.whole or name not in FIGURES else ON_RECORD
            tiles.append(tile(f"{quantity(name, result[name])[1]}{only}", f"{label}{of_all if name in SUMMED else ''}"))
    zone = result.get("zone")
    if isinstance(zone, dict) and zone:
        for name, value in zone.items():
            label, text = quantity(str(name), value)
            tiles.append(tile(text, f"zone{' of the last' if of_all else ''}, {label}"))
    return f"<div class=tiles>{''.join(tiles)}</div>"


def _applications(facts: Digest) -> str:
    """Where there are several, a line for each."""
    told = facts.ended.applications
    if len(told) < 2:
        return ""
    rows: list[list[str]] = []
    for one in told:
        only = ON_RECORD if one.result in WHY else ""
        figures = [quantity(name, one.facts.get(name) or 0.0)[1] for name in FIGURES]
        why = str(one.facts.get("reason") or _mapping(one.facts.get("trip")).get("text") or "")
        rows.append([str(one.number), one.protocol, one.result, *(f"{text}{only}" for text in figures), why])
    head = ("", "protocol", "result", "time of energy", "energy", "")
    return f"<section><h2>Applications</h2>{grid(head, rows)}</section>"


def _newest(facts: Digest) -> str:
    """The picture may be of an application before the last, which was cut off before it had one."""
    return "The zone" if len(facts.ended.applications) < 2 else "The newest zone on record"


def _trip(facts: Digest) -> str:
    trip = facts.trip
    if trip is None:
        return ""
    where = trip.get("channel") or trip.get("device") or "?"
    unit = quantity(str(where), 0)[1].removeprefix("0").strip()
    value, limit = (f"{_number(trip.get(key))} {unit}".strip() for key in ("value", "limit"))
    t_s = _mapping(facts.result.get("trip")).get("t_s")
    rows: Pairs = [
        ("what", f"{trip.get('monitor', '?')} ({trip.get('hazard', '?')})"),
        ("where", str(where)),
        ("value", value),
        ("limit", limit),
        ("age of the value", f"{_number(trip.get('age_s'))} s"),
    ]
    if isinstance(t_s, (int, float)) and facts.fired:
        rows.append(("when", f"{t_s:.2f} s after FIRE"))
    if trip.get("lockout"):
        rows.append(("lockout", "the bench stays locked until it is reset with a reason"))
    return (
        f"<section class=card><h2>TRIP: {escape(str(trip.get('text', '')))}</h2>{table(rows)}"
        f"<p class=check>Check: {escape(str(trip.get('check', '')))}</p></section>"
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, (int, float)) else "not a number"


def _zone(facts: Digest, section: str | None, title: str) -> str:
    if section is None:
        return ""
    return (
        f"<section class=zone><h2>{title}</h2>{section}"
        f"<p class=sub>{facts.origin}, in a plane through the needle.</p></section>"
    )


def _events(facts: Digest) -> str:
    told = [event for event in facts.events if event.kind not in UNTOLD]
    rows = "".join(
        f"<tr><td class=t>{event.t_s - facts.zero_s:+.2f} s</td><td class=t>{escape(event.kind)}</td>"
        f"<td>{escape(_brief(event.data))}</td></tr>"
        for event in told[:MAX_EVENTS]
    )
    more = f"<p class=sub>{len(told) - MAX_EVENTS} more are in the session file.</p>" if len(told) > MAX_EVENTS else ""
    return f"<section><h2>Events</h2><table><tr><th>time</th><th>what</th><th></th></tr>{rows}</table>{more}</section>"


def _brief(data: Mapping[str, Any]) -> str:
    if "from" in data and "to" in data:
        reason = f": {data['reason']}" if data.get("reason") else ""
        return f"{data['from']} → {data['to']}{reason}"[:400]
    shown = {key: value for key, value in data.items() if value not in (None, "", [], {})}
    told = (f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in shown.items())
    return ", ".join(told)[:400]


def _integrity(checked: VerifyResult, utc: str) -> str:
    """What the hash chain says, and when it was asked: the file may be changed later, the page cannot know."""
    more = "".join(f"<li>{escape(problem)}</li>" for problem in checked.problems)
    return (
        f'<section><h2>Integrity</h2><p class="{"ok" if checked.ok else "bad"}">{escape(checked.text)}</p>'
        f"<ul>{more}</ul><p>Verified {escape(when(utc))} with Openablate {version('openablate')}, batch by batch "
        f"against the hash chain, whose head was <span class=mono>{checked.head}</span>. Again: "
        f"<span class=mono>ablate sessions verify</span></p></section>"
    )


def _provenance(session: SessionFile, facts: Digest) -> str:
    header = session.header
    protocol: Mapping[str, Any] = next((e.data for e in reversed(facts.events) if e.kind == "protocol"), {})
    texts = {"bench_text", "protocol_text", "roles", "limits", "law", "applicator", "declarations", "kernel"}
    pairs: Pairs = [("file", session.path.name)]
    for key, value in header.items():
        if key not in texts and value is not None:
            pairs += _flat(key, value)
    if protocol.get("sha256"):
        pairs.append(("bench and protocol, sha256", str(protocol["sha256"])))
    plan: Mapping[str, Any] = next((e.data for e in reversed(facts.events) if e.kind == "plan"), {})
    blocks = {
        "Plan as used": plan.get("text"),
        "Protocol as used": protocol.get("text") or header.get("protocol_text"),
        "Bench as used": header.get("bench_text"),
    }
    details = "".join(
        f"<details><summary>{name}</summary><pre>{escape(str(text)[:MAX_TEXT])}</pre></details>"
        for name, text in blocks.items()
        if text
    )
    return f"<section><h2>Provenance</h2>{table(pairs)}{details}</section>"


def _flat(key: str, value: Any) -> Pairs:
    if isinstance(value, dict):
        return [
            pair for name, item in value.items() if item not in (None, "") for pair in _flat(f"{key}: {name}", item)
        ]
    return [(key.replace("_", " "), value if isinstance(value, str) else json.dumps(value))]
