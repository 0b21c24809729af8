"""``docs/figures.md`` from what ``make bench`` kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.rows import Row, number

HEAD = """# Performance

Written by `make bench` (`python -m benchmarks`, then `--page docs/figures.md`). A row is a figure of ours, beside
it a floor or somebody else's figure measured in the same run, because a figure alone says more about the machine than
about the program. What is not met stands here as not met.
"""


def render(told: Mapping[str, Any]) -> str:
    """The page, from the JSON file of one run."""
    return "\n".join([HEAD, *_machine(told), *_tables(told["rows"]), ""])


def _machine(told: Mapping[str, Any]) -> Iterator[str]:
    quick = "; a first look (`--quick`)" if told["quick"] else ""
    yield f"Measured {told['utc']} UTC at revision {str(told['revision'])[:12]}{quick}: {told['processor']}, "
    yield f"{told['cores']} cores, load {told['load']} before it began; Python {told['python']}, {told['system']}."
    judged = [row for rows in told["rows"].values() for row in rows if row["met"] is not None]
    yield f"{sum(row['met'] for row in judged)} of {len(judged)} targets met."


def _tables(groups: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    for name, rows in groups.items():
        yield from (
            "",
            f"## {name}",
            "",
            "| | ours | against | | ratio | target | | |",
            "|---|---|---|---|---|---|---|---|",
        )
        for told in rows:
            row = Row(**told)
            theirs = "" if row.theirs is None else f"{number(row.theirs)} {row.unit}"
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            yield (
                f"| {row.what} | {number(row.ours)} {row.unit} | {row.against} | {theirs} | {ratio} | {row.target} "
                f"| {row.verdict()} | {row.note} |"
            )
