"""The watchdog's command line: what it hands on, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NEEDED = ["--runtime-dir", "run", "--state-dir", "state", "--bench", "b1"]
TAIL = ["--", "daemon", "--bench", "x"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``told(*argv)``: what was run with which code it came back, or the code with which it was refused."""
    from safety.watchdog import __main__ as program

    ran: list[object] = []

    def run(*given: object) -> int:
        ran.append(given)
        return 7

    def call(*argv: str) -> object:
        ran.clear()
        monkeypatch.setattr("sys.argv", ["watchdog", *argv])
        monkeypatch.setattr(program, "run", run)
        try:
            return (program.main(), *ran)
        except SystemExit as refused:
            return refused.code

    return call


@raises_nothing
def test_what_is_told_is_handed_on(told: Any) -> None:
    handed = (["daemon", "--bench", "x"], Path("run"), Path("state"), "b1")
    assert told(*NEEDED, *TAIL) == (7, (*handed, 0.2))
    for lease_ms, lease_s in ("10", 0.01), ("350", 0.35), ("10000", 10.0):
        assert told(*NEEDED, "--lease-ms", lease_ms, *TAIL) == (7, (*handed, lease_s))


@raises_nothing
def test_what_is_wrong_is_refused(told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for lease_ms in ("9.99", "10000.5", "0", "-5", "nan", "soon"):
        assert told(*NEEDED, f"--lease-ms={lease_ms}", *TAIL) == 2
        assert "--lease-ms" in capsys.readouterr().err.splitlines()[-1]
    for k in (0, 2, 4):
        assert told(*NEEDED[:k], *NEEDED[k + 2 :], *TAIL) == 2
        assert NEEDED[k] in capsys.readouterr().err.splitlines()[-1]
    assert told(*NEEDED) == 2
    assert told("--runtime", "run", *NEEDED[2:], *TAIL) == 2
