"""What is believed behind a damaged answer: only so many whole ones in a row, and as many as there is time for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from drivers.contract import BadReply, LinkLost, NoReply
from tests.mutation.total import raises_nothing

T = TypeVar("T")
ERRORS: dict[str, Callable[[str], Exception]] = {"d": BadReply, "s": NoReply, "l": LinkLost}


def doubt() -> Any:
    return importlib.import_module("drivers.doubt")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")


def reads(answers: str, period_s: float = 0.06, answer_s: float = 0.025) -> list[int | str]:
    """What comes of reading until ``answers`` (w whole, d damaged, s silence, l the link is lost) are used up: for each
    reading the number of the answer that was believed, or what was raised and behind which answer.
    """
    told: list[int | str] = []
    kinds: Iterator[tuple[int, str]] = enumerate(answers, start=1)
    heard = 0

    async def ask() -> int:
        nonlocal heard
        heard, kind = next(kinds)
        if kind != "w":
            raise ERRORS[kind]("")
        return heard

    reader = doubt().Doubt(period_s, answer_s)
    while heard < len(answers):
        try:
            told.append(at_once(reader.read(ask)))
        except (BadReply, NoReply, LinkLost) as error:
            told.append(f"{type(error).__name__} {heard}")
    return told


@pytest.mark.parametrize(
    "answers, told",
    [
        ("w", [1]), ("www", [1, 2, 3]),
        ("dwww", [4]), ("swww", [4]), ("wwdwwww", [1, 2, 6, 7]),  # one damaged answer costs no reading, but time
        ("dd", ["BadReply 2"]), ("ds", ["NoReply 2"]), ("sd", ["BadReply 2"]), ("ddd", ["BadReply 2", "BadReply 3"]),
        ("dwd", ["BadReply 3"]), ("dwwd", ["BadReply 4"]), ("dwwswww", ["NoReply 4", 7]),
        ("ddwww", ["BadReply 2", 5]), ("dwwdwwww", ["BadReply 4", 7, 8]), ("ddwdwww", ["BadReply 2", "BadReply 4", 7]),
        ("l", ["LinkLost 1"]), ("dl", ["LinkLost 2"]), ("dwl", ["LinkLost 3"]), ("dlwww", ["LinkLost 2", 5]),
        ("dwlww", ["LinkLost 3", 5]),
    ],
)  # fmt: skip
@raises_nothing
def test_who_is_believed(answers: str, told: list[int | str]) -> None:
    assert reads(answers) == told


@raises_nothing
def test_a_slow_instrument_is_asked_as_often_as_there_is_time() -> None:
    assert reads("dwdww", 0.07, 0.07) == [2, 4, 5]
    assert reads("dwwwdwd", 0.06, 0.06) == [3, 4, "BadReply 7"]


@pytest.mark.parametrize(
    "period_s, answer_s, whole",
    [
        (0.05, 0.005, 3), (0.06, 0.03, 3), (0.08, 0.030, 3), (0.05, 0.05, 3), (0.0625, 0.0625, 2), (0.0634, 0.0634, 1),
        (0.08, 0.0426, 2), (0.08, 0.042, 3), (0.1, 0.0934, 1), (1.0, 0.1, 1), (0.2, 0.05, 1), (0.15, 0.03125, 2),
    ],
)  # fmt: skip
@raises_nothing
def test_how_many_there_is_time_for(period_s: float, answer_s: float, whole: int) -> None:
    assert doubt().whole_answers(period_s, answer_s) == whole
