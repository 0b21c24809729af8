"""The reader of the hazard table, and the page that is written from it."""

from __future__ import annotations

import re

import pytest

from controller.hazards import IDS, Hazard, parse
from tests.safety.hazards_page import PAGE, TABLE, render

GOOD = """[[hazard]]
id = "H01"
title = "t"
kind = "interlock"
interlock = ["m: n"]
threshold = "1"
action = ["TRIP"]
alarm = "high"
latch = "latched"
injection = ["gen.ignore_off"]
proof = ["tests/a.py::test_b"]
"""


def others(*without: str) -> str:
    """Rows of all ids but H01 and ``without``."""
    left = [i for i in IDS[1:] if i not in without]
    plain = 'title = "t"\nkind = "open"\naction = []\nalarm = "none"\nlatch = "none"\nmissing = "all"\n'
    return "".join(f'[[hazard]]\nid = "{i}"\n{plain}' for i in left)


def test_a_table_is_read() -> None:
    rows = parse(GOOD + 'numbers = { "a.B" = [2, 3, 0.1] }\ntrips_within_s = 0.5\n' + others())
    assert [row.id for row in rows] == list(IDS)
    assert rows[0] == Hazard(
        "H01", "t", "interlock", ("TRIP",), "high", "latched", ("m: n",), "1", {"a.B": [2, 3, 0.1]}, 0.5,
        ("gen.ignore_off",), ("tests/a.py::test_b",), "", "", "",
    )  # fmt: skip
    assert (rows[81].missing, rows[81].trips_within_s) == ("all", None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "t"\n', "", "hazard H01: title is missing"),
        ('latch = "latched"\n', "", "hazard H01: latch is missing"),
        ('title = "t"', "titel = 1", "hazard H01: titel is unknown, or not of its type"),
        ('title = "t"', "title = 1", "hazard H01: title is unknown, or not of its type"),
        ('"gen.ignore_off"', '"gen.ignore_off"]\ntrips_within_s = ["1"', "trips_within_s is unknown, or not of its"),
        ('threshold = "1"', 'threshold = "1"\nnumbers = 1', "numbers is unknown, or not of its type"),
        ('["m: n"]', '"m: n"', "interlock is unknown, or not of its type"),
        ('"interlock"', '"interlok"', "kind is one of interlock, process, wiring, site, open; alarm of high, medium"),
        ('"high"', '"loud"', "alarm of high, medium, low, none; action some of INH, STOP, TRIP, LOCK"),
        ('["TRIP"]', '["TRIP", "BEEP"]', "action some of INH, STOP, TRIP, LOCK"),
        ('["TRIP"]', "[]", "hazard H01: interlock needs action"),
        ('["gen.ignore_off"]', "[]", "hazard H01: interlock needs injection"),
        ('proof = ["tests/a.py::test_b"]\n', "", "hazard H01: interlock needs proof"),
        ('["m: n"]', "[]", "hazard H01: interlock needs interlock"),
        ('threshold = "1"\n', "", "hazard H01: interlock needs threshold"),
        ('"interlock"', '"process"', "hazard H01: process needs reason"),
        ('"interlock"', '"wiring"', "hazard H01: wiring needs check"),
        ('"interlock"', '"site"\ncheck = "c"', "hazard H01: site needs reason"),
        ('"interlock"', '"open"', "hazard H01: open needs missing"),
        ('"latched"', '"none"', "hazard H01: latch is latched after TRIP"),
        ('["TRIP"]', '["TRIP", "LOCK"]', "hazard H01: latch is lockout after TRIP, LOCK"),
        ('["TRIP"]', '["INH", "STOP"]', "hazard H01: latch is none after INH, STOP"),
    ],
)
def test_a_row_that_cannot_be_is_named(old: str, new: str, says: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(GOOD.replace(old, new) + others())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + others("H07", "H81"), r"each once and in order; look at \['H07', 'H81'\]"),
        (GOOD + others() + GOOD, r"look at \['H01'\]"),
        (others() + GOOD, "look at their order"),
        (GOOD.replace("H01", "H99") + others(), r"look at \['H01', 'H99'\]"),
        ("", "look at"),
        ("[[hazard", "Expected"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_the_page_is_written_from_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render(parse(TABLE.read_text(encoding="utf-8"))), (
        "write it anew: python -m tests.safety.hazards_page"
    )
    assert all(page.count(f"\n| {i} |") == 1 for i in IDS)
