"""Source archive, wheel and installations hold every tracked file of the packages, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support.tracked import PACKAGES, package_files, tracked_files

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    words = [str(part) for part in command]
    there = {**os.environ, **environment}
    result = subprocess.run(words, cwd=cwd, env=there, capture_output=True, text=True, timeout=110)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def archives(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive, and the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, repository, cwd=out)
    return out


def of_packages(names: list[str]) -> set[str]:
    return {name for name in names if name.split("/")[0] in PACKAGES and "/" in name and not name.endswith("/")}


def test_the_source_archive_holds_every_tracked_file(repository: Path, archives: Path) -> None:
    with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {name for name in tracked_files(repository) if name != "PKG-INFO"}
    assert wanted - inside == set()
    assert of_packages(sorted(inside)) == set(package_files(repository))


def test_the_wheel_from_it_holds_exactly_the_packages(repository: Path, archives: Path) -> None:
    with zipfile.ZipFile(next(archives.glob("*.whl"))) as archive:
        inside = archive.namelist()
    assert of_packages(inside) == set(package_files(repository))
    others = {name.split("/")[0] for name in inside} - set(PACKAGES)
    assert others == {"openablate.py", "openablate-0.1.0.dist-info"}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The interpreter of a throw-away environment."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    return tmp_path / "venv" / "bin" / "python"


LOOK = "import controller, drivers, safety, sim; print(*(m.__file__ for m in (controller, drivers, safety, sim)))"


@pytest.mark.parametrize("editable", [False, True], ids=["plain", "editable"])
def test_it_installs_and_starts(repository: Path, environment: Path, tmp_path: Path, editable: bool) -> None:
    libraries = sysconfig.get_path("purelib")  # for dependencies and build back end; .pth files in it are not followed
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet", "--no-index", "--no-deps"]
    how = ["--editable", str(repository)] if editable else [str(repository)]
    run(*pip, "--no-build-isolation", *how, cwd=tmp_path, PYTHONPATH=libraries)
    found = run(environment, "-P", "-c", LOOK, cwd=tmp_path, PYTHONPATH=libraries).split()
    folders = {Path(path).parent.parent for path in found}
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    assert folders == {repository if editable else site}
    told = run(environment.parent / "ablate", "version", cwd=tmp_path, PYTHONPATH=libraries)
    assert told.startswith("openablate 0.1.0")
    if not editable:
        there = [str(p.relative_to(site)) for p in site.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert of_packages(there) == set(package_files(repository))


def test_the_lock_names_exact_versions_and_no_registry(repository: Path) -> None:
    locks = sorted((repository / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks] == ["dev.txt", "interop-bare.txt", "interop.txt", "peers.txt", "run.txt"]
    for lock in locks:
        for line in lock.read_text().splitlines():
            assert line.startswith(("#", " ")) or "==" in line, f"{lock.name}: {line}"


def test_the_lock_has_every_declared_dependency(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    for lock, extras in (("run.txt", ("mqtt", "report")), ("dev.txt", ("mqtt", "report", "dev"))):
        text = (repository / "requirements" / lock).read_text().lower()
        pinned = {line.split("==")[0].split("[")[0] for line in text.splitlines() if "==" in line}
        asked = list(project["dependencies"]) + [r for extra in extras for r in project["optional-dependencies"][extra]]
        names = {name_of(requirement) for requirement in asked} - {"openablate"}
        assert names - pinned == set()


def name_of(requirement: str) -> str:
    for mark in "[<>=~!; ":
        requirement = requirement.split(mark)[0]
    return requirement.lower()
