"""What a person saw, kept in the running record with the moment in which he saw it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.commands.acts import mark
from controller.daemon.desk import Desk
from controller.daemon.marks import AGO_S, TEXT_LENGTH, marked
from controller.records.reader import open_session
from controller.report.digest import digest
from sim.rehearsal import Rehearsal
from tests.daemon import rehearsed


def test_it_is_of_the_moment_in_which_it_was_seen() -> None:
    assert marked({"text": " a pop ", "ago_s": 2.5}, 100.0) == {"text": "a pop", "at_s": 97.5}
    assert marked({"text": "a pop", "by": "somebody"}, 100.0) == {"text": "a pop", "at_s": 100.0}


def test_it_is_one_line_of_text_whatever_was_sent() -> None:
    assert marked({"text": "one\n\x1b[31mtwo"}, 0.0)["text"] == "one\\n\\x1b[31mtwo"
    assert len(marked({"text": "x" * TEXT_LENGTH}, 0.0)["text"]) == TEXT_LENGTH


@pytest.mark.parametrize("text", ["x" * (TEXT_LENGTH + 1), "\n" * 10 + "x" * TEXT_LENGTH + "\n.", "x" * 100_000])
def test_a_text_that_is_too_long_is_refused_and_not_cut(text: str) -> None:
    with pytest.raises(ValueError, match="2000 characters at most"):
        marked({"text": text}, 0.0)


def test_the_command_refuses_it_before_anything_is_sent() -> None:
    told = CliRunner().invoke(mark, ["x" * 100_000])
    assert told.exit_code == 2
    assert "a mark has 2000 characters at most, not 100000" in told.output


@pytest.mark.parametrize(
    "told",
    [{}, {"text": "  "}, {"text": "a", "ago_s": -1}, {"text": "a", "ago_s": AGO_S + 1}, {"text": "a", "ago_s": "x"}],
)
def test_what_says_nothing_or_is_of_another_time_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        marked(told, 1000.0)


def test_it_is_in_the_record_and_changes_nothing(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await rehearsed.until(desk, "SAFE")
        await asyncio.sleep(5.0)
        before = await desk.status()
        assert await desk.note("mark", {"text": "a pop", "ago_s": 3.0}, "anna") == {"ok": True}
        seen.extend((before, await desk.status()))
        assert not (await desk.note("state", {"to": "FIRING"}, "anna"))["ok"]

    events = rehearsed.acted(tmp_path, rehearsed.protocol(tmp_path), act)
    (mark,) = [event for event in events if event.kind == "mark"]
    assert (mark.data["text"], mark.data["who"]) == ("a pop", "anna")
    assert mark.t_s - mark.data["at_s"] == pytest.approx(3.0, abs=0.002)
    before, after = seen
    assert (before["state"], before["blocked_by"]) == (after["state"], after["blocked_by"])
    (path,) = tmp_path.rglob("*.ablate")
    with open_session(path) as session:
        assert ("a pop", False) in [(each.text, each.bad) for each in digest(session).marks]
