"""The daemon's process: how its interpreter is set before anything runs in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from controller.daemon import __main__ as process


def test_other_threads_hand_over_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ["controller.daemon", str(tmp_path / "none.yaml"), "--runtime-dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*words, "--state-dir", str(tmp_path)])
    monkeypatch.setattr("controller.daemon.logs.begin", lambda: None)
    before = sys.getswitchinterval()
    try:
        assert process.main() == 3  # there is no such bench file
        assert sys.getswitchinterval() == pytest.approx(0.0005)
    finally:
        sys.setswitchinterval(before)
    assert "none.yaml" in (tmp_path / "daemon.error").read_text()
