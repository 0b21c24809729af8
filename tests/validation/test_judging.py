"""From figures to verdicts, score and page, without a solver."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

from sim.validation import __main__ as command
from sim.validation import page
from sim.validation.cases import Case
from sim.validation.checks import Correlation, Order, Peak, Ratio, Slope, Trend
from sim.validation.run import Outcome, _examine, figures, judge, zone_figures
from sim.validation.score import score_of
from tests.validation.test_cases import GOOD

ZONE = {"short_axis_mm": 20.0, "long_axis_mm": 40.0, "volume_ml": 10.0}
RESULT = {
    "zone": {**ZONE, **{f"contracted_{name}": 0.9 * value for name, value in ZONE.items()}},
    "energy_j": 20000.0,
    "duration_s": 600.0,
    "rolloffs": 3,
    "first_rolloff_s": 60.0,
    "impedance_start_ohm": 100.0,
    "impedance_min_ohm": 70.0,
    "probes": [{"radius_mm": 10.0, "max_c": 70.0, "end_c": 60.0, "time_to_54c_s": None}],
    "tissue": "exvivo_bovine",
    "tissue_hash": "0" * 64,
    "applicator": {"kind": "cooled-needle"},
}


def case(**changes):
    plain = {
        "case": "T",
        "title": "A case for tests",
        "source": "nowhere, for tests only",
        "modality": "rf",
        "confidence": "gated",
        "burns": {
            "A": {
                "x": 1.0,
                "measured": {"short_axis_mm": {"value": 22.0, "gate": True}, "energy_j": {"value": 30000.0}},
            },
            "B": {"x": 3.0, "measured": {"short_axis_mm": {"value": 28.0, "gate": True}}},
        },
    }
    return Case.model_validate_json(json.dumps({**plain, **changes}))


def outcome(**changes):
    results = {"A": {**RESULT, "figures": figures(RESULT, "rf")}, "B": {**RESULT, "figures": figures(RESULT, "rf")}}
    return judge(Outcome("fast", {"T": case(**changes)}, results, {}))


def test_figures_of_a_result():
    found = figures(RESULT, "rf")
    assert found["short_axis_mm"] == 20.0
    assert found["aspect"] == 0.5
    assert found["energy_per_ml_j"] == 2000.0
    assert (found["max_10mm_c"], found["end_10mm_c"], found["time_to_54c_10mm_s"]) == (70.0, 60.0, None)
    assert figures(RESULT, "microwave")["short_axis_mm"] == 18.0


def test_verdicts_and_score():
    judged = outcome()
    met = {(v.burn, v.quantity): v.met for v in judged.verdicts["T"]}
    assert met == {("A", "short_axis_mm"): True, ("A", "energy_j"): False, ("B", "short_axis_mm"): False}
    score = score_of(judged)
    assert (score.gated, score.gated_met) == (2, 1)
    assert score.rms_rf_mm == (2, pytest.approx(((2**2 + 8**2) / 2) ** 0.5))
    assert score.rms_microwave_mm[0] == 0
    assert (score.energies, score.energy_met) == (1, 0)


def test_what_was_not_computed_is_a_miss_not_a_met():
    judged = judge(Outcome("fast", {"T": case()}, {}, {"A": "NotConverged: x", "B": "NotConverged: x"}))
    assert not any(v.met for v in judged.verdicts["T"])
    assert score_of(judged).gated_met == 0
    assert "**A did not run**: NotConverged: x" in page.markdown(judged)


def test_what_was_rehearsed_stands_beside_the_ideal_generator():
    plain = outcome()
    assert (score_of(plain).looped, score_of(plain).loop_gated) == (0, 0)
    assert "in the loop" not in page.markdown(plain).split("## T")[1]
    looped = {"A": {**zone_figures(RESULT, "rf"), "short_axis_mm": 24.0}}
    judged = judge(dataclasses.replace(plain, looped=looped, loop_failed={"B": "NotCompleted: why"}))
    seen = {(v.burn, v.quantity): (v.looped, v.looped_met) for v in judged.verdicts["T"]}
    assert seen["A", "short_axis_mm"] == (24.0, True)
    assert seen["A", "energy_j"] == (20000.0, False)
    assert seen["B", "short_axis_mm"] == (None, None)
    score = score_of(judged)
    assert (score.looped, score.looped_met, score.loop_gated, score.loop_gated_met) == (2, 1, 1, 1)
    text = page.markdown(judged)
    assert "| A | short axis, mm | 22.0 | 20.0 | -2.0 | ±3.0 | met, gate | 24.0 | met |" in text
    assert "**B was not rehearsed to its end**: NotCompleted: why" in text
    assert "A              short axis, mm " in page.table(judged) and "24.0  met (gate), met in the loop" in page.table(
        judged
    )


PREDICTED = {
    name: {"volume_ml": volume, "energy_j": 10.0 * volume, "short_axis_mm": axis}
    for name, volume, axis in (("A", 1.0, 5.0), ("B", 3.0, 7.0), ("C", 2.0, 6.0))
}


@pytest.mark.parametrize(
    ("check", "met", "wrong"),
    [
        (Trend(kind="trend", of="volume_ml", burns=("A", "C", "B"), sign="rises"), True, False),
        (Trend(kind="trend", of="volume_ml", burns=("B", "C", "A"), sign="rises"), False, True),
        (Trend(kind="trend", of="volume_ml", burns=("B", "C", "A"), sign="falls"), True, False),
        (Slope(kind="slope", of="volume_ml", burns=("A", "B"), between=(1.0, 3.0)), True, False),
        (Slope(kind="slope", of="volume_ml", burns=("A", "B"), between=(3.0, 4.0)), False, False),
        (Slope(kind="slope", of="volume_ml", burns=("A", "B"), between=(-4.0, -3.0)), False, True),
        (Order(kind="order", of="volume_ml", burns=("A", "C", "B")), True, False),
        (Order(kind="order", of="volume_ml", burns=("A", "B", "C")), False, False),
        (Order(kind="order", of="volume_ml", burns=("B", "C", "A")), False, True),
        (Peak(kind="peak", of="volume_ml", burns=("A", "B", "C"), among=("B",)), True, False),
        (Peak(kind="peak", of="volume_ml", burns=("A", "B", "C"), among=("A",)), False, False),
        (Ratio(kind="ratio", of="volume_ml", burns=("B", "C"), between=(1.4, 1.6)), True, False),
        (Ratio(kind="ratio", of="volume_ml", burns=("B", "C"), between=(0.4, 0.6)), False, True),
        (Ratio(kind="difference", of="volume_ml", burns=("B", "C"), between=(0.5, 2.0)), True, False),
        (Ratio(kind="difference", of="volume_ml", burns=("C", "B"), between=(0.5, 2.0)), False, True),
        (Ratio(kind="difference", of="volume_ml", burns=("C", "B"), between=(-2.0, 3.0)), True, False),
        (
            Correlation(kind="correlation", of="volume_ml", over="energy_j", burns=("A", "B", "C"), at_least=0.9),
            True,
            False,
        ),
        (Trend(kind="trend", of="volume_ml", burns=("A", "Z"), sign="rises"), False, False),
    ],
)
def test_checks(check, met, wrong):
    found = _examine(check, PREDICTED, {"A": None, "B": None, "C": None})
    assert (found.met, found.wrong_sign) == (met, wrong)


def test_a_trend_follows_what_the_series_varies():
    check = Trend(kind="trend", of="volume_ml", burns=("A", "B", "C"), sign="rises")
    assert not _examine(check, PREDICTED, {"A": 3.0, "B": 1.0, "C": 2.0}).met


def test_page_and_table_have_every_figure():
    judged = outcome(checks=[{"kind": "order", "of": "short_axis_mm", "burns": ["A", "B"]}])
    text, lines = page.markdown(judged), page.table(judged)
    for words in ("| A | short axis, mm | 22.0 | 20.0 | -2.0 | ±3.0 | met, gate |", "**missed**", "1 of 2 (50 %)"):
        assert words in text
    assert "order of short axis over A, B: 20, 20" in lines
    assert "MISSED (gate)" in lines


def test_the_command(tmp_path):
    (tmp_path / "t.yaml").write_text(GOOD)
    out = tmp_path / "page.md"
    arguments = ["--cases", str(tmp_path), "--out", str(out), "--jobs", "1"]
    done = CliRunner().invoke(command.main, arguments)
    assert done.exit_code == 0, done.output
    assert "T1" in done.output
    assert "A burn for tests" in out.read_text()
    refused = CliRunner().invoke(command.main, [*arguments, "--only", "T9"])
    assert refused.exit_code == 2
    assert "no such case; there are T1" in refused.output


def test_a_burn_that_crashes_is_an_exit_code(tmp_path):
    text = GOOD.replace("tissue: exvivo_bovine", "tissue: exvivo_elephant")
    (tmp_path / "t.yaml").write_text(text)
    out = tmp_path / "page.md"
    done = CliRunner().invoke(command.main, ["--cases", str(tmp_path), "--out", str(out), "--jobs", "1"])
    assert done.exit_code == 1
    assert "unknown tissue 'exvivo_elephant'" in out.read_text()
