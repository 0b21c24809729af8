"""`ablate simulate`: what it prints, what it refuses, how it ends."""

import json

import pytest

from controller.cli import run
from sim import alone

QUICK = """\
protocol: quick
source: a short constant power, for tests only
modality: rf
applicator: {kind: cooled-needle, active_tip_mm: 20}
law: {kind: constant-power, power_w: 30, duration_s: 20, rise_s: 0}
limits: {power_w: 40, energy_j: 3000, on_time_s: 60}
cooling: {flow_ml_min: 80}
"""


@pytest.fixture
def quick(tmp_path):
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK)
    return str(path)


def simulated(capsys, *arguments):
    assert run(["simulate", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_json_has_the_keys_that_scripts_rely_on(quick, capsys):
    result = simulated(capsys, quick)
    assert set(result) >= {
        "zone",
        "energy_j",
        "rolloffs",
        "first_rolloff_s",
        "impedance_start_ohm",
        "impedance_min_ohm",
        "probes",
        "wall_s",
    }
    assert set(result["zone"]) >= {"long_axis_mm", "short_axis_mm", "volume_ml"}
    assert [probe["radius_mm"] for probe in result["probes"]] == [10.0, 20.0]
    assert set(result["probes"][0]) >= {"max_c", "time_to_54c_s"}
    assert result["energy_j"] == pytest.approx(600.0, rel=0.01)
    assert result["duration_s"] == pytest.approx(20.0)
    assert result["tissue"] == "exvivo_bovine"
    assert result["applicator"] == {"kind": "cooled-needle", "active_tip_mm": 20.0}
    assert abs(result["balance"]["residual"]) < 1e-3
    assert len(result["parameters"]) == 64


def test_the_same_run_has_the_same_parameters_and_another_one_others(quick, capsys):
    first, again = simulated(capsys, quick), simulated(capsys, quick)
    assert {**first, "wall_s": 0.0} == {**again, "wall_s": 0.0}
    other = simulated(capsys, quick, "--set", "sigma_s_m=0.25")
    assert other["parameters"] != first["parameters"]
    assert other["tissue_hash"] == first["tissue_hash"]
    assert other["impedance_start_ohm"] < first["impedance_start_ohm"]


def test_set_reaches_tissue_applicator_and_bench(quick, capsys):
    plain = simulated(capsys, quick)
    leads = simulated(capsys, quick, "--set", "lead_ohm=20")
    assert leads["impedance_start_ohm"] == pytest.approx(plain["impedance_start_ohm"] + 12.0)
    thick = simulated(capsys, quick, "--set", "applicator.gauge=14", "--set", "applicator.active_tip_mm=30")
    assert thick["applicator"] == {"kind": "cooled-needle", "active_tip_mm": 30.0, "gauge": 14}
    assert thick["impedance_start_ohm"] < 0.8 * plain["impedance_start_ohm"]
    warm = simulated(capsys, quick, "--set", "start_c=37", "--tissue", "exvivo_porcine")
    assert warm["probes"][1]["max_c"] == pytest.approx(37.0, abs=0.5)


def test_gauge_is_short_for_the_applicators(quick, capsys):
    thick = simulated(capsys, quick, "--gauge", "15")
    assert thick["applicator"]["gauge"] == 15


def test_a_table_for_people(quick, capsys):
    assert run(["simulate", quick, "--tissue", "exvivo_porcine"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith("at "))
    assert lines["tissue"] == "exvivo_porcine, fast mesh"
    assert lines["energy"] == "0.6 kJ in 20 s, 30 W on average"
    assert lines["roll-offs"] == "0"
    assert " mL" in lines["zone"]
    assert "at 10 mm" in out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--set", "sigma=0.2"], 2, "unknown name 'sigma'"),
        (["--set", "sigma=0.2"], 2, "did you mean 'sigma_s_m'?"),
        (["--set", "sigma_s_m"], 2, "--set sigma_s_m: write NAME=NUMBER"),
        (["--set", "sigma_s_m=wet"], 2, "'wet' is not a finite number"),
        (["--set", "sigma_s_m=nan"], 2, "'nan' is not a finite number"),
        (["--set", "sigma_s_m=0.2", "--set", "sigma_s_m=0.3"], 2, "--set sigma_s_m: given twice"),
        (["--set", "sigma_s_m=90"], 2, "sigma_s_m: 90.0 is outside 0.01 to 3"),
        (["--set", "applicator.spacing_mm=5"], 2, "unknown name 'applicator.spacing_mm'"),
        (["--set", "applicator.active_tip_mm=300"], 2, "applicator.active_tip_mm: 300.0 is outside 10 to 50"),
        (["--gauge", "9"], 2, "unknown applicator gauge 9: there are 14, 15, 16, 17, 18"),
        (["--tissue", "liver"], 2, "unknown tissue 'liver': there are "),
        (["--set", "coolant_c=90"], 3, "simulation.coolant_c: 90.0 is outside 0.5 to 60"),
        (["--mesh", "rough"], 2, "'rough' is not one of 'fast', 'fine', 'reference'"),
        (["--picture", "zone.gif"], 2, "a picture is one of .png, .svg, .pdf, by its suffix"),
        (["--picture", "nowhere/zone.png"], 2, "there is no folder nowhere"),
    ],
)
def test_refusals(quick, capsys, arguments, code, text):
    assert run(["simulate", quick, *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err


def test_an_unknown_protocol_is_a_configuration_error(capsys):
    assert run(["simulate", "no-such-protocol"]) == 3
    assert "no-such-protocol" in capsys.readouterr().err


def test_no_solution_means_no_result(quick, capsys, monkeypatch):
    from sim.world.field import NotConverged

    def gives_up(*_, **__):
        raise NotConverged("electric field: residual 0.1 after 500 iterations")

    monkeypatch.setattr(alone, "run_protocol", gives_up)
    assert run(["simulate", quick, "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "stopped without a result: electric field: residual 0.1" in err
