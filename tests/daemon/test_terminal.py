"""The operator at the terminal: lines from a pseudo-terminal, while the loop goes on."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.perform import Hand
from controller.terminal import Keyboard, NoOperator, answerer

PROMPT = {"id": 4, "kind": "deploy", "text": "deploy the array to 25 mm", "value": 25.0, "unit": "mm"}
BENCH = Path(__file__).parents[2] / "examples" / "benches" / "expandable-rf-sim.yaml"


class Terminal:
    """Both ends, and what was printed."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        self.said: list[str] = []
        self.keyboard = Keyboard(self.said.append, self.near)

    def type(self, text: str) -> None:
        os.write(self.far, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    for fd in (terminal.far, terminal.near):
        with contextlib.suppress(OSError):
            os.close(fd)


async def test_enter_says_that_it_is_done_and_a_length_what_was_reached(terminal: Terminal):
    answering = asyncio.create_task(terminal.keyboard.answer(PROMPT))
    await asyncio.sleep(0.05)
    assert terminal.said == [
        "PROMPT 4: deploy the array to 25 mm. Enter when it is done; another length than 25 mm: type it."
    ]
    terminal.type("\n")
    assert await asyncio.wait_for(answering, 5.0) is None
    terminal.type("22.5\n")
    assert await asyncio.wait_for(terminal.keyboard.answer({**PROMPT, "refused": "no"}), 5.0) == 22.5
    assert "refused: no" in terminal.said


async def test_nonsense_is_asked_again_and_waiting_holds_nothing_up(terminal: Terminal):
    answering = asyncio.create_task(terminal.keyboard.answer(PROMPT))
    ticks = 0
    for _ in range(20):
        await asyncio.sleep(0.005)
        ticks += 1
    assert (ticks, answering.done()) == (20, False)
    terminal.type("as far as it went\n")
    await asyncio.sleep(0.05)
    assert terminal.said[-1] == "'as far as it went' is no length; Enter alone says that it is done"
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    terminal.type("\n")  # of nobody's
    await asyncio.sleep(0.02)


async def test_a_terminal_that_has_gone_leaves_it_to_others(terminal: Terminal):
    answering = asyncio.create_task(terminal.keyboard.answer(PROMPT))
    await asyncio.sleep(0.02)
    os.close(terminal.far)
    await asyncio.sleep(0.05)
    assert terminal.said[-1] == "standard input has ended; confirm with: ablate confirm 4"
    assert not answering.done()
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


async def test_yes_answers_by_itself(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    answer = answerer(said.append, yes=True, simulation={"operator_s": 0.01}, needed=True)
    assert answer is not None
    assert await answer(PROMPT) is None
    assert said == ["deploy the array to 25 mm: answered by --yes"]


def test_nobody_there_is_an_error_only_where_somebody_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert answerer(print, yes=False, simulation=None, needed=False) is None
    with pytest.raises(NoOperator, match="nothing was energised"):
        answerer(print, yes=False, simulation=None, needed=True)


def test_run_says_so_before_anything_is_started(tmp_path: Path):
    environment = {**os.environ, "ABLATE_RUNTIME_DIR": str(tmp_path / "run"), "ABLATE_STATE_DIR": str(tmp_path / "st")}
    done = subprocess.run(
        [sys.executable, "-m", "controller", "run", str(BENCH), "rita-5cm"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "standard input is no terminal; nothing was energised" in done.stderr
    assert not (tmp_path / "run").exists()


# ---- a hand beside the foreground


class Desk:
    """Takes confirmations."""

    def __init__(self, replies: list[dict[str, Any]]) -> None:
        self.replies, self.confirmed = replies, list[tuple[int, float | None]]()

    async def confirm(self, prompt_id: int, who: str, value: float | None = None) -> dict[str, Any]:
        self.confirmed.append((prompt_id, value))
        return self.replies.pop(0)


def status(prompt: dict[str, Any] | None) -> dict[str, Any]:
    return {"state": "FIRING", "prompt": prompt}


async def test_a_refused_answer_is_asked_for_again_and_one_that_is_gone_is_not():
    asked: list[dict[str, Any]] = []

    async def answer(prompt: dict[str, Any]) -> float | None:
        asked.append(prompt)
        return 30.0

    refused = {"ok": False, "error": "not so far", "open": 4}
    desk, seen = Desk([refused, {"ok": False, "error": "it was withdrawn", "open": None}]), list[str]()
    hand = Hand(desk, answer, lambda status: seen.append(status["state"]))  # type: ignore[arg-type]
    hand(status(PROMPT))
    for _ in range(5):
        await asyncio.sleep(0)
    hand(status(PROMPT))
    assert [prompt.get("refused") for prompt in asked] == [None, "not so far"]
    assert desk.confirmed == [(4, 30.0), (4, 30.0)]
    assert seen == ["FIRING", "FIRING"]
    await hand.close()


async def test_a_prompt_that_somebody_else_answered_is_given_up():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(prompt: dict[str, Any]) -> float | None:
        begun.set()
        try:
            await asyncio.sleep(60.0)
        finally:
            ended.set()
        return None

    desk = Desk([])
    hand = Hand(desk, answer, lambda status: None)  # type: ignore[arg-type]
    hand(status(PROMPT))
    await begun.wait()
    hand(status(None))
    await asyncio.wait_for(ended.wait(), 1.0)
    assert desk.confirmed == []
    await hand.close()


async def test_an_answer_that_breaks_ends_the_foreground():
    async def answer(prompt: dict[str, Any]) -> float | None:
        raise ValueError("a broken terminal")

    hand = Hand(Desk([]), answer, lambda status: None)  # type: ignore[arg-type]
    hand(status(PROMPT))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="a broken terminal"):
        hand(status(PROMPT))
    await hand.close()
