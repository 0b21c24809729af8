"""What the operator is asked to do with his hands, and his answers."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from controller.daemon.prompts import Prompts, Withdrawn, number
from controller.daemon.telemetry import Broker
from safety.types import Outputs, Permit, State

pytestmark = pytest.mark.asyncio


class Desk:
    """Prompts with everything that they write and move."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, dict[str, Any]]] = []
        self.moved: list[tuple[str, float | None]] = []
        self.cannot = ""
        self.prompts = Prompts(lambda kind, data: self.noted.append((kind, data)), self.hands)

    async def hands(self, kind: str, value: float | None) -> None:
        if self.cannot:
            raise ValueError(self.cannot)
        self.moved.append((kind, value))


async def test_an_answer_is_what_was_asked_for_unless_another_length_was_reached():
    desk, taken = Desk(), []
    prompt = desk.prompts.ask(1.0, "deploy", "deploy the array to 25 mm", 25.0, take=taken.append)
    assert prompt.as_dict() == {
        "id": 1,
        "kind": "deploy",
        "text": "deploy the array to 25 mm",
        "value": 25.0,
        "unit": "mm",
    }
    waiting = asyncio.create_task(desk.prompts.answer(prompt))
    await asyncio.sleep(0)
    assert (await desk.prompts.confirm(1, "jo", None))["value"] == 25.0
    assert await waiting == 25.0
    second = desk.prompts.ask(2.0, "deploy", "deploy the array to 30 mm", 30.0, take=taken.append)
    assert (await desk.prompts.confirm(second.id, "jo", 28.5))["ok"]
    assert taken == [25.0, 28.5]
    assert desk.moved == [("deploy", 25.0), ("deploy", 28.5)]
    assert desk.prompts.answered == {"id": 2, "value": 28.5, "who": "jo"}
    assert [(kind, data.get("value"), data.get("asked")) for kind, data in desk.noted] == [
        ("prompt", 25.0, None),
        ("confirmed", 25.0, 25.0),
        ("prompt", 30.0, None),
        ("confirmed", 28.5, 30.0),
    ]


async def test_one_at_a_time_and_no_other_than_the_open_one():
    desk = Desk()
    assert (await desk.prompts.confirm(None, "jo", None))["error"] == "nothing is asked: no prompt is open"
    desk.prompts.ask(1.0, "reposition", "put the tip there")
    with pytest.raises(ValueError, match="prompt 1 is open: put the tip there"):
        desk.prompts.ask(1.0, "retract", "draw the tines in")
    wrong = await desk.prompts.confirm(7, "jo", None)
    assert wrong == {"ok": False, "error": "prompt 7 is not open; open is 1: put the tip there", "open": 1}
    assert "takes no value, not 5" in (await desk.prompts.confirm(1, "jo", 5.0))["error"]
    assert (await desk.prompts.confirm(None, "jo", None))["value"] is None


@pytest.mark.parametrize("value", [-1.0, 1001.0, math.inf, math.nan])
async def test_a_length_that_is_none_is_refused(value: float):
    desk = Desk()
    desk.prompts.ask(1.0, "pull-back", "draw back by 10 mm", 10.0)
    assert "takes a length of 0 to 1000 mm" in (await desk.prompts.confirm(1, "jo", value))["error"]
    assert desk.prompts.open is not None


async def test_what_hands_cannot_do_is_not_believed():
    desk, taken = Desk(), []
    desk.cannot = "a cooled-needle has no tines"
    desk.prompts.ask(1.0, "deploy", "deploy", 20.0, take=taken.append)
    refused = await desk.prompts.confirm(1, "jo", None)
    assert refused == {"ok": False, "error": "prompt 1 could not be done: a cooled-needle has no tines", "open": 1}
    assert not taken


async def test_what_is_withdrawn_is_no_longer_waited_for():
    desk = Desk()
    prompt = desk.prompts.ask(1.0, "reposition", "put the tip there")
    waiting = asyncio.create_task(desk.prompts.answer(prompt))
    await asyncio.sleep(0)
    desk.prompts.withdraw("the bench is TRIPPED")
    desk.prompts.withdraw("again")
    with pytest.raises(Withdrawn, match="put the tip there: the bench is TRIPPED"):
        await waiting
    with pytest.raises(Withdrawn):
        await desk.prompts.answer(prompt)
    assert [kind for kind, _ in desk.noted] == ["prompt", "prompt_withdrawn"]


async def test_a_prompt_that_goes_while_hands_move_takes_no_answer():
    desk, taken = Desk(), []
    going, gone = asyncio.Event(), asyncio.Event()

    async def slow(kind: str, value: float | None) -> None:
        going.set()
        await gone.wait()

    prompts = Prompts(lambda kind, data: None, slow)
    prompts.ask(1.0, "deploy", "deploy", 20.0, take=taken.append)
    confirming = asyncio.create_task(prompts.confirm(1, "jo", None))
    await going.wait()
    assert "is being confirmed already" in (await prompts.confirm(1, "al", None))["error"]
    prompts.withdraw("stop")
    gone.set()
    assert (await confirming)["error"] == "prompt 1 was withdrawn: deploy"
    assert not taken
    assert desk.prompts.open is None


class Publisher:
    """Keeps the states that it is given."""

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def set_state(self, state: dict[str, Any]) -> None:
        self.states.append(state)


async def test_the_broker_is_told_what_is_asked_and_that_it_is_no_longer():
    broker, publisher = Broker(Any, True), Publisher()  # type: ignore[arg-type]
    broker._publisher = publisher  # type: ignore[assignment]
    out = Outputs(State.READY, Permit(0.0, 0.0, 1, State.READY), True, False, False, None)
    prompt = {"id": 3, "kind": "deploy", "text": "deploy the array to 25 mm", "value": 25.0, "unit": "mm"}
    for now in (None, prompt, prompt, None):
        broker.follow(out, now)
    assert [state["prompt"] for state in publisher.states] == [None, prompt, None]


async def test_numbers_that_come_over_the_socket():
    assert (number(None), number(3), number(2.5)) == (None, 3.0, 2.5)
    for wrong in (True, "3", math.nan, [1]):
        with pytest.raises(ValueError, match="is no number"):
            number(wrong)
