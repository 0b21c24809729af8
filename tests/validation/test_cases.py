"""Cases as data: what the files hold, and what the loader refuses."""

from pathlib import Path

import pytest

from controller.config.problems import ConfigError
from sim.validation.cases import Case, Measured, load_cases, title_of

FOLDER = Path(__file__).parent
RF = ("R1", "R1b", "R2", "R4", "R5", "R6", "R7", "R8", "R8b", "R8c", "R9", "R11", "R12", "R12b")
RF_MORE = ("R13", "R14", "R15", "R16", "R17", "R18", "R19", "R20", "R21")
MICROWAVE = ("M1-9", "M1b", "M10", "M12", "M13", "M14", "M15", "M16", "M17", "M18", "M19", "MT")

GOOD = """\
case: T1
title: A burn for tests
source: nowhere, for tests only
modality: rf
confidence: gated
burns:
  T1:
    tissue: exvivo_bovine
    applicator: {kind: cooled-needle, active_tip_mm: 20}
    law: {kind: constant-power, power_w: 30, duration_s: 20}
    measured:
      short_axis_mm: {value: 20, sd: 1, gate: true}
checks:
  - {kind: trend, of: volume_ml, burns: [T1, T1], sign: rises}
"""


def test_every_open_case_is_there_computed_or_not():
    cases = load_cases(FOLDER)
    assert sorted(cases) == sorted(RF + RF_MORE + MICROWAVE)
    for case in cases.values():
        assert case.source
        assert (case.status == "computed") == (not case.reason)
    gated = {
        name for name, case in cases.items() if any(m.gate for b in case.burns.values() for m in b.measured.values())
    }
    assert gated == {"R2", "R7", "R12", "R12b", "M1-9", "M1b", "M13", "M14"}


def test_one_set_of_numbers_for_each_tissue():
    """What a case may change of a tissue is what its experiment set."""
    for case in load_cases(FOLDER).values():
        for burn in case.burns:
            if case.status == "computed":
                assert set(case.scene(burn).changes) <= {"perfusion_ml_min_100g", "perfusion_w_m3k", "start_c"}


def test_a_shipped_protocol_gives_what_a_burn_leaves_out():
    cases = load_cases(FOLDER)
    scene = cases["R5"].scene("R5")
    assert scene.applicator == {"kind": "cooled-needle", "active_tip_mm": 30.0, "gauge": 15}
    assert scene.flow_ml_min == 80.0
    assert cases["R5"].law("R5").kind == "pulsed-impedance"
    assert cases["R16"].law("R16-consecutive").end == ("duration_s", 480.0)
    assert cases["R16"].scene("R16-consecutive").applicator["kind"] == "switched-needles"


@pytest.mark.parametrize(
    ("quantity", "measured", "allowed"),
    [
        ("short_axis_mm", Measured(value=30), 3.0),
        ("short_axis_mm", Measured(value=30, sd=4), 6.0),
        ("long_axis_mm", Measured(value=30, sd=2), 5.0),
        ("volume_ml", Measured(value=20), 6.0),
        ("energy_j", Measured(value=32000), 8000.0),
        ("max_10mm_c", Measured(value=76, sd=8.2), 8.2),
        ("duration_s", Measured(value=600, tolerance=60), 60.0),
    ],
)
def test_tolerances(quantity, measured, allowed):
    assert measured.allowed(quantity) == pytest.approx(allowed)


def test_names_for_people():
    assert title_of("short_axis_mm") == "short axis, mm"
    assert title_of("time_to_54c_10mm_s") == "10 mm from the axis: 54 °C after, s"


def test_a_good_file(tmp_path):
    (tmp_path / "t.yaml").write_text(GOOD)
    case = load_cases(tmp_path)["T1"]
    assert isinstance(case, Case)
    assert case.burns["T1"].measured["short_axis_mm"].gate


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("power_w: 30", "power_kw: 30", "t.yaml:10: burns.T1.law.power_kw: Extra inputs are not permitted"),
        ("kind: constant-power", "kind: constant-bower", "t.yaml:10: burns.T1.law.kind: no law"),
        ("short_axis_mm: {", "short_axis: {", "'short_axis' is nothing that a run yields; did you mean short_axis_mm?"),
        ("short_axis_mm: {", "rolloffs: {", "rolloffs: no general tolerance; write one"),
        ("value: 20, sd", "value: wide, sd", "t.yaml:12: burns.T1.measured.short_axis_mm.value"),
        ("sd: 1", "sigma: 1", "unknown key"),
        ("    tissue: exvivo_bovine\n", "", "tissue is given neither here nor under common"),
        ("burns: [T1, T1]", "burns: [T1, T2]", "T2: no such burn is computed"),
        ("of: volume_ml", "of: volume", "'volume' is nothing that a run yields"),
        ("confidence: gated", "confidence: trend", "only a case of confidence 'gated' may gate a figure"),
        (
            "confidence: gated",
            "confidence: gated\nstatus: not-computed",
            "a case that is not computed needs its reason",
        ),
        ("    tissue: exvivo_bovine", "    protocol: no-such-one\n    tissue: exvivo_bovine", "no-such-one"),
    ],
)
def test_refusals(tmp_path, old, new, text):
    assert old in GOOD
    (tmp_path / "t.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as refused:
        load_cases(tmp_path)
    assert text in str(refused.value)


def test_names_are_used_once(tmp_path):
    (tmp_path / "t.yaml").write_text(GOOD)
    (tmp_path / "u.yaml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"T1 is also in .*t\.yaml"):
        load_cases(tmp_path)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ConfigError, match="no case"):
        load_cases(tmp_path)
