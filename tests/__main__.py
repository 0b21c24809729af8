"""``python -m tests [ARGUMENTS FOR PYTEST]``: every test, as ``make test`` runs them.

A test that is judged by the wall clock can fail because the machine had no time for it. Where at most :data:`MOST` of
those have failed, and nothing else, they are named and run once more, alone; that run decides. Every other failure is
final: those tests keep a time of their own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clocked import by_clock

MOST = 5
SIDE_BY_SIDE = ("-n", "2", "--no-loadscope-reorder")


class Failures:
    """Plug-in of pytest: which tests have failed."""

    def __init__(self) -> None:
        self.tests: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.tests[report.nodeid] = None


def again(failed: list[str]) -> list[str]:
    """Of the tests that have failed, those that are run once more: all or none."""
    excused = len(failed) <= MOST and all(by_clock(Path(test.partition("::")[0])) for test in failed)
    return failed if excused else []


def main(argv: list[str]) -> int:
    """See the module's text; pytest's exit code."""
    failures = Failures()
    code = int(pytest.main([*SIDE_BY_SIDE, *argv], plugins=[failures]))
    repeated = again(list(failures.tests)) if code == pytest.ExitCode.TESTS_FAILED else []
    if not repeated:
        return code
    print("\n== judged by the wall clock, beside other tests; once more, alone:", *repeated, sep="\n   ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", *repeated], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
