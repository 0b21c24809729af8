"""The report: one HTML file that needs nothing else, today or in ten years."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from controller.records.reader import SessionFile, open_session
from controller.records.verify import VerifyResult, verify
from controller.report import targets
from controller.report.digest import Digest, Pairs, digest, quantity
from controller.report.sections import table, tile
from controller.treatment.summary import from_session

MAX_EVENTS = 500
MAX_TEXT = 200_000
UNTOLD = frozenset({"protocol", "result", "plan", "predicted"})
"""Events that the page tells elsewhere."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}
main{max-width:1100px;margin:0 auto;padding:0 20px 40px}
h1{font-size:1.5em;margin:.8em 0 .1em}
h2{font-size:1.15em;margin:1.8em 0 .5em;border-bottom:1px solid #ddd}
.sub{color:#555;margin:0 0 1em}
.banner{background:#f0c36d;color:#000;padding:8px 20px;text-align:center;font-weight:600}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:1em 0}
.tile{border:1px solid #ccc;border-radius:6px;padding:8px 14px;min-width:110px}
.tile b{display:block;font-size:1.3em}
.tile span{color:#555;font-size:.85em}
.completed{border-left:6px solid #009E73}
.tripped{border-left:6px solid #D55E00}
.aborted{border-left:6px solid #E69F00}
.card{border:2px solid #D55E00;border-radius:6px;padding:4px 18px 12px;margin:1em 0;background:#fff6f1}
.card h2{border:0;margin:.6em 0 .3em;color:#a33f00}
.check{font-weight:600}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:0 40px}
table{border-collapse:collapse;width:100%;font-size:.92em}
td,th{padding:2px 10px 2px 0;text-align:left;vertical-align:top;border-bottom:1px solid #eee;overflow-wrap:anywhere}
th,td.t{white-space:nowrap}
td.n{color:#555;width:45%}
svg{max-width:100%;height:auto}
.zone svg{max-width:640px}
pre{background:#f6f6f6;padding:10px;overflow:auto;font-size:.85em;max-height:40em}
.ok{color:#00694c}
.bad{color:#a33f00;font-weight:600}
.mono{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}
footer{color:#555;font-size:.85em;margin-top:3em;border-top:1px solid #ddd;padding-top:.6em}
@media print{main{max-width:none}.card,.tile{break-inside:avoid}}
"""
FOOTER = "Made by Openablate. For research on the bench. Not a medical device; never for use on people or animals."


def write(session: SessionFile | str | Path, path: str | Path) -> Path:
    """Write the report of ``session`` to ``path``, whole or not at all, and return it.

    Raises:
        ImportError: matplotlib (extra ``report``) is not installed.
        RecordError: the session cannot be read.
        OSError: ``path`` cannot be written.
    """
    if not isinstance(session, SessionFile):
        with open_session(session) as opened:
            return write(opened, path)
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(render(session), encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def render(session: SessionFile) -> str:
    """The page as text. Everything that came from files, devices or people is escaped."""
    from controller.report import plots

    facts, checked = digest(session), verify(session.path)
    section = plots.zone(facts.picture) if facts.picture else None
    treatment = from_session(session)
    parts = [
        _banner(facts),
        "<main>",
        _heading(session, facts, treatment.plan.plan if treatment is not None else facts.asked[0][1]),
        targets.tiles(treatment) if treatment is not None else _tiles(facts),
        _trip(facts),
        _courses(plots.courses(facts)),
        targets.render(treatment) if treatment is not None else "",
        _zone(facts, section, "The zone of the last application" if treatment is not None else "The zone"),
        _both(facts),
        _events(facts),
        _integrity(checked),
        _provenance(session, facts),
        f"<footer>{FOOTER}</footer>",
        "</main>",
    ]
    title = escape(f"{facts.title}: {facts.result.get('result', 'session')}")
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _courses(svg: str) -> str:
    label = "power, impedance, temperatures and flow over time"
    return f'<section><h2>Courses</h2><div role="img" aria-label="{label}">{svg}</div></section>'


def _both(facts: Digest) -> str:
    asked, happened = table(facts.asked), table(facts.happened)
    return (
        f"<div class=two><section><h2>What was asked</h2>{asked}</section>"
        f"<section><h2>What happened</h2>{happened}</section></div>"
    )


def _banner(facts: Digest) -> str:
    return f"<div class=banner>{escape(facts.banner)}</div>" if facts.banner else ""


def _heading(session: SessionFile, facts: Digest, name: str) -> str:
    when = str(session.header.get("utc", "")).replace("T", " ").replace("Z", " UTC")
    return (
        f"<h1>{escape(facts.title)}: {escape(name)}</h1>"
        f"<p class=sub>{escape(when)} · session <span class=mono>{escape(str(session.header.get('id', '')))}</span></p>"
    )


def _tiles(facts: Digest) -> str:
    result = facts.result
    outcome = str(result.get("result") or ("tripped" if facts.trip else "unfinished"))
    kind = outcome if outcome in ("completed", "tripped", "aborted") else "aborted"
    tiles = [f"<div class='tile {kind}'><b>{escape(outcome)}</b><span>result</span></div>"]
    shown = {
        "duration_s": "time of energy",
        "energy_j": "energy",
        "rolloffs": "roll-offs",
        "time_to_off_s": "time to off",
    }
    for name, label in shown.items():
        if result.get(name) is not None:
            tiles.append(tile(quantity(name, result[name])[1], label))
    zone = result.get("zone")
    if isinstance(zone, dict) and zone:
        for name, value in zone.items():
            label, text = quantity(str(name), value)
            tiles.append(tile(text, f"zone, {label}"))
    return f"<div class=tiles>{''.join(tiles)}</div>"


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


def _integrity(checked: VerifyResult) -> str:
    more = "".join(f"<li>{escape(problem)}</li>" for problem in checked.problems)
    return (
        f'<section><h2>Integrity</h2><p class="{"ok" if checked.ok else "bad"}">{escape(checked.text)}</p>'
        f"<ul>{more}</ul><p>Head of the hash chain: <span class=mono>{checked.head}</span></p></section>"
    )


def _provenance(session: SessionFile, facts: Digest) -> str:
    header = session.header
    protocol: Mapping[str, Any] = next((e.data for e in reversed(facts.events) if e.kind == "protocol"), {})
    texts = {"bench_text", "protocol_text", "roles", "limits", "law", "applicator", "declarations"}
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
