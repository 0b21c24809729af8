"""The applications of a session: their pair of events, abort and resume, advice, prompts while power flows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config.loading import load_protocol
from controller.config.shipped import shipped
from controller.daemon.desk import Desk
from controller.laws.base import Ask, Reablate
from controller.laws.constant_power import ConstantPower, ConstantPowerParams
from controller.perform import perform
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import CONSTANT, acted, bench, of, protocol, until


def quiet(status: dict[str, Any]) -> None:
    """Watches nothing."""


def after(seconds: float) -> tuple[Callable[[dict[str, Any]], None], Callable[[], bool]]:
    """What watches, and what interrupts so long after FIRE."""
    loop, fired = asyncio.get_running_loop(), []

    def watch(status: dict[str, Any]) -> None:
        if status["state"] == "FIRING":
            fired.append(loop.time())

    return watch, lambda: bool(fired) and loop.time() - fired[0] > seconds


async def broken_off(desk: Desk, path: str, seconds: float = 2.0, **more: Any) -> dict[str, Any]:
    watch, interrupted = after(seconds)
    return dict((await perform(desk, path, watch, interrupted=interrupted, **more))["result"])


def test_an_application_is_a_pair_of_events(tmp_path: Path):
    path = protocol(tmp_path)
    site = {"target": "t1", "index": 2, "position": {"at_mm": [0.0, 0.0, -15.0]}}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await perform(desk, path, quiet, site=site)

    events = acted(tmp_path, path, act)
    (begun,), (ended,) = of(events, "application"), of(events, "application_end")
    assert (begun["number"], begun["target"], begun["index"], begun["protocol"]) == (1, "t1", 2, "short")
    assert begun["position"] == {"at_mm": [0.0, 0.0, -15.0]}
    assert begun["resumes"] is None
    assert begun["law"]["duration_s"] == 6.0
    assert len(begun["sha256"]) == 64
    assert (ended["number"], ended["target"], ended["result"], ended["reason"]) == (1, "t1", "completed", None)
    assert ended["sha256"] == begun["sha256"]
    assert 100.0 < ended["energy_j"] < 125.0
    assert 6.0 <= ended["on_time_s"] <= 6.2
    assert ended["delivered"]["energy_j"] == ended["energy_j"]
    assert ended["charged_j"] > ended["energy_j"]
    assert (ended["dose_known"], ended["advice"]) == (True, None)


def test_what_was_delivered_is_kept_and_counted(tmp_path: Path):
    path = protocol(tmp_path, limits={"energy_j": 400.0})
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        told["first"] = await broken_off(desk, path)
        told["second"] = (await perform(desk, path, quiet, resume=True))["result"]
        told["limits"] = dict(run.daemon.control.config.limits)
        told["third"] = await desk.prepare(path, "jo", resume=True)

    events = acted(tmp_path, path, act)
    first, second = of(events, "application_end")
    assert (first["result"], second["result"]) == ("aborted", "completed")
    assert first["delivered"]["on_time_s"] == pytest.approx(2.15, abs=0.2)
    assert second["resumes"]["number"] == 1
    assert second["resumes"]["delivered"] == first["delivered"]
    whole = second["delivered"]
    assert whole["on_time_s"] == pytest.approx(first["on_time_s"] + second["on_time_s"], abs=0.002)
    assert whole["on_time_s"] == pytest.approx(6.1, abs=0.2)
    assert whole["energy_j"] == pytest.approx(first["energy_j"] + second["energy_j"], abs=0.002)
    assert of(events, "application")[1]["law"]["duration_s"] == pytest.approx(6.0 - first["on_time_s"])
    bound = told["limits"]["energy_j"]
    assert (bound.layer, bound.value) == ("delivered before", pytest.approx(400.0 - first["charged_j"]))
    assert told["limits"]["on_time_s"].layer == "delivered before"
    assert told["second"]["session"]["energy_j"] == whole["energy_j"]
    assert told["third"]["error"].endswith("is not continued: it was completed")


def test_it_is_continued_three_times(tmp_path: Path):
    path = protocol(tmp_path)

    async def act(run: Rehearsal, desk: Desk) -> None:
        await broken_off(desk, path, 1.0)
        await broken_off(desk, path, 1.0, resume=True)
        await perform(desk, path, quiet, resume=True)

    ended = of(acted(tmp_path, path, act), "application_end")
    assert [end["result"] for end in ended] == ["aborted", "aborted", "completed"]
    assert ended[2]["delivered"]["on_time_s"] == pytest.approx(6.1, abs=0.3)
    assert ended[2]["delivered"]["energy_j"] == pytest.approx(sum(end["energy_j"] for end in ended), abs=0.01)


def test_a_limit_that_is_spent_leaves_nothing(tmp_path: Path):
    path = protocol(tmp_path, limits={"energy_j": 30.0})
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        told["result"] = (await perform(desk, path, quiet))["result"]
        told["again"] = await desk.prepare(path, "jo", resume=True)

    acted(tmp_path, path, act)
    assert told["result"]["result"] == "aborted"
    assert told["again"]["error"].startswith("nothing is left of the limit energy_j of 30 J (protocol): 3")


def test_nothing_is_continued_that_was_never_begun(tmp_path: Path):
    path, other = protocol(tmp_path), protocol(tmp_path, name="other")
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await broken_off(desk, path, site={"target": "t1", "index": 1, "position": None})
        told["other"] = await desk.prepare(other, "jo", resume=True)
        told["target"] = await desk.prepare(path, "jo", resume=True, site={"target": "t2"})
        told["key"] = await desk.prepare(path, "jo", site={"traget": "t2"})
        told["same"] = await desk.prepare(path, "jo", resume=True, site={"target": "t1"})

    acted(tmp_path, path, act)
    assert told["other"]["error"] == "nothing to resume: no earlier application of other on this bench"
    assert told["target"]["error"] == "nothing to resume: no earlier application of short on target t2 on this bench"
    assert "traget" in told["key"]["error"]
    assert told["same"]["ok"]


def test_a_protocol_that_was_edited_is_not_the_one_that_was_broken_off(tmp_path: Path):
    path = protocol(tmp_path)
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await broken_off(desk, path)
        protocol(tmp_path, {**CONSTANT, "power_w": 25.0})
        told["edited"] = await desk.prepare(path, "jo", resume=True)

    acted(tmp_path, path, act)
    assert told["edited"]["error"].endswith("is not continued: the protocol is not the one that it ran with")


def test_what_is_edited_between_check_and_arm_is_refused(tmp_path: Path):
    path = protocol(tmp_path)
    told: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        await desk.prepare(path, "jo")
        await until(desk, "READY")
        Path(path).write_text(Path(path).read_text() + "# a comment is enough\n")
        told.append(await desk.arm("jo"))
        protocol(tmp_path)
        module = run.daemon.course.law_file
        assert module is not None
        assert module.name == "constant_power.py"
        run.daemon.files[module] += "# as it was when the protocol was checked\n"
        told.append(await desk.arm("jo"))
        run.daemon.files[module] = module.read_text()
        told.append(await desk.arm("jo"))

    acted(tmp_path, path, act)
    assert told[0]["error"] == f"{path} was edited after it was checked"
    assert told[0]["blocked_by"] == [f"{path} was edited after it was checked; check it, then prepare again"]
    assert told[1]["error"].endswith("constant_power.py was edited after it was checked")
    assert told[1]["blocked_by"][0].endswith("; restart the daemon")
    assert told[2] == {"ok": True, "state": "ARMED"}


def test_the_advice_waits_for_its_reading_and_a_stop_does_not(tmp_path: Path):
    path = protocol(tmp_path, advice={"at_s": 8, "below_c": 60})
    results: list[dict[str, Any]] = []
    waits: set[str] = set()

    def watch(status: dict[str, Any]) -> None:
        waits.add(str(status.get("waits", "")).split(":")[0])

    async def act(run: Rehearsal, desk: Desk) -> None:
        results.append((await perform(desk, path, watch))["result"])
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        results.append(await broken_off(desk, path, 1.0))
        assert loop.time() - before_s < 8.0

    events = acted(tmp_path, path, act)
    assert results[0]["advice"]["advice"] == "re-ablate"
    assert results[0]["advice"]["reason"].endswith("degC 8 s after power, below 60 degC")
    (reading,) = results[0]["readings"]
    assert (reading["after_s"], reading["coolant_on"]) == (8.0, False)
    assert waits == {"", "tip temperature 8 s after power"}
    assert (results[1]["result"], results[1]["advice"]) == ("aborted", None)
    assert of(events, "application_end")[0]["readings"] == [reading]


def test_a_shipped_protocol_stops_the_coolant_reads_the_tip_and_advises(tmp_path: Path, repository: Path):
    data = yaml.safe_load((repository / "controller/data/protocols/cooled-needle-3cm-12min.yaml").read_text())
    data["law"]["duration_s"] = 6
    path = tmp_path / "short.yaml"
    path.write_text(yaml.safe_dump(data))
    results: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        results.append((await perform(desk, str(path), quiet))["result"])

    (end,) = of(acted(tmp_path, str(path), act), "application_end")
    assert [(one["after_s"], one["coolant_on"]) for one in end["readings"]] == [(30.0, False), (60.0, False)]
    assert end["readings"][1]["tip_c"] > end["readings"][0]["tip_c"]  # the needle takes the tissue's temperature
    assert results[0]["advice"] == end["advice"]
    assert end["advice"]["advice"] == "re-ablate"
    assert end["advice"]["reason"].endswith("degC 60 s after power, below 60 degC")


def test_which_shipped_protocols_advise_and_which_coolant_follows():
    loaded = {name: load_protocol(name).protocol for name in shipped("protocol")}
    advising = {name: one.reablate for name, one in loaded.items() if one.advice is not None}
    assert set(advising) == {
        "below-rolloff-3cm-12min",
        "cooled-cluster-12min",
        "cooled-cluster-15min",
        "cooled-needle-2cm-12min",
        "cooled-needle-3cm-12min",
    }
    assert set(advising.values()) == {Reablate("tip", 60.0, 60.0, pump_off=True)}
    cooled = {name: one.cooling for name, one in loaded.items() if one.modality == "microwave"}
    assert len(cooled) == 17
    for name, cooling in cooled.items():
        assert cooling is not None
        hold_c = 25.0 if name.startswith("thermosphere") else 35.0
        told = (cooling.follow, cooling.flow_ml_min, cooling.flow_max_ml_min, cooling.hold_c)
        assert told == ("shaft", 80.0, 100.0, hold_c), name


def test_readings_that_come_later_are_events_of_their_own(tmp_path: Path):
    path = protocol(tmp_path)

    async def act(run: Rehearsal, desk: Desk) -> None:
        await perform(desk, path, quiet)
        await asyncio.sleep(60.0)

    events = acted(tmp_path, path, act)
    assert of(events, "application_end")[0]["readings"] == []
    assert [(one["number"], one["after_s"]) for one in of(events, "reading")] == [(1, 30.0), (1, 60.0)]


# ---- prompts while power flows


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Constant power that asks for a pull-back from 1 s on; what it is told is kept."""
    seen: list[float | None] = []
    step = ConstantPower.step

    def stepping(self: ConstantPower, observation: Any, permit: Any, dt_s: float) -> Any:
        self.t_s, self.told = observation.t_s, observation.withdrawn_mm  # type: ignore[attr-defined]
        if observation.withdrawn_mm not in seen:
            seen.append(observation.withdrawn_mm)
        return step(self, observation, permit, dt_s)

    def asks(self: ConstantPower) -> Ask | None:
        waiting = getattr(self, "t_s", 0.0) > 1.0 and self.told == 0.0  # type: ignore[attr-defined]
        return Ask("pull-back", 5.0, "draw the applicator back by 5 mm") if waiting else None

    monkeypatch.setattr(ConstantPower, "step", stepping)
    monkeypatch.setattr(ConstantPower, "asks", property(asks))
    monkeypatch.setattr(ConstantPowerParams, "hands", property(lambda self: True))
    return seen


def test_an_answer_reaches_the_law(tmp_path: Path, asking: list[float | None]):
    path = protocol(tmp_path)

    async def answer(prompt: dict[str, Any]) -> float | None:
        await asyncio.sleep(1.0)
        return 4.0

    async def act(run: Rehearsal, desk: Desk) -> None:
        assert (await perform(desk, path, quiet, answer=answer))["result"]["result"] == "completed"

    events = acted(tmp_path, path, act)
    assert asking == [0.0, 4.0]
    assert [data["value"] for data in of(events, "confirmed")] == [4.0]


def test_nobody_answers_and_the_law_ends(tmp_path: Path, asking: list[float | None]):
    path = protocol(tmp_path, prompt_s=2.0)

    async def act(run: Rehearsal, desk: Desk) -> None:
        result = (await perform(desk, path, quiet))["result"]
        assert result["result"] == "aborted"
        assert result["reason"] == "stop: nobody confirmed within 2 s: draw the applicator back by 5 mm"
        assert 3.0 < result["duration_s"] < 3.4

    events = acted(tmp_path, path, act)
    assert of(events, "prompt_withdrawn")[0]["reason"] == "the bench is STOPPING"


def test_a_trip_takes_its_question_back(tmp_path: Path, asking: list[float | None]):
    path = protocol(tmp_path)

    async def act(run: Rehearsal, desk: Desk) -> None:
        assert (await perform(desk, path, quiet))["result"]["result"] == "tripped"
        assert (await desk.status())["prompt"] is None

    events = acted(tmp_path, path, act, faults=("inputs.estop@6.0",))
    assert of(events, "prompt_withdrawn")


def test_between_applications_the_desk_asks(tmp_path: Path):
    path = protocol(tmp_path)
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        told["kind"] = await desk.ask("dance", "dance")
        asked = await desk.ask("reposition", "put the tip 12 mm to the left")
        told["second"] = await desk.ask("retract", "draw the tines in")
        told["prepare"] = await desk.prepare(path, "jo")
        told["shown"] = (await desk.status())["prompt"]
        told["confirmed"] = await desk.confirm(asked["prompt"]["id"], "jo")
        told["status"] = await desk.status()
        assert (await desk.prepare(path, "jo"))["ok"]
        told["late"] = await desk.ask("reposition", "now?")

    acted(tmp_path, path, act)
    assert "write one of deploy, reposition, retract, pull-back" in told["kind"]["error"]
    assert told["second"]["error"] == "prompt 1 is open: put the tip 12 mm to the left"
    assert told["prepare"]["blocked_by"] == [
        "prompt 1: put the tip 12 mm to the left; when it is done: ablate confirm 1"
    ]
    assert told["shown"]["kind"] == "reposition"
    assert told["confirmed"]["ok"]
    assert told["status"]["prompt"] is None
    assert told["status"]["answered"]["who"] == "jo"
    assert "between applications" in told["late"]["error"]


# ---- earlier sessions


def test_an_earlier_session_is_continued(tmp_path: Path):
    path, on = protocol(tmp_path), bench(tmp_path)

    async def breaking(run: Rehearsal, desk: Desk) -> None:
        await broken_off(desk, path)

    async def going_on(run: Rehearsal, desk: Desk) -> None:
        result = (await perform(desk, path, quiet, resume=True))["result"]
        assert result["result"] == "completed"
        assert result["resumes"]["session"] != run.daemon.recorder.session_id
        assert result["delivered"]["on_time_s"] == pytest.approx(6.1, abs=0.2)

    first = acted(tmp_path, path, breaking, on)
    second = acted(tmp_path, path, going_on, on, seed=2)
    (end,) = of(first, "application_end")
    assert 0.0 <= end["apart_c"] < 5.0  # twenty watts for seconds
    (told,) = of(second, "protocol")
    assert (told["heated"], told["agree_c"]) == (True, pytest.approx(10.0 + end["apart_c"], abs=0.06))
