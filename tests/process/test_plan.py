"""A plan over the control socket: real daemon, watchdog and serial bytes; hands that nobody has are the neighbour's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.treatment.plans import PLAN, changed

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

OVERLOADED = {"cadence", "staleness", "watchdog"}
"""What trips when the machine gives the daemon no time."""


def ablate(*words: str | Path, cwd: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON object of a command."""
    command = [sys.executable, "-P", "-m", "controller", *map(str, words), "--json"]
    done = subprocess.run(command, cwd=cwd, env=os.environ, capture_output=True, text=True, timeout=90)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_two_applications_are_placed_fired_and_summed(repository: Path, tmp_path: Path) -> None:
    text = (repository / "controller/data/protocols/demo-30s.yaml").read_text(encoding="utf-8")
    short = changed("duration_s: 30", "duration_s: 6", changed("protocol: demo-30s", "protocol: brief", text))
    (tmp_path / "brief.yaml").write_text(short, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN.replace("demo-30s", "brief"), encoding="utf-8")
    for attempt in range(3):
        reset = ("--reset-latch", "the machine was overloaded") if attempt else ()
        code, told = ablate(
            "run", "cooled-rf-sim", "plan.yaml", "--yes", "--no-report", "--out", f"try{attempt}", *reset, cwd=tmp_path
        )
        if code == 0 or (told.get("trip") or {}).get("monitor") not in OVERLOADED:
            break
    assert code == 0, told
    assert [one["result"] for one in told["applications"]] == ["completed", "completed"]
    first, second = told["targets"][0]["coverage"]["shares"]
    assert first["volume_ml"] > 0.1
    assert second["volume_ml"] == pytest.approx(first["volume_ml"], rel=0.2)  # placed anew: into fresh tissue
    assert told["left"] == []
