"""A plan on the simulated bench: prompts, one FIRE for each application, trips, stops, going on, coverage, report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.cli import run
from controller.commands.bench import exit_code
from controller.config.problems import ConfigError
from controller.records.reader import open_session
from controller.report.page import write
from controller.treatment.loading import PlanSetup, join
from controller.treatment.placing import Probe
from controller.treatment.runner import Act, act_of, earlier, with_plan
from controller.treatment.summary import from_session
from sim import rehearsal
from sim.clock import VirtualLoop
from tests.treatment.plans import ARRAY, PLAN, TRACK, changed

Rehearse = Callable[..., dict[str, Any]]

SHORT = PLAN.replace("demo-30s", "brief")


@pytest.fixture(autouse=True)
def brief(here: Path, repository: Path) -> None:
    """The shipped half-minute protocol, of which 6 s are enough here."""
    text = (repository / "controller/data/protocols/demo-30s.yaml").read_text(encoding="utf-8")
    short = changed("duration_s: 30", "duration_s: 6", changed("protocol: demo-30s", "protocol: brief", text))
    (here / "brief.yaml").write_text(short, encoding="utf-8")
    (here / "short-track.yaml").write_text(TRACK, encoding="utf-8")


def events(result: dict[str, Any], *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    with open_session(result["session_file"]) as session:
        return [(event.kind, event.data) for event in session.events() if event.kind in kinds]


def performed(
    setup: PlanSetup, out: Path, act: Act, kind: type[rehearsal.Rehearsal] = rehearsal.Rehearsal
) -> dict[str, Any]:
    """``act`` in a rehearsal."""

    async def main() -> dict[str, Any]:
        return await kind(setup, seed=1, faults=(), out=out).run(act, lambda _: None, lambda: False)

    with asyncio.Runner(loop_factory=VirtualLoop) as loop:
        return with_plan(loop.run(main()))


def test_each_application_is_asked_for_armed_and_fired_on_its_own(rehearse: Rehearse) -> None:
    result = rehearse(SHORT)
    assert (result["result"], result["trip"], result["left"]) == ("completed", None, [])
    assert [one["result"] for one in result["applications"]] == ["completed", "completed"]
    assert [one["at_mm"] for one in result["applications"]] == [[0.0, 0.0, -15.0], [12.0, 0.0, -15.0]]
    assert result["duration_s"] == pytest.approx(12.4, abs=0.3)  # 6 s each, and 0.2 s until the generator says off
    assert result["energy_j"] == pytest.approx(sum(one["energy_j"] for one in result["applications"]), abs=0.01)
    kinds = [kind for kind, _ in events(result, "plan", "prompt", "confirmed", "arm", "fire", "application_end")]
    assert kinds == ["plan", *["prompt", "confirmed", "arm", "fire", "application_end"] * 2]
    prompts = [data for _, data in events(result, "prompt")]
    assert [one["kind"] for one in prompts] == ["reposition", "reposition"]
    assert prompts[1]["text"] == (
        "target t1, application 2 of 2: put the tip at x 12.0, y 0.0, z -15.0 mm from the lesion's centre, 45.0 mm deep"
    )


def test_another_place_is_fresh_tissue_and_the_same_place_is_not(rehearse: Rehearse) -> None:
    apart = rehearse(SHORT)["targets"][0]["coverage"]["shares"]
    assert apart[0]["volume_ml"] == pytest.approx(apart[1]["volume_ml"], rel=0.1)
    again = rehearse(SHORT.replace("[12, 0, -15]", "[0, 0, -15]"))
    (first, second) = again["targets"][0]["coverage"]["shares"]
    assert second["volume_ml"] > 1.3 * first["volume_ml"]
    assert len(events(again, "prompt")) == 1  # nothing is to be moved for the second


def test_heated_tissue_does_not_stop_the_next_application(rehearse: Rehearse) -> None:
    result = rehearse(PLAN.replace("[12, 0, -15]", "[0, 0, -15]"))
    assert result["result"] == "completed"
    with open_session(result["session_file"]) as session:
        first, second = session.events("protocol")
        near, far = (session.series(f"tc.tissue_{mm}mm_c") for mm in (10, 20))
        apart_c = near.value[near.t_s > second.t_s][0] - far.value[far.t_s > second.t_s][0]
    assert apart_c > 10.0  # in tissue at rest that would be a wrong sensor (H62)
    assert (first.data["heated"], second.data["heated"]) == (False, True)
    assert (first.data["agree_c"], second.data["agree_c"]) == (10.0, pytest.approx(10.0 + apart_c, abs=5.0))


def test_another_target_is_tissue_at_rest(rehearse: Rehearse) -> None:
    second = (
        "  - target: t2\n    lesion: {long_mm: 20, short_mm: 18, depth_mm: 30}\n    margin_mm: 5\n    applications:\n"
    )
    one = "      - {protocol: brief, tip_mm: [12, 0, -15]}\n"
    result = rehearse(SHORT.replace(one, second + one.replace("12", "0")) + one)
    assert [(a["target"], a["result"]) for a in result["applications"]] == [
        ("t1", "completed"), ("t2", "completed"), ("t2", "completed"),
    ]  # fmt: skip
    told = [data for _, data in events(result, "protocol")]
    assert [data["heated"] for data in told] == [False, False, True]


def test_a_probe_that_was_drawn_back_further_lies_where_the_operator_says(here: Path) -> None:
    drawn = SHORT.replace("tip_mm: [12, 0, -15]", "tip_mm: [0, 0, -15], pull_back_mm: 15")
    (here / "plan.yaml").write_text(drawn, encoding="utf-8")
    setup = join("cooled-rf-sim", "plan.yaml")

    async def answer(prompt: dict[str, Any]) -> float | None:
        return 18.0 if prompt["kind"] == "pull-back" else None

    class Other(rehearsal.Rehearsal):
        _operator = staticmethod(answer)

    result = performed(setup, here, act_of(setup), Other)
    assert [one["at_mm"] for one in result["applications"]] == [[0.0, 0.0, -15.0], [0.0, 0.0, 3.0]]
    assert [data["kind"] for _, data in events(result, "prompt")] == ["reposition", "pull-back"]
    first, second = result["targets"][0]["coverage"]["shares"]
    assert second["volume_ml"] > 1.4 * first["volume_ml"]  # the tissue stayed: it holds both


def test_coverage_is_that_of_the_recorded_zones(rehearse: Rehearse) -> None:
    result = rehearse(SHORT)
    (target,) = result["targets"]
    assert (target["target"], target["basis"], target["without_zone"]) == ("t1", "simulated", [])
    coverage = target["coverage"]
    assert 0.0 < coverage["lesion_percent"] < 30.0  # six seconds
    assert coverage["least_margin_mm"] < 0.0
    with open_session(result["session_file"]) as session:
        treatment = from_session(session)
    assert treatment is not None
    assert treatment.targets() == result["targets"]


def test_a_trip_ends_the_plan_and_another_session_goes_on(rehearse: Rehearse) -> None:
    broken = rehearse(SHORT, faults=["pump.stall@22.5"])
    assert broken["result"] == "tripped"
    assert broken["trip"]["monitor"] == "coolant_flow"
    assert [one["result"] for one in broken["applications"]] == ["completed", "tripped"]
    assert broken["left"] == [{"target": "t1", "application": 2}]
    delivered_s = broken["applications"][1]["on_time_s"]
    assert 0.0 < delivered_s < 6.0

    rest = rehearse(SHORT, resume=broken["session_file"])
    assert (rest["result"], rest["left"]) == ("completed", [])
    assert [one["result"] for one in rest["applications"]] == ["completed", "tripped", "completed"]
    assert rest["applications"][2]["resumes"]["number"] == 2
    assert delivered_s + rest["duration_s"] == pytest.approx(6.0, abs=0.3)
    assert len(events(rest, "fire")) == 1  # what was completed is not done again
    first, second = rest["targets"][0]["coverage"]["shares"]
    assert first["volume_ml"] == broken["targets"][0]["coverage"]["shares"][0]["volume_ml"]
    assert second["application"] == 2

    with pytest.raises(ConfigError, match="this plan is done; nothing is left"):
        rehearse(SHORT, resume=rest["session_file"])


def test_a_stop_while_the_probe_is_moved_ends_the_plan(rehearse: Rehearse) -> None:
    seen: list[dict[str, Any]] = []
    result = rehearse(
        SHORT,
        watch=seen.append,
        interrupted=lambda: bool(seen) and (seen[-1].get("prompt") or {}).get("id") == 2,
    )
    assert result["result"] == "aborted"
    assert [one["result"] for one in result["applications"]] == ["completed"]
    assert result["left"] == [{"target": "t1", "application": 2}]
    assert result["state_at_end"] == "SAFE"
    assert [kind for kind, _ in events(result, "prompt_withdrawn", "fire")] == ["fire", "prompt_withdrawn"]


def test_what_was_broken_off_may_be_done_from_its_beginning(rehearse: Rehearse, here: Path) -> None:
    broken = rehearse(SHORT, faults=["pump.stall@22.5"])
    setup = join("cooled-rf-sim", "plan.yaml")
    before = earlier(setup, Path(broken["session_file"]))
    result = performed(setup, here, act_of(setup, before=before, anew=True))
    third = result["applications"][2]
    assert (third["result"], third["resumes"]) == ("completed", None)
    assert third["on_time_s"] == pytest.approx(6.0, abs=0.3)


def test_a_bench_that_does_not_become_ready_again_keeps_what_was_done(rehearse: Rehearse) -> None:
    result = rehearse(SHORT, faults=["pump.stall@16"])
    assert (result["result"], result["not_ready"]) == ("aborted", True)
    assert result["reason"] == "flow.flow_ml_min is 0.0 ml/min, at least 56 is needed"
    assert [one["result"] for one in result["applications"]] == ["completed"]
    assert exit_code(result) == 4


def test_a_protocol_that_is_edited_meanwhile_is_not_run(rehearse: Rehearse, here: Path) -> None:
    text = (here / "brief.yaml").read_text(encoding="utf-8")

    def edit(status: dict[str, Any]) -> None:
        if (status.get("prompt") or {}).get("id") == 2:
            (here / "brief.yaml").write_text(text.replace("duration_s: 6", "duration_s: 7"), encoding="utf-8")

    result = rehearse(SHORT, watch=edit)
    assert result["reason"] == "brief.yaml was edited after the plan was checked; start it again"
    assert [one["result"] for one in result["applications"]] == ["completed"]


def test_another_plan_is_not_gone_on_with(rehearse: Rehearse) -> None:
    broken = rehearse(SHORT, faults=["pump.stall@7.5"])
    with pytest.raises(ConfigError, match="another plan was run in this session: pair, or this one was edited since"):
        rehearse(SHORT.replace("margin_mm: 5", "margin_mm: 6"), resume=broken["session_file"])


def test_a_track_ablation_is_done_where_the_probe_lies(rehearse: Rehearse) -> None:
    one = SHORT[: SHORT.index("      - {protocol: brief, tip_mm: [12")] + "    track: short-track\n"
    result = rehearse(one)
    assert [(a["protocol"], a["track"]) for a in result["applications"]] == [("brief", False), ("short-track", True)]
    assert len(events(result, "application")) == 2
    assert [data["text"][:11] for _, data in events(result, "prompt")][:1] == ["target t1, "]
    assert [share["application"] for share in result["targets"][0]["coverage"]["shares"]] == [1]


async def test_tines_are_pushed_out_wherever_an_array_is_put(repository: Path, here: Path) -> None:
    (here / "array.yaml").write_text(ARRAY, encoding="utf-8")
    (here / "plan.yaml").write_text(PLAN.replace("demo-30s", "array"), encoding="utf-8")
    setup = join(repository / "examples/benches/expandable-rf-sim.yaml", "plan.yaml")
    asked: list[tuple[str, float | None]] = []

    async def ask(kind: str, words: str, value: float | None = None) -> float | None:
        asked.append((kind, value))
        return value

    probe = Probe()
    for step, on_bench in zip(setup.plan.steps, setup.setups, strict=True):
        await probe.put(step, on_bench, ask)
        await probe.put(step, on_bench, ask)  # once more at the same place: nothing is to be moved
    assert asked == [("reposition", None), ("deploy", 30.0)] * 2


# ---- what is shown of it


def test_report_and_list_tell_targets(rehearse: Rehearse, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = rehearse(SHORT)
    page = write(result["session_file"], here / "report.html").read_text(encoding="utf-8")
    for words in (
        "cooled-rf: pair", "<b>2 of 2</b>", "Target t1", "lesion 20 × 18 mm, 30 mm deep, margin 5 mm", "(12, 0, -15)",
        "of lesion and margin", "zone of application 2", "Zones are those of the simulated tissue.", "Plan as used",
    ):  # fmt: skip
        assert words in page, words
    capsys.readouterr()
    assert run(["sessions", "show", result["session_file"]]) == 0
    shown = capsys.readouterr().out
    assert "plan         pair\n" in shown
    assert "t1 1 of 2" in shown
    assert "of the lesion" in shown
    assert run(["sessions", "show", result["session_file"], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["treatment"]["targets"] == result["targets"]


def test_the_command_takes_a_plan(rehearse: Rehearse, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "plan.yaml").write_text(SHORT, encoding="utf-8")
    assert run(["rehearse", "cooled-rf-sim", "plan.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["application"] for one in told["applications"]] == [1, 2]
    assert told["targets"][0]["target"] == "t1"
    code = run(["rehearse", "cooled-rf-sim", "plan.yaml", "--out", "kept", "--fault", "pump.stall@22.5"])
    out = capsys.readouterr().out
    assert code == 5
    assert "t1: 1 of 2 applications completed; covered " in out
    assert "left: t1 application 2; go on with --resume\n" in out
    assert run(["rehearse", "cooled-rf-sim", "plan.yaml", "--out", "kept", "--resume", "last"]) == 0
    assert "t1: 2 of 2 applications completed" in capsys.readouterr().out
