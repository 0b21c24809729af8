"""Somebody else's package under one of our four plain names is named and refused at start (exit 3)."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("controller", "drivers", "safety", "sim")


def start(*path: Path) -> subprocess.CompletedProcess[str]:
    """``ablate version`` with folders first on PYTHONPATH."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "import openablate; openablate.main()", "version"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_a_foreign_package_is_named_and_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('foreign code ran')")
    result = start(tmp_path)
    assert result.returncode == 3
    assert f"somebody else's `{name}` is in the way: {tmp_path / name}" in result.stderr
    assert "pipx install openablate" in result.stderr
    assert result.stdout == ""


def test_a_plain_module_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "sim.py").write_text("")
    result = start(tmp_path)
    assert result.returncode == 3
    assert f"somebody else's `sim` is in the way: {tmp_path / 'sim.py'}" in result.stderr


def test_its_distribution_is_named(tmp_path: Path) -> None:
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety" / "__init__.py").write_text("")
    metadata = tmp_path / "safety-3.8.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: safety\nVersion: 3.8.1\n")
    (metadata / "RECORD").write_text("safety/__init__.py,,\n")
    assert "(from safety 3.8.1)" in start(tmp_path).stderr


def installed(repository: Path, site: Path) -> None:
    """Our packages as an installer would leave them: files and a RECORD with their hashes."""
    lines = []
    for name in PACKAGES:
        shutil.copytree(repository / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
        content = (site / name / "__init__.py").read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name}/__init__.py,sha256={digest},{len(content)}\n")
    shutil.copy(repository / "openablate.py", site)
    metadata = site / "openablate-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: openablate\nVersion: 0.1.0\n")
    (metadata / "RECORD").write_text("".join(lines))


def test_a_package_that_was_installed_over_ours_is_noticed(repository: Path, tmp_path: Path) -> None:
    installed(repository, tmp_path)
    assert start(tmp_path).returncode == 0
    (tmp_path / "safety" / "__init__.py").write_text("__version__ = '3.8.1'\n")
    result = start(tmp_path)
    assert result.returncode == 3
    assert f"our `safety` in {tmp_path} was overwritten" in result.stderr


def test_a_package_that_was_removed_is_noticed(repository: Path, tmp_path: Path) -> None:
    installed(repository, tmp_path)
    shutil.rmtree(tmp_path / "drivers")
    result = start(tmp_path)
    assert result.returncode == 3
    assert "drivers" in result.stderr
