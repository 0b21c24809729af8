"""The steps, as ``controller/data/commissioning.yaml`` has them, for one bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import yaml

from controller.config.bench import Bench

PROVEN_S = 0.5
"""Off is proven at most so long after a contact of the E-stop opened, or the watchdog was gone: what the kernel allows
before it locks out (:class:`safety.rules.Timing`, ``off_c2_s``)."""
DUMMY_W = 10.0
"""Into the dummy load: enough to be told from 0 by a meter of 1 % of 200 W, little enough for a small resistor."""


@dataclass(frozen=True)
class Step:
    """One step. ``channels``: what it is about on this bench."""

    step: str
    title: str
    do: str
    see: str
    check: str
    undo: str = ""
    role: tuple[str, ...] = ()
    each: bool = False
    energy: bool = False
    channels: tuple[str, ...] = ()


def table() -> tuple[Step, ...]:
    """All steps, with their texts as they are written."""
    text = (resources.files("controller") / "data" / "commissioning.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(Step(**{**row, "role": tuple(row.get("role", ()))}) for row in rows)


def steps(bench: Bench) -> tuple[Step, ...]:
    """The steps of ``bench``: those whose roles it has, once for each channel where the table says so."""
    found: list[Step] = []
    words = {"power_w": f"{dummy_w(bench):g}", "proven_ms": f"{PROVEN_S * 1000:g}"}
    for row in table():
        channels = tuple(dict.fromkeys(c for role in row.role for c in _named(getattr(bench.roles, role))))
        if row.role and not channels:
            continue
        for i, channel in enumerate(channels if row.each else [""]):
            name = f"{row.step}-{i + 1}" if row.each else row.step
            said = _filled(row, {**words, "channel": channel})
            found.append(replace(said, step=name, channels=(channel,) if row.each else channels))
    return tuple(found)


def dummy_w(bench: Bench) -> float:
    """The power of the steps with energy, W."""
    bounds = (DUMMY_W, bench.limits.power_w, bench.applicator.power_max_w)
    return min(bound for bound in bounds if bound is not None)


def _filled(row: Step, words: Mapping[str, str]) -> Step:
    return replace(row, **{key: getattr(row, key).format(**words) for key in ("do", "see", "undo")})


def _named(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()
