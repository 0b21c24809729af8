"""What a cut leaves on disk: the latch, the record, and failures to write them that stop nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.cutting import FRAME_OFF, OPENED, Clock, a_cut, made, record


@raises_nothing
def test_the_first_cause_stays_on_disk(tmp_path: Path, naps: list[float]) -> None:
    (tmp_path / "latch.json").write_text("older")
    made(tmp_path, [FRAME_OFF], []).cut(a_cut(), dict, lambda: False)
    assert (tmp_path / "latch.json").read_text() == "older"


@raises_nothing
def test_a_latch_that_cannot_be_rendered_is_a_lockout(
    tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from safety.latch import parse
    from safety.watchdog import cutoff

    def fails(*_: Any) -> str:
        raise ValueError("odd")

    monkeypatch.setattr(cutoff, "render", fails)
    made(tmp_path, [FRAME_OFF], []).cut(a_cut(), dict, lambda: False)
    assert (tmp_path / "latch.json").read_text() == "unreadable latch: no tick (ValueError('odd'))\n"
    assert parse((tmp_path / "latch.json").read_text(), "bench-a").lockout is True


@raises_nothing
def test_where_things_lie(tmp_path: Path) -> None:
    from safety.watchdog.cutoff import cuts_path, is_latched, latch_path

    assert (latch_path(tmp_path), cuts_path(tmp_path)) == (tmp_path / "latch.json", tmp_path / "cuts.jsonl")
    assert is_latched(tmp_path) is is_latched(tmp_path / "none") is False
    (tmp_path / "latch.json").write_text("")
    assert is_latched(tmp_path) is True
    assert is_latched(tmp_path / "latch.json") is False  # a file is no folder: there is no latch in it
    assert is_latched(tmp_path / ("x" * 5000)) is True  # cannot be looked into


@raises_nothing
def test_times_are_milliseconds(tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    cutoff = made(tmp_path, [], [])
    cutoff.enable, cutoff.sources = None, []
    monkeypatch.setattr("safety.watchdog.cutoff.time.monotonic", Clock(0.12345678).monotonic)
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    (told,) = record(tmp_path)
    steps = ("enable_open", "off_written", "daemon_gone", "off_written_again", "latched", "proven")
    assert told["timings_ms"] == {step: round(123.45678 * k, 3) for k, step in enumerate(steps, start=1)}
    assert told["t_mono_s"] == 100.123457


@raises_nothing
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, naps: list[float]) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    cutoff = made(folder / "below", [FRAME_OFF], [OPENED])
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    assert [text.partition(":")[0] for text in cutoff.problems] == ["latch", "record the cut"]


@raises_nothing
def test_a_record_makes_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lib" / "bench-a"
    made(folder, [], [OPENED])._record(a_cut(), 0.0, {}, {}, 1)
    assert record(folder)[0]["passes"] == 1


@raises_nothing
def test_what_is_written_is_on_disk_and_nothing_stays_open(
    tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr("safety.watchdog.cutoff.os.fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    cutoff = made(tmp_path, [FRAME_OFF], [OPENED])
    before = len(os.listdir("/proc/self/fd"))
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    assert len(os.listdir("/proc/self/fd")) == before
    names = [name.rpartition("/")[2] for name in synced]
    assert names == [f".latch.json.{os.getpid()}", tmp_path.name, "cuts.jsonl", tmp_path.name]
