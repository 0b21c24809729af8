"""The hazard table against the code: nothing is claimed that is not there, and nothing that is there lacks its row."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from controller.hazards import IDS, Hazard, parse
from sim import faults
from sim.campaign.expected import Injection, injections
from sim.faults import Target
from tests.safety.hazards_page import TABLE
from tests.support.tracked import modules

ROWS = {row.id: row for row in parse(TABLE.read_text(encoding="utf-8"))}
INTERLOCKS = [row for row in ROWS.values() if row.kind == "interlock"]

BENCH = {
    "gen": Target("generator"),
    "pump": Target("pump"),
    "bath": Target("chiller"),
    "tc": Target("sensor", ("tip", "tissue_10mm", "tissue_20mm", "coolant_in")),
    "fibres": Target("sensor", ("shaft_fo", "tissue_10mm_fo", "tissue_15mm_fo", "tissue_25mm_fo", "tissue_40mm_fo")),
    "flow": Target("sensor", ("flow", "coolant", "air")),
    "inputs": Target("inputs"),
    "enable": Target("relay"),
    "relays": Target("relay"),
}
WHOLE = (
    "tests/process/",
    "tests/watchdog/test_process.py",
    "tests/daemon/test_course.py",
    "tests/daemon/test_injected.py",
    "tests/daemon/test_broken.py",
    "tests/daemon/test_sleep.py",
    "tests/daemon/test_alarms.py",
    "tests/daemon/test_control.py",
    "tests/daemon/test_mutated_files.py",
    "tests/daemon/test_steam.py",
    "tests/closed_loop/",
    "tests/config/test_bench.py",
    "tests/mqtt/test_publisher.py",
    "tests/panel/test_guards.py",
    "tests/records/test_verify.py",
    "tests/security/test_broker.py",
    "tests/sim_devices/test_servers.py",
)
"""Where a test counts as an injection: real processes, servers and files, or the whole daemon on virtual time."""

by_id = pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)


# ---- tests and monitors that are named


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def strings(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@functools.cache
def found_in(path: Path) -> set[str]:
    """``test_x`` and ``TestY::test_z`` of a file, without running it."""
    found: set[str] = set()
    for node in parsed(path).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = [n for n in inside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        found |= {prefix + function.name for function in functions if function.name.startswith("test_")}
    return found


@by_id
def test_every_test_that_is_named_exists(row: Hazard, repository: Path) -> None:
    nodes = [*row.proof, *(node for node in row.injection if "::" in node)]
    assert len(row.proof) == len(set(row.proof))
    assert [
        node for node in nodes if node.partition("::")[2] not in found_in(repository / node.partition("::")[0])
    ] == []


@by_id
def test_every_monitor_that_is_named_exists(row: Hazard, repository: Path) -> None:
    for entry in row.interlock:
        module, _, name = entry.partition(": ")
        path = repository / f"{module.replace('.', '/')}.py"
        assert name in strings(parsed(path)), f"{row.id}: {entry}"


# ---- what the code can tell


class Told(NamedTuple):
    """An id that occurs in the code, with the monitor that stands beside it; empty where none does."""

    hazard: str
    monitor: str


def _ids(node: ast.AST) -> list[str]:
    """The id that an argument is, or the two of a choice."""
    parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    return [part.value for part in parts if isinstance(part, ast.Constant) and part.value in IDS]


def _word(node: ast.AST) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and re.fullmatch(r"[a-z][a-z_-]+", value) else ""


def told(source: str) -> set[Told]:
    """Every id in ``source``; in a call or a tuple the monitor is the next element, else the one before."""
    tree = ast.parse(source)
    found = {Told(text, "") for text in strings(tree) if text in IDS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {word.arg: word.value for word in node.keywords}
            if {"hazard", "monitor"} <= set(keywords):
                found |= {Told(i, _word(keywords["monitor"])) for i in _ids(keywords["hazard"])}
        elements = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
        for k, element in enumerate(elements):
            after = _word(elements[k + 1]) if k + 1 < len(elements) else ""
            before = _word(elements[k - 1]) if k and isinstance(node, ast.Call) else ""
            found |= {Told(i, after or before) for i in _ids(element)}
    return found


def test_canary_of_what_the_code_can_tell() -> None:
    source = (
        'lock("H04", "off_unproven")\nhazard, monitor, limit = "H49", "impedance_low", 5\n'
        'Finding("estop", 2, "H67" if one else "H66", "estop")\nself._finding(view, "watchdog", "H27", age)\n'
        'Trip(hazard="H74", monitor="latch")\nFlagRule(door, 1.0, "H70", *DOOR)\nx = f.hazard == "H01"\n'
    )
    assert {t for t in told(source) if t.monitor} == {
        Told("H04", "off_unproven"), Told("H49", "impedance_low"), Told("H67", "estop"), Told("H66", "estop"),
        Told("H27", "watchdog"), Told("H74", "latch"),
    }  # fmt: skip
    assert {t.hazard for t in told(source)} == {"H01", "H04", "H27", "H49", "H66", "H67", "H70", "H74"}


def test_whatever_the_code_can_tell_has_its_row(repository: Path) -> None:
    found = {t for path in modules(repository) for t in told(path.read_text())}
    assert len(found) > 40
    names = {i: {entry.partition(": ")[2] for entry in row.interlock} for i, row in ROWS.items()}
    assert {t for t in found if not names[t.hazard] or (t.monitor and t.monitor not in names[t.hazard])} == set()


# ---- numbers


def value_of(name: str) -> Any:
    """A constant, or the default of a field or parameter, by its dotted name."""
    parts = name.split(".")
    depth = next(k for k in range(len(parts), 0, -1) if _is_module(".".join(parts[:k])))
    found: Any = importlib.import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        defaults = inspect.signature(found).parameters if inspect.isclass(found) else {}
        if isinstance(found, Mapping):
            found = found[part]
        else:
            found = defaults[part].default if part in defaults else getattr(found, part)
    return list(found) if isinstance(found, tuple) else found


def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def printed(name: str, value: float) -> str:
    unit = {"_BYTES": " MB", "_HZ": " MHz"}.get(name[name.rfind("_") :])
    return f"{value / 1e6:g}{unit}" if unit else f"{value:g}"


def told_numbers(row: Hazard) -> Iterator[str]:
    """As they must stand in the threshold."""
    for name, value in row.numbers.items():
        if isinstance(value, list):
            yield f"{value[0]}/{value[1]}"
            yield from [f"{value[2]:g} s"] if value[2] else []
        else:
            yield printed(name, value)


@by_id
def test_numbers_are_those_of_the_code(row: Hazard) -> None:
    assert {name: value_of(name) for name in row.numbers} == row.numbers
    for number in told_numbers(row):
        assert re.search(rf"(?<![\d./]){re.escape(number)}(?![\d/]|\.\d)", row.threshold), f"{row.id}: {number}"


# ---- injections and the campaign


def name_of(spec: str) -> str:
    return faults.parse(spec, BENCH).key


@by_id
def test_every_injection_can_be_made(row: Hazard) -> None:
    for spec in row.injection:
        assert spec.startswith(WHOLE) if "::" in spec else name_of(spec)


def test_what_nobody_injects() -> None:
    """A leak takes days to do harm: it is looked for (soak), not made. Wires and people are not injected."""
    assert [row.id for row in ROWS.values() if not row.injection and row.kind not in ("wiring", "site")] == ["H37"]


def of_campaign(row: Hazard) -> list[Injection]:
    """What the campaign injects of a row's faults."""
    names = {name_of(spec) for spec in row.injection if "::" not in spec}
    return [found for found in injections() if not found.benign and name_of(found.fault) in names]


def test_the_campaign_names_hazards_that_exist_and_are_met() -> None:
    named = {i for found in injections() for i in (*found.hazards, *found.early, *found.ending)}
    assert named <= set(IDS)
    assert [i for i in named if ROWS[i].kind == "open"] == []
    injected = {name_of(found.fault) for found in injections() if not found.benign}
    listed = {name_of(spec) for row in ROWS.values() for spec in row.injection if "::" not in spec}
    assert injected - listed == set()


@pytest.mark.parametrize("row", INTERLOCKS, ids=lambda row: row.id)
def test_an_interlock_is_in_the_campaign_or_says_why_not(row: Hazard) -> None:
    found = of_campaign(row)
    assert bool(found) is not ("ot in the campaign" in row.reason)
    if found:
        assert row.trips_within_s == max(each.within_s for each in found)
        named = any(row.id in each.hazards for each in found)
        assert named or "told as H" in row.reason


def test_every_fault_of_the_catalogue_belongs_to_a_row_or_says_why_not() -> None:
    specs = [spec for row in ROWS.values() for spec in row.injection if "::" not in spec]
    used = {(kind.scope, kind.name) for kind in (faults.parse(spec, BENCH).kind for spec in specs)}
    left_out = {
        ("generator", "deadman_off"): "takes away what H28 stands on; shows with a second fault",
        ("load", "pad"): "not noticed: missing in H51",
        ("load", "peel"): "not noticed: missing in H51",
        ("load", "pop"): "an event of the tissue that ends nothing: H48",
        ("load", "withdrawn"): "missing in H50",
        ("load", "retract"): "a hand that draws back the probe: no hazard of the log",
        ("load", "bubbles"): "missing in H41",
        ("load", "bag"): "missing in H41",
    }
    assert {(kind.scope, kind.name) for kind in faults.CATALOGUE} - used == set(left_out)
