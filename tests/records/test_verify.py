"""Nothing can be changed, taken out, added or moved unseen; a file that cannot be read says why."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from controller.records.reader import open_session
from controller.records.session import RecordError
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, row, write

TAMPERING = {
    "changed value": "UPDATE samples SET value = value + 1e-12 WHERE id = 101",
    "value made unknown": "UPDATE samples SET value = NULL WHERE id = 101",
    "changed quality": "UPDATE samples SET quality = 0 WHERE id = 102",
    "changed request time": "UPDATE samples SET t_request_s = 0.5 WHERE id = 101",
    "changed law": "UPDATE ticks SET law = '{}' WHERE seq = 7",
    "changed set-point": "UPDATE ticks SET setpoint_w = 1 WHERE seq = 7",
    "changed event": """UPDATE events SET data = '{"to":"SAFE"}' WHERE seq = 1""",
    "changed label": "UPDATE events SET utc = '2020-01-01T00:00:00Z' WHERE seq = 1",
    "changed header": "UPDATE header SET value = 'false' WHERE key = 'simulated'",
    "added header": "INSERT INTO header VALUES('note', '1')",
    "changed channel": "UPDATE channels SET unit = 'kW' WHERE id = 1",
    "changed summary": """UPDATE summary SET value = '"tripped"' WHERE key = 'result'""",
    "changed picture": "UPDATE arrays SET data = zeroblob(16) WHERE part = 'r_mm'",
    "missing sample": "DELETE FROM samples WHERE id = 50",
    "missing last sample": "DELETE FROM samples WHERE id = 400",
    "missing tick": "DELETE FROM ticks WHERE seq = 199",
    "missing event": "DELETE FROM events WHERE seq = 2",
    "missing batch": "DELETE FROM chain WHERE n = 1",
    "missing first batch": "DELETE FROM chain WHERE n = 0",
    "empty chain": "DELETE FROM chain",
    "missing end": "DELETE FROM chain WHERE kind = 'close'",
    "added sample": "INSERT INTO samples VALUES(401, 199, 1, 10.0, 5.0, 0)",
    "added tick before": "INSERT INTO ticks VALUES(-5, 0.0, 'SAFE', 0, 0, 0, 0, 0, '{}')",
    "added event": "INSERT INTO events VALUES(9, 0.0, '', 'note', '{}')",
    "swapped samples": "UPDATE samples SET value = 80 - value WHERE id IN (20, 40) OR id = 60",
    "moved tick": "UPDATE ticks SET seq = 1000 WHERE seq = 7",
    "changed time of a batch": "UPDATE chain SET t_s = 0 WHERE n = 2",
    "changed hash": "UPDATE chain SET hash = zeroblob(32) WHERE n = 2",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
def test_tampering_is_found(tmp_path: Path, statement: str) -> None:
    path = write(tmp_path).path
    assert verify(path).ok
    db = sqlite3.connect(path)
    assert db.execute(statement).rowcount > 0
    db.commit()
    db.close()
    result = verify(path)
    assert not result.ok
    assert result.text.startswith("NOT as recorded: ")


def test_reordered_samples_are_found(tmp_path: Path) -> None:
    path = write(tmp_path).path
    db = sqlite3.connect(path)
    for old, new in ((10, -1), (12, 10), (-1, 12)):
        db.execute("UPDATE samples SET id = ? WHERE id = ?", (new, old))
    db.commit()
    db.close()
    assert verify(path).problems == (
        "batch 2 (t = 0.00 to 5.00 s) was changed after it was recorded, or the one before it was",
    )


def test_the_damage_is_located(tmp_path: Path) -> None:
    path = write(tmp_path, ticks=1000).path
    db = sqlite3.connect(path)
    db.execute("UPDATE samples SET value = 0 WHERE tick = 300")
    db.commit()
    db.close()
    assert verify(path).problems == (
        "batch 4 (t = 10.00 to 15.00 s) was changed after it was recorded, or the one before it was",
    )


def test_any_flipped_bit_in_a_row_is_found(tmp_path: Path) -> None:
    """Bytes of the rows themselves: a marker value is found in the file, and one bit of it is flipped."""
    path = write(tmp_path, power_w=31.3125).path
    whole = path.read_bytes()
    needles = [b"\x40\x3f\x50\x00\x00\x00\x00\x00", b'{"phase":"ramp"}', b"FIRING"]  # 31.3125, a law, a state
    chance = random.Random(7)
    copy = tmp_path / "flipped.ablate"
    for trial in range(30):
        needle = needles[trial % 3]
        places = [i for i in range(len(whole)) if whole.startswith(needle, i)]
        place = chance.choice(places) + chance.randrange(len(needle))
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        with contextlib.suppress(RecordError):  # so damaged that it cannot even be opened: found as well
            assert not verify(copy).ok, f"byte {place}"


def test_what_is_no_session_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file"):
        verify(tmp_path / "none.ablate")
    (tmp_path / "empty.ablate").touch()
    with pytest.raises(RecordError, match="this is not a session file: it is empty"):
        verify(tmp_path / "empty.ablate")
    (tmp_path / "text.ablate").write_text("time,power\n" * 100)
    with pytest.raises(RecordError, match="this is not a session file, or it is damaged or cut short"):
        verify(tmp_path / "text.ablate")
    db = sqlite3.connect(tmp_path / "other.ablate")
    db.execute("CREATE TABLE header(key, value)")
    db.commit()
    db.close()
    with pytest.raises(RecordError, match="it was made by another program"):
        open_session(tmp_path / "other.ablate")


def test_a_newer_version_says_so(tmp_path: Path) -> None:
    path = write(tmp_path).path
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=3")
    db.close()
    with pytest.raises(RecordError, match="schema version 3, this program knows up to 2; open it with a newer version"):
        verify(path)


def test_a_file_cut_short_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, ticks=2000).path
    whole = path.read_bytes()
    for part in (10, 50, 90, 99):
        path.write_bytes(whole[: len(whole) * part // 100])
        with contextlib.suppress(RecordError):
            assert not verify(path).ok


def test_a_killed_session_in_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite cannot use the log there; it is read from a copy."""
    from controller.records import opening
    from controller.records.session import Recorder

    recorder = Recorder.create(tmp_path / "live", HEADER, CHANNELS, threaded=False)
    recorder.tick(row(0))
    recorder.event(0.0, "trip")
    left = tmp_path / "left.ablate"
    shutil.copyfile(recorder.path, left)
    shutil.copyfile(f"{recorder.path}-wal", f"{left}-wal")
    recorder.close()
    connect = opening._connect

    def no_room_here(path: Path) -> sqlite3.Connection:
        if path == left:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(path)

    monkeypatch.setattr(opening, "_connect", no_room_here)
    result = verify(left)
    assert (result.ok, result.closed, result.ticks, result.events) == (True, False, 1, 1)
    assert result.text.endswith("1 ticks, 2 samples, 1 events in 2 batches, newest tick at t = 0.000 s")
