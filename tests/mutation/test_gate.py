"""The gate sees what it must see, and a few mutants of the day die. The whole of it: ``make mutants``."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import targets
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
