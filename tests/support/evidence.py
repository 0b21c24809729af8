"""A plug-in of pytest: ``pytest -p tests.support.evidence --evidence FILE`` leaves evidence for the safety case."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from controller.evidence import store
from controller.evidence.revision import origin

OUTCOMES = ("passed", "failed", "skipped")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", type=Path, metavar="FILE", help="write what passed and failed, test by test")


def pytest_configure(config: pytest.Config) -> None:
    path: Path | None = config.getoption("--evidence")
    if path is not None:
        config.pluginmanager.register(Witness(path, config), "evidence-witness")


class Witness:
    """Counts the outcomes of each test, all its parameters together."""

    def __init__(self, path: Path, config: pytest.Config) -> None:
        self._path, self._config = path, config
        self._made_from = origin()
        self._counts: dict[str, Counter[str]] = {}
        self._broken: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        counts = self._counts.setdefault(test_of(report.nodeid), Counter())
        if report.when == "call" or report.outcome != "passed":
            counts[report.outcome] += 1  # an error of set-up or tear-down is a failure

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._broken.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        total = sum(self._counts.values(), Counter[str]())
        figures = {"tests": len(self._counts), **{name: total[name] for name in OUTCOMES}}
        rows = [
            {"test": name, **{outcome: counts[outcome] for outcome in OUTCOMES}}
            for name, counts in sorted(self._counts.items())
        ]
        rows += [{"test": name, "passed": 0, "failed": 1, "skipped": 0} for name in self._broken]
        figures["failed"] += len(self._broken)
        asked = shlex.join(self._config.args)
        told = f"pytest {asked}" if len(asked) < 200 else f"pytest, {len(self._config.args)} tests by name"
        store.write(self._path, "tests", told, figures, rows, origin=self._made_from)


def test_of(node: str) -> str:
    """The node id without parameters: ``tests/x.py::TestY::test_z``."""
    return re.sub(r"\[.*$", "", node, flags=re.DOTALL)


test_of.__test__ = False  # type: ignore[attr-defined]
