"""``docs/hazards.md`` from the hazard table: ``python -m tests.safety.hazards_page``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from controller.hazards import KINDS, Hazard, parse

ROOT = Path(__file__).parents[2]
TABLE, PAGE = ROOT / "safety" / "hazards.toml", ROOT / "docs" / "hazards.md"

HEAD = """# Hazards

Each row is one way in which energy can be where it must not be, what notices it, what is done, and what shows that it
works. Ids are stable: they are in every trip, session file and report. This page is written from
`safety/hazards.toml` by `python -m tests.safety.hazards_page`; `tests/safety/test_hazards.py` holds the table to the
code: every monitor, every number that is a constant, every fault and every test named here exists, and no id that the
code can tell lacks its row. Numbers are defaults; those marked *bench* come from the limit lattice (compiled ceiling,
generator, applicator, bench, protocol, operator, from outside inwards: anything may tighten, nothing may loosen).

Actions. **TRIP**: in the same tick power is withheld, the enable line let go, off sent until proven, the cause
latched; coolant runs on; acknowledge and reset, locally, after the cause has been clear for 2 s. **LOCK**: as TRIP,
and only a maintainer with a new process gets out. **STOP**: controlled stop, no fault. **INH**: READY, ARM or FIRE is
refused, and says why.

"2/3" means two of the newest three distinct samples; times in the threshold column are how long a spell must last. "0
W" is the longest time from the moment at which the fault can be seen (a latent one: from the demand that shows it) to
no power in the tissue. Priorities of alarms are assigned here; [alarms](alarms.md) says what they do.
"""

KIND_TEXTS = {
    "interlock": (
        "Noticed while the bench runs, and injected",
        "Faults are those of `ablate rehearse --fault`; a test does it to real processes, files or the whole daemon.",
    ),
    "process": ("Kept out by how the program is written, started and asked", "Nothing has to be noticed at run time."),
    "wiring": ("Met by wires and devices", "The daemon checks that they are there."),
    "site": ("Met by people at the site", "The daemon checks what it can see of it."),
    "open": (
        "Not met yet",
        "Not built, or built and not injected into the whole stack. This is the work that is left.",
    ),
}

TAIL = """## Beyond single rows

Data age caps power: P x (age limit of the source's channels + 0.15 s) <= 80 J, so 200 W needs data no older than 250
ms.

States and edges are searched exhaustively over abstract inputs by `tests/safety/test_graph.py`; they are those of
this list and no others: BOOT -> SAFE, TRIPPED, LOCKOUT · SAFE -> PRECHECK, STOPPING · PRECHECK -> READY, STOPPING ·
READY -> ARMED, STOPPING · ARMED -> FIRING, SAFE, STOPPING · FIRING -> STOPPING · STOPPING -> COOLDOWN, TRIPPED,
LOCKOUT · COOLDOWN -> SAFE, STOPPING · TRIPPED -> SAFE, LOCKOUT; and from any state to LOCKOUT when the kernel itself
fails.
"""


def _by_module(row: Hazard) -> str:
    """``spontaneous_power`` (power); ``grant``, ``epoch`` (watchdog.core)."""
    modules: dict[str, list[str]] = {}
    for entry in row.interlock:
        module, _, name = entry.partition(": ")
        modules.setdefault(module.removeprefix("safety.").removeprefix("monitors."), []).append(f"`{name}`")
    return "; ".join(f"{', '.join(names)} ({module})" for module, names in modules.items())


def _tests(nodes: Sequence[str]) -> str:
    """Test names behind their files, each file once."""
    files: dict[str, list[str]] = {}
    for node in nodes:
        path, _, name = node.partition("::")
        files.setdefault(path.removeprefix("tests/"), []).append(f"`{name}`")
    return "; ".join(f"{path} {', '.join(names)}" for path, names in files.items())


def _injected(row: Hazard) -> str:
    faults = [f"`{spec}`" for spec in row.injection if "::" not in spec]
    names = [f"`{node.rpartition('::')[2]}`" for node in row.injection if "::" in node]
    return "; ".join(part for part in (", ".join(faults), ", ".join(names)) if part)


def _cells(row: Hazard) -> tuple[str, ...]:
    bound = "" if row.trips_within_s is None else f"{row.trips_within_s:g} s"
    acts = ", ".join(row.action)
    return row.id, row.title, _by_module(row), row.threshold, bound, acts, row.alarm, _injected(row)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _section(kind: str, rows: Sequence[Hazard]) -> Iterator[str]:
    title, text = KIND_TEXTS[kind]
    yield from (f"## {title}", "", text, "")
    if kind == "interlock":
        head = ("id", "hazard", "monitor (module)", "threshold", "0 W", "action", "alarm", "injected by")
        yield from _table(head, map(_cells, rows))
        yield from ("Remarks:", "")
        yield from (f"- **{r.id}** {'; '.join(filter(None, (r.reason, r.check)))}" for r in rows if r.reason or r.check)
        yield ""
    elif kind == "open":
        there = [(r, "; ".join(filter(None, (_by_module(r), r.threshold, r.reason))) or "nothing") for r in rows]
        yield from _table(
            ("id", "hazard", "what there is", "action", "alarm", "missing"),
            [(r.id, r.title, what, ", ".join(r.action) or "none", r.alarm, r.missing) for r, what in there],
        )
    else:
        keeps = [(r, "; the daemon checks: ".join(filter(None, (r.threshold, r.check)))) for r in rows]
        yield from _table(
            ("id", "hazard", "what keeps it out", "action", "alarm", "why so"),
            [(r.id, r.title, what, ", ".join(r.action) or "none", r.alarm, r.reason) for r, what in keeps],
        )


def render(rows: Sequence[Hazard]) -> str:
    """The page."""
    of = {kind: [row for row in rows if row.kind == kind] for kind in KINDS}
    lines = [HEAD]
    lines += _table(
        ("", "rows", "ids"),
        [(KIND_TEXTS[kind][0], str(len(found)), " ".join(row.id for row in found)) for kind, found in of.items()],
    )
    for kind, found in of.items():
        lines += _section(kind, found)
    lines += ["## What rows that are met still lack", ""]
    lines += [f"- **{row.id}** {row.missing}" for row in rows if row.missing and row.kind != "open"]
    lines += ["", "## Tests", "", "Paths are below `tests/`.", ""]
    lines += [f"- **{row.id}** {_tests(row.proof)}" for row in rows if row.proof]
    return "\n".join([*lines, "", TAIL])


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(parse(TABLE.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
