"""A stranger's driver, by write-a-driver.md: the scaffold passes the kit, installed as a distribution of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller import scaffold
from controller.commands.devices import devices
from controller.config.problems import ConfigError
from tests.plugin.test_plugin import LOAD

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin-driver"


def run(*argv: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{EXAMPLE.parents[1]}"}
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_example_in_the_repository_is_what_the_command_writes() -> None:
    for place, text in scaffold.files("acme-rf200").items():
        assert (EXAMPLE / place).read_text() == text, place


@pytest.mark.process
def test_installed_beside_us_it_is_listed_and_passes_the_kit(tmp_path: Path) -> None:
    """pip builds and installs it away from the repository; its own tests run the conformance kit."""
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-build-isolation"]
    installed = run(*pip, "--no-deps", "--target", str(site), str(source), site=site, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(source / "acme_rf200")  # what is tested is what was installed
    tested = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--rootdir", str(source)),
        *LOAD,  # the fixture of the rehearsal, where openablate itself is not installed
        *("-c", str(source / "pyproject.toml"), str(source / "tests")),
        site=site, cwd=tmp_path,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout[-3000:]
    assert "passed" in tested.stdout
    code = (
        "from controller.commands.devices import installed_drivers; print(installed_drivers()[0])"  # acme comes first
    )
    listed = run(sys.executable, "-c", code, site=site, cwd=tmp_path)
    assert "'role': 'source'" in listed.stdout
    assert "'problem': ''" in listed.stdout


@pytest.mark.parametrize("name", ["Acme", "acme_rf", "1acme", "acme--rf", "acme-", "", "../up", "class"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a driver"):
        scaffold.files(name)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(ConfigError, match="nothing was written"):
        scaffold.write("acme-rf200", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(devices, ["new", "acme-rf200", "--out", str(tmp_path / "new")])
    assert result.exit_code == 0
    assert (tmp_path / "new" / "acme_rf200" / "driver.py").is_file()
    assert "next: cd" in result.stderr
