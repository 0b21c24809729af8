"""A strict reader of Prometheus' text format 0.0.4, written from its published description alone
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Inf)|NaN")
KINDS = ("counter", "gauge", "histogram", "summary", "untyped")
PARTS = ("_bucket", "_sum", "_count")

Labels = frozenset[tuple[str, str]]


@dataclass
class Family:
    """One metric: its lines by name and labels."""

    kind: str
    told: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def of(self, **labels: str) -> float:
        """The only value with exactly these labels, of a metric that is no histogram."""
        (value,) = [value for (_, found), value in self.samples.items() if found == frozenset(labels.items())]
        return value

    def by(self, label: str) -> dict[str, float]:
        """Values by one label."""
        return {dict(found)[label]: value for (_, found), value in self.samples.items()}


def read(text: str) -> dict[str, Family]:
    """Every family. Raises AssertionError for what is against the format."""
    assert text.endswith("\n"), "the last line must end with a line feed"
    assert "\r" not in text
    families: dict[str, Family] = {}
    told: dict[str, str] = {}
    now = ""
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            word, name, rest = _comment(line)
            if word == "HELP":
                assert name not in told, f"a second HELP: {line}"
                told[name] = rest
            else:
                assert name not in families, f"a second TYPE, or a metric in two places: {line}"
                assert rest in KINDS, line
                families[name], now = Family(rest, told.get(name, "")), name
            continue
        name, labels, value = _sample(line)
        assert _belongs(name, now, families[now].kind), f"{line}: not in the group of {now}"
        key = (name, frozenset(labels.items()))
        assert key not in families[now].samples, f"there twice: {line}"
        families[now].samples[key] = value
    for name, family in families.items():
        assert family.told, f"{name} has no HELP"
        assert family.samples, f"{name} has no sample"
        if family.kind == "counter":
            assert name.endswith("_total") and all(value >= 0 for value in family.samples.values())
        if family.kind == "histogram":
            _judge_histogram(name, family)
    return families


def _comment(line: str) -> tuple[str, str, str]:
    found = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
    assert found, f"no HELP and no TYPE: {line}"
    assert not re.search(r"(?<!\\)(?:\\\\)*\\(?![\\n])", found[3]), f"an escape that does not exist: {line}"
    return found[1], found[2], found[3]


def _sample(line: str) -> tuple[str, dict[str, str], float]:
    found = SAMPLE.fullmatch(line)
    assert found, f"no sample: {line!r}"
    assert NUMBER.fullmatch(found[3]), f"no number: {line}"
    return found[1], _labels(found[2] or ""), float(found[3])


def _labels(inner: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(inner):
        found = LABEL.match(inner, at)
        assert found, f"no label at {inner[at:]!r}"
        assert found[1] not in labels, f"a label twice: {inner}"
        labels[found[1]] = re.sub(r"\\(.)", lambda part: "\n" if part[1] == "n" else part[1], found[2])
        at = found.end()
        assert at == len(inner) or inner[at] == ",", inner
        at += 1
    return labels


def _belongs(name: str, family: str, kind: str) -> bool:
    return name in {f"{family}{part}" for part in PARTS} if kind == "histogram" else name == family


def series(name: str, family: Family) -> Iterator[tuple[Mapping[str, str], list[tuple[float, float]], float, float]]:
    """Of a histogram: labels, buckets (upper edge, how many up to it), sum, count."""
    bare = {labels for (part, labels) in family.samples if part == f"{name}_count"}
    for labels in bare:
        buckets = [
            (float(dict(found)["le"]), value)
            for (part, found), value in family.samples.items()
            if part == f"{name}_bucket" and frozenset(pair for pair in found if pair[0] != "le") == labels
        ]
        yield dict(labels), buckets, family.samples[f"{name}_sum", labels], family.samples[f"{name}_count", labels]


def _judge_histogram(name: str, family: Family) -> None:
    seen = 0
    for labels, buckets, total, count in series(name, family):
        edges, counts = [edge for edge, _ in buckets], [value for _, value in buckets]
        assert edges == sorted(set(edges)) and edges[-1] == math.inf, f"{name}{labels}: {edges}"
        assert counts == sorted(counts) and counts[-1] == count, f"{name}{labels}: not cumulative"
        assert total >= 0.0
        seen += len(buckets) + 2
    assert seen == len(family.samples), f"{name}: buckets without _sum and _count"
