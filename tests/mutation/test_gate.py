"""The gate sees what it must see, and a few mutants of the day die. The whole of it: ``make mutants``."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import __main__ as gate
from tests.mutation import child, runner, targets
from tests.mutation.operators import mutants, mutated


def test_canaries(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "--canaries"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (done.returncode, done.stdout) == (0, "24 canaries got the verdicts that they must get\n"), done.stderr


CODE = '''"""Doc."""
LIMIT = 5.0
NAMES = frozenset({"a", "b"})

def f(x: float, y: float = 2.0) -> bool:
    """Doc."""
    if not 0.0 < x <= LIMIT and x != y:
        return False
    return min(x, y) > 1
'''


def test_what_is_changed() -> None:
    found = {mutant.name: mutant for mutant in mutants(CODE)}
    wanted = [
        ": LIMIT = 5.0 => LIMIT = 5.5",
        ": {'a', 'b'} => {'b'}",
        "f: x: float, y: float=2.0 => x: float, y: float=1.8",
        "f: not 0.0 < x <= LIMIT and x != y => not 0.0 < x <= LIMIT or x != y",
        "f: not 0.0 < x <= LIMIT and x != y => x != y",
        "f: not 0.0 < x <= LIMIT and x != y => not 0.0 < x <= LIMIT and (not x != y)",
        "f: 0.0 < x <= LIMIT => 0.0 <= x <= LIMIT",
        "f: 0.0 < x <= LIMIT => x <= LIMIT",
        "f: x != y => x == y",
        "f: return False => pass",
        "f: min(x, y) > 1 => min(x, y) >= 1",
        "f: min(x, y) => max(x, y)",
        "f: min(x, y) > 1 => min(x, y) > 2",
    ]
    assert [name for name in wanted if name not in found] == []
    changed = mutated(CODE, found["f: x != y => x == y"])
    assert "x <= LIMIT and x == y" in ast.unparse(changed)
    assert "'Doc.'" not in str(found)


@pytest.mark.parametrize("module", ["safety.permits", "safety.turn", "drivers.kmtronic_relay.codec"])
def test_every_mutant_compiles_and_is_a_change(module: str) -> None:
    text = targets.source(module).read_text(encoding="utf-8")
    whole = ast.unparse(ast.parse(text))
    found = list(mutants(text))
    assert len({mutant.name for mutant in found}) == len(found)
    for mutant in found[:: max(1, len(found) // 8)]:
        tree = mutated(text, mutant)
        compile(tree, module, "exec")
        assert ast.unparse(tree) != whole


def test_every_module_has_tests() -> None:
    assert [module for module in targets.modules() if not targets.tests(module)] == []


KILL = {"verdict": child.KILLED, "by": "tests/a.py::test_a", "crashes": []}
NAME = "safety.permits"


@pytest.mark.parametrize(("trust", "written"), [(False, True), (True, False)])
def test_kills_that_are_trusted_are_no_evidence(
    trust: bool, written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = runner.Row(NAME, "f: a => b", 1, "x", child.KILLED, "tests/a.py::test_a", (), 0.1)
    for name in ("canaries", "complaints"):
        monkeypatch.setattr(gate, name, lambda *_: [])
    monkeypatch.setattr(gate, "judged", lambda *_: [row])
    monkeypatch.setattr(gate, "ROOT", tmp_path)
    monkeypatch.setattr(gate, "EVIDENCE", tmp_path / "mutation.json")
    monkeypatch.setattr(child, "warm", lambda: None)
    options = argparse.Namespace(
        jobs=1, canaries=False, module=[], only="", sample=0, fresh=False, trust=trust, count=False
    )
    assert gate._gate(options, [NAME]) == 0
    assert (tmp_path / "mutation.json").is_file() is written


def test_what_was_trusted_or_changed_meanwhile_is_judged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kills are kept under the source that they were judged of, and under none when it is not known."""
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    sources = "first"
    monkeypatch.setattr(runner.Module, "_digest", lambda self: sources)
    module = runner.Module(NAME)
    mutant = next(iter(module.mutants))
    module.take(mutant, KILL, 0.1)
    module.keep()
    assert list(runner.Module(NAME).rows) == list(runner.Module(NAME, trust=True).rows) == [mutant]
    sources = "second"  # in the middle of the run
    module.keep()
    assert runner.Module(NAME).rows == {}
    trusting = runner.Module(NAME, trust=True)
    assert list(trusting.rows) == [mutant]
    trusting.keep()
    assert runner.Module(NAME).rows == {}
    assert list(runner.Module(NAME, trust=True).rows) == [mutant]
