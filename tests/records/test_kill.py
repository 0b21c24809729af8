"""``kill -9`` and power cuts at any moment: a few of each here, a thousand of each by ``python -m
tests.records.crashes``, which says what is checked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROMISED_S = 0.1


@pytest.mark.timeout(120)
def test_killed_and_cut_off_at_random_moments(repository: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.records.crashes", "--kills", "10", "--cuts", "30"],
        capture_output=True,
        text=True,
        cwd=repository,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.startswith("10 kills: ")
    assert "30 power cuts: " in told.stdout
    # The promise is about this program; a disk or a scheduler that stalls for longer may spoil a trial.
    lost = re.search(r"median ([\d.]+) s", told.stdout)
    assert lost is not None
    assert float(lost[1]) <= PROMISED_S
