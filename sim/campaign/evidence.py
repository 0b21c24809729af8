"""What a campaign leaves for the safety case: ``python -m sim.campaign.evidence FOLDER`` for a folder that is there."""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.evidence import store
from controller.evidence.revision import Origin, origin
from sim.campaign import pool
from sim.campaign.classes import POWER_W, at_power_j, by_class, commanded_s, energetic, took_s
from sim.campaign.expected import Injection, find
from sim.campaign.plan import Case, parse
from sim.campaign.summary import FAILING, Row

NAME = "evidence.json"


def write(folder: Path, rows: Sequence[Row], command: str, made_from: Origin) -> Path:
    """Write ``folder/evidence.json`` of runs that were all made from ``made_from``."""
    return store.write(folder / NAME, "fault campaign", command, figures(rows), lines(rows), origin=made_from)


def figures(rows: Sequence[Row]) -> dict[str, int | float]:
    """Runs and verdicts; ``missed_at_most_percent`` with 95 % confidence when none was missed."""
    counts = Counter(str(row["verdict"]) for row in rows)
    injected = sum(1 for row in rows if parse(str(row["case"])).fault)
    told: dict[str, int | float] = {"injected": injected, "nominal": len(rows) - injected}
    told |= {name: counts.get(name, 0) for name in ("OK", *FAILING)}
    if injected and not counts.get("MISSED"):
        told["missed_at_most_percent"] = 300.0 / injected
    for line in by_class(rows):
        told |= {f"{line.kind}_off_worst_s": line.worst_s, f"{line.kind}_worst_j_at_200_w": line.worst_j}
    return told


def lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A line for each fault over all its runs, and one for it behind each latent fault; nominal runs are one more."""
    groups: dict[tuple[str, bool, str], list[tuple[Case, Row]]] = {}
    for row in rows:
        case = parse(str(row["case"]))
        groups.setdefault((case.fault, bool(case.latent), case.modality), []).append((case, row))
    return [_line(key, group, find(key[0], key[2]) if key[0] else None) for key, group in sorted(groups.items())]


def _line(key: tuple[str, bool, str], group: Sequence[tuple[Case, Row]], injection: Injection | None) -> dict[str, Any]:
    told = [row for _, row in group]
    judged = [row for row in told if energetic(row)]
    detect, off = ([took_s(row, name) for row in judged] for name in ("trip_s", "off_s"))
    latent = ", ".join(sorted({case.latent for case, _ in group}))
    line: dict[str, Any] = {"fault": key[0], "latent": latent, "modality": key[2]}
    if injection is not None:
        line |= {"class": injection.kind, "hazards": sorted(injection.hazards)}
        if not injection.benign:
            line |= {"allowed_s": injection.within_s, "allowed_j_at_200_w": injection.energy_w_s * POWER_W}
    line |= {"runs": len(told), "verdicts": _counts(row["verdict"] for row in told)}
    line |= {
        "phases": len({case.phase for case, _ in group}),
        "causes": _counts(row["trip"] for row in told if row.get("trip")),
    }
    line |= _spread("detect", detect) | _spread("command", [commanded_s(row) for row in judged]) | _spread("off", off)
    line |= _spread("confirm", [took_s(row, "confirmed_s") for row in judged])
    line["worst_j"] = round(max((row["energy_after_j"] for row in judged), default=0.0), 2)
    line["worst_j_at_200_w"] = round(max(map(at_power_j, judged), default=0.0), 2)
    return line


def _counts(names: Any) -> Mapping[str, int]:
    return dict(sorted(Counter(map(str, names)).items()))


def _spread(what: str, seconds: Sequence[float | None]) -> dict[str, float]:
    there = [value for value in seconds if value is not None]
    if not there:
        return {}
    return {f"{what}_median_s": round(statistics.median(there), 4), f"{what}_worst_s": round(max(there), 4)}


def main() -> None:
    """Write the evidence of a campaign's folder."""
    parser = argparse.ArgumentParser(prog="python -m sim.campaign.evidence", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    try:
        before = pool.done_before(folder, origin())
    except pool.OtherProgram as error:
        parser.error(str(error))
    if not before.rows:
        parser.error(f"there is no {pool.RUNS} in {folder}")
    print(write(folder, list(before.rows.values()), "ablate campaign", before.made_from))


if __name__ == "__main__":
    main()
