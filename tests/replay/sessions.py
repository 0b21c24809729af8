"""Short sessions to replay, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.config import setup as setups
from sim import rehearsal
from tests.rehearsal.table import bench_of

OF_EACH_LAW = {
    "below-rolloff": "below-rolloff-3cm-12min",
    "constant-current": "constant-current-1100ma",
    "constant-power": "constant-power-30w",
    "mean-temperature": "rita-2cm",
    "microwave-constant": "microwave-100w-5min",
    "pulsed-impedance": "demo-30s",
    "stepped-rolloff": "rf3000-3cm",
    "switching": "switching-3-needles-12min",
    "track-ablation": "track-ablation-70c",
}
"""Law -> a shipped protocol."""


class Enough:
    """The operator stops after so much energy."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.seen = seconds, False

    def __call__(self, status: dict[str, Any]) -> None:
        self.seen = self.seen or (status["state"] == "FIRING" and status["elapsed_s"] >= self.seconds)

    def enough(self) -> bool:
        return self.seen


def recorded(protocol: str, out: Path, seconds: float = 1e9, faults: Sequence[str] = ()) -> Path:
    """The session of a shipped protocol on its bench, stopped after ``seconds`` of energy."""
    watch = Enough(seconds)
    setup = setups.load(bench_of(protocol), protocol)
    result = rehearsal.rehearse(setup, out=out, faults=faults, watch=watch, interrupted=watch.enough)
    return Path(result["session_file"])
