"""Nothing is imported while power flows: no code comes into the process that was not there when it was checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CAMPAIGN = Path(__file__).parents[2] / "sim" / "campaign" / "benches"


def told(repository: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.security.imports", *words]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("bench", "protocol"),
    [
        ("cooled-rf-sim", str(CAMPAIGN / "rf-pulsed.yaml")),
        (str(CAMPAIGN / "sairem.yaml"), str(CAMPAIGN / "sairem-burst.yaml")),
    ],
    ids=["rf", "sairem"],
)
def test_nothing_is_imported_between_fire_and_the_end(repository: Path, bench: str, protocol: str) -> None:
    found = told(repository, bench, protocol)
    assert (found["result"], found["imported"]) == ("completed", [])
    assert found["before"] > 300


def test_an_import_under_power_would_be_seen(repository: Path) -> None:
    found = told(repository, "cooled-rf-sim", "demo-30s", "--canary")
    assert (found["result"], found["imported"]) == ("import refused", ["this_is_nowhere"])
