"""kill -9 at any moment: the file opens, verifies, and lacks at most the last 100 ms."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.records.reader import open_session
from controller.records.verify import verify

TRIALS = 20
ALLOWED_S = 0.1


@pytest.mark.timeout(120)
def test_killed_at_random_moments(tmp_path: Path, repository: Path) -> None:
    chance = random.Random(1)
    lacking: list[float] = []
    for trial in range(TRIALS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.records.recording", str(tmp_path / str(trial)), "50"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=repository,
        )
        assert child.stdout is not None
        path = Path(child.stdout.readline().strip())
        child.stdout.readline()  # recording has begun
        time.sleep(chance.uniform(0.0, 0.4))
        child.kill()
        killed_s = time.monotonic()
        said = [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.stdout.close()
        child.wait()
        result = verify(path)
        assert result.ok, result.problems
        assert not result.closed
        held = -1 if result.last_tick is None else result.last_tick
        lost = [float(t_s) for seq, t_s in said if int(seq) > held]
        lacking.append(killed_s - lost[0] if lost else 0.0)
        with open_session(path) as session:
            assert session.ticks().seq.tolist() == list(range(held + 1))
    late = sorted(lacking)
    # The promise is about this program; a disk or a scheduler that stalls for longer may spoil one trial of the twenty.
    assert late[-2] <= ALLOWED_S, late
