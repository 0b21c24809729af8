"""``controller.records.open``: arrays, and frames of pandas and polars."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import controller.records
from controller.exports import reading
from controller.records.frames import read_samples
from controller.records.store import RecordError
from controller.records.tables import Missing, Words
from controller.records.verify import verify
from tests.exports.sessions import HOSTILE, POWER, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path)


def test_a_channel_is_three_arrays(path: Path) -> None:
    with controller.records.open(path) as session:
        tip = session["tc.tip_c"]
        assert tip.value.tolist() == [20.0, 21.0, 22.0, 99.25, 23.0]
        assert tip.quality.tolist() == [2, 2, 2, 1, 2]
        assert tip.t_s.tolist() == pytest.approx([9.98, 10.03, 10.08, 10.099, 10.13])
        assert np.array_equal(session["gen.power_w"].value, POWER, equal_nan=True)
        assert len(session["=gen.never_read_v"].value) == 0
        with pytest.raises(KeyError, match=r"'nothing': .* has no such channel; it has gen\.power_w, tc\.tip_c, rig"):
            session["nothing"]


def test_wide_is_one_row_for_each_tick(path: Path) -> None:
    with controller.records.open(path) as session:
        wide = session.wide()
    assert len(wide) == 5
    assert wide["tc.tip_c"].tolist()[:4] == [20.0, 21.0, 99.25, 23.0]  # the newest that tick 2 saw
    assert math.isnan(wide["tc.tip_c"][4])
    assert wide["quality"].tolist() == [2, 2, 2, 2, 0]
    assert wide["events"].tolist() == ["", "", f"state;{HOSTILE}", "", "trip"]
    assert [str(t) for t in wide["utc"][:2]] == ["2026-11-22T04:25:00.000000", "2026-11-22T04:25:00.050000"]
    assert wide["law"][0] == '{"phase":"=ramp"}'
    assert wide.units["tc.tip_c"] == "degC"
    assert wide.units["rig/a.flow_ml_min"] == "ml/min"
    assert wide.units["permit_w"] == "W"


def test_long_keeps_every_sample(path: Path) -> None:
    with controller.records.open(path) as session:
        long = session.long()
        assert len(long) == 14
        assert long["channel"][:3].tolist() == ["gen.power_w", "tc.tip_c", "rig/a.flow_ml_min"]
        assert long["tick"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4]
        assert session.channel_table()["low"].tolist()[0] == 0.0
        assert [picture.parts["r_mm"].tolist() for picture in session.pictures()] == [[0.5, 1.5]]


def test_pandas_and_polars_hold_the_same(path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    polars = pytest.importorskip("polars", reason="polars is not installed")
    with controller.records.open(path) as session:
        wide, long = session.wide(), session.long()
    frame, other = wide.pandas(), wide.polars()
    assert frame.attrs["units"]["gen.power_w"] == "W"
    assert frame.attrs["id"] == "0" * 26
    assert frame["utc"].iloc[1] == pandas.Timestamp("2026-11-22T04:25:00.050Z")
    assert frame["gen.power_w"].isna().tolist() == [False, True, False, False, False]
    assert frame.query("state == '=FIRING'")["seq"].tolist() == [0, 1, 2, 3, 4]
    assert other["gen.power_w"].to_list() == [30.0, None, 0.1, 1e-7, 12345678.901234567]
    assert other["utc"].dtype == polars.Datetime("us", "UTC")
    assert other["rig/a.flow_ml_min"].to_list() == [45.5, 45.5, 45.5, -math.inf, None]
    assert long.pandas()["channel"].value_counts()["tc.tip_c"] == 5
    assert long.polars().filter(polars.col("channel") == "tc.tip_c")["value"].max() == 99.25


def test_a_live_session_is_seen_as_it_was_when_it_was_opened(tmp_path: Path) -> None:
    path = write(tmp_path, close=False)
    with controller.records.open(path) as session:
        assert not session.closed
        assert len(session.wide()) == 5
        assert session.newest.kind == "rows"


def test_an_empty_session_has_empty_tables(tmp_path: Path) -> None:
    from controller.records.session import Recorder

    recorder = Recorder.create(tmp_path, {"bench": "b"}, [], threaded=False)
    recorder.event(0.0, "note")
    recorder.close()
    with controller.records.open(recorder.path) as session:
        tables = session.tables()
        assert {name: len(table) for name, table in tables.items()} == {
            "ticks": 0, "samples": 0, "events": 1, "channels": 0,
        }  # fmt: skip
        assert [len(block) for block in tables["ticks"].blocks(10)] == [0]


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file"):
        controller.records.open(tmp_path / "nothing.ablate")


def test_a_missing_library_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ImportError(name)

    with controller.records.open(path) as session:
        events = session.event_table()
    monkeypatch.setattr(importlib, "import_module", gone)
    with pytest.raises(Missing, match=r"pyarrow is needed .*: pip install 'openablate\[export\]'"):
        events.arrow()
    with pytest.raises(Missing, match=r"pandas is needed .*: pip install pandas"):
        events.pandas()


def test_pieces_are_the_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.records.verify.PIECE", 4)
    monkeypatch.setattr(reading, "PIECE_BYTES", 1)
    monkeypatch.setattr(reading, "MAX_PROCESSES", 2)
    monkeypatch.setattr(reading.os, "cpu_count", lambda: 2)
    whole = read_samples(path, 14)
    with reading.Cores() as cores:
        result = cores.begin(path)
        for column, expected in zip(cores.read(path, 14).columns, whole.columns, strict=True):
            assert column.tobytes() == expected.tobytes()
        assert result() == verify(path)
    assert len(read_samples(path, 10, 4)) == 6


def test_words_that_repeat() -> None:
    words = Words.of(["a", "b", "a"])
    assert words.names == ("a", "b")
    assert words.spelled().tolist() == ["a", "b", "a"]
