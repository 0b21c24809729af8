"""safety/ stays small enough to be read: ADR 0013 says what its lines are. This number may go down."""

from __future__ import annotations

from pathlib import Path

from tests.support.size import code_lines
from tests.support.tracked import modules

WITHOUT_WATCHDOG, WATCHDOG = 2109, 1312


def lines(repository: Path, *, watchdog: bool) -> int:
    outlives = repository / "safety" / "watchdog"
    paths = [path for path in modules(repository, "safety") if (outlives in path.parents) is watchdog]
    assert len(paths) > 8
    return sum(code_lines(path.read_text(encoding="utf-8")) for path in paths)


def test_decisions_grow_no_longer(repository: Path) -> None:
    assert lines(repository, watchdog=False) <= WITHOUT_WATCHDOG


def test_the_watchdog_grows_no_longer(repository: Path) -> None:
    assert lines(repository, watchdog=True) <= WATCHDOG


def test_canary() -> None:
    assert (
        code_lines('"""A room."""\n\n# why\nx = [\n    1,  # one\n]\n\n\ndef f():\n    """Say."""\n    return x\n') == 5
    )
