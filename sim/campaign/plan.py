"""Which runs there are: faults x phase x part of a tick x modality x severity x seed, whole or a covering part."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sim.campaign.benches import BENCHES
from sim.campaign.expected import Injection, behind, injections
from sim.campaign.warp import PLAIN, Warp

PHASES = ("boot", "precheck", "ready", "armed", "fire", "ramp", "steady", "rolloff", "stopping", "cooldown")
"""When a fault begins: on entering the state of that name; ``fire`` within two ticks of FIRE, before or after;
``ramp`` and ``steady`` 0.5 and 4 s after it; ``rolloff`` when the law pauses for the first time."""
OFFSETS_S = tuple(k * 6250 / 1e6 for k in range(8))
"""Eighths of a tick of 50 ms."""
SEEDS = (1, 2, 3)
AFTER_LATENT = ("boot", "ready", "ramp", "steady")


class Case(NamedTuple):
    """One run. ``fault`` empty: nominal. ``latent``: a fault that is there from the start."""

    fault: str
    value: float | None
    phase: str
    offset_s: float
    modality: str
    seed: int
    latent: str = ""
    warp: Warp = PLAIN

    @property
    def key(self) -> str:
        """A word for it that ``ablate campaign --only`` understands."""
        value = "" if self.value is None else f"={self.value:g}"
        fault = f"{self.fault}{value}" if self.fault else "nominal"
        latent = f"+{self.latent}" if self.latent else ""
        warp = f"/{self.warp}" if str(self.warp) else ""
        return f"{self.modality}/{fault}{latent}/{self.phase}/{round(self.offset_s * 1e6)}us/{self.seed}{warp}"


def parse(key: str) -> Case:
    """The inverse of :attr:`Case.key`.

    Raises:
        ValueError: it is no such word.
    """
    form = "BENCH/FAULT[=VALUE][+LATENT]/PHASE/NUMBERus/SEED[/WARP]"
    if key.count("/") < 4:
        raise ValueError(f"{key!r} is no run of a campaign: write {form}, as a report names it")
    try:
        modality, what, phase, offset, seed, *warp = key.split("/")
        what, _, latent = what.partition("+")
        fault, _, value = what.partition("=")
        case = Case(
            "" if fault == "nominal" else fault,
            float(value) if value else None,
            phase,
            float(offset.removesuffix("us")) / 1e6,
            modality,
            int(seed),
            latent,
            Warp.parse(",".join(warp)),
        )
    except ValueError as error:
        raise ValueError(f"{key!r} is no run of a campaign ({form}): {error}") from error
    if case.modality not in BENCHES:
        raise ValueError(f"{key!r}: there is no bench {case.modality!r}; there are {', '.join(BENCHES)}")
    if case.phase not in PHASES:
        raise ValueError(f"{key!r}: there is no phase {case.phase!r}; there are {', '.join(PHASES)}")
    return case


def _phases(row: Injection, modality: str) -> Iterator[str]:
    for phase in PHASES:
        if phase == "rolloff" and not BENCHES[modality].pauses:
            continue
        if row.shows == "stop" and phase in ("stopping", "cooldown"):
            continue  # the demand has been made by then
        if row.phases and phase not in row.phases:
            continue
        yield phase


def singles(modalities: Sequence[str], seeds: Sequence[int] = SEEDS) -> list[Case]:
    """Every single fault, in full."""
    return [
        Case(row.fault, value, phase, offset_s, modality, seed)
        for row in injections()
        for modality in modalities
        if row.on(modality)
        for value in row.values
        for phase in _phases(row, modality)
        for offset_s in OFFSETS_S
        for seed in seeds
    ]


def pairs(modalities: Sequence[str]) -> list[Case]:
    """Every latent fault with every fault that is seen at once, where something is left that can act."""
    return [
        Case(row.fault, row.values[-1], phase, 0.0, modality, SEEDS[0], latent)
        for modality in modalities
        for latent, row in itertools.product(BENCHES[modality].latent, injections())
        if row.fault != latent and not row.benign and row.shows != "stop" and row.on(modality)
        if (said := behind(latent, row.fault, modality)) is None or said.within_s is not None
        for phase in AFTER_LATENT
        if not row.phases or phase in row.phases
    ]


def nominal(modalities: Sequence[str], count: int) -> list[Case]:
    """``count`` runs in which nothing is wrong, each with a seed of its own."""
    return [
        Case("", None, "steady", 0.0, modality, 1000 + seed)
        for seed, modality in zip(range(count), itertools.cycle(modalities), strict=False)
    ]


def counts(cases: Sequence[Case]) -> dict[str, Any]:
    """How many runs there are, in all and by what they are."""
    injected = [case for case in cases if case.fault]
    factors = {
        "faults": len({(case.fault, case.value) for case in injected}),
        "offsets": len({case.offset_s for case in injected}),
        "seeds": len({case.seed for case in injected}),
    }
    return {
        "runs": len(cases),
        "injected": len(injected),
        "nominal": len(cases) - len(injected),
        "pairs": sum(1 for case in injected if case.latent),
        **factors,
        "benches": dict(Counter(case.modality for case in injected)),
        "phases": dict(Counter(case.phase for case in injected)),
    }


def text(told: Mapping[str, Any]) -> list[str]:
    """:func:`counts` for a terminal."""
    of = ", ".join(f"{told[name]} {name}" for name in ("faults", "offsets", "seeds"))
    return [
        f"{told['injected']} injected runs, {told['pairs']} behind a latent fault, and {told['nominal']} nominal ones",
        f"{of} (a severity is a fault of its own)",
        *(f"{name}: " + ", ".join(f"{n} {what}" for what, n in told[name].items()) for name in ("benches", "phases")),
    ]


def covering(cases: Sequence[Case], runs: int, seed: int) -> list[Case]:
    """``runs`` of ``cases``: first such that every pair of two factors' values occurs, then at random.

    Greedy over a seeded shuffle: a case is taken when it brings pairs that no earlier one had, those that bring most
    of theirs first.
    """
    shuffled = list(cases)
    random.Random(seed).shuffle(shuffled)
    if runs >= len(shuffled):
        return shuffled
    missing = {pair for case in shuffled for pair in _two(case)}
    taken: list[Case] = []
    left = shuffled
    for least in (10, 6, 3, 1):  # of the fifteen pairs of a case, how many must be new
        rest: list[Case] = []
        for case in left:
            new = missing & _two(case)
            if len(new) >= least:
                taken.append(case)
                missing -= new
            else:
                rest.append(case)
        left = rest
    return (taken + left)[:runs] if len(taken) < runs else taken[:runs]


def _two(case: Case) -> set[tuple[object, ...]]:
    factors = (
        ("fault", (case.fault, case.value)),
        ("phase", case.phase),
        ("offset", case.offset_s),
        ("modality", case.modality),
        ("seed", case.seed),
        ("latent", case.latent),
    )
    return set(itertools.combinations(factors, 2))
