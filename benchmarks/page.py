"""``docs/performance.md`` from what ``make bench`` kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.goals import GOALS
from benchmarks.rows import Row, number

HEAD = """# Performance

Written by `make bench` (`python -m benchmarks`), peers by `make bench-peers`, then `--page docs/performance.md`; the
data are beside it in [performance.json](performance.json). A row is a figure of ours, beside it a floor or somebody
else's figure measured in the same run, because a figure alone says more about the machine than about the program. What
is not met stands here as not met.
"""


def render(told: Mapping[str, Any]) -> str:
    """The page, from the JSON file."""
    return "\n".join([HEAD, *_machine(told), *_goals(told["rows"]), *_tables(told), ""])


def _machine(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"{told['processor']}, {told['cores']} cores; Python {told['python']}, {told['system']}."
    judged = [row for rows in told["rows"].values() for row in rows if row["met"] is not None]
    yield f"{sum(row['met'] for row in judged)} of {len(judged)} targets met."


def _goals(groups: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield from ("", "## What was aimed at", "", "| | | | why not |", "|---|---|---|---|")
    for goal in GOALS:
        verdict = goal.verdict(groups)
        why = goal.why if verdict.startswith("NOT") else ""
        yield f"| {goal.name} | {goal.text} | {verdict} | {why} |"


def _tables(told: Mapping[str, Any]) -> Iterator[str]:
    for name, rows in told["rows"].items():
        when = told["when"][name]
        look = ", a first look (`--quick`)" if when["quick"] else ""
        yield from (
            "",
            f"## {name}",
            "",
            f"{when['utc']} UTC at {str(when['revision'])[:12]}, load {when['load']} before it began{look}.",
            "",
            "| | ours | against | | ratio | target | | |",
            "|---|---|---|---|---|---|---|---|",
        )
        for one in rows:
            row = Row(**one)
            theirs = "" if row.theirs is None else f"{number(row.theirs)} {row.unit}"
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            yield (
                f"| {row.what} | {number(row.ours)} {row.unit} | {row.against} | {theirs} | {ratio} | {row.target} "
                f"| {row.verdict()} | {row.note} |"
            )
