"""What a campaign leaves for the safety case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.evidence import store
from controller.evidence.revision import program
from sim.campaign import classes, evidence


def row(case: str, verdict: str = "OK", **changed: Any) -> dict[str, Any]:
    good = {"trip": "H38", "shown_s": 10.0, "trip_s": 10.4, "off_s": 10.5, "energy_after_j": 30.0, "power_w": 100.0}
    good |= {"off_told_s": 10.4375, "open_told_s": 10.40625, "confirmed_s": 10.5625}
    return {"case": case, "verdict": verdict, "why": "", "refused": "", **good, **changed}


ROWS = [
    row("rf/pump.stall/steady/0us/1"),
    row(
        "rf/pump.stall/ramp/6250us/2",
        "LATE",
        off_s=10.75,
        trip_s=10.45,
        open_told_s=None,
        confirmed_s=None,
        energy_after_j=4.0,
        power_w=5.0,
    ),
    row("rf/pump.stall/boot/0us/1", trip="", shown_s=None, trip_s=None, off_s=None, energy_after_j=0.0),
    row("rf/pump.stall+enable.weld/steady/0us/1"),
    row("rf/pump.stall+gen.deadman_off/steady/0us/1"),
    row("rf/nominal/steady/0us/1000", trip="", energy_after_j=0.0),
    {"case": "rf/load.air/steady/0us/1", "verdict": "ERROR", "why": "OSError: no"},
]


def test_figures_and_lines() -> None:
    assert evidence.figures(ROWS[:6]) == {
        "injected": 5, "nominal": 1, "OK": 5, "LATE": 1, "MISSED": 0, "WRONG_CAUSE": 0, "MASKED": 0, "FALSE": 0,
        "NOT_REACHED": 0, "ERROR": 0, "missed_at_most_percent": 60.0,
        "flow_off_worst_s": 0.75, "flow_worst_j_at_200_w": 80.0,
    }  # fmt: skip
    nominal, air, stall, behind = evidence.lines(ROWS)
    assert stall == {
        "fault": "pump.stall",
        "latent": "",
        "modality": "rf",
        "class": "flow",
        "hazards": ["H38"],
        "allowed_s": 0.6,
        "allowed_j_at_200_w": 120.0,
        "runs": 3,
        "verdicts": {"LATE": 1, "OK": 2},
        "phases": 3,
        "causes": {"H38": 2},
        "detect_median_s": 0.425,
        "detect_worst_s": 0.45,
        "command_median_s": 0.4219,
        "command_worst_s": 0.4375,
        "off_median_s": 0.625,
        "off_worst_s": 0.75,
        "confirm_median_s": 0.5625,
        "confirm_worst_s": 0.5625,
        "worst_j": 30.0,
        "worst_j_at_200_w": 80.0,  # 4 J at 5 W count as at 10 W
    }
    assert (behind["latent"], behind["runs"]) == ("enable.weld, gen.deadman_off", 2)
    assert (nominal["fault"], nominal["runs"], nominal["worst_j"]) == ("", 1, 0.0)
    assert air["verdicts"] == {"ERROR": 1}
    assert "off_worst_s" not in air


def test_classes_are_judged_by_single_faults_in_the_nominal_world() -> None:
    other = [
        row("rf/pump.stall/steady/0us/3/gain1.2", off_s=19.0),
        row("rf/inputs.door/steady/0us/1", off_s=10.125, energy_after_j=12.0),
        row("rf/inputs.door/steady/0us/2", off_s=None),
    ]
    contact, flow = classes.by_class([*ROWS, *other])
    assert contact == ("contact", 1, 0.125, 24.0, "rf/inputs.door/steady/0us/1", 0.15, 30.0, 0.4, 0.4062, 0.5625)
    assert flow == ("flow", 2, 0.75, 80.0, "rf/pump.stall/ramp/6250us/2", 0.6, 120.0, 0.45, 0.4375, 0.5625)
    head, *told = classes.text([contact, flow])
    assert "worst J at 200 W" in head
    assert [line.split()[:9] for line in told] == [
        ["contact", "1", "0.125", "0.15", "24.0", "30", "0.400", "0.406", "0.562"],
        ["flow", "2", "0.750", "0.60", "80.0", "120", "0.450", "0.438", "0.562"],
    ]


def test_none_is_said_to_be_unlikely_after_one_was_missed() -> None:
    assert "missed_at_most_percent" not in evidence.figures([row("rf/pump.stall/steady/0us/1", "MISSED")])
    assert "missed_at_most_percent" not in evidence.figures(ROWS[5:6])


def test_a_folder_that_is_there_becomes_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "campaign"
    folder.mkdir()
    monkeypatch.setattr("sys.argv", ["x", str(folder)])
    with pytest.raises(SystemExit):
        evidence.main()
    assert "there is no runs.jsonl" in capsys.readouterr().err
    (folder / "runs.jsonl").write_text("".join(json.dumps({**row, "program": program()}) + "\n" for row in ROWS))
    evidence.main()
    found = store.read(tmp_path).evidence["campaign"]
    assert found.figures["injected"] == 6
    assert len(found.rows) == 4
