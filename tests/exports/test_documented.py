"""Every block of code in ``docs/exports.md`` runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.cli import root
from tests.exports.sessions import write

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pyarrow", "openpyxl", "h5py", "pandas", "polars"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.ablate").symlink_to(write(tmp_path / "sessions"))
    found: dict[str, Any] = {}
    languages = [language for language, _ in BLOCKS]
    assert languages == ["sh", "python", "python", "sql", "python", "python"]
    for language, code in BLOCKS:
        if language == "sh":
            for line in code.splitlines():
                told = CliRunner().invoke(root, shlex.split(line)[1:])
                assert told.exit_code == 0, told.output
        elif language == "sql":
            assert duckdb.sql(code).fetchall() == [("cooled rf", "0" * 26, 12345678.901234567)]
        else:
            exec(compile(code, str(PAGE), "exec"), found)
    assert len(list((tmp_path / "exports").iterdir())) == 4
    assert found["units"]["gen.power_w"] == "W"
    assert found["energy_j"]["energy_j"].to_list() == [6.0]
    assert found["events"].loc[f"session={'0' * 26}"]["kind"].tolist()[2] == "trip"
