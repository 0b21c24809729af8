"""An answer of the enable line is dated by the question that it answers, however late it is and whatever was lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.watchdog import asking
from safety.watchdog.asking import Asking
from safety.watchdog.client import InProcessWatchdog
from tests.mutation.total import raises_nothing
from tests.watchdog.beats import QUERY, RELAY, hello
from tests.watchdog.test_client import FIRE
from tests.watchdog.test_enable_echo import ECHO, PLAN

CLOSED, OPENED = b"\1\0\0\0", b"\0\0\0\0"


@raises_nothing
def test_the_constants() -> None:
    assert (asking.LATE_S, asking.OWED_MAX, asking.SILENCE_S) == (0.15, 3, 3.0)


@raises_nothing
def test_one_question_at_a_time_and_its_answer_is_dated_by_it() -> None:
    made = Asking(RELAY)
    assert made.under_way is False
    assert made.ask(0.0) == QUERY
    assert made.ask(0.1) == b""
    assert made.hear(CLOSED[:3], 0.11) is None
    assert made.under_way is True
    assert made.hear(CLOSED[3:], 0.12) == (True, 0.0)
    assert made.under_way is False
    assert made.hear(b"", 0.13) is None
    assert made.ask(0.13) == QUERY
    assert made.ask(0.27) == b""
    assert made.hear(OPENED, 0.27) == (False, 0.13)


@raises_nothing
def test_after_a_lost_answer_one_question_more_is_asked_than_answers_may_come() -> None:
    made = Asking(RELAY)
    made.ask(0.0)
    assert made.ask(0.149) == b""
    assert made.ask(0.15) == QUERY * 2
    assert made.hear(CLOSED, 0.16) is None  # of the first question or of the second
    assert made.hear(CLOSED, 0.17) == (True, 0.15)
    assert made.ask(0.31) == b""  # a third one may come yet
    assert made.ask(0.32) == QUERY  # none came: the first was lost


@raises_nothing
def test_a_late_answer_is_none_to_the_newest_question() -> None:
    made = Asking(RELAY)
    made.ask(0.0)
    assert made.ask(0.2) == QUERY * 2
    assert made.hear(CLOSED, 0.25) is None
    assert made.hear(OPENED, 0.26) == (False, 0.2)
    assert made.hear(OPENED, 0.26) is None  # the third: now the line is in step
    assert made.ask(0.3) == QUERY
    assert made.hear(CLOSED, 0.35) == (True, 0.3)


@raises_nothing
def test_a_line_that_stays_behind_is_left_alone_until_it_is_silent() -> None:
    made = Asking(RELAY)
    asked = [made.ask(t_s) for t_s in (0.0, 0.2, 0.4, 0.6, 3.5)]
    assert asked == [QUERY, QUERY * 2, QUERY * 4, b"", b""]
    assert made.hear(CLOSED * 3, 3.55) is None
    assert made.ask(6.54) == b""
    assert made.ask(6.55) == QUERY
    assert made.hear(CLOSED, 6.56) == (True, 6.55)


@pytest.mark.parametrize(
    ("heard_s", "not_yet_s", "again_s"), [(None, 3.59, 3.6), (3.6, 3.74, 3.76), (3.59, 6.58, 6.59)]
)
@raises_nothing
def test_a_line_that_was_dead_is_asked_again(heard_s: float | None, not_yet_s: float, again_s: float) -> None:
    made = Asking(RELAY)
    assert [made.ask(t_s) for t_s in (0.0, 0.2, 0.4, 0.6)][-1] == b""
    if heard_s is not None:
        assert made.hear(CLOSED, heard_s) is None
    assert made.ask(not_yet_s) == b""
    assert made.ask(again_s) == QUERY


@raises_nothing
def test_an_answer_to_no_question_is_followed_by_silence() -> None:
    made = Asking(RELAY)
    made.ask(0.0)
    assert made.hear(CLOSED + OPENED, 0.02) == (True, 0.0)
    assert made.ask(3.01) == b""
    assert made.ask(3.02) == QUERY


@raises_nothing
def test_before_the_first_question_nothing_is_owed() -> None:
    made = Asking(RELAY)
    assert made.hear(CLOSED[:3], 0.0) is None  # no whole answer
    assert made.ask(0.0) == QUERY
    late = Asking(RELAY)
    assert late.hear(CLOSED, 0.0) is None  # of one who asked before
    assert (late.ask(2.99), late.ask(3.0)) == (b"", QUERY)


@raises_nothing
def test_half_an_answer_is_forgotten_with_its_question() -> None:
    made = Asking(RELAY)
    made.ask(0.0)
    made.hear(b"\1\0", 0.01)
    assert made.ask(0.2) == QUERY * 2
    assert made.hear(OPENED, 0.21) is None
    assert made.hear(OPENED, 0.21) == (False, 0.2)


@raises_nothing
def test_an_echo_is_no_answer_and_hides_none() -> None:
    made = Asking(PLAN)
    made.ask(0.0)
    assert made.hear(b"relay on 0\n\r>" + ECHO, 0.01) is None
    assert made.hear(ECHO + b"on\n\r>relay on 0\n\r>", 0.02) == (True, 0.0)
    assert made.ask(0.1) == PLAN.query
    assert made.hear(ECHO[:5], 0.11) is None
    assert made.hear(ECHO[5:] + b"off", 0.12) == (False, 0.1)
    assert made.ask(0.3) == PLAN.query
    assert made.hear(ECHO + b"o", 0.31) is None
    assert made.ask(0.5) == PLAN.query * 2
    assert made.hear(ECHO + b"on" + ECHO, 0.51) is None  # nothing between them
    assert made.hear(b"of", 0.51) == (False, 0.5)
    assert made.hear(ECHO + b"on", 0.52) is None  # the first after all
    assert made.ask(0.6) == PLAN.query
    assert made.hear(ECHO + b"on", 0.61) == (True, 0.6)


@raises_nothing
def test_answers_may_be_torn_anywhere() -> None:
    made = Asking(PLAN)
    assert [made.ask(t_s) for t_s in (0.0, 0.2, 0.4)][-1] == PLAN.query * 4
    assert made.hear(ECHO + b"on\n\r>" + ECHO + b"off\n\r>" + ECHO[:5], 0.41) is None
    assert made.hear(ECHO[5:] + b"on\n\r>" + ECHO, 0.42) is None
    assert made.hear(b"o", 0.43) is None
    assert made.hear(b"ff\n\r>", 0.44) == (False, 0.4)


class Channel:
    """A line whose answers come ``delay_s(n)`` after the n-th question, in order, or never; each bears its question's
    time as its byte, so that a test knows what the watchdog cannot."""

    def __init__(self, delay_s: Callable[[int], float | None]) -> None:
        self._delay_s = delay_s
        self.asked: list[float] = []
        self._due: list[tuple[float, int]] = []

    def write(self, data: bytes, now_s: float) -> None:
        for _ in range(data.count(QUERY)):
            delay_s, number = self._delay_s(len(self.asked)), len(self.asked)
            self.asked.append(now_s)
            if delay_s is not None:
                before_s = self._due[-1][0] if self._due else 0.0
                self._due.append((max(now_s + delay_s, before_s), number))

    def answers(self, now_s: float) -> list[tuple[float, int]]:
        """(when, to which question) of those that came until now."""
        come = [item for item in self._due if item[0] <= now_s]
        self._due = self._due[len(come) :]
        return come


def believed(channel: Channel, steps: int) -> list[tuple[float, float, float]]:
    """(now, the date that an answer was given, the date of its question) of each answer, asking every 0.1 s."""
    made, found = Asking(RELAY), []
    for step in range(steps):
        now_s = 0.1 * step
        for t_s, number in channel.answers(now_s):
            heard = made.hear(CLOSED, t_s)
            if heard is not None:
                found.append((t_s, heard[1], channel.asked[number]))
        channel.write(made.ask(now_s), now_s)
    return found


@given(
    delay_s=st.floats(0.0, 2.8),
    lost=st.sets(st.integers(0, 60)),
    jitter=st.lists(st.floats(0.0, 0.14), min_size=1, max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_no_answer_is_dated_later_than_its_question(delay_s: float, lost: set[int], jitter: list[float]) -> None:
    def delay(number: int) -> float | None:
        return None if number in lost else delay_s + jitter[number % len(jitter)]

    for _, dated_s, asked_s in believed(Channel(delay), 150):
        assert dated_s <= asked_s


@given(lost=st.integers(0, 40), delay_s=st.floats(0.001, 0.09))
def test_one_lost_answer_in_a_while_makes_the_line_no_older_than_it_may_be(lost: int, delay_s: float) -> None:
    found = believed(Channel(lambda number: None if number == lost else delay_s), 60)
    assert found[0][0] <= 0.3
    ages = [later[0] - earlier[1] for earlier, later in itertools.pairwise(found)]
    assert max(ages) < 0.45  # 0.5 s is too old


def oldest_s(delay_s: Callable[[int], float | None]) -> float:
    """How old the last word ever was in 30 s."""
    found = believed(Channel(delay_s), 300)
    return max(later[0] - earlier[1] for earlier, later in itertools.pairwise(found))


@given(first=st.integers(2, 40), apart=st.integers(4, 100), late_s=st.floats(0.0, 0.35), delay_s=st.floats(0.001, 0.04))
@settings(deadline=None)
def test_late_answers_up_to_0_35_s_one_at_a_time_are_borne_for_ever(
    first: int, apart: int, late_s: float, delay_s: float
) -> None:
    oldest = oldest_s(lambda n: delay_s + late_s * (n >= first and (n - first) % apart == 0))
    assert oldest <= max(0.1 + late_s, 0.3) + delay_s + 1e-6  # 0.49 s at most; 0.5 s is too old


@pytest.mark.parametrize(
    ("late_s", "oldest"),
    [(0.0, 0.12), (0.1, 0.22), (0.14, 0.26), (0.2, 0.32), (0.3, 0.42), (0.37, 0.49), (0.4, 0.52), (0.5, 0.62)],
)
def test_the_word_before_a_late_answer_is_0_1_s_older_than_that(late_s: float, oldest: float) -> None:
    assert oldest_s(lambda n: 0.02 + late_s * (n == 20)) == pytest.approx(oldest, abs=0.002)


@pytest.mark.parametrize("late_s", [0.6, 0.8, 1.5, 2.8])
def test_one_that_is_later_than_three_questions_leaves_the_line_alone(late_s: float) -> None:
    assert oldest_s(lambda n: 0.02 + late_s * (n == 20)) > 3.0


@pytest.mark.parametrize(("second_s", "oldest"), [(0.15, 0.47), (0.3, 0.62)])
def test_of_two_late_answers_in_a_row_the_second_may_be_half_as_late(second_s: float, oldest: float) -> None:
    late_s = {20: 0.3, 21: second_s}
    assert oldest_s(lambda n: 0.02 + late_s.get(n, 0.0)) == pytest.approx(oldest, abs=0.002)


@pytest.mark.parametrize("delay_s", [0.21, 0.25, 0.3, 0.35, 0.45, 0.5, 1.0, 2.0])
def test_a_line_that_is_always_late_is_never_believed(delay_s: float) -> None:
    assert believed(Channel(lambda number: delay_s), 300) == []


@pytest.mark.virtual
async def test_a_line_that_begins_to_answer_0_3_s_late_is_unknown_when_its_last_word_is_half_a_second_old() -> None:
    loop = asyncio.get_running_loop()
    states: list[tuple[float, bool | None]] = []

    def write(data: bytes) -> None:
        for _ in range(data.count(QUERY)):
            loop.call_later(0.3 if loop.time() > 1.5 else 0.003, watchdog.feed_enable, CLOSED)

    watchdog = InProcessWatchdog(write_off=lambda *_: None, write_enable=write, on_cut=lambda trip: None)
    await watchdog.hello(hello())
    for seq in range(60):
        await asyncio.sleep(0.05)
        watchdog.beat(**{**FIRE, "progress": (seq + 1, seq + 1)})
        assert watchdog.status is not None
        states.append((loop.time(), watchdog.status.enable_closed))
    assert {told for t_s, told in states if 0.1 < t_s < 1.85} == {True}
    assert {told for t_s, told in states if t_s > 2.01} == {None}
    watchdog.close()
