"""A working folder for every test that writes files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, so that messages hold plain file names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
