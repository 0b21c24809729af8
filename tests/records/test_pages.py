"""Samples from a file's pages are those that SQLite has, whatever they are; where they cannot be, it is asked."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.records import pages, stretch
from controller.records.opening import connect
from controller.records.samples import PACKED, asked, packed
from controller.records.schema import create
from controller.records.verify import verify
from tests.records.recording import write

WHOLE = st.one_of(st.sampled_from([0, 1, 2, 127, 128, 2**15, 2**23, 2**31, 2**47]), st.integers(-(2**53), 2**53))
NUMBER = st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**53), 2**53).map(float))
ROW = st.tuples(WHOLE, WHOLE, NUMBER, NUMBER, WHOLE)
Rows = list[tuple[int, int, float | None, float | None, int]]


def session(folder: Path, rows: Rows, first: int = 1, size: int = 512) -> Path:
    """A closed file with these samples; small pages make a deep tree of few."""
    path = folder / "s.db"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA page_size={size}")
        db.execute(create("samples"))
        numbered = [(first + i, *row) for i, row in enumerate(rows)]
        db.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", numbered)
    return path


def read(path: Path, after: int, last: int) -> Any:
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = pages.samples(db, after, last, PACKED)
        assert found is None or found.tobytes() == asked(db, after, last).tobytes()
    return found


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=60), st.integers(0, 70), st.integers(0, 70), st.sampled_from([1, 120, 16380, 2**40]))
def test_any_numbers(rows: Rows, after: int, many: int, first: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = session(Path(folder), rows, first)
        found = read(path, first - 1 + after, first - 1 + after + many)
        assert found is not None or after >= len(rows)


def test_a_deep_tree_from_any_place_to_any_other(tmp_path: Path) -> None:
    rows: Rows = [(i // 20, i % 20, i / 3, -i / 7, 0) for i in range(20_000)]
    path = session(tmp_path, rows)
    for after, last in ((0, 20_000), (0, 1), (19_999, 20_000), (0, 10**9), (7_000, 7_001), (1_234, 18_765)):
        assert len(read(path, after, last)) == min(last, 20_000) - after
    whole = read(path, 0, 20_000)
    assert whole["tick"].tolist()[19_980:19_983] == [999, 999, 999]
    assert whole["t_s"][3] == 1.0
    assert whole["value"][7] == -1.0
    assert whole["id"].tolist() == list(range(1, 20_001))


def test_one_not_a_number_of_all(tmp_path: Path) -> None:
    path = session(tmp_path, [(1, 1, None, 2.0, 0), (1, 1, 0.5, None, 0)])
    found = read(path, 0, 2)
    assert math.isnan(found["t_s"][0])
    assert math.isnan(found["value"][1])
    assert found["value"].tobytes()[8:] == np.array([math.nan]).tobytes()


def test_who_is_asked_where_the_pages_will_not_do(tmp_path: Path) -> None:
    path = session(tmp_path, [(1, 1, 0.5, 2.0, 0), (2, 1, 0.5, 2.5, 0), (3, 1, 0.5, 3.5, 0)])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM samples WHERE id=2")  # not in the file yet
        assert pages.samples(db, 0, 3, PACKED) is None
        assert packed(db, 0, 3)["value"].tolist() == [2.0, 3.5]
        db.commit()
        db.execute("PRAGMA journal_mode=WAL")
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert pages.samples(db, 0, 3, PACKED) is None
        assert packed(db, 0, 3)["value"].tolist() == [2.0, 3.5]
        db.execute("PRAGMA journal_mode=DELETE")
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = pages.samples(db, 0, 3, PACKED)
        assert found is not None
        assert found["value"].tolist() == [2.0, 3.5]
        memory = sqlite3.connect(":memory:")
        db.backup(memory)
        assert pages.samples(memory, 0, 3, PACKED) is None
        memory.close()


@pytest.mark.parametrize(
    ("at", "byte"),
    [
        (0, 2), (0, 5), (4, 200), (8, 0xFF), (-1, 0x80),  # kind of page, number of rows, place of a row, its length
    ],
)  # fmt: skip
def test_a_damaged_page_is_no_answer_or_another_one(tmp_path: Path, at: int, byte: int) -> None:
    path = session(tmp_path, [(1, 1, 0.5, 2.0, 0)] * 5)
    data = bytearray(path.read_bytes())
    where = 512 + (at if at >= 0 else int.from_bytes(data[512 + 8 : 512 + 10]))
    data[where] = byte
    path.write_bytes(data)
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = pages.samples(db, 0, 5, PACKED)
        assert found is None or len(found) != 5


@pytest.mark.parametrize("child", [0, 2, 3, 2**31])
def test_pages_in_a_circle_or_that_are_not_there(tmp_path: Path, child: int) -> None:
    path = session(tmp_path, [(i, 1, 0.5, 2.0, 0) for i in range(1000)])
    data = bytearray(path.read_bytes())
    assert data[512] == pages.INTERIOR
    for i in range(int.from_bytes(data[512 + 3 : 512 + 5])):
        at = 512 + int.from_bytes(data[512 + 12 + 2 * i : 512 + 14 + 2 * i])
        data[at : at + 4] = child.to_bytes(4)
    path.write_bytes(data)
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = pages.samples(db, 0, 1000, PACKED)
        assert found is None or len(found) != 1000


def test_where_the_pages_are_read_wrongly_sqlite_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path).path
    assert verify(path).verdict == "recorded"

    def wrong(db: sqlite3.Connection, after: int, last: int, dtype: Any) -> Any:
        rows = asked(db, after, last)
        rows["value"] += 1.0
        asks.append(last)
        return rows

    asks: list[int] = []
    monkeypatch.setattr("controller.records.pages.samples", wrong)
    assert verify(path).verdict == "recorded"
    assert len(asks) >= 1
    with contextlib.closing(connect(path)) as db:
        assert not stretch.check(db, stretch.chain(db)).problems


def test_a_change_is_found_in_the_pages(tmp_path: Path) -> None:
    path = write(tmp_path).path
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE samples SET value = value + 1 WHERE id = 2")
    assert verify(path).verdict == "changed"
