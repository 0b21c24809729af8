"""The programs of the guides do what their pages (write-a-driver.md, write-a-law.md) say of them."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import sim.rehearsal
import sim.world.bench  # noqa: F401 - numpy cannot be loaded twice, so it must be there before pytester looks what is
from tests.docs.blocks import ROOT, blocks

pytest_plugins = ["pytester"]

INSTALLED = any(entry.value == "sim.pytest_plugin" for entry in entry_points(group="pytest11"))
LOAD = () if INSTALLED else ("-p", "sim.pytest_plugin")


def programs(page: str) -> dict[str, str]:
    """The Python blocks of a page by the name in their first line."""
    found = (b.text for b in blocks(ROOT / "docs" / page) if b.language == "python")
    return {text.splitlines()[0].removeprefix("# "): text for text in found}


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs files in a project of their own."""
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")

    def run(files: dict[str, str]) -> pytest.RunResult:
        for name, text in files.items():
            (pytester.path / name).write_text(text)
            monkeypatch.delitem(__import__("sys").modules, Path(name).stem, raising=False)
        monkeypatch.syspath_prepend(pytester.path)
        return pytester.runpytest_inprocess(*LOAD, "-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:xdist")

    return run


def test_the_first_driver_fails_one_test_and_the_page_says_which(outcome) -> None:
    page = (ROOT / "docs" / "write-a-driver.md").read_text(encoding="utf-8")
    found = programs("write-a-driver.md")
    result = outcome({name: found[name] for name in ("thermo.py", "test_thermo.py")})
    passed, all_of_them = 29, 30
    assert f"runs {all_of_them} tests" in page
    assert f"{passed} pass" in page
    result.assert_outcomes(passed=passed, failed=all_of_them - passed)
    ((test, error),) = re.findall(r"^FAILED (\S+) - (.*)$", page, re.MULTILINE)
    result.stdout.fnmatch_lines([f"*{error}*", f"FAILED {test}*"])


def test_mended_as_the_page_says_it_passes(outcome) -> None:
    found = programs("write-a-driver.md")
    mended = found["thermo.py"].replace("class Thermometer", found["mended"] + "\n\nclass Thermometer")
    mended = mended.replace('lambda buffer: line(buffer, b"T ")', "number")
    mended = mended.replace("text = await", "t_c = await").replace("float(text), self", "t_c, self")
    outcome({"thermo.py": mended, "test_thermo.py": found["test_thermo.py"]}).assert_outcomes(passed=30)


def test_the_law_passes_its_kit_and_runs(outcome) -> None:
    result = outcome(programs("write-a-law.md"))
    counts = result.parseoutcomes()
    assert set(counts) == {"passed"}, result.stdout.str()[-3000:]
    assert counts["passed"] >= 14
