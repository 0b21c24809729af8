"""``ablate stop`` without a name, where several benches run: it is never refused, so all of them are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller import client
from controller.cli import main
from tests.cli.support import Operator, serving


@contextlib.asynccontextmanager
async def benches(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> AsyncIterator[dict[str, Operator]]:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(folder))
    operators = {name: Operator() for name in names}
    async with contextlib.AsyncExitStack() as stack:
        for name, operator in operators.items():
            await stack.enter_async_context(serving(folder, operator, name))
        yield operators


def ablate(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


async def test_all_are_stopped(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with benches(monkeypatch, short_dir, "left", "right") as operators:
        assert await asyncio.to_thread(ablate, "stop") == 0
        assert capsys.readouterr().out == "stop sent to left\nstop sent to right\n"
        assert await asyncio.to_thread(ablate, "stop", "--json") == 0
        told = {"left": {"ok": True}, "right": {"ok": True}}
        assert json.loads(capsys.readouterr().out) == {"ok": True, "benches": told}
        assert await asyncio.to_thread(ablate, "stop", "--bench", "left") == 0
    assert {name: len(operator.acts) for name, operator in operators.items()} == {"left": 3, "right": 2}


async def test_one_that_does_not_answer_keeps_no_other_from_being_stopped(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuses(who: str, reason: str) -> dict[str, object]:
        raise ValueError("no")

    async with benches(monkeypatch, short_dir, "left", "right") as operators:
        operators["left"].stop = refuses  # type: ignore[method-assign,assignment]
        assert await asyncio.to_thread(ablate, "stop") == 4
        assert capsys.readouterr().out == "stop sent to right\n"
    assert len(operators["right"].acts) == 1


async def test_one_that_is_frozen_is_told_and_holds_nobody_up(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.2)

    async with benches(monkeypatch, short_dir, "left", "right") as operators:
        frozen = operators["left"]
        frozen.going.clear()
        frozen.stop = lambda who, reason: frozen.status()  # type: ignore[method-assign]
        assert await asyncio.to_thread(ablate, "stop") == 4
        told = capsys.readouterr()
        assert told.out == "stop sent to right\n"
        assert "left: the daemon does not answer stop: it may be frozen; use the footswitch" in told.err
        assert await asyncio.to_thread(ablate, "stop", "--bench", "left") == 7
        assert "the daemon does not answer stop: it may be frozen; use the footswitch" in capsys.readouterr().err
    assert len(operators["right"].acts) == 1
