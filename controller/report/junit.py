"""Sessions as JUnit XML, for benches that run in CI: a suite for each session, a case for each application."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from controller.records.outcome import Ended, alive, outcome
from controller.records.reader import SessionFile, open_session
from controller.records.verify import verify

FIGURES = ("energy_j", "on_time_s", "rolloffs")
OF_THE_LAST = ("energy_after_fault_j", "time_to_off_s", "ticks", "late_ticks")
"""What only the result of a session's newest application tells."""
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(sessions: Iterable[str | Path], path: str | Path) -> Path:
    """Write the XML of ``sessions`` to ``path``.

    Raises:
        RecordError: a session cannot be read.
        OSError: ``path`` cannot be written.
    """
    root = ElementTree.Element("testsuites", name="openablate")
    for name in sessions:
        live = alive(Path(name))
        with open_session(name) as session:
            root.append(suite(session, live))
    _count(root)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return Path(path)


def suite(session: SessionFile, live: bool = False) -> ElementTree.Element:
    """One session: its applications, and whether its record is as it was written. ``live``: its writer lives."""
    header, bench = session.header, _text(session.header.get("bench", "session"))
    found = ElementTree.Element("testsuite", name=f"{bench} {_text(header.get('id', ''))}".strip())
    if utc := header.get("utc"):
        found.set("timestamp", _text(utc).removesuffix("Z"))
    _properties(found, {**{key: header.get(key) for key in ("bench", "id", "simulated", "seed")}, "file": session.path})
    begun = [event.data for event in session.events("application")]
    ended = outcome(session, live)
    ends = {event.data.get("number"): event.data for event in session.events("application_end")}
    for application, one in zip(begun, ended.applications, strict=True):
        number = application.get("number")
        case = _case(found, bench, _name(application), ends.get(number))
        newest = application is begun[-1]
        if newest and number in ends:
            _properties(case, {key: one.facts.get(key) for key in OF_THE_LAST} | _zone(one.facts))
        _judge(case, one, ends.get(number))
    if not begun:
        case = _case(found, bench, "application", None)
        why = _text(ended.facts.get("reason") or "the bench never fired")
        _fail(case, "aborted", f"no energy was delivered: {why}")
    checked = verify(session.path)
    case = _case(found, bench, "record is as it was written", None)
    _properties(case, {"head": checked.head, "closed": checked.closed})
    if not checked.ok:
        _fail(case, "verification", checked.text)
    return found


def _name(application: Mapping[str, Any]) -> str:
    where = [_text(application[key]) for key in ("target", "index") if application.get(key) is not None]
    return " ".join([_text(application.get("number")), *where, _text(application.get("protocol"))])


def _case(found: ElementTree.Element, bench: str, name: str, end: Mapping[str, Any] | None) -> ElementTree.Element:
    on_time_s = (end or {}).get("on_time_s")
    time_s = f"{on_time_s:.3f}" if isinstance(on_time_s, int | float) else "0"
    case = ElementTree.SubElement(found, "testcase", classname=bench, name=name, time=time_s)
    _properties(case, {key: (end or {}).get(key) for key in FIGURES})
    advice = (end or {}).get("advice")
    if isinstance(advice, Mapping):
        _properties(case, {"advice": advice.get("advice")})
    return case


def _judge(case: ElementTree.Element, one: Ended, end: Mapping[str, Any] | None) -> None:
    if end is None:
        ElementTree.SubElement(case, "error", type=one.result, message=_text(one.facts["reason"]))
    elif end.get("result") == "tripped":
        trip = one.facts.get("trip")
        told: Mapping[str, Any] = trip if isinstance(trip, Mapping) else {}
        kind = f"{told.get('hazard', 'trip')} {told.get('monitor', '')}".strip()
        _fail(case, kind, _text(end.get("trip") or told.get("text") or "tripped"), _text(told.get("check", "")))
    elif end.get("result") != "completed":
        _fail(case, _text(end.get("result")), _text(end.get("reason") or end.get("result")))


def _fail(case: ElementTree.Element, kind: str, message: str, text: str = "") -> None:
    failure = ElementTree.SubElement(case, "failure", type=kind, message=message)
    failure.text = f"check: {text}" if text else None


def _zone(result: Mapping[str, Any]) -> dict[str, Any]:
    zone = result.get("zone")
    return dict(zone) if isinstance(zone, Mapping) else {}


def _properties(element: ElementTree.Element, figures: Mapping[str, Any]) -> None:
    told = {name: value for name, value in figures.items() if value is not None}
    if not told:
        return
    listed = element.find("properties")
    if listed is None:
        listed = ElementTree.Element("properties")
        element.insert(0, listed)
    for name, value in told.items():
        ElementTree.SubElement(listed, "property", name=_text(name), value=_text(value))


def _count(root: ElementTree.Element) -> None:
    """Sums, which some readers want written down."""
    for element in (*root, root):
        cases = element.findall(".//testcase")
        element.set("tests", str(len(cases)))
        for kind in ("failure", "error"):
            element.set(f"{kind}s", str(sum(case.find(kind) is not None for case in cases)))
        total_s = 0.0
        for case in cases:
            with contextlib.suppress(ValueError):
                total_s += float(case.get("time", "0"))
        element.set("time", f"{total_s:.3f}")


def _text(value: object) -> str:
    """Without characters that XML has no way to write."""
    return _UNWRITABLE.sub("?", str(value))
