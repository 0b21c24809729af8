"""Sessions over one another: power, impedance, temperatures and flow since FIRE, and what differs between them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from controller.records.reader import SessionFile
from controller.report import plots
from controller.report.digest import Curve, Digest, digest, quantity
from controller.report.page import when
from controller.report.style import document

COLOURS = (plots.BLUE, plots.RED, plots.GREEN, plots.ORANGE, plots.PINK, plots.SKY)
LINES = ("-", "--", "-.", ":")
MOST = len(COLOURS)
SETTING = ("applicator", "roles", "limits", "drivers", "devices", "software", "simulation")
RESULT = ("result", "reason", "duration_s", "energy_j", "energy_after_fault_j", "time_to_off_s", "rolloffs", "zone")


def render(sessions: Sequence[SessionFile]) -> str:
    """The page as text; two to :data:`MOST` sessions.

    Raises:
        ValueError: another number of them.
    """
    if not 2 <= len(sessions) <= MOST:
        raise ValueError(f"{len(sessions)} sessions cannot be compared on one page: give 2 to {MOST}")
    told = [digest(session) for session in sessions]
    names = [chr(ord("A") + k) for k in range(len(sessions))]
    banner = next((facts.banner for facts in told if facts.banner), "")
    label = "power, impedance, temperatures and flow of all sessions over time"
    parts = [
        f"<h1>{' against '.join(names)}</h1>",
        _legend(names, sessions, told),
        f'<section><h2>Courses</h2><div role="img" aria-label="{label}">{courses(names, told)}</div></section>',
        _section("What was asked differs in", names, list(map(asked, sessions, told))),
        _section("What happened differs in", names, list(map(happened, sessions, told))),
    ]
    return document(" against ".join(facts.title for facts in told), banner, parts)


def asked(session: SessionFile, facts: Digest) -> dict[str, str]:
    """Protocol, law, limits and bench as used: name -> value with its unit."""
    protocol: Mapping[str, Any] = next((e.data for e in reversed(facts.events) if e.kind == "protocol"), {})
    header = session.header
    found = {"bench": header.get("bench"), "protocol": protocol.get("name")}
    for key in ("law", "limits"):
        found.update(_flat(key, protocol.get(key)))
    for key in SETTING:
        found.update({name: found.get(name, value) for name, value in _flat(key, header.get(key)).items()})
    if protocol.get("sha256"):
        found["bench and protocol, sha256"] = str(protocol["sha256"])[:16]
    found["seed"] = header.get("seed")
    return _worded(found)


def happened(session: SessionFile, facts: Digest) -> dict[str, str]:
    """How it ended, and what was measured at most."""
    found: dict[str, Any] = {}
    for key in RESULT:
        found.update(_flat(key, facts.result.get(key)))
    if facts.trip is not None:
        found.update(
            {f"trip: {key}": facts.trip.get(key) for key in ("hazard", "monitor", "channel", "value", "limit")}
        )
    return _worded(found) | {name: text for name, text in facts.happened if "up to" in text or " to " in text}


def _flat(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        if "value" in value and "layer" in value:
            return {key: value["value"]}
        return {name: item for part, each in value.items() for name, item in _flat(f"{key}: {part}", each).items()}
    return {key: value} if value is not None else {}


def _worded(found: Mapping[str, Any]) -> dict[str, str]:
    worded = {}
    for name, value in found.items():
        if value is not None:
            plain = value if isinstance(value, str | int | float) else json.dumps(value)
            label, text = quantity(name, plain)
            worded[label] = text
    return worded


def _legend(names: Sequence[str], sessions: Sequence[SessionFile], told: Sequence[Digest]) -> str:
    rows = [
        f"<tr><td><b style='color:{COLOURS[k]}'>{name}</b></td><td>{escape(facts.title)}</td>"
        f"<td>{escape(facts.asked[0][1])}</td><td>{escape(facts.ended.text)}</td>"
        f"<td>{escape(when(str(session.header.get('utc', ''))))}</td>"
        f"<td class=mono>{escape(session.path.name)}</td></tr>"
        for k, (name, session, facts) in enumerate(zip(names, sessions, told, strict=True))
    ]
    return f"<table>{''.join(rows)}</table>"


def _section(title: str, names: Sequence[str], told: Sequence[Mapping[str, str]]) -> str:
    """The rows in which not all agree, and how many there are in which they do."""
    keys = dict.fromkeys(key for facts in told for key in facts)
    differ = [key for key in keys if len({facts.get(key) for facts in told}) > 1]
    head = "".join(f"<th style='color:{COLOURS[k]}'>{name}</th>" for k, name in enumerate(names))
    rows = "".join(
        f"<tr><td class=n>{escape(key)}</td>"
        + "".join(f"<td>{escape(facts.get(key, '-')[:400])}</td>" for facts in told)
        + "</tr>"
        for key in differ
    )
    same = f"<p class=sub>The same in all: {len(keys) - len(differ)} more.</p>"
    table = f"<table><tr><th></th>{head}</tr>{rows}</table>" if differ else "<p>Nothing.</p>"
    return f"<section><h2>{title}</h2>{table}{same}</section>"


def courses(names: Sequence[str], told: Sequence[Digest]) -> str:
    """The four courses, a colour for each session and a line for each channel, as SVG."""
    with mpl.rc_context(plots.RC):
        figure = Figure(figsize=(10.5, 9.6), layout="constrained")
        rows: Sequence[Any] = figure.subplots(4, 1, sharex=True, height_ratios=[1.3, 1, 1.2, 0.8])
        window_s = (min(facts.window_s[0] for facts in told), max(facts.window_s[1] for facts in told))
        for k, (name, facts) in enumerate(zip(names, told, strict=True)):
            for axes, curves in zip(
                rows, (facts.power[-1:], facts.impedance, facts.temperature, facts.flow), strict=True
            ):
                for i, curve in enumerate(curves):
                    named = Curve(f"{name} {curve.label}", curve.t_s, curve.value)
                    plots.line(axes, named, COLOURS[k], LINES[i % len(LINES)])
            for mark in facts.marks:
                if mark.bad and window_s[0] <= mark.t_s <= window_s[1]:
                    rows[0].axvline(mark.t_s, color=COLOURS[k], linewidth=1.0)
                    rows[0].annotate(
                        f"{name} {mark.text}"[:30], (mark.t_s, 1.0), xycoords=("data", "axes fraction"), xytext=(2, 2),
                        textcoords="offset points", fontsize=7, color=COLOURS[k], rotation=20,
                    )  # fmt: skip
        high_ohm = max((facts.limits.get("impedance_high_ohm", 0.0) for facts in told), default=0.0)
        labels = ("power, W", "impedance, Ω", "temperature, °C", "flow, ml/min")
        for axes, label in zip(rows, labels, strict=True):
            axes.set_ylabel(label)
            plots.fit(axes, window_s, *([1.2 * high_ohm] if high_ohm and axes is rows[1] else []))
            if axes.get_legend_handles_labels()[1]:
                axes.legend(loc="center left", bbox_to_anchor=(1.005, 0.5))
        rows[-1].set_xlim(*window_s)
        rows[-1].set_xlabel("time since FIRE, s")
        return plots.as_svg(figure, "comparison")
