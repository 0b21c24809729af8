"""The page of the session file says what the code does, and its program verifies a file without any of our code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.records import words
from controller.records.schema import TABLES
from safety.types import Quality
from tests.records.page import PAGE, text
from tests.records.recording import write

VERSION_1 = Path(__file__).parent / "data" / "version-1.session"


def test_the_page_is_written_from_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "python -m tests.records.page"


def test_every_table_and_column_has_its_words() -> None:
    assert list(words.TABLES) == list(TABLES)
    for table, columns in TABLES.items():
        assert list(words.TABLES[table][1]) == [part.split()[0] for part in columns.split(", ")], table
    assert set(words.QUALITY) == {int(quality) for quality in Quality}


def test_every_header_key_has_its_words(repository: Path) -> None:
    tree = ast.parse((repository / "controller/daemon/describe.py").read_text())
    (head,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "head"
    ]
    assert isinstance(head, ast.Dict)
    keys = {key.value for key in head.keys if isinstance(key, ast.Constant)}
    assert keys | {"id", "utc", "t_start_s"} <= set(words.HEADER)


def kinds(repository: Path) -> Iterator[str]:
    """Events as the daemon and the kernel name them."""
    for path in [*(repository / "controller/daemon").glob("*.py"), *(repository / "safety").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            arguments = node.args[:2]
            if node.func.attr == "append" and isinstance(node.func.value, ast.Attribute):
                pairs = [a.elts[0] for a in node.args if isinstance(a, ast.Tuple) and node.func.value.attr == "events"]
                arguments = [pair for pair in pairs if isinstance(pair, ast.expr)]
            elif node.func.attr not in ("event", "_event", "_note"):
                continue
            yield from (a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str))


def test_every_event_has_its_words(repository: Path) -> None:
    found = set(kinds(repository))
    assert {"protocol", "state", "trip", "application_end", "refused", "alarms"} <= found
    assert found <= set(words.EVENTS)


def run(path: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (program,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        if "hashlib" in block
    ]
    script = tmp_path / "program.py"
    script.write_text(program)
    return subprocess.run([sys.executable, "-I", script, path], capture_output=True, text=True, check=False)


def test_the_program_of_the_page_verifies(tmp_path: Path) -> None:
    told = run(VERSION_1, tmp_path).stdout
    assert told == (
        "as recorded, 5 batches, the last 0cc9144c31db3dd9dad02bd6fcefd08f6e302c92293e19531ad66ea9a955ea11\n"
    )
    assert f"```text\n{told}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", [b'{"phase":"ramp"}', b"completed"])
def test_the_program_of_the_page_finds_a_change(tmp_path: Path, where: bytes) -> None:
    path = write(tmp_path, ticks=40).path
    whole = path.read_bytes()
    path.write_bytes(whole.replace(where, where[:-3] + b"X" + where[-2:], 1))
    told = run(path, tmp_path)
    assert told.returncode == 1
    assert re.fullmatch(r"batch \d is not as it was recorded\n", told.stderr)
