"""What a generator that ignores off gives to tissue that has had its dose, by the emulator's own log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.config import setup as setups
from sim import rehearsal

PROTOCOL = """\
protocol: end
source: "no publication: a constant power, for its end"
modality: rf
applicator: {{kind: cooled-needle, active_tip_mm: 30}}
law: {{kind: constant-power, power_w: {power_w}, duration_s: 3, rise_s: 0.5}}
limits: {{power_w: {power_w}, energy_j: 9000, on_time_s: 10}}
cooling: {{flow_ml_min: 80, prime_s: 2, run_on_s: 3}}
"""


def rehearsed(tmp_path: Path, power_w: float, fault: str) -> dict[str, Any]:
    path = tmp_path / "end.yaml"
    path.write_text(PROTOCOL.format(power_w=power_w))
    return rehearsal.rehearse(setups.load("cooled-rf-sim", str(path)), faults=(fault,), out=tmp_path / "out")


@pytest.mark.parametrize("power_w", [200.0, 120.0])
def test_an_end_that_is_not_obeyed_costs_at_most_60_joules(tmp_path: Path, power_w: float) -> None:
    obeyed = rehearsed(tmp_path, power_w, "gen.deadman_off@4")  # a fault that changes nothing here
    ignored = rehearsed(tmp_path, power_w, "gen.ignore_off@4")
    assert (obeyed["result"], ignored["result"], ignored["trip"]["monitor"]) == (
        "completed",
        "tripped",
        "generator_off",
    )
    more_j = ignored["energy_after_fault_j"] - obeyed["energy_after_fault_j"]
    assert 30.0 < more_j <= 60.0
