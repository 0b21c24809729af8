"""The import contracts of pyproject.toml hold, and each of them breaks when something is planted against it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.tracked import modules

PLANTS = [
    ("controller imports drivers imports safety, never upwards", "safety/types.py", "import drivers.contract"),
    ("controller imports drivers imports safety, never upwards", "drivers/contract.py", "import controller.cli"),
    ("nobody imports sim but sim", "controller/exits.py", "import sim.world"),
    ("world, devices and faults are written from the manuals", "sim/world/__init__.py", "import drivers.contract"),
    ("world, devices and faults import numpy, scipy and numba only", "sim/world/__init__.py", "import pydantic"),
    ("coverage is geometry", "controller/treatment/coverage.py", "import controller.config.problems"),
    ("the daemon knows applications, not plans", "controller/daemon/hub.py", "import controller.treatment.plan"),
    ("drivers know of safety only its types and its off-plans", "drivers/contract.py", "import safety.gate"),
    ("safety imports the standard library only", "safety/types.py", "import numpy"),
    ("safety does not await", "safety/types.py", "import asyncio"),
    ("who runs a bench knows nothing of the panel", "controller/daemon/hub.py", "import aiohttp"),
    ("the panel does not decide", "controller/panel/link.py", "import safety.kernel"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages that lie in ``folder``, whatever is installed."""
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture(scope="module")
def copy(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, where a test may spoil them."""
    folder = tmp_path_factory.mktemp("copy")
    for path in modules(repository):
        target = folder / path.relative_to(repository)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(repository / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold(repository: Path) -> None:
    result = lint(repository)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("contract, file, line", PLANTS)
def test_a_planted_import_breaks_its_contract(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / file
    whole = path.read_text()
    path.write_text(f"{whole}\n{line}\n")
    try:
        result = lint(copy)
    finally:
        path.write_text(whole)
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if " BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), result.stdout + result.stderr


def test_every_contract_has_a_plant(repository: Path) -> None:
    config = tomllib.loads((repository / "pyproject.toml").read_text())
    names = {contract["name"] for contract in config["tool"]["importlinter"]["contracts"]}
    assert {name for name in names if not any(name.startswith(begin) for begin, _, _ in PLANTS)} == set()
