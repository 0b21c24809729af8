"""Each hazard with what was shown of it: the table of hazards joined with the evidence. Pure; nothing is invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from controller.evidence.store import Evidence, Found
from controller.hazards import Hazard, parse

SHOWN, FAILED, PARTLY, NOT_RUN, OPEN, OUTSIDE = "shown", "FAILED", "partly shown", "not run", "open", "at the bench"
"""What may be said of a row. ``OUTSIDE``: met by wires or people; a test can show the daemon's check at most."""

WRONG = frozenset(
    {"LATE", "MISSED", "WRONG_CAUSE", "MASKED", "FALSE", "NOT_REACHED", "ERROR"}  # campaign
    | {"failed", "late"}  # tests, trials of processes
    | {"survived", "crashed", "timeout", "no_tests", "infra"}  # mutation gate
    | {"violations"}  # exploration
    | {"wrong"}  # soak
    | {"lines_missed", "branches_missed", "tests_failed"}  # coverage
)
"""Figures that must be zero."""


@dataclass(frozen=True)
class Test:
    """One named test, all its parameters together; ``outcome`` is passed, failed, skipped or not run."""

    name: str
    outcome: str
    cases: int = 0


@dataclass(frozen=True)
class Claim:
    """One hazard and its evidence. ``campaign``: lines of faults that belong to it; ``others``: rows of other evidence
    that name it."""

    hazard: Hazard
    tests: tuple[Test, ...]
    campaign: tuple[Mapping[str, Any], ...]
    status: str
    open_points: tuple[str, ...]
    others: tuple[Mapping[str, Any], ...] = ()


def table() -> tuple[Hazard, ...]:
    """The hazards as they are installed."""
    return parse(resources.files("safety").joinpath("hazards.toml").read_text(encoding="utf-8"))


def claims(hazards: Sequence[Hazard], found: Found) -> tuple[Claim, ...]:
    """One claim for each hazard, in order."""
    outcomes = {str(row["test"]): row for row in _rows(found, "tests") if "test" in row}
    lines = [row for row in _rows(found, "campaign") if "fault" in row]
    return tuple(_claim(hazard, outcomes, lines, found) for hazard in hazards)


def _rows(found: Found, name: str) -> Iterable[Mapping[str, Any]]:
    evidence: Evidence | None = found.evidence.get(name)
    return evidence.rows if evidence is not None else ()


def _claim(
    hazard: Hazard, outcomes: Mapping[str, Mapping[str, Any]], lines: Sequence[Mapping[str, Any]], found: Found
) -> Claim:
    nodes = dict.fromkeys((*hazard.proof, *(spec for spec in hazard.injection if "::" in spec)))
    tests = tuple(_test(node, outcomes.get(node)) for node in nodes)
    faults = {bare(spec) for spec in hazard.injection if "::" not in spec}
    mine = tuple(line for line in lines if bare(str(line["fault"])) in faults)
    status = _status(hazard, tests, faults, mine)
    points = [hazard.missing] if hazard.missing else []
    points += [f"{test.name} {test.outcome}" for test in tests if test.outcome == "failed"]
    points += [
        f"campaign, {line['fault']}: {count} {verdict}" for line in mine for verdict, count in wrong(line).items()
    ]
    others = tuple(
        row
        for name, each in found.evidence.items()
        if name not in ("tests", "campaign")
        for row in each.rows
        if hazard.id in (row.get("hazards") or ())
    )
    return Claim(hazard, tests, mine, status, tuple(points), others)


def failures(found: Found) -> tuple[str, ...]:
    """What runs themselves count as wrong, run by run."""
    return tuple(
        f"{each.what}: {value} {key.replace('_', ' ')}"
        for each in found.evidence.values()
        for key, value in each.figures.items()
        if key in WRONG and value
    )


def bare(spec: str) -> str:
    """A fault without value, onset and duration."""
    for mark in "=@+":
        spec = spec.partition(mark)[0]
    return spec


def wrong(line: Mapping[str, Any]) -> Mapping[str, int]:
    """Verdicts of a campaign's line that are not OK."""
    return {name: count for name, count in dict(line.get("verdicts") or {}).items() if name != "OK" and count}


def _test(node: str, row: Mapping[str, Any] | None) -> Test:
    if row is None:
        return Test(node, "not run")
    passed, failed, skipped = (int(row.get(key) or 0) for key in ("passed", "failed", "skipped"))
    outcome = "failed" if failed else "passed" if passed else "skipped" if skipped else "not run"
    return Test(node, outcome, passed + failed + skipped)


def _status(hazard: Hazard, tests: Sequence[Test], faults: Iterable[str], lines: Sequence[Mapping[str, Any]]) -> str:
    seen = {test.outcome for test in tests}
    if "failed" in seen or any(wrong(line) for line in lines):
        return FAILED
    if hazard.kind == "open":
        return OPEN
    injectable = bool(tuple(faults)) and "ot in the campaign" not in hazard.reason
    ran = "passed" in seen or bool(lines)
    if hazard.kind in ("wiring", "site"):
        return OUTSIDE
    if not ran:
        return NOT_RUN
    return SHOWN if seen <= {"passed"} and (lines or not injectable) else PARTLY
