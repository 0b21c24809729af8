"""Plan files: what they say, and every wrong thing by its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.cli import run
from controller.config.problems import ConfigError
from controller.config.validate import carries_unit, numeric_fields
from controller.treatment.loading import LoadedPlan, PlanSetup, is_plan, join, load_plan, schema
from controller.treatment.placing import placing
from controller.treatment.plan import Plan, Step
from tests.treatment.plans import PLAN, TRACK, changed

pytestmark = pytest.mark.usefixtures("here")


def plan(text: str = PLAN) -> LoadedPlan:
    Path("plan.yaml").write_text(text, encoding="utf-8")
    return load_plan("plan.yaml")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        plan(text)
    return str(caught.value)


def on(bench: str, text: str) -> PlanSetup:
    Path("plan.yaml").write_text(text, encoding="utf-8")
    return join(bench, "plan.yaml")


def test_a_plan_is_a_row_of_deliveries() -> None:
    first, second = plan().steps
    assert (first.key, first.of, first.at_mm) == (("t1", 1), 2, (0.0, 0.0, -15.0))
    assert (second.key, second.axis, second.track) == (("t1", 2), (0.0, 0.0, 1.0), False)
    assert is_plan("plan.yaml")
    assert not is_plan("cooled-needle-3cm-12min")


def test_a_track_ablation_comes_last_at_the_same_place() -> None:
    Path("short-track.yaml").write_text(TRACK, encoding="utf-8")
    steps = plan(PLAN + "    track: short-track\n").steps
    assert [(step.index, step.of, step.track) for step in steps] == [(1, 3, False), (2, 3, False), (3, 3, True)]
    assert steps[2].same_place(steps[1])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "  - target: t1\n",
            "  - target: t1\n    depth_mm: 3\n",
            "plan.yaml:5: targets[0].depth_mm: unknown key; known here: applications, lesion, margin_mm, target, track",
        ),
        (
            "axis: [0, 0, 1]}",
            "axis: [1, 0, 1]}",
            ("plan.yaml:8: targets[0].applications[0].axis: its length is 1.414, not 1; write [0.7071, 0, 0.7071]"),
        ),
        (
            "axis: [0, 0, 1]}",
            "axis: [0, 0, 0]}",
            (
                "plan.yaml:8: targets[0].applications[0].axis: has no direction; "
                "from the tip to the handle, e.g. [0, 0, 1]"
            ),
        ),
        (
            "tip_mm: [12, 0, -15]",
            "tip_mm: [12, 0, -150]",
            (
                "plan.yaml:9: targets[0].applications[1].tip_mm: the tip is 150 mm from the lesion's centre, which is "
                "the frame's origin; give mm, at most 100 mm away"
            ),
        ),
        (
            "tip_mm: [12, 0, -15]",
            "tip_mm: [12, 0]",
            "plan.yaml:9: targets[0].applications[1].tip_mm[2]: missing",
        ),
        (
            "{protocol: demo-30s, tip_mm: [12",
            "{protocol: demo-31s, tip_mm: [12",
            (
                "plan.yaml:9: targets[0].applications[1].protocol: demo-31s: no file and no shipped protocol of this "
                "name; did you mean demo-30s? "
            ),
        ),
        (
            "{protocol: demo-30s, tip_mm: [12",
            "{protocol: thermosphere-45w-150s, tip_mm: [12",
            (
                "plan.yaml:9: targets[0].applications[1].protocol: thermosphere-45w-150s is microwave, an earlier "
                "application rf; a bench has one generator: make a plan for each"
            ),
        ),
        (
            "{protocol: demo-30s, tip_mm: [12",
            "{protocol: track-ablation-70c, tip_mm: [12",
            (
                "plan.yaml:9: targets[0].applications[1].protocol: track-ablation-70c is for a probe that is drawn "
                "back; name it as track: of the target"
            ),
        ),
        (
            "    margin_mm: 5\n",
            "    track: demo-30s\n",
            (
                "plan.yaml:6: targets[0].track: demo-30s runs pulsed-impedance, which does not know that the probe is "
                "drawn back; take one of track-ablation"
            ),
        ),
        (
            "organ: liver,",
            "organ: liver, phantom: agar,",
            "plan.yaml:2: specimen.phantom: an organ and a phantom; name what lies on the bench, one of them",
        ),
    ],
)
def test_every_wrong_thing_is_told_by_its_line(old: str, new: str, says: str) -> None:
    assert refusal(changed(old, new)).startswith(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plan: none\ntargets: []\n", "plan.yaml:2: targets: an empty list; name at least one target"),
        (
            PLAN[: PLAN.index("    applications")] + "    applications: []\n",
            "plan.yaml:7: targets[0].applications: an empty list; name at least one application",
        ),
    ],
)
def test_a_plan_without_anything_to_do_is_refused(text: str, says: str) -> None:
    assert refusal(text) == says


def test_two_targets_of_one_name_are_refused() -> None:
    twice = PLAN + PLAN[PLAN.index("  - target") :]
    says = "plan.yaml:10: targets[1].target: t1 is already the target of line 4; give each target a name of its own"
    assert refusal(twice) == says


def test_two_applications_at_one_place_are_warned_of() -> None:
    (warning,) = plan(changed("[12, 0, -15]", "[0, 0.5, -15]")).warnings
    assert str(warning) == (
        "plan.yaml:9: targets[0].applications[1]: at the same place as the application of line 8; "
        "it heats the same tissue again: is that meant?"
    )
    assert plan().warnings == ()


def test_a_protocol_beside_the_plan_is_found_from_anywhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "lab").mkdir()
    (here / "lab" / "short-track.yaml").write_text(TRACK, encoding="utf-8")
    (here / "lab" / "plan.yaml").write_text(PLAN + "    track: short-track.yaml\n", encoding="utf-8")
    assert load_plan("lab/plan.yaml").protocols["short-track.yaml"].path == Path("lab/short-track.yaml")


# ---- on a bench


def test_a_bench_that_fits_gives_a_set_up_for_each_delivery() -> None:
    setup = on("cooled-rf-sim", PLAN)
    assert [one.protocol.protocol.protocol for one in setup.setups] == ["demo-30s", "demo-30s"]


def test_a_bench_that_lacks_something_is_told_for_each_application(repository: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        on(str(repository / "examples/benches/microwave-thermosphere-sim.yaml"), PLAN)
    lines = str(caught.value).splitlines()
    for line, index in ((8, 0), (9, 1)):
        start = f"plan.yaml:{line}: targets[0].applications[{index}].protocol: demo-30s does not fit this bench: "
        mine = [told for told in lines if told.startswith(start)]
        assert any("written for rf, but kuhne-kusg is microwave" in told for told in mine)
        assert any("pulsed-impedance needs impedance, but the bench names no such channel" in told for told in mine)
        assert any("written for cooled-needle, but the bench has microwave-antenna" in told for told in mine)


def test_a_plan_that_needs_two_applicators_is_refused(here: Path) -> None:
    two_cm = changed("{protocol: demo-30s, tip_mm: [12", "{protocol: cooled-needle-2cm-12min, tip_mm: [12")
    with pytest.raises(ConfigError, match=r"plan.yaml:9: .*cooled-needle-2cm-12min"):
        on("cooled-rf-sim", two_cm)


@pytest.mark.parametrize(
    ("name", "bench", "deliveries"),
    [
        ("two-overlapping-rf", "cooled-rf-sim", 2),
        ("three-targets-microwave", "microwave-thermosphere-sim", 4),
        ("with-track-ablation", "single-needle-rf-sim", 3),
    ],
)
def test_every_example_fits_its_bench(repository: Path, name: str, bench: str, deliveries: int) -> None:
    examples = repository / "examples"
    setup = join(examples / "benches" / f"{bench}.yaml", examples / "plans" / f"{name}.yaml")
    assert len(setup.setups) == deliveries
    assert setup.plan.warnings == ()


def test_there_is_no_other_example(repository: Path) -> None:
    plans = {path.stem for path in (repository / "examples/plans").glob("*.yaml") if is_plan(path)}
    assert plans == {"two-overlapping-rf", "three-targets-microwave", "with-track-ablation"}


# ---- words for the operator


def step(tip_mm: str = "[0, 0, -15]", axis: str = "[0, 0, 1]", back_mm: float = 0.0) -> Step:
    told = f"tip_mm: {tip_mm}, axis: {axis}, pull_back_mm: {back_mm}"
    return plan(changed("tip_mm: [0, 0, -15], axis: [0, 0, 1]", told)).steps[0]


def test_the_operator_is_told_where_the_tip_belongs() -> None:
    assert placing(step(), None) == (
        "reposition",
        "target t1, application 1 of 2: put the tip at x 0.0, y 0.0, z -15.0 mm from the lesion's centre, 45.0 mm deep",
        None,
    )
    assert placing(step(axis="[0.6, 0, 0.8]"), None)[1].endswith(", handle towards (0.6, 0, 0.8)")  # type: ignore[index]


def test_nothing_is_asked_when_nothing_moves() -> None:
    assert placing(step(), step()) is None


def test_a_probe_in_its_track_is_drawn_back() -> None:
    kind, words, length_mm = placing(step(back_mm=15.0), step()) or ("", "", None)
    assert (kind, length_mm) == ("pull-back", 15.0)
    assert "draw the probe back by 15.0 mm, tip at x 0.0, y 0.0, z 0.0 mm" in words
    assert (placing(step(), step(back_mm=15.0)) or ("",))[0] == "reposition"  # forwards: it must be placed
    assert (placing(step("[5, 0, -15]"), step()) or ("",))[0] == "reposition"


# ---- for editors and people


def test_every_number_carries_its_unit() -> None:
    for owner, name in numeric_fields(Plan):
        assert carries_unit(name, frozenset({"axis"})), f"{owner.__name__}.{name}"


def test_the_schema_names_units_and_refuses_unknown_keys() -> None:
    made = schema()
    assert made["title"] == "Openablate plan file"
    assert made["$defs"]["Lesion"]["properties"]["depth_mm"]["unit"] == "mm"
    assert made["$defs"]["PlannedTarget"]["additionalProperties"] is False


def test_check_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text(PLAN, encoding="utf-8")
    assert run(["plans", "check", "plan.yaml", "--bench", "cooled-rf-sim"]) == 0
    assert capsys.readouterr().out == "plan.yaml on cooled-rf-sim: OK (pair)\n"
    assert run(["plans", "show", "plan.yaml"]) == 0
    assert "  2 of 2  demo-30s, up to 200 W, 30 s, tip at (12, 0, -15) mm\n" in capsys.readouterr().out
    assert run(["plans", "show", "plan.yaml", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [one["protocol"] for one in told["applications"]] == ["demo-30s", "demo-30s"]
    assert run(["plans", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Openablate plan file"


def test_config_check_sends_a_plan_to_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text(PLAN, encoding="utf-8")
    assert run(["config", "check", "plan.yaml"]) == 3
    assert "it is a plan: ablate plans check plan.yaml" in capsys.readouterr().err


def test_check_says_what_is_wrong_and_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text(changed("plan: pair", "plan: Pair"), encoding="utf-8")
    assert run(["plans", "check", "plan.yaml"]) == 3
    assert capsys.readouterr().err.startswith("plan.yaml:1: plan: ")
