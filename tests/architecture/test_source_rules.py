"""A Setpoint is built only in the gate; nothing depends on being simulated; decisions have no clock and no I/O."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.source_rules import Finding, branches_on_pretending, clocks_and_io, minted_setpoints
from tests.support.tracked import modules

LINES_MAX = 400
LONG_FOR_A_REASON: dict[str, str] = {}
"""Files that may be longer, each with its reason."""


def said(repository: Path, path: Path, findings: list[Finding]) -> list[str]:
    return [f"{path.relative_to(repository)}:{finding.line}: {finding.text}" for finding in findings]


def test_a_setpoint_is_built_only_in_the_gate(repository: Path) -> None:
    broken = [
        line
        for path in modules(repository)
        if path != repository / "safety" / "gate.py"
        for line in said(repository, path, minted_setpoints(path.read_text()))
    ]
    assert broken == []
    assert minted_setpoints((repository / "safety" / "gate.py").read_text()) != []


def test_no_branch_depends_on_being_simulated(repository: Path) -> None:
    paths = modules(repository, "controller", "drivers", "safety")
    assert len(paths) > 30
    assert [s for p in paths for s in said(repository, p, branches_on_pretending(p.read_text()))] == []


def test_decisions_have_no_clock_and_no_io(repository: Path) -> None:
    outlives = repository / "safety" / "watchdog"
    paths = [path for path in modules(repository, "safety") if outlives not in path.parents]
    assert len(paths) > 5
    assert [s for p in paths for s in said(repository, p, clocks_and_io(p.read_text()))] == []


def test_a_file_is_one_room(repository: Path) -> None:
    lengths = {str(p.relative_to(repository)): len(p.read_text().splitlines()) for p in modules(repository)}
    long = {path: lines for path, lines in lengths.items() if lines > LINES_MAX}
    assert set(long) == set(LONG_FOR_A_REASON), f"files above {LINES_MAX} lines: {long}"


@pytest.mark.parametrize(
    "canary",
    [
        "Setpoint(5.0, 1, 2.0)",
        "types.Setpoint(power_w=5.0, epoch=1, expires_at_s=2.0)",
        "from safety.types import Setpoint as S\nS(5.0, 1, 2.0)",
        "Alias = Setpoint",
        "louder = dataclasses.replace(setpoint, power_w=99.0)",
    ],
)
def test_canary_of_the_setpoint_rule(canary: str) -> None:
    assert minted_setpoints(canary) != []


@pytest.mark.parametrize("innocent", ["def f(s: Setpoint): ...", "isinstance(x, Setpoint)", "from a import Setpoint"])
def test_the_setpoint_rule_lets_be(innocent: str) -> None:
    assert minted_setpoints(innocent) == []


@pytest.mark.parametrize(
    "canary",
    [
        "if bench.simulated: pass",
        "x = 1 if is_mock else 2",
        "while fake_time: pass",
        "match simulated:\n    case True: pass",
        "match kind:\n    case 'simulator': pass",
        "match kind:\n    case Simulated(): pass",
        "match kind:\n    case _ if testing: pass",
        "[d for d in devices if d.simulated]",
        "def f(limit=SIMULATED_LIMIT): ...",
        "def f(*, limit=mock.LIMIT): ...",
        "power = simulated and 5.0",
        "power = power or fake_power",
        "if scheme == 'sim': pass",
        "if url.startswith('sim://'): pass",
        "if getattr(driver, 'simulated', False): pass",
        "if not (a and simulation is None): pass",
    ],
)
def test_canary_of_the_pretending_rule(canary: str) -> None:
    assert branches_on_pretending(canary) != []


@pytest.mark.parametrize(
    "innocent",
    [
        "record['simulated'] = provider.simulated",
        "seed = (bench.simulation or {}).get('seed')",
        "if similar: pass",
        "if simple: pass",
        "f(simulated=bench.simulated)",
    ],
)
def test_the_pretending_rule_lets_be(innocent: str) -> None:
    assert branches_on_pretending(innocent) == []


@pytest.mark.parametrize("canary", ["import time", "from datetime import datetime", "import os.path", "open('x')"])
def test_canary_of_the_purity_rule(canary: str) -> None:
    assert clocks_and_io(canary) != []


@pytest.mark.parametrize("innocent", ["import math", "from collections import deque", "from safety.types import Trip"])
def test_the_purity_rule_lets_be(innocent: str) -> None:
    assert clocks_and_io(innocent) == []
