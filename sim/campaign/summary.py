"""What a campaign showed, in figures: verdicts, times and energies fault by fault."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sim.campaign import classes
from sim.campaign.plan import parse
from sim.campaign.verdict import Verdict

Row = Mapping[str, Any]
FAILING = (*(str(v) for v in Verdict if v is not Verdict.OK), "ERROR")


class Line(NamedTuple):
    """One fault over all its runs; times in s from when it could be seen to 0 W, energies in J."""

    fault: str
    runs: int
    tripped: int
    refused: int
    hazards: str
    median_s: float | None
    worst_s: float | None
    worst_j: float
    verdicts: Mapping[str, int]


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Counts of verdicts, lines of faults, and what may be said of what was not seen."""
    counts = Counter(str(row["verdict"]) for row in rows)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        case = parse(row["case"])
        name = f"{case.modality} {case.fault or 'nominal'}" + (f" + {case.latent}" if case.latent else "")
        groups.setdefault(name, []).append(row)
    injected = sum(1 for row in rows if parse(row["case"]).fault)
    return {
        "runs": len(rows),
        "injected": injected,
        "nominal": len(rows) - injected,
        "verdicts": {name: counts.get(name, 0) for name in ("OK", *FAILING)},
        "missed_at_most": 3.0 / injected if injected and not counts.get("MISSED") else None,
        "classes": [line._asdict() for line in classes.by_class(rows)],
        "faults": [_line(name, group)._asdict() for name, group in sorted(groups.items())],
        "failing": [
            {"case": row["case"], "verdict": row["verdict"], "why": row["why"], "again": again(str(row["case"]))}
            for row in rows
            if row["verdict"] != "OK"
        ],
    }


def again(key: str) -> str:
    """The command that repeats one run."""
    return f"ablate campaign --only '{key}'"


def _line(fault: str, rows: Sequence[Row]) -> Line:
    took = [
        row["off_s"] - row["shown_s"]
        for row in rows
        if row.get("trip") and row.get("off_s") is not None and row.get("shown_s") is not None and row["energy_after_j"]
    ]
    return Line(
        fault,
        len(rows),
        sum(1 for row in rows if row.get("trip")),
        sum(1 for row in rows if row.get("refused") and not row.get("trip")),
        " ".join(sorted({str(row["trip"]) for row in rows if row.get("trip")})),
        round(statistics.median(took), 3) if took else None,
        round(max(took), 3) if took else None,
        round(max((float(row.get("energy_after_j") or 0.0) for row in rows if row.get("trip")), default=0.0), 1),
        dict(Counter(str(row["verdict"]) for row in rows)),
    )


def text(told: Mapping[str, Any]) -> list[str]:
    """For a terminal."""
    counts = ", ".join(f"{count} {name}" for name, count in told["verdicts"].items() if count)
    lines = [f"{told['injected']} injected and {told['nominal']} nominal runs: {counts}"]
    if told["missed_at_most"] is not None:
        lines.append(f"none missed: at most {100 * told['missed_at_most']:.2g} % would be, with 95 % confidence")
    lines += classes.text([classes.Line(**line) for line in told["classes"]])
    width = max((len(line["fault"]) for line in told["faults"]), default=0)
    lines.append(f"{'fault':{width}}  runs  trip  inh.   median s   worst s   worst J  first causes")
    for line in told["faults"]:
        median, worst = ("-" if line[x] is None else f"{line[x]:.3f}" for x in ("median_s", "worst_s"))
        bad = " ".join(f"{count} {name}" for name, count in line["verdicts"].items() if name != "OK")
        lines.append(
            f"{line['fault']:{width}} {line['runs']:5} {line['tripped']:5} {line['refused']:5} {median:>10} {worst:>9} "
            f"{line['worst_j']:9.1f}  {line['hazards']}  {bad}".rstrip()
        )
    for row in told["failing"][:20]:
        lines += [f"{row['verdict']} {row['case']}: {row['why']}", f"    again: {row['again']}"]
    if len(told["failing"]) > 20:
        lines.append(f"and {len(told['failing']) - 20} more in the folder")
    return lines
