"""Rules on source that a linter cannot know. Each takes a module's text and returns the lines that break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple


class Finding(NamedTuple):
    """One broken line."""

    line: int
    text: str


PRETENDING = re.compile(r"simul|mock|fake|testing", re.IGNORECASE)
PRETENDING_VALUE = re.compile(r"simul|mock|fake|testing|^sim(://|$)", re.IGNORECASE)

CLOCKS_AND_IO = frozenset(
    {"asyncio", "datetime", "io", "os", "pathlib", "random", "secrets", "select", "selectors", "shutil", "signal"}
    | {"socket", "subprocess", "sys", "tempfile", "threading", "time", "uuid"}
)


def minted_setpoints(source: str) -> list[Finding]:
    """Places that build a Setpoint, or hide its name so that a building could not be seen."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            if _name(node.func) == "Setpoint":
                found.append(Finding(node.lineno, "a Setpoint is built"))
            elif _name(node.func) in {"replace", "copy"} and any("setpoint" in _name(a).lower() for a in node.args[:1]):
                found.append(Finding(node.lineno, "a Setpoint is built from another"))
        elif isinstance(node, ast.alias) and node.name == "Setpoint" and node.asname not in {None, "Setpoint"}:
            found.append(Finding(node.lineno, "Setpoint is imported under another name"))
        elif isinstance(node, ast.Assign) and _name(node.value) == "Setpoint":
            found.append(Finding(node.lineno, "Setpoint is given another name"))
    return found


def branches_on_pretending(source: str) -> list[Finding]:
    """Branches that depend on being simulated, mocked, faked or tested (P20)."""
    found = []
    for condition in _conditions(ast.parse(source)):
        for node in ast.walk(condition):
            word = _word(node)
            if word is not None:
                found.append(Finding(getattr(node, "lineno", condition.lineno), f"a branch depends on {word!r}"))
    return found


def clocks_and_io(source: str) -> list[Finding]:
    """Imports that could bring a clock, a file, a thread or chance into a pure decision, and calls of ``open``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and _name(node.func) in {"open", "print", "input"}:
            found.append(Finding(node.lineno, f"{_name(node.func)}() is called"))
            continue
        else:
            continue
        found += [Finding(node.lineno, f"imports {name}") for name in names if name.split(".")[0] in CLOCKS_AND_IO]
    return found


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _word(node: ast.AST) -> str | None:
    """The word by which ``node`` betrays that something depends on pretending, or None."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and PRETENDING_VALUE.search(node.value) else None
    names = [_name(node), getattr(node, "arg", None), getattr(node, "name", None)]
    return next((name for name in names if isinstance(name, str) and PRETENDING.search(name)), None)


def _is_empty(node: ast.expr) -> bool:
    """``x or {}`` only stands in for something absent: it decides nothing."""
    if isinstance(node, ast.Dict):
        return not node.keys
    return isinstance(node, (ast.Tuple, ast.List)) and not node.elts


def _conditions(tree: ast.AST) -> Iterator[ast.expr | ast.pattern]:
    """Every expression that decides which way a program goes, defaults of arguments included."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)):
            yield node.test
        elif isinstance(node, ast.BoolOp) and not _is_empty(node.values[-1]):
            yield node
        elif isinstance(node, ast.Match):
            yield node.subject
            for case in node.cases:
                yield case.pattern
                if case.guard is not None:
                    yield case.guard
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.arguments):
            yield from node.defaults
            yield from (default for default in node.kw_defaults if default is not None)
