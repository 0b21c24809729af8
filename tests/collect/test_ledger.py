"""The collector's bookkeeping: what is here, what is missing, what is asked for; its journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.collect.asking import Asking
from controller.collect.config import Patience
from controller.collect.journal import Arrived, Journal, JournalError
from controller.collect.ledger import Ledger, Ranges
from controller.collect.wire import Refused, Told, read
from tests.collect.bench import SESSION, batch, closed, meta

BENCH = ("lab", "b1")


def arrived(data: dict[str, Any]) -> Arrived:
    return Arrived("lab", "b1", data["session"], json.dumps(data).encode(), data)


def ledger(*batches: int, end: int | None = None) -> Ledger:
    made = Ledger(*BENCH, SESSION)
    for n in batches:
        for part in batch(n):
            made.take(part)
    if end is not None:
        made.take(closed(end))
    return made


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=20), st.integers(0, 70))
def test_ranges_are_a_set(pieces: list[tuple[int, int]], newest: int) -> None:
    ranges, there = Ranges(), set[int]()
    for first, length in pieces:
        ranges.add(first, first + length)
        there |= set(range(first, first + length + 1))
    assert len(ranges) == len(there)
    assert {n for n in range(80) if n in ranges} == there
    gaps = {n for first, last in ranges.gaps(newest) for n in range(first, last + 1)}
    assert gaps == set(range(newest + 1)) - there
    assert all(a[1] + 1 < b[0] for a, b in zip(ranges.ranges, ranges.ranges[1:], strict=False))


def test_a_batch_is_here_when_all_its_parts_are() -> None:
    made = Ledger(*BENCH, SESSION)
    first, second, event = batch(0)
    assert made.take(second)
    assert made.missing() == [(0, 0)]
    assert made.take(first)
    assert not made.take(first)
    assert made.take(event)
    assert made.missing() == []
    assert not made.take(event)
    assert made.duplicates == 2
    assert (made.ticks, made.first_tick, made.last_tick, made.events) == (8, 0, 7, 1)


def test_a_session_is_complete_when_nothing_is_missing_up_to_its_end() -> None:
    made = ledger(0, 1, 3, end=4)
    assert made.missing() == [(2, 2)]
    assert not made.settled
    for part in batch(2, request="r"):
        made.take(part)
    assert made.settled
    assert made.verdict() == "complete"
    assert made.backfilled == 3
    assert Ledger.of(json.loads(json.dumps(made.as_dict()))) == made


def test_what_cannot_be_had_is_said() -> None:
    made = ledger(0, 3, end=4)
    made.give_up(0, 9, "too old")
    assert made.settled
    assert made.verdict() == "2 batches are lost: too old"
    for part in batch(1):  # it comes after all
        assert made.take(part)
    assert made.verdict() == "1 batches are lost: too old"
    made = ledger(0, end=1)
    made.take(closed(1, "cd" * 32))
    assert made.verdict() == "its end came twice with different chain heads: its file was changed in between"
    made = ledger(0, end=1)
    made.ticks -= 1
    assert made.verdict() == "7 ticks came, their numbers say 8"


def online(asking: Asking, made: Ledger, newest: int | None = None, session: str | None = SESSION) -> None:
    data = {"state": "online", "session": session, "acknowledged_batch": newest}
    asking.status(BENCH, data, {SESSION: made})


def test_a_gap_is_asked_for_once_and_not_at_once() -> None:
    asking, made = Asking(Patience(gap_s=2, answer_s=30), "me", lambda: "r1"), ledger(0, 3)
    assert asking.next([made], 0.0) == []  # nobody is there
    online(asking, made)
    assert asking.next([made], 1.9) == []  # it may be on its way
    ((bench, body),) = asking.next([made], 2.0)
    assert bench == BENCH
    assert body == {
        "schema": "abl/backfill/1", "request": "r1", "session": SESSION, "first_batch": 1, "last_batch": 2,
        "reply_to": "me",
    }  # fmt: skip
    assert asking.next([made], 31.9) == []
    assert len(asking.next([made], 32.0)) == 1  # no answer: again
    assert asking.next([made], 91.9) == []  # and then less often
    assert len(asking.next([made], 92.0)) == 1


def test_a_heartbeat_names_what_has_not_come() -> None:
    asking, made = Asking(Patience(gap_s=1, batches=3), "me"), ledger(0)
    assert asking.status(BENCH, {"state": "online", "session": SESSION, "acknowledged_batch": 9}, {}) is not None
    online(asking, made, newest=9)
    assert made.newest == 9
    asking.next([made], 0.0)
    ((_, body),) = asking.next([made], 1.0)
    assert (body["first_batch"], body["last_batch"]) == (1, 3)  # in pieces


def test_answers() -> None:
    ids = iter(f"r{i}" for i in range(100))
    asking, made = Asking(Patience(gap_s=0.05, tries=2, batches=8), "me", lambda: next(ids)), ledger(0, 9)
    ledgers = {SESSION: made}
    online(asking, made)
    asking.next([made], 0.0)
    asking.next([made], 1.0)
    assert asking.done(BENCH, {"request": "old", "refused": None}, ledgers) is None
    asking.done(BENCH, {"request": "r0", "refused": "too large"}, ledgers)
    ((_, body),) = asking.next([made], 2.0)
    assert (body["first_batch"], body["last_batch"]) == (1, 4)  # half as many
    asking.done(BENCH, {"request": "r1", "refused": None}, ledgers)  # but nothing came
    asking.next([made], 3.0)
    assert asking.done(BENCH, {"request": "r2", "refused": None}, ledgers) is made
    assert made.lost == {"1-4": "the bench says that it has sent them, but they do not come"}
    asking.next([made], 4.0)
    asking.next([made], 5.0)
    asking.done(BENCH, {"request": "r3", "refused": "too old"}, ledgers)
    assert made.lost["5-8"] == "the bench refused to send them again: too old"
    assert made.settled


def test_the_end_of_a_session_that_is_over_is_asked_for() -> None:
    asking, made = Asking(Patience(gap_s=1), "me", lambda: "r"), ledger(0)
    online(asking, made)
    asking.next([made], 0.0)
    assert asking.next([made], 5.0) == []  # it is being recorded: more will come by itself
    online(asking, made, session=None)
    ((_, body),) = asking.next([made], 6.0)
    assert body["first_batch"] == 1
    assert asking.done(BENCH, {"request": "r", "refused": None}, {SESSION: made}) is made
    assert made.verdict() == "complete as far as it was recorded: its writer did not end it"


def test_an_announced_session_that_nobody_heard_of_is_asked_for() -> None:
    asking, here = Asking(Patience(gap_s=1), "me", lambda: "r"), ledger(0, end=1)
    told = {"sessions": [
        {"session": SESSION, "utc": "", "last_batch": 1, "closed": True},
        {"session": "01AWAY", "utc": "", "last_batch": 7, "closed": True},
        {"session": "01OTHERS", "utc": "", "last_batch": 7, "closed": True},
    ]}  # fmt: skip
    ledgers = {SESSION: here, "01OTHERS": Ledger("lab", "b2", "01OTHERS")}
    (away,) = asking.sessions(BENCH, told, ledgers)
    assert (away.session, away.missing()) == ("01AWAY", [(0, 7)])
    ledgers["01AWAY"] = away
    assert asking.sessions(BENCH, told, ledgers) == []
    online(asking, here, session=None)
    asking.next([away], 0.0)
    ((_, body),) = asking.next([away], 1.0)
    assert (body["session"], body["first_batch"], body["last_batch"]) == ("01AWAY", 0, 7)
    asking.done(BENCH, {"request": "r", "refused": "too old"}, ledgers)
    assert asking.sessions(BENCH, told, ledgers) == []  # it was given up


@pytest.mark.parametrize("one", [{"session": "a/b", "last_batch": 1}, {"session": "a", "last_batch": -1}, {}, "x"])
def test_an_announcement_that_is_none(one: object) -> None:
    body = {"schema": "abl/sessions/1", "sessions": [one]}
    with pytest.raises(Refused):
        read("abl/v1/lab/b1/sessions", json.dumps(body).encode())
    with pytest.raises(Refused):
        read("abl/v1/lab/b1/sessions", json.dumps({**body, "sessions": [one] * 1001}).encode())


def test_the_journal_remembers(tmp_path: Path) -> None:
    journal = Journal(tmp_path, ["a", "b"])
    with pytest.raises(JournalError, match=r"is another collector running with it\?"):
        Journal(tmp_path, ["a"])
    told = [arrived(meta()), *map(arrived, batch(0)), arrived(batch(0)[0])]
    assert journal.take(told) == [True, True, True, True, False]
    assert journal.waiting() == {"a": 4, "b": 4}
    first = journal.after("a", 3, whole=True)
    assert [kept.id for kept in first] == [1, 2, 3]
    journal.close()  # as if it had been killed here
    journal = Journal(tmp_path, ["a", "b"])
    assert journal.take([arrived(batch(0)[2]), *map(arrived, batch(2))]) == [False, True, True, True]
    assert journal.after("a", 100, whole=True) == first  # exactly the same again
    journal.moved("a", 3)
    assert [kept.id for kept in journal.after("a", 100)] == [4, 5, 6, 7]
    assert journal.ledgers[SESSION].missing() == [(1, 1)]
    journal.moved("b", 7)
    assert journal.waiting() == {"a": 4, "b": 0}
    assert [kept.id for kept in journal.after("b", 100)] == []
    journal.close()
    journal = Journal(tmp_path, ["b"])  # a sink that is gone holds nothing back
    journal.moved("b", 7)
    assert journal.size_mb() < 1
    journal.close()


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, ["a"])
    journal.take(map(arrived, batch(0)))
    journal._db.execute("PRAGMA max_page_count=8")
    with pytest.raises(JournalError, match=r"cannot be written \(.*full\)"):
        journal.take([arrived(one) for n in range(1, 200) for one in batch(n)])
    assert journal.ledgers[SESSION] == ledger(0)
    journal._db.execute("PRAGMA max_page_count=100000")
    assert all(journal.take(map(arrived, batch(1))))
    journal.close()


def spoiled(**change: Any) -> bytes:
    return json.dumps({**batch(0)[0], **change}).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"hello",
        b"[1]",
        b"{}",
        b'{"schema": "abl/unknown/9", "session": "x"}',
        spoiled(session="another"),
        spoiled(batch=-1),
        spoiled(part=3),
        spoiled(n=5),
        spoiled(utc0="yesterday"),
        spoiled(t_s=[0.0, 1e300, 0.0, 0.0]),
        spoiled(epoch=[1.5] * 4),
        spoiled(channels={"x": {"t_s": [0.0], "value": [], "quality": []}}),
        spoiled(channels={"x": {"t_s": [0.0], "value": [1.0], "quality": ["good"]}}),
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused):
        read(f"abl/v1/lab/b1/session/{SESSION}/samples", payload)


def test_messages_are_taken_apart() -> None:
    newer = json.dumps({**batch(0)[0], "something_new": 1}).encode()
    told = read(f"abl/v1/lab/b1/session/{SESSION}/samples", newer)
    assert isinstance(told, Arrived)
    assert told[:3] == ("lab", "b1", SESSION)
    assert read(f"abl/v1/lab/b1/session/{SESSION}/meta", b"") is None
    status = read("abl/v1/lab/b1/status", b'{"schema": "abl/status/1", "state": "online"}')
    assert status == Told("lab", "b1", "status", {"schema": "abl/status/1", "state": "online"})
    with pytest.raises(Refused, match="none of ours"):
        read("other/b1", b"{}")
