"""Long applications end when nobody is there."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.bell import Bell
from controller.config.bench import Attended
from controller.config.loading import load_protocol
from controller.config.problems import ConfigError
from controller.config.setup import load
from controller.daemon.attendance import Attendance, stricter
from controller.daemon.desk import Desk
from controller.daemon.prompts import Prompts
from controller.live_view import attendance
from controller.perform import perform
from controller.replay import read, replay
from controller.session import report_result
from controller.terminal import answerer
from sim.rehearsal import Rehearsal, rehearse
from tests.daemon.rehearsed import acted, bench, of, protocol, until

RULE = Attended(ask_every_s=60.0, answer_within_s=10.0)
LONG = {"kind": "constant-power", "power_w": 20.0, "duration_s": 40.0}
SHORT = {"ask_every_s": 10.0, "answer_within_s": 5.0}


class Desks:
    """An attendance with everything that it does."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, dict[str, Any]]] = []
        self.ended: list[str] = []
        self.prompts = Prompts(lambda kind, data: self.noted.append((kind, data)), self.hands)
        self.attendance = Attendance(self.prompts, self.ended.append)

    async def hands(self, kind: str, value: float | None) -> None:
        raise AssertionError("nobody's hands move to say that they are there")

    def asked(self) -> str:
        return self.prompts.open.kind if self.prompts.open is not None else ""


async def test_it_asks_in_time_and_lets_go_without_an_answer():
    desk = Desks()
    desk.attendance.begin(RULE, 100.0)
    desk.attendance.follow(True, 159.9)
    assert desk.asked() == ""
    assert desk.attendance.status(159.9) == {
        "ask_every_s": 60.0, "answer_within_s": 10.0, "asks_in_s": 0.1, "ends_in_s": None,
    }  # fmt: skip
    desk.attendance.follow(True, 160.0)
    assert desk.prompts.open is not None
    assert desk.prompts.open.text == "still there? Energy ends 10 s after this question without an answer"
    assert desk.attendance.status(164.0) == {
        "ask_every_s": 60.0, "answer_within_s": 10.0, "asks_in_s": None, "ends_in_s": 6.0,
    }  # fmt: skip
    desk.attendance.follow(True, 169.9)
    assert desk.ended == []
    desk.attendance.follow(True, 170.0)
    assert desk.ended == ["not attended: nobody answered within 10 s"]
    assert desk.asked() == ""
    assert [kind for kind, _ in desk.noted] == ["prompt", "prompt_withdrawn"]


async def test_an_answer_begins_the_time_anew():
    desk = Desks()
    desk.attendance.begin(RULE, 0.0)
    desk.attendance.follow(True, 60.0)
    assert (await desk.prompts.confirm(None, "jo", None))["ok"]
    desk.attendance.seen(65.0)
    desk.attendance.follow(True, 124.9)
    assert (desk.asked(), desk.ended) == ("", [])
    desk.attendance.follow(True, 125.0)
    assert desk.asked() == "attend"
    assert "takes no value" in (await desk.prompts.confirm(None, "jo", 3.0))["error"]


async def test_a_footswitch_is_attendance_and_an_end_takes_the_question_back():
    desk = Desks()
    desk.attendance.begin(RULE, 0.0)
    desk.attendance.follow(False, 600.0)
    assert desk.asked() == ""
    assert desk.attendance.status(600.0) == {**RULE.model_dump(), "asks_in_s": None, "ends_in_s": None}
    desk.attendance.follow(True, 601.0)
    assert desk.asked() == "attend"
    desk.attendance.follow(False, 602.0)
    assert (desk.asked(), desk.ended) == ("", [])


async def test_a_question_for_hands_stands_for_it():
    desk = Desks()
    desk.attendance.begin(RULE, 0.0)
    desk.prompts.ask(50.0, "deploy", "deploy the array to 25 mm", 25.0)
    desk.attendance.follow(True, 300.0)
    assert (desk.asked(), desk.ended) == ("deploy", [])


async def test_without_a_rule_nobody_is_asked():
    desk = Desks()
    desk.attendance.begin(None, 0.0)
    desk.attendance.follow(True, 1e6)
    assert (desk.asked(), desk.attendance.status(1e6)) == ("", None)


def test_of_bench_and_protocol_the_smaller_numbers_count():
    other = Attended(ask_every_s=300.0, answer_within_s=5.0)
    assert stricter(RULE, other) == Attended(ask_every_s=60.0, answer_within_s=5.0)
    assert (stricter(None, other), stricter(RULE, None), stricter(None, None)) == (other, RULE, None)


@pytest.mark.parametrize("wrong", [{"ask_every_s": 9.0}, {"answer_within_s": 4.9}, {"ask_every_s": float("inf")}])
def test_numbers_that_help_nobody_are_refused(wrong: dict[str, float], tmp_path: Path):
    path = protocol(tmp_path, attended={**SHORT, **wrong})
    with pytest.raises(ConfigError, match=r"short\.yaml:\d+: attended\."):
        load_protocol(path)


# ---- the whole stack, on virtual time


def test_nobody_there_ends_the_application_and_the_record_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = protocol(tmp_path, LONG, attended=SHORT)
    result = rehearse(load("cooled-rf-sim", path), seed=1, out=tmp_path, drawn={"operator_leaves_s": 5.0})
    assert (result["result"], result["reason"]) == ("aborted", "stop: not attended: nobody answered within 5 s")
    assert 15.0 <= result["duration_s"] <= 15.2
    assert result["trip"] is None
    assert (result["state_at_end"], result["power_at_end_w"]) == ("SAFE", 0.0)
    assert replay(read(result["session_file"])).equal
    report_result(result, None, False, "")
    assert "reason:  stop: not attended: nobody answered within 5 s" in capsys.readouterr().out


def test_somebody_there_is_asked_and_the_application_completes(tmp_path: Path):
    path = protocol(tmp_path, LONG)
    result = rehearse(load(bench(tmp_path, attended=SHORT), path), seed=1, out=tmp_path)
    assert (result["result"], result["duration_s"]) == ("completed", pytest.approx(40.0, abs=0.5))


def test_what_is_recorded_of_question_and_answer(tmp_path: Path):
    path = protocol(tmp_path, LONG, attended=SHORT)
    seen: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await perform(desk, path, seen.append, answer=run._operator)

    events = acted(tmp_path, path, act)
    assert [data["kind"] for data in of(events, "prompt")] == ["attend"] * 3
    assert [data["kind"] for data in of(events, "confirmed")] == ["attend"] * 2  # the third came as the law ended
    asked_s = [event.t_s for event in events if event.kind == "prompt"]
    # 10 s, until the foreground looks at the status at most 0.5 s, and hands take 3 s
    assert all(13.0 <= later - before <= 13.7 for before, later in pairwise(asked_s))
    counted = [status["attended"] for status in seen if status["state"] == "FIRING"]
    assert {count["asks_in_s"] is None for count in counted} == {count["ends_in_s"] is not None for count in counted}
    assert min(count["ends_in_s"] for count in counted if count["ends_in_s"] is not None) >= 1.0


def test_a_hold_that_has_ended_is_not_renewed(tmp_path: Path):
    """Energy ends also where the foreground goes on renewing and never answers."""
    path = protocol(tmp_path, LONG, attended=SHORT)
    told: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        await desk.prepare(path, "jo")
        await until(desk, "READY")
        await desk.arm("jo")
        assert (await desk.fire("jo"))["ok"]
        for _ in range(200):
            told.append(await desk.renew())
            await asyncio.sleep(0.1)
        await until(desk, "SAFE")

    (end,) = of(acted(tmp_path, path, act), "application_end")
    assert (end["result"], end["on_time_s"]) == ("aborted", pytest.approx(15.0, abs=0.2))
    assert told[0]["ok"]
    assert not told[-1]["ok"]
    assert told[-1]["error"].startswith("nothing is held in ")


# ---- at the terminal


async def test_yes_answers_for_hands_and_not_for_somebody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", None)
    said: list[str] = []
    answer = answerer(said.append, yes=True, simulation={"operator_s": 0.0}, needed=False)
    assert answer is not None
    prompt = {"id": 2, "kind": "attend", "text": "still there?", "value": None, "unit": ""}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer(prompt), 0.05)
    assert said == ["PROMPT 2: still there?. Nobody is at this terminal; answer with: ablate confirm"]
    assert await answer({**prompt, "kind": "deploy", "text": "deploy", "value": 20.0}) is None


def test_the_question_is_heard():
    now_s, rung = [8.0], list[float]()
    bell = Bell(lambda: rung.append(now_s[0]), lambda: now_s[0])
    for _ in range(40):
        bell({"prompt": {"id": 2, "kind": "attend"}})
        now_s[0] += 0.125
    assert rung == [8.0, 8.25, 11.0, 11.25]
    bell({"prompt": {"id": 3, "kind": "deploy"}})
    assert len(rung) == 4


def test_the_count_down_in_words():
    assert attendance({"attended": None}) == ""
    assert attendance({"attended": {"asks_in_s": 212.0, "ends_in_s": None}}) == "asks whether you are there in 212 s"
    assert attendance({"attended": {"asks_in_s": None, "ends_in_s": 18.2}}) == "STILL THERE? energy ends in 18 s"


def test_the_schema_has_it():
    from controller.config.schema import schema

    for kind in ("bench", "protocol"):
        told = yaml.safe_dump(schema(kind))
        assert "ask_every_s" in told
        assert "answer_within_s" in told
