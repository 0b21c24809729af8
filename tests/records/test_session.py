"""Recorder: what goes in comes out, at no cost to the caller, and troubles are said."""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from controller.records.ids import new_session_id, seeded_id, session_path
from controller.records.reader import find_sessions, open_session
from controller.records.session import Recorder, RecordError, TickRow
from controller.records.verify import verify
from safety.types import Sample
from tests.records.recording import CHANNELS, HEADER, UTC, row, write


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    path = write(tmp_path, ticks=3).path
    assert path.relative_to(tmp_path).as_posix() == f"2026/11/22/20261122T042500Z_cooled-rf_{'0' * 26}.ablate"
    with open_session(path) as session:
        assert session.header["bench"] == "cooled-rf"
        assert session.header["simulated"] is True
        assert session.header["utc"] == UTC
        assert session.closed
        assert session.summary == {"result": "completed", "energy_j": 300.0}
        assert [c.unit for c in session.channels.values()] == ["W", "degC"]
        tip = session.series("tc.tip_c")
        assert tip.value.tolist() == [20.0, 21.0, 22.0]
        assert tip.t_s.tolist() == pytest.approx([-0.02, 0.03, 0.08])
        assert tip.quality.tolist() == [2, 2, 2]
        ticks = session.ticks()
        assert ticks.seq.tolist() == [0, 1, 2]
        assert ticks.state == ["FIRING"] * 3
        assert ticks.permit_w.tolist() == [200.0] * 3
        assert ticks.energy_j.tolist() == pytest.approx([0.0, 1.5, 3.0])
        assert session.laws()[0] == (0.0, {"phase": "ramp"})
        assert [(e.seq, e.kind) for e in session.events()] == [(1, "state"), (2, "trip")]
        assert session.events()[1].data == {"monitor": "range", "value": None}
        picture = session.arrays("picture")
        assert picture["temperature_c"].tolist() == [[37.0], [99.5]]
        assert session.arrays("nothing") == {}


def test_a_closed_session_is_one_clean_file(tmp_path: Path) -> None:
    path = write(tmp_path).path
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert db.execute("PRAGMA application_id").fetchone() == (0x41424C54,)
    db.close()


def test_numbers_that_are_none(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    samples = [
        Sample("gen.power_w", math.nan, math.nan),
        Sample("gen.power_w", -0.0, 0.1),
        Sample("new.flow_ml_min", math.inf, 0),
    ]
    recorder.tick(
        TickRow(0, 0.0, "SAFE", math.nan, -0.0, math.inf, 0, samples, {"z": math.nan, "n": [math.inf]}, -math.nan)
    )
    recorder.close()
    assert verify(recorder.path).ok
    with open_session(recorder.path) as session:
        power = session.series("gen.power_w")
        assert math.isnan(power.value[0])
        assert math.isnan(power.t_s[0])
        assert math.copysign(1, power.value[1]) == 1
        assert session.series("new.flow_ml_min").value.tolist() == [math.inf]
        assert session.channels["new.flow_ml_min"].unit == "ml/min"
        assert np.isnan(session.ticks().demand_w[0])
        assert session.laws() == [(0.0, {"z": None, "n": [None]})]


def test_one_seed_gives_one_chain(tmp_path: Path) -> None:
    first, second = write(tmp_path, ticks=500), write(tmp_path, ticks=500)
    other = write(tmp_path, ticks=500, seed=2)
    assert first.path != second.path
    heads = [verify(r.path).head for r in (first, second, other)]
    assert heads[0] == heads[1]
    assert heads[0] != heads[2]


def test_inline_commits_by_virtual_time_and_at_events_of_weight(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    for seq in range(100):  # up to t = 4.95 s
        recorder.tick(row(seq))
    assert recorder.head == 0
    recorder.tick(row(100))
    assert recorder.head == 1
    recorder.tick(row(101))
    recorder.event(5.1, "note")
    assert recorder.head == 1
    recorder.event(5.1, "trip")
    assert recorder.head == 2
    assert recorder.status().t_durable_s == pytest.approx(5.05)
    assert recorder.status().healthy
    recorder.close()


@pytest.mark.parametrize(("threaded", "full"), [(True, 2), (False, 0)])
def test_only_a_live_record_waits_for_the_disk_at_each_commit(tmp_path: Path, threaded: bool, full: int) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=threaded)
    assert recorder._store._db.execute("PRAGMA synchronous").fetchone() == (full,)
    recorder.tick(row(0))
    recorder.close({"result": "completed"})
    assert [path.name for path in recorder.path.parent.iterdir()] == [recorder.path.name]


def test_the_owner_thread_makes_ticks_durable(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, t_s=7.0)
    assert recorder.status() == (7.0, True, "")
    recorder.tick(TickRow(0, 7.5, "SAFE", 0, 0, 0, 0))
    until = time.monotonic() + 5
    while recorder.status().t_durable_s < 7.5 and time.monotonic() < until:
        time.sleep(0.005)
    assert recorder.status() == (7.5, True, "")
    with open_session(recorder.path) as session:  # while it is being written
        assert not session.closed
        assert session.ticks().t_s.tolist() == [7.5]
    recorder.tick(TickRow(1, 7.55, "SAFE", 0, 0, 0, 0))
    recorder.close({"result": "completed"})
    recorder.close()
    result = verify(recorder.path)
    assert (result.ok, result.closed, result.ticks, result.t_durable_s) == (True, True, 2, 7.55)


def test_a_cursor_moves_even_after_the_end(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS)
    recorder.tick(row(0))
    recorder.finish({"result": "completed"})
    assert verify(recorder.path).closed
    recorder.cursor("mqtt", recorder.head)
    recorder.close()
    db = sqlite3.connect(recorder.path)
    assert db.execute("SELECT name, batch FROM cursor").fetchall() == [("mqtt", 2)]
    db.close()
    assert verify(recorder.path).ok


def test_a_reader_that_stays_costs_nothing_but_the_log_beside_it(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS)
    recorder.tick(row(0))
    with open_session(recorder.path) as session:
        recorder.close()
        assert session.summary == {}
    assert verify(recorder.path).ok
    assert verify(recorder.path).ticks == 1


class Sick:
    """A store whose disk fails on demand."""

    def __init__(self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.delay_s = 0.0
        write = recorder._store.write

        def failing(*args: object) -> None:
            time.sleep(self.delay_s)
            if self.error is not None:
                raise self.error
            write(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(recorder._store, "write", failing)


def wait_for(recorder: Recorder, healthy: bool) -> str:
    until = time.monotonic() + 5
    while recorder.status().healthy is not healthy:
        assert time.monotonic() < until
        time.sleep(0.005)
    return recorder.status().text


def test_a_full_disk_is_said_and_nothing_is_lost_when_it_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS)
    disk = Sick(recorder, monkeypatch)
    disk.error = sqlite3.OperationalError("database or disk is full")
    recorder.tick(row(0))
    assert wait_for(recorder, False) == "the session file cannot be written (database or disk is full)"
    assert recorder.status().t_durable_s == 0.0
    recorder.tick(row(1))
    disk.error = None
    wait_for(recorder, True)
    recorder.close()
    result = verify(recorder.path)
    assert result.ok
    assert result.ticks == 2


def test_a_real_refusal_rolls_back_whole(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    recorder._store._db.execute("PRAGMA max_page_count=20")
    for seq in range(2000):
        recorder.tick(row(seq))
    assert recorder.status().text == "the session file cannot be written (database or disk is full)"
    assert verify(recorder.path).ok
    recorder._store._db.execute("PRAGMA max_page_count=100000")
    recorder.close()
    assert verify(recorder.path).ok
    assert verify(recorder.path).ticks == 2000


def test_a_slow_disk_is_unhealthy_while_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS)
    disk = Sick(recorder, monkeypatch)
    disk.delay_s = 0.5
    recorder.tick(row(0))
    assert wait_for(recorder, False).startswith("the disk has not answered for 0.")
    disk.delay_s = 0.0
    until = time.monotonic() + 5
    while not recorder.status().text.startswith("the disk took 0.") and time.monotonic() < until:
        time.sleep(0.005)
    assert recorder.status().text.endswith("to keep the record (at most 0.25 s)")
    recorder.close()


def test_little_space_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="only 312 MB are free, 500 MB are needed to begin a session") as caught:
        Recorder.create(tmp_path, HEADER, CHANNELS, free=lambda _: 312_000_000)
    assert caught.value.remedy == "free some space or set records.folder to another disk"
    assert find_sessions(tmp_path) == []


def test_space_that_runs_out_is_unhealthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.records.session.SPACE_CHECK_S", 0.0)
    space = [600_000_000]
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, free=lambda _: space[0])
    recorder.tick(row(0))
    assert recorder.status().healthy
    space[0] = 99_000_000
    assert wait_for(recorder, False).startswith("only 99 MB are free on the disk of ")
    recorder.close()


def test_a_folder_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file")
    with pytest.raises(RecordError, match=r"session files cannot be written here \(.*\); check records.folder"):
        Recorder.create(tmp_path / "sessions", HEADER, CHANNELS)


def test_rows_that_no_disk_takes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.records.session.MAX_WAITING", 10)
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    disk = Sick(recorder, monkeypatch)
    disk.error = sqlite3.OperationalError("disk I/O error")
    for seq in range(12):
        recorder.tick(row(seq))
    assert recorder.status().text == "2 ticks could not be kept: the disk has refused them for too long"
    disk.error = None
    recorder.close({"result": "tripped"})
    with open_session(recorder.path) as session:
        assert session.summary == {"result": "tripped", "rows_lost": 2}


def test_finish_that_the_disk_refuses_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS)
    disk = Sick(recorder, monkeypatch)
    disk.error = sqlite3.OperationalError("disk I/O error")
    recorder.tick(row(0))
    with pytest.raises(RecordError, match=r"cannot be written \(disk I/O error\)"):
        recorder.close(timeout_s=0.3)
    assert verify(recorder.path).ok


def test_ids() -> None:
    assert new_session_id("2026-11-22T04:25:00Z")[:10] == "01M80R04B0"
    assert new_session_id(UTC) != new_session_id(UTC)
    assert seeded_id(1, UTC) == seeded_id(1, UTC)
    assert seeded_id(1, UTC) != seeded_id(2, UTC)
    assert new_session_id("2026-11-22T04:25:00Z") < new_session_id("2026-11-22T04:25:01Z")
    hostile = session_path(Path("/s"), UTC, "../../etc/päss wd", "ID")
    assert hostile.as_posix() == "/s/2026/11/22/20261122T042500Z_etc-p-ss-wd_ID.ablate"
