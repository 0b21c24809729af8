"""What each fault must lead to: ``injections.toml``, read and checked."""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sim.campaign.benches import EVERYWHERE, devices_of
from sim.campaign.warp import PLAIN, Warp

FILE = Path(__file__).with_name("injections.toml")
SHOWS = ("always", "power", "stop")
EARLY = frozenset({"boot", "precheck", "ready", "armed"})
ENDING = frozenset({"stopping", "cooldown"})
MARGIN_W = 10.0
"""Energy bounds are for a power; below this one they are as for this one, because a meter's noise is energy too."""


class Expected(NamedTuple):
    """What one fault must lead to in one phase."""

    hazards: frozenset[str]
    within_s: float
    energy_w_s: float  # J allowed for each W of set-point
    shows: str
    benign: bool
    told: bool = False  # nothing can take the power away: only the trip must come in time

    def energy_j(self, power_w: float) -> float:
        """What may flow after the fault at a set-point of ``power_w``."""
        return self.energy_w_s * max(power_w, MARGIN_W)


class Injection(NamedTuple):
    """One row: a fault with its severities."""

    fault: str  # device[.channel][.link].name
    values: tuple[float | None, ...]
    duration_s: float | None
    kind: str  # class
    shows: str
    hazards: frozenset[str]
    early: frozenset[str]
    ending: frozenset[str]
    benign: bool
    only: tuple[str, ...]  # benches; those that lack the device are passed over
    phases: tuple[str, ...]  # none: all
    within_s: float
    energy_w_s: float
    told: bool

    def on(self, modality: str) -> bool:
        """Is it injected on this bench?"""
        return modality in self.only and self.fault.partition(".")[0] in devices_of(modality)

    def spec(self, value: float | None) -> str:
        """As ``--fault`` takes it, beginning at once."""
        text = self.fault if value is None else f"{self.fault}={value:g}"
        return text if self.duration_s is None else f"{text}+{self.duration_s:g}"

    def expected(self, phase: str) -> Expected:
        """What it must lead to when it begins in ``phase``."""
        also = self.early if phase in EARLY else self.ending if phase in ENDING else frozenset()
        return Expected(self.hazards | also, self.within_s, self.energy_w_s, self.shows, self.benign, self.told)


class Behind(NamedTuple):
    """What another fault must lead to behind a latent one, where that is not what it must lead to alone."""

    latent: str
    fault: str
    modality: str
    within_s: float | None  # None: nothing is left that could act, and it is not injected
    energy_w_s: float
    hazards: frozenset[str]  # these may be the first cause too
    because: str


def _spread(text: str) -> Iterator[str]:
    """``{a,b}.link.drop`` as ``a.link.drop`` and ``b.link.drop``."""
    parts = [part.split(",") if k % 2 else [part] for k, part in enumerate(re.split(r"\{([^}]*)\}", text))]
    return ("".join(chosen) for chosen in itertools.product(*parts))


def read(text: str) -> tuple[Injection, ...]:
    """The rows of a table in the form of ``injections.toml``.

    Raises:
        ValueError: a key that is unknown or missing, with the row.
    """
    data = tomllib.loads(text)
    classes: Mapping[str, Mapping[str, float]] = data["class"]
    return tuple(made for row in data["injection"] for made in _rows(row, classes))


def _rows(row: Mapping[str, Any], classes: Mapping[str, Mapping[str, float]]) -> Iterator[Injection]:
    known = {
        "fault",
        "values",
        "duration_s",
        "hazards",
        "class",
        "shows",
        "early",
        "ending",
        "benign",
        "only",
        "phases",
    }
    known |= {"within_s", "energy_w_s", "told"}
    benign = bool(row.get("benign", False))
    shows = str(row.get("shows", "always"))
    if unknown := set(row) - known:
        raise ValueError(f"injection {row.get('fault')}: unknown {sorted(unknown)}; there are {sorted(known)}")
    if shows not in SHOWS:
        raise ValueError(f"injection {row['fault']}: shows must be one of {', '.join(SHOWS)}, not {shows!r}")
    if benign != ("hazards" not in row):
        raise ValueError(f"injection {row['fault']}: name its hazards, or call it benign")
    bounds = classes[row["class"]] if not benign else {"within_s": 0.0, "energy_w_s": 0.0}
    for fault in _spread(row["fault"]):
        yield Injection(
            fault,
            tuple(row.get("values", (None,))),
            row.get("duration_s"),
            str(row.get("class", "benign")),
            shows,
            frozenset(row.get("hazards", ())),
            frozenset(row.get("early", ())),
            frozenset(row.get("ending", ())),
            benign,
            tuple(row.get("only", EVERYWHERE)),
            tuple(row.get("phases", ())),
            float(row.get("within_s", bounds["within_s"])),
            float(row.get("energy_w_s", bounds["energy_w_s"])),
            bool(row.get("told", False)),
        )


def read_behind(text: str) -> tuple[Behind, ...]:
    """The rows of what is expected behind a latent fault. Raises KeyError for a key that is missing."""
    return tuple(
        Behind(
            row["latent"], fault, modality, row.get("within_s"), float(row.get("energy_w_s", 0.0)),
            frozenset(row.get("hazards", ())), row["because"],
        )
        for row in tomllib.loads(text).get("behind", ())
        for fault in _spread(row["fault"])
        for modality in row["only"]
    )  # fmt: skip


@functools.cache
def injections() -> tuple[Injection, ...]:
    """The shipped table."""
    return read(FILE.read_text(encoding="utf-8"))


@functools.cache
def _behind() -> dict[tuple[str, str, str], Behind]:
    rows = read_behind(FILE.read_text(encoding="utf-8"))
    return {(row.latent, row.fault, row.modality): row for row in rows}


def behind(latent: str, fault: str, modality: str) -> Behind | None:
    """What is said of ``fault`` behind ``latent``; None: it must lead to what it leads to alone."""
    return _behind().get((latent, fault, modality))


@functools.cache
def find(fault: str, modality: str) -> Injection:
    """The row of ``fault`` on a bench. Raises KeyError."""
    for row in injections():
        if row.fault == fault and row.on(modality):
            return row
    raise KeyError(f"{fault} on the bench {modality}")


def expected(fault: str, modality: str, phase: str, latent: str = "", warp: Warp = PLAIN) -> Expected:
    """What a run must show. Raises KeyError."""
    row = find(fault, modality)
    alone = row.expected(phase)
    other = behind(latent, fault, modality) if latent else None
    if other is not None and other.within_s is not None:
        alone = alone._replace(
            hazards=alone.hazards | other.hazards, within_s=other.within_s, energy_w_s=other.energy_w_s
        )
    later_s = warp.answers_later_s + (warp.flow_later_s if row.kind == "flow" else 0.0)
    return alone._replace(within_s=alone.within_s + later_s, energy_w_s=alone.energy_w_s + later_s)
