"""Rehearsals of the shipped bench."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from controller.config import setup as setups
from sim import rehearsal


@pytest.fixture
def rehearse(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """``rehearse(protocol, faults=…, seed=…)`` on ``cooled-rf-sim``: the result object, with last power and state."""

    def run(
        protocol: str,
        *,
        faults: Sequence[str] = (),
        seed: int | None = None,
        out: Path | None = None,
        speed: float = float("inf"),
    ) -> dict[str, Any]:
        setup = setups.load("cooled-rf-sim", protocol)
        return rehearsal.rehearse(setup, faults=faults, seed=seed, out=out or tmp_path, speed=speed)

    return run
