"""Evidence files: what one run has shown, so small that any tool can write one.

``build/evidence/NAME.json`` or ``build/evidence/NAME/evidence.json`` (where a tool keeps a folder of its own)::

    {"what": "fault campaign", "command": "ablate campaign --full", "when": "2026-11-22T14:00:00Z",
     "commit": "b9572c7", "figures": {"runs": 60000, "missed": 0}, "rows": [{"fault": "pump.stall", "worst_s": 0.41}]}

``figures`` are single values by name, ``rows`` a table; units are in the names. Names that the safety case knows are
those of :data:`EXPECTED`; any other file is shown as it is. Keys of rows with a meaning of their own are those of
:data:`ROWS`: ``test`` (node id without parameters), ``fault`` as ``--fault`` takes it, ``hazards`` (a list of ids); and
of process trials ``layer``, one of :data:`controller.evidence.layers.LAYERS`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from controller.evidence.revision import Origin
from controller.records.ids import utc_now

FOLDER = Path("build/evidence")
MAX_BYTES = 50_000_000

EXPECTED: Mapping[str, tuple[str, str]] = {
    "campaign": ("fault campaign", "ablate campaign --full --nominal 10000 --out build/evidence/campaign"),
    "tests": ("tests that the hazard table names", "make evidence"),
    "exploration": ("search of the kernel's states", "make explore"),
    "mutation": ("mutation gate", "python -m tests.mutation"),
    "processes": ("trials of real processes", "make evidence"),
    "soak": ("soak in virtual time", "python -m tests.soak --hours 72"),
}
"""What a safety case stands on: name of the file, what it is, and what makes it."""

Value = str | int | float | bool | None


class Evidence(BaseModel):
    """One file's content. ``when``: UTC; ``commit``: as :class:`~controller.evidence.revision.Origin` stamps it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    what: str
    command: str
    when: str
    commit: str
    figures: dict[str, Value] = {}
    rows: list[dict[str, Any]] = []


class Row(BaseModel):
    """What every row may say; whatever else it holds is shown as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    hazards: list[str] = []


class TestRow(Row):
    """One test, all its parameters together."""

    test: str
    passed: int
    failed: int
    skipped: int


class CampaignRow(Row):
    """One fault over all its runs. Times from when it could be seen, s; energies after that, J."""

    fault: str
    runs: int
    verdicts: dict[str, int]
    detect_worst_s: float | None = None
    command_worst_s: float | None = None
    off_worst_s: float | None = None
    confirm_worst_s: float | None = None
    allowed_s: float | None = None
    worst_j: float | None = None
    worst_j_at_200_w: float | None = None
    allowed_j_at_200_w: float | None = None


class TrialRow(Row):
    """One kind of fault of real processes; ms from the fault to 0 W."""

    fault: str
    max_ms: float | None = None


ROWS: Mapping[str, type[Row]] = {"tests": TestRow, "campaign": CampaignRow, "processes": TrialRow}


class Found(NamedTuple):
    """All evidence there is, by name; ``unreadable`` says of which files nothing can be taken, and why."""

    evidence: Mapping[str, Evidence]
    unreadable: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """What a safety case stands on and nobody has run."""
        return tuple(name for name in EXPECTED if name not in self.evidence and name not in self.unreadable)


def read(folder: Path) -> Found:
    """Everything in ``folder``; a folder that is not there holds nothing."""
    evidence: dict[str, Evidence] = {}
    unreadable: dict[str, str] = {}
    for path in sorted((*folder.glob("*.json"), *folder.glob("*/evidence.json"))):
        name = path.parent.name if path.name == "evidence.json" and path.parent != folder else path.stem
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"larger than {MAX_BYTES / 1e6:.0f} MB")
            if name in evidence:
                raise ValueError(f"there are two of that name: {name}.json and {name}/evidence.json")
            evidence[name] = _checked(name, Evidence.model_validate_json(path.read_bytes()))
        except (OSError, ValueError) as error:
            unreadable[name] = _short(error)
            evidence.pop(name, None)
    return Found(evidence, unreadable)


def _checked(name: str, evidence: Evidence) -> Evidence:
    for number, row in enumerate(evidence.rows):
        try:
            ROWS.get(name, Row).model_validate(row)
        except ValidationError as error:
            raise ValueError(f"rows {number}: {_short(error)}") from error
    return evidence


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):  # a ValueError too
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error)


def write(
    path: Path,
    what: str,
    command: str,
    figures: Mapping[str, Value],
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    origin: Origin,
) -> Path:
    """Write ``path``, whole or not at all, with now and the revision that the run began with: ``origin``, taken then.

    Raises:
        ValueError: a value that is no JSON, NaN and infinity included.
        OSError: ``path`` cannot be written.
    """
    made = Evidence(
        what=what,
        command=command,
        when=utc_now(),
        commit=origin.stamp,
        figures=dict(figures),
        rows=[dict(row) for row in rows],
    )
    text = json.dumps(made.model_dump(), indent=1, allow_nan=False, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(f"{text}\n", encoding="utf-8")
    os.replace(part, path)
    return path
