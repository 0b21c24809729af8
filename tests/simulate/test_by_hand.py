"""Laws that ask for hands, alone with the tissue: the array goes out, the needle comes back, the heat stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.laws import registry
from controller.laws.base import LawParams
from sim.alone import Task, simulate
from sim.simulate_command import rows

ARRAY: dict[str, Any] = {"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 20}
STAGED: dict[str, Any] = {
    "kind": "mean-temperature",
    "stages": [{"deployment_mm": mm, "target_c": 50, "hold_s": 3} for mm in (20, 25, 30)],
    "power_max_w": 150,
    "duration_s": 300,
    "cool_s": 0,
}
TRACK: dict[str, Any] = {
    "kind": "track-ablation",
    "power_w": 30,
    "target_c": 60,
    "duration_s": 120,
    "length_mm": 20,
    "step_mm": 10,
}


def law(fields: dict[str, Any]) -> LawParams:
    return registry.find(fields["kind"]).PARAMS.model_validate_json(json.dumps(fields))


def test_an_array_is_deployed_stage_by_stage_in_the_same_tissue() -> None:
    result = simulate(Task(law(STAGED), ARRAY, "exvivo_bovine", simulation={"operator_s": 5.0}))
    first, second, third = result["by_hand"]
    assert [(act["kind"], act["value_mm"]) for act in result["by_hand"]] == [
        ("deploy", 20),
        ("deploy", 25),
        ("deploy", 30),
    ]
    assert first["t_s"] == 0.0  # before energy
    assert 8.0 < second["t_s"] < third["t_s"] - 8.0  # 3 s held and 5 s until hands are done
    assert result["stopped"] == ""
    assert abs(result["balance"]["residual"]) < 1e-3
    whole = simulate(
        Task(law({**STAGED, "stages": STAGED["stages"][2:]}), {**ARRAY, "deployment_mm": 30}, "exvivo_bovine")
    )
    assert result["impedance_start_ohm"] > whole["impedance_start_ohm"] + 5.0  # it began with its tines half in
    assert dict(rows(result))["by hand"].startswith("deploy 20 mm at 0 s, deploy 25 mm at ")


def test_a_needle_is_drawn_back_whenever_its_tip_is_hot() -> None:
    result = simulate(Task(law(TRACK), {"kind": "needle", "active_tip_mm": 25}, "exvivo_bovine"))
    assert [(act["kind"], act["value_mm"]) for act in result["by_hand"]] == [("pull-back", 10), ("pull-back", 10)]
    assert result["by_hand"][0]["t_s"] >= 3.0
    assert result["duration_s"] < 179.0


def test_a_law_that_asks_for_nothing_is_left_alone() -> None:
    unstaged = {**STAGED, "stages": [{"target_c": 50, "hold_s": 3}]}
    result = simulate(Task(law(unstaged), ARRAY, "exvivo_bovine"))
    assert result["by_hand"] == []
    assert "by hand" not in dict(rows(result))


@pytest.mark.parametrize("value", [-1.0, 1e4])
def test_an_operator_takes_his_time_within_reason(value: float) -> None:
    with pytest.raises(ValueError, match=r"simulation\.operator_s"):
        simulate(Task(law(STAGED), ARRAY, "exvivo_bovine", simulation={"operator_s": value}))
