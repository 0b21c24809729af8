"""Where nobody can see the tissue: the zone that a dry run promises is noted, and said to be predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.cli import run as ablate
from controller.records.reader import open_session
from controller.records.session import Recorder
from controller.report.page import write
from controller.treatment import runner
from controller.treatment.dry_run import dry_run
from controller.treatment.loading import PlanSetup, join
from controller.treatment.placing import position
from controller.treatment.summary import Treatment, from_session, plan_event
from controller.treatment.words import covered
from tests.treatment.plans import PLAN, changed


@pytest.fixture
def setup(here: Path) -> PlanSetup:
    (here / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return join("cooled-rf-sim", "plan.yaml")


class Daemon:
    """Takes notes."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, Any]]] = []

    async def note(self, kind: str, data: dict[str, Any], who: str = "") -> dict[str, Any]:
        self.notes.append((kind, data))
        return {"ok": True}


async def test_a_completed_application_without_a_zone_gets_the_promised_one(setup: PlanSetup) -> None:
    daemon = Daemon()
    results: list[dict[str, Any]] = [
        {"result": "completed", "zone": None, "protocol": "demo-30s"},
        {"result": "tripped", "zone": None, "protocol": "demo-30s"},
        {"result": "completed", "zone": {"volume_ml": 3.0}, "protocol": "demo-30s"},
    ]
    run = runner.Run(results)
    await run.predict(daemon, setup)  # type: ignore[arg-type]
    assert run.unpredicted is None
    ((kind, data),) = daemon.notes
    assert (kind, data["number"], data["tissue"]) == ("predicted", 1, "exvivo_bovine")
    assert max(data["zone"]["radius_mm"]) == pytest.approx(5.8, abs=1.5)  # as the rehearsed half minute makes it


async def test_a_tissue_that_nobody_knows_is_told(here: Path) -> None:
    (here / "plan.yaml").write_text(changed("exvivo_bovine", "exvivo_unicorn"), encoding="utf-8")
    daemon = Daemon()
    run = runner.Run([{"result": "completed", "zone": None, "protocol": "demo-30s"}])
    await run.predict(daemon, join("cooled-rf-sim", "plan.yaml"))  # type: ignore[arg-type]
    assert daemon.notes == []
    assert "exvivo_unicorn" in str(run.unpredicted)


def test_a_dry_run_puts_the_zones_together(setup: PlanSetup, capsys: pytest.CaptureFixture[str]) -> None:
    told = dry_run(setup.plan, setup.bench)
    assert (told["plan"], told["tissue"]) == ("pair", "exvivo_bovine")
    assert told["duration_s"] == pytest.approx(60.0, abs=0.5)
    assert [one["result"] for one in told["applications"]] == ["predicted", "predicted"]
    (target,) = told["targets"]
    first, second = target["coverage"]["shares"]
    assert first["volume_ml"] == second["volume_ml"] == pytest.approx(3.1, abs=0.5)
    assert target["basis"] == "predicted"
    assert ablate(["protocols", "dry-run", "plan.yaml", "--bench", "cooled-rf-sim", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert ablate(["plans", "dry-run", "plan.yaml"]) == 0
    assert "t1 2 of 2  demo-30s  predicted, 30 s" in capsys.readouterr().out


def recorded(folder: Path, setup: PlanSetup, *, ends: int) -> Path:
    """The session of a real bench: two applications, of which ``ends`` have an end; no pictures."""
    recorder = Recorder.create(folder, {"bench": "wet", "simulated": False}, [], threaded=False, t_s=100.0)
    plan = setup.plan.plan
    recorder.event(101.0, "plan", plan_event(plan, PLAN, "ab" * 32, (), None))
    for number, step in enumerate(setup.plan.steps, start=1):
        t_s = 200.0 * number
        head = {"number": number, "target": "t1", "index": step.index, "protocol": "demo-30s", "sha256": ""}
        recorder.event(t_s, "application", {**head, "position": position(step), "law": {}, "resumes": None})
        if number <= ends:
            end = {"result": "completed", "energy_j": 4000.0, "on_time_s": 30.0, "rolloffs": 2, "readings": []}
            told = {"advice": "re-ablate", "reason": "tip 48.0 degC 60 s after power, below 50 degC"}
            recorder.event(t_s + 31.0, "application_end", {**head, **end, "advice": told, "reason": None})
            reading = {"after_s": 60.0, "tip_c": 48.0, "tine_c": [], "tissue_c": [41.0, 35.0], "pump_on": False}
            recorder.event(t_s + 91.0, "reading", {**head, **reading})
            zone = {"z_mm": [-5.0, 15.0, 35.0], "radius_mm": [0.0, 16.0, 0.0]}
            recorder.event(500.0, "predicted", {"number": number, "zone": zone, "model": "dry run"})
    recorder.close({})
    return recorder.path


def treatment(path: Path) -> Treatment:
    with open_session(path) as session:
        found = from_session(session)
    assert found is not None
    return found


def test_predicted_zones_are_said_to_be_predicted(here: Path, setup: PlanSetup) -> None:
    path = recorded(here, setup, ends=2)
    found = treatment(path)
    (target,) = found.targets()
    assert target["basis"] == "predicted"
    assert covered(target).endswith("; predicted")
    assert found.done[0].facts["readings"][0]["tissue_c"] == [41.0, 35.0]
    page = write(path, here / "page.html").read_text(encoding="utf-8")
    for words in ("Zones are predicted", "60 s: tip 48 °C, tissue 41, 35 °C", "re-ablate: tip 48.0 degC", "2 of 2"):
        assert words in page, words


def test_an_application_that_was_cut_off_counts_for_nothing(here: Path, setup: PlanSetup) -> None:
    found = treatment(recorded(here, setup, ends=1))
    assert [done.result for done in found.done] == ["completed", "cut off"]
    (target,) = found.targets()
    assert (target["left"], target["without_zone"]) == ([2], [2])
    assert [share["application"] for share in target["coverage"]["shares"]] == [1]


def test_where_no_zone_is_known_nothing_is_covered(here: Path, setup: PlanSetup) -> None:
    path = recorded(here, setup, ends=0)
    (target,) = treatment(path).targets()
    assert target["coverage"] is None
    assert covered(target) == "no zone is known, so no coverage"
    assert "Nothing is known of the zones" in write(path, here / "page.html").read_text(encoding="utf-8")
