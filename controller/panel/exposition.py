"""Prometheus' text format 0.0.4, as https://prometheus.io/docs/instrumenting/exposition_formats/ describes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EDGES_S = tuple(2.0**k / 1e6 for k in range(3, 25))
"""Upper edges of every histogram: 8 us, 16 us ... 16.8 s, each an edge of the daemon's own finer buckets. Always the
same ones, so that rates and aggregates over restarts and benches are right."""

Labels = Mapping[str, str]


class Distribution(NamedTuple):
    """One histogram as the daemon tells it: ``buckets`` are [upper edge in s or None, how many up to it], ascending,
    without those that hold nothing."""

    buckets: Sequence[Sequence[float | None]]
    total: int
    sum_s: float


class Exposition:
    """Metrics, family by family. A value that is None or no number is left out, and a family without values with it."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def gauge(self, name: str, told: str, *samples: tuple[Labels, float | None]) -> None:
        """What goes up and down."""
        self._family(name, "gauge", told, samples)

    def counter(self, name: str, told: str, *samples: tuple[Labels, float | None]) -> None:
        """What only rises, from 0 at the daemon's start. ``name`` ends in ``_total``."""
        self._family(name, "counter", told, samples)

    def histogram(self, name: str, told: str, series: Iterable[tuple[Labels, Distribution]]) -> None:
        """Seconds; ``name`` ends in ``_seconds``."""
        lines = [line for labels, found in series for line in _histogram(name, labels, found)]
        if lines:
            self._lines += [*_head(name, "histogram", told), *lines]

    def _family(self, name: str, kind: str, told: str, samples: Iterable[tuple[Labels, float | None]]) -> None:
        found = [(labels, value) for labels, value in samples if value is not None and not math.isnan(value)]
        if found:
            self._lines += [*_head(name, kind, told), *(_line(name, labels, value) for labels, value in found)]

    def text(self) -> str:
        """The whole page."""
        return "".join(f"{line}\n" for line in self._lines)


def _histogram(name: str, labels: Labels, found: Distribution) -> Iterable[str]:
    buckets, at, seen = found.buckets, 0, 0.0
    for edge_s in EDGES_S:
        while at < len(buckets) and (upper_s := buckets[at][0]) is not None and upper_s <= edge_s:
            seen = buckets[at][1] or 0.0
            at += 1
        yield _line(f"{name}_bucket", {**labels, "le": _number(edge_s)}, seen)
    yield _line(f"{name}_bucket", {**labels, "le": "+Inf"}, found.total)
    yield _line(f"{name}_sum", labels, found.sum_s)
    yield _line(f"{name}_count", labels, found.total)


def _head(name: str, kind: str, told: str) -> tuple[str, str]:
    escaped = told.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {escaped}", f"# TYPE {name} {kind}"


def _line(name: str, labels: Labels, value: float) -> str:
    inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {_number(value)}" if inner else f"{name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """As Go's ParseFloat reads it."""
    if isinstance(value, float) and math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
