"""Hands in a rehearsal: the law asks, the operator takes his time, the simulated array goes out, the law goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from controller.config import setup as setups
from controller.records.reader import SessionFile
from sim import rehearsal

BENCHES = Path(__file__).parents[2] / "examples" / "benches"
STAGED = {
    "protocol": "staged",
    "source": "no publication: a protocol of these tests",
    "modality": "rf",
    "applicator": {"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 30},
    "law": {
        "kind": "mean-temperature",
        "stages": [{"deployment_mm": mm, "target_c": 50, "hold_s": 8} for mm in (20, 30)],
        "power_max_w": 100,
        "duration_s": 180,
        "cool_s": 5,
    },
    "limits": {"power_w": 150, "energy_j": 36000, "on_time_s": 220, "tip_c": 125, "tissue_c": 125},
}


def test_an_array_goes_out_stage_by_stage(tmp_path: Path) -> None:
    (tmp_path / "staged.yaml").write_text(yaml.safe_dump(STAGED, sort_keys=False))
    setup = setups.load(str(BENCHES / "expandable-rf-sim.yaml"), str(tmp_path / "staged.yaml"))
    result = rehearsal.rehearse(setup, seed=1, out=tmp_path)
    assert (result["result"], result["trip"]) == ("completed", None)
    with SessionFile(result["session_file"]) as session:
        asked, done = session.events("prompt"), session.events("confirmed")
        ohm = session.series("gen.impedance_ohm")
        fired_s = session.events("application")[0].t_s
    assert [event.data["value"] for event in asked] == [20.0, 30.0]
    assert [event.data["value"] for event in done] == [20.0, 30.0]
    assert done[0].t_s < fired_s < asked[1].t_s  # the first before any energy
    for question, answer in zip(asked, done, strict=True):
        assert answer.t_s - question.t_s == pytest.approx(3.0, abs=1.0)  # simulation.operator_s, seen twice a second
    out_s = done[1].t_s
    before = ohm.value[(ohm.t_s > out_s - 3.0) & (ohm.t_s < out_s)]
    after = ohm.value[(ohm.t_s > out_s + 3.0) & (ohm.t_s < out_s + 6.0)]
    assert np.nanmean(after) < np.nanmean(before) - 3.0  # more metal in the tissue
