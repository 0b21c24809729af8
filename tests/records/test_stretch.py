"""Stretches of the chain: read as arrays they hash as row by row, and each is judged apart from the others."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.records import stretch
from controller.records.opening import connect
from controller.records.samples import Samples, packed
from controller.records.schema import pack_samples
from controller.records.session import Recorder, TickRow
from controller.records.verify import verify
from safety.types import Quality, Sample
from tests.records.recording import CHANNELS, HEADER, write

VALUES = [0.1, math.nan, -0.0, 5e-324, -1.7e308, math.inf, -math.inf, 12345678.901234567, 2.0**60, -3.0]
COLUMNS = "id, tick, channel, t_request_s, value, quality"


def odd(folder: Path) -> Path:
    """A session of values that a careless reader would spoil."""
    recorder = Recorder.create(folder, HEADER, CHANNELS, threaded=False)
    for seq, value in enumerate(VALUES):
        samples = [Sample("gen.power_w", value, math.nan if seq == 3 else seq / 3, Quality.BAD), Sample("x", 1.0, 2.0)]
        recorder.tick(TickRow(2**40 + seq, seq * 0.1, "FIRING", 1.0, 2.0, 1.0, 3, samples))
        recorder.event(seq * 0.1, "state")  # commits
    recorder.close()
    return recorder.path


def test_arrays_hold_the_bytes_that_are_hashed(tmp_path: Path) -> None:
    path = odd(tmp_path)
    assert verify(path).verdict == "recorded"
    with contextlib.closing(sqlite3.connect(path)) as db:
        rows = db.execute(f"SELECT {COLUMNS} FROM samples ORDER BY id").fetchall()
        whole = packed(db, 0, len(rows))
        assert whole.tobytes() == pack_samples(rows)
        assert packed(db, 4, 9).tobytes() == pack_samples(rows[4:9])
        for column, values in zip(Samples.of(whole).columns, list(zip(*rows, strict=True))[1:], strict=True):
            np.testing.assert_array_equal(column, np.array(values, float))
        db.execute("DELETE FROM samples WHERE id IN (1, 7, 8)")
        left = db.execute(f"SELECT {COLUMNS} FROM samples ORDER BY id").fetchall()
        assert packed(db, 0, len(rows)).tobytes() == pack_samples(left)


@pytest.mark.parametrize(("samples", "batches"), [(1, 5000), (3, 5000), (10**9, 1), (10**9, 4), (10**9, 5000)])
def test_however_it_is_cut(tmp_path: Path, samples: int, batches: int) -> None:
    path = odd(tmp_path)
    with contextlib.closing(connect(path)) as db:
        links = stretch.chain(db)
        pieces = list(stretch.cut(links, samples, batches))
        assert [link for piece in pieces for link in piece[1:]] == links[1:]
        found = [stretch.check(db, piece) for piece in pieces]
    assert [problem for one in found for problem in one.problems] == []
    assert sum(one.counts["samples"] for one in found) == 2 * len(VALUES)
    assert sum(one.counts["events"] for one in found) == len(VALUES)


def test_a_change_is_found_in_its_batch_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = odd(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE samples SET quality = 0 WHERE id = 7")
        db.execute("UPDATE events SET kind = 'stat' WHERE seq = 9")
    whole = verify(path)
    assert [text.partition(" (")[0] for text in whole.problems] == ["batch 4", "batch 9"]
    monkeypatch.setattr("controller.records.verify.PIECE", 1)
    assert verify(path) == whole


def test_many_problems_are_not_all_told(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    for seq in range(60):
        recorder.event(seq * 0.1, "state")
    recorder.close()
    with contextlib.closing(sqlite3.connect(recorder.path)) as db, db:
        db.execute("UPDATE events SET kind = 'other'")
    problems = verify(recorder.path).problems
    assert len(problems) == stretch.MAX_PROBLEMS + 1
    assert problems[-1] == "there may be more; the check was ended here"


@pytest.mark.parametrize(
    ("column", "value"), [("quality", 2.0), ("quality", "2"), ("value", "21.0"), ("tick", 0.5), ("value", b"21")]
)
def test_another_type_is_a_change(tmp_path: Path, column: str, value: Any) -> None:
    """STRICT refuses it; who takes that away for a moment can write it, and the same number would hash the same."""
    path = write(tmp_path).path
    with contextlib.closing(sqlite3.connect(path)) as db:
        (strict,) = db.execute("SELECT sql FROM sqlite_schema WHERE name='samples'").fetchone()
        loose = strict.removesuffix(" STRICT")
        for name in ("tick INTEGER", "channel INTEGER", "t_request_s REAL", "value REAL", "quality INTEGER"):
            loose = loose.replace(name, name.split()[0])
        version = db.execute("PRAGMA schema_version").fetchone()[0]
        db.execute("PRAGMA writable_schema=ON")
        for sql in (loose, strict):
            db.execute("UPDATE sqlite_schema SET sql=? WHERE name='samples'", (sql,))
            version += 1
            db.execute(f"PRAGMA schema_version={version}")
            db.commit()
            if sql is loose:
                with contextlib.closing(sqlite3.connect(path)) as other, other:
                    other.execute(f"UPDATE samples SET {column}=? WHERE id=2", (value,))
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert type(db.execute(f"SELECT {column} FROM samples WHERE id=2").fetchone()[0]) is type(value)
    assert verify(path).verdict == "changed"
