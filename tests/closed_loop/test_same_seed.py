"""One seed, one result, to the last bit: of the answer and of the record's chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.records.verify import verify

Rehearse = Callable[..., dict[str, Any]]


def test_one_seed_gives_one_result_and_one_chain(rehearse: Rehearse, tmp_path: Path) -> None:
    runs = [rehearse("demo-30s", seed=seed, out=tmp_path / name) for name, seed in (("a", 7), ("b", 7), ("c", 8))]
    files = [next((tmp_path / name).rglob("*.ablate")) for name in "abc"]
    heads = [verify(path).head for path in files]
    assert all(verify(path).ok for path in files)
    for run in runs:
        del run["session_file"]
    assert runs[0] == runs[1]
    assert heads[0] == heads[1]
    assert heads[2] != heads[0]


def test_a_pace_changes_nothing_but_the_time_it_takes(rehearse: Rehearse, tmp_path: Path) -> None:
    fast = rehearse("demo-30s", out=tmp_path / "fast")
    paced = rehearse("demo-30s", out=tmp_path / "paced", speed=40.0)
    heads = [verify(next((tmp_path / name).rglob("*.ablate"))).head for name in ("fast", "paced")]
    assert heads[0] == heads[1]
    assert fast["energy_delivered_j"] == paced["energy_delivered_j"]
