"""``ablate config`` and ``ablate protocols``: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.cli import run
from controller.config.shipped import shipped
from controller.laws import registry
from tests.config.support import BENCH, PROTOCOL, spoiled


@pytest.fixture(autouse=True)
def files(here: Path) -> None:
    (here / "bench.yaml").write_text(BENCH, encoding="utf-8")
    (here / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    (here / "bad.yaml").write_text(spoiled(PROTOCOL, "rise_ohm", "rise"), encoding="utf-8")
    (here / "high.yaml").write_text(spoiled(PROTOCOL, "  power_w: 120", "  power_w: 180"), encoding="utf-8")


def test_check_of_a_pair(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "check", "bench.yaml", "protocol.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("bench.yaml: OK (bench, ")
    assert lines[1] == "protocol.yaml: OK (protocol)"
    assert lines[2].startswith("protocol.yaml on bench.yaml: OK (pair, ")


def test_check_says_everything_and_ends_with_3(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "check", "bench.yaml", "bad.yaml", "high.yaml"]) == 3
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "bad.yaml:5: law.rise_ohm: missing; rise over the baseline that is a roll-off, ohm",
        "bad.yaml:11: law.rise: unknown key; did you mean rise_ohm? (in ohm)",
        "high.yaml:17: limits.power_w: 180 W is above the bench's 150 W (bench.yaml:26); write at most 150",
    ]


def test_check_as_json(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "check", "--json", "bad.yaml"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["problems"][1] == {
        "file": "bad.yaml",
        "line": 11,
        "path": "law.rise",
        "message": "unknown key",
        "hint": "did you mean rise_ohm? (in ohm)",
    }


def test_check_of_neither(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "other.yaml").write_text("a: 1\n", encoding="utf-8")
    assert run(["config", "check", "other.yaml"]) == 3
    says = "other.yaml:1: neither a bench nor a protocol; begin with 'bench: NAME' or 'protocol: NAME'\n"
    assert capsys.readouterr().err == says


def test_show_names_what_sets_each_limit(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "show", "bench.yaml", "protocol.yaml"]) == 0
    out = capsys.readouterr().out
    assert "#   power_w: 120 W, set by protocol (protocol.yaml:17)\n" in out
    assert "#   tip_c: 130 degrees Celsius, set by compiled ceiling\n" in out
    assert "#   flow_min_ml_min: 40 mL/min, set by bench (bench.yaml:32)\n" in out


def test_show_with_origins(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "show", "bench.yaml", "protocol.yaml", "--origin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "bench.limits.power_w: 150.0  # bench.yaml:26" in lines
    assert "bench.sample_age_s: 0.25  # default" in lines
    assert "protocol.law.rise_ohm: 20.0  # protocol.yaml:11" in lines
    assert "protocol.law.filter_s: 0.3  # default" in lines


def test_show_as_json(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "show", "bench.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["limits"]["power_w"] == {"value": 150.0, "layer": "bench", "where": "bench.yaml:26"}
    assert told["origin"]["bench.roles.tissue"] == "bench.yaml:14"
    assert len(told["config_hash"]) == 64


def test_an_unknown_name_lists_what_ships(capsys: pytest.CaptureFixture[str]):
    assert run(["config", "show", "coold-rf-sim"]) == 3
    assert capsys.readouterr().err == (
        "ablate: coold-rf-sim: no file and no shipped bench of this name; "
        "did you mean cooled-rf-sim? shipped: cooled-rf-sim\n"
    )
    assert run(["protocols", "show", "demo"]) == 3
    assert "did you mean demo-30s?" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["bench", "protocol"])
def test_schema(kind: str, capsys: pytest.CaptureFixture[str]):
    assert run(["config", "schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Limits"]["properties"]["power_w"]["unit"] == "W"
    refs = set(_refs(schema))
    assert refs <= {f"#/$defs/{name}" for name in schema["$defs"]}
    if kind == "bench":
        assert "tc-cxn" in schema["$defs"]["Device"]["properties"]["driver"]["enum"]
        assert "#/$defs/TcCxnOptions" in refs
    else:
        assert set(schema["properties"]["law"]["discriminator"]["mapping"]) == set(registry.names())
    applicator = schema["properties"]["applicator"]
    if kind == "bench":  # one, or a list of such
        applicator, several = applicator["anyOf"]
        assert several["items"] == applicator
    kinds = set(applicator["discriminator"]["mapping"])
    assert {"cooled-needle", "expandable-array", "microwave-antenna", "switched-needles"} <= kinds


def _refs(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for child in node.values() for ref in _refs(child)]
    return [ref for child in node for ref in _refs(child)] if isinstance(node, list) else []


def test_schema_to_a_file(here: Path):
    assert run(["config", "schema", "bench", "--out", "bench.schema.json"]) == 0
    assert json.loads((here / "bench.schema.json").read_text(encoding="utf-8"))["title"] == "Openablate bench file"


def test_protocols_list(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "list"]) == 0
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["demo-30s"] == ["pulsed-impedance", f"{'cooled-needle 30 mm':38}  up to 200 W, 30 s"]
    assert rows["rita-3cm"][1].startswith("expandable-array starburst-xl 30 mm ")
    assert rows["two-antennas-60w-10min"][1].startswith("microwave-antennas cooled-2450 2 20 mm  up to 60 W")
    assert run(["protocols", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["protocol"] for row in told] == list(shipped("protocol"))
    assert told[0]["applicator"] == {"kind": "cooled-needle", "active_tip_mm": 30.0}


def test_protocols_show(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "show", "cooled-needle-3cm-12min"]) == 0
    out = capsys.readouterr().out
    assert "Ji et al., Acad Radiol 2011" in out
    assert "  rise_ohm: 20 ohm\n" in out
    assert run(["protocols", "show", "rita-3cm"]) == 0
    out = capsys.readouterr().out
    assert "rf, expandable-array starburst-xl 30 mm, law mean-temperature:" in out
    assert "  stages: deployment_mm 30 mm, target_c 105 degrees Celsius, hold_s 600 s\n" in out
    assert run(["protocols", "show", "cooled-needle-3cm-12min", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["law"]["rise_ohm"] == 20.0


def test_protocols_check_on_a_bench(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "check", "protocol.yaml", "high.yaml"]) == 0
    capsys.readouterr()
    assert run(["protocols", "check", "protocol.yaml", "high.yaml", "--bench", "bench.yaml"]) == 3
    told = capsys.readouterr()
    assert told.out.startswith("protocol.yaml on bench.yaml: OK (pair, ")
    assert told.err.startswith("high.yaml:17: limits.power_w: 180 W is above the bench's 150 W")
    assert run(["protocols", "check", "cooled-needle-2cm-12min", "--bench", "bench.yaml"]) == 3
    assert "written for 20 mm, but the bench has 30 mm" in capsys.readouterr().err


def test_diff_says_values_in_force(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "other.yaml").write_text(
        "# another comment\n" + spoiled(PROTOCOL, "start_w: 60", "start_w: 50"), encoding="utf-8"
    )
    assert run(["protocols", "diff", "protocol.yaml", "other.yaml"]) == 0
    assert capsys.readouterr().out == "law.start_w: 60.0 -> 50.0 W\n"
    assert run(["protocols", "diff", "protocol.yaml", "other.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"path": "law.start_w", "before": 60.0, "after": 50.0}]
    assert run(["protocols", "diff", "protocol.yaml", "protocol.yaml"]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_diff_looks_into_stages(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "diff", "rita-2cm", "rita-3cm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "law.stages[0].hold_s: 300.0 -> 30.0 s" in lines
    assert "law.stages[1].deployment_mm: - -> 30.0 mm" in lines


def test_dry_run_on_a_bench(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "dry-run", "demo-30s", "--bench", "cooled-rf-sim", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["protocol"], told["tissue"]) == ("demo-30s", "exvivo_bovine")
    assert told["duration_s"] == pytest.approx(30.0, abs=0.2)
    assert 300.0 < told["energy_j"] < 6000.0
    assert set(told["zone"]) == {"long_axis_mm", "short_axis_mm", "volume_ml"}
    assert "picture" not in told


def test_dry_run_says_what_it_cannot(capsys: pytest.CaptureFixture[str]):
    assert run(["protocols", "dry-run", "demo-30s", "--tissue", "moon"]) == 3
    assert "no prediction: unknown tissue 'moon': there are agar, " in capsys.readouterr().err
