"""The cut without a process: its order, its proofs, what it writes on disk, and failures that stop nothing."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import CLOSE, GEN, GET_STATUS, OPEN, QUERY, RELAY, RF_OFF, SET_0_W

FRAME_OFF = bytes.fromhex("2A 52 00 00 08 00 00 00 00 00 00 00 00 00 00")
FRAME_ON = bytes.fromhex("2A 52 00 00 08 00 03 00 00 00 00 00 00 00 00")


class Wire:
    """A line made of lists: ``answers`` are given after each question, None: nothing comes."""

    def __init__(self, log: list[Any], name: str, answers: list[bytes], fd: int | None = 3) -> None:
        self.log, self.name, self.answers, self.fd, self.error = log, name, answers, fd, ""
        self.waiting: list[bytes] = []
        self.opens, self.takes = True, True

    def open(self) -> bool:
        if self.fd is None and self.opens:
            self.log.append((self.name, "opened"))
            self.fd = 9
        return self.fd is not None

    def write(self, data: bytes, timeout_s: float, *, purge: bool = False) -> bool:
        self.log.append((self.name, data, timeout_s, purge))
        if data in (GET_STATUS, QUERY) and self.answers:
            self.waiting = [self.answers.pop(0)]
        return self.takes

    def read(self, timeout_s: float = 0.0) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""

    def drain(self) -> None:
        self.waiting = []


def a_cut() -> Any:
    from safety.watchdog.core import Cut

    return Cut("H24", "lease", "no tick", "the log", 0.3, 0.2)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept; nobody does."""
    from safety.watchdog import cutoff

    slept: list[float] = []
    monkeypatch.setattr(f"{cutoff.__name__}.time.sleep", slept.append)
    return slept


def made(folder: Path, gen: list[bytes], relay: list[bytes], fd: int | None = 3, plan: Any = GEN) -> Any:
    """A cutoff over a generator and a relay; its log is ``made.log``."""
    from safety.watchdog.cutoff import Cutoff, Source

    cutoff = Cutoff(folder, "bench-a")
    log: list[Any] = []
    source = Source(plan, None)
    source.line = Wire(log, "gen", gen, fd)  # type: ignore[assignment]
    cutoff.sources = [source]
    cutoff.enable = (RELAY, Wire(log, "line", relay))  # type: ignore[assignment]
    cutoff.log = log  # type: ignore[attr-defined]
    return cutoff


def record(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "cuts.jsonl").read_text().splitlines()]


CLOSED, OPENED = bytes((1, 0, 0, 0)), bytes(4)
WRITTEN = [("gen", bytes(9) + RF_OFF, True), ("gen", SET_0_W, False)]


@raises_nothing
def test_a_cut_in_its_order(tmp_path: Path, naps: list[float]) -> None:
    from safety.latch import parse

    folder = tmp_path / "new" / "state"
    cutoff = made(folder, [FRAME_OFF], [OPENED])

    def fence() -> dict[str, object]:
        cutoff.log.append("fence")
        return {"pid": 5}

    assert cutoff.cut(a_cut(), fence, lambda: False) is True
    acts = [entry if isinstance(entry, str) else (entry[0], entry[1], entry[3]) for entry in cutoff.log]
    assert acts == [
        ("line", OPEN, True), *WRITTEN, "fence", *WRITTEN, ("line", OPEN, True), ("gen", GET_STATUS, False),
        ("line", QUERY, False),
    ]  # fmt: skip
    times = [entry[2] for entry in cutoff.log if not isinstance(entry, str)]
    assert times == [0.02, 0.02, 0.02, 0.2, 0.2, 0.02, 0.2, 0.02]
    assert naps == [0.003, 0.003, 0.05]
    trip = parse((folder / "latch.json").read_text(), "bench-a")
    assert (trip.hazard, trip.monitor, trip.channel, trip.text, trip.lockout) == (
        "H24",
        "watchdog",
        "lease",
        "no tick",
        False,
    )
    (told,) = record(folder)
    assert trip.t_s == pytest.approx(told["t_mono_s"], abs=1e-5)
    timings = told.pop("timings_ms")
    steps = ["enable_open", "off_written", "daemon_gone", "off_written_again", "latched", "proven"]
    assert list(timings) == steps
    assert list(timings.values()) == sorted(timings.values())
    assert 0.0 <= timings["proven"] < 5000.0
    assert len(told.pop("utc")) == len("2026-11-22T14:00:00.000+00:00")
    told.pop("t_mono_s")
    assert told == {
        "what": "cut", "bench": "bench-a", "hazard": "H24", "rule": "lease", "reason": "no tick", "off_proven": True,
        "passes": 1, "devices": {"gen": {"written": True, "proven": True, "can_prove": True, "error": ""}},
        "enable_closed": False, "daemon": {"pid": 5}, "problems": [],
    }  # fmt: skip
    assert sorted(os.listdir(folder)) == ["cuts.jsonl", "latch.json"]
    assert {(folder / name).stat().st_mode & 0o777 for name in os.listdir(folder)} <= {0o644, 0o600, 0o640}


@raises_nothing
def test_off_is_asserted_until_it_is_proven(tmp_path: Path, naps: list[float]) -> None:
    answers = [FRAME_ON] * 7 + [FRAME_OFF]
    cutoff = made(tmp_path, answers, [CLOSED, OPENED])
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    first, last = record(tmp_path)
    assert (first["passes"], first["off_proven"], first["enable_closed"]) == (1, False, True)
    assert (last["passes"], last["off_proven"], last["enable_closed"]) == (3, True, False)
    assert list(first["timings_ms"])[-1] == "latched"
    assert naps.count(1.0) == 2
    assert naps.count(0.05) == 8  # three tries a pass
    offs = [entry for entry in cutoff.log if entry[1] == SET_0_W]
    assert [entry[2] for entry in offs] == [0.02, 0.2, 0.2, 0.2]
    assert [entry[1] for entry in cutoff.log].count(OPEN) == 4


@raises_nothing
def test_whoever_wants_it_gone_is_heard_after_the_first_pass(tmp_path: Path, naps: list[float]) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert made(tmp_path, [FRAME_ON] * 99, []).cut(a_cut(), dict, stop) is False
    assert (len(asked), [row["passes"] for row in record(tmp_path)]) == (2, [1, 2])
    assert list(record(tmp_path)[-1]["timings_ms"])[-1] == "given_up"
    assert record(tmp_path)[-1]["enable_closed"] is None


@raises_nothing
def test_what_can_prove_nothing_is_given_three_passes(tmp_path: Path, naps: list[float]) -> None:
    from dataclasses import replace

    cutoff = made(tmp_path, [], [], plan=replace(GEN, readbacks=()))
    assert cutoff.cut(a_cut(), dict, lambda: False) is False
    last = record(tmp_path)[-1]
    assert (last["passes"], last["devices"]["gen"]["can_prove"], last["off_proven"]) == (3, False, False)
    assert naps.count(1.0) == 2


@raises_nothing
def test_a_line_that_is_opened_anew(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [FRAME_OFF], [OPENED], fd=None)
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    gen = [entry[1] for entry in cutoff.log if entry[0] == "gen"]
    assert gen == ["opened", bytes(9) + RF_OFF, SET_0_W, GET_STATUS]  # not before the daemon is gone
    shut = made(tmp_path, [], [], fd=None)
    shut.sources[0].line.opens = False
    shut.write_off(reopen=True)
    assert shut.log == []


@raises_nothing
def test_no_failure_stops_the_cut(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [FRAME_OFF], [OPENED])

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("gone")

    wire = cutoff.enable[1]
    wire.write = fails
    assert cutoff.cut(a_cut(), fails, lambda: False) is True
    (told,) = record(tmp_path)
    assert told["problems"] == [
        "open the enable line: OSError('gone')", "kill the daemon: OSError('gone')",
        "open the enable line: OSError('gone')",
    ] + ["ask the enable line: OSError('gone')"] * (len(told["problems"]) - 3)  # fmt: skip
    assert (told["daemon"], told["enable_closed"], (tmp_path / "latch.json").exists()) == ({}, None, True)
    for _ in range(40):
        cutoff._guard("x", fails)
    assert len(cutoff.problems) == 20
    assert cutoff._guard("x", lambda: 5) == 5


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
def test_a_bench_without_an_enable_line(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [FRAME_OFF], [])
    cutoff.enable = None
    assert cutoff.open_enable() is True
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    assert record(tmp_path)[0]["enable_closed"] is None


@raises_nothing
def test_opening_the_line(tmp_path: Path) -> None:
    cutoff = made(tmp_path, [], [])
    assert (cutoff.open_enable(), cutoff.log) == (True, [("line", OPEN, 0.02, True)])
    cutoff.enable[1].takes = False
    assert cutoff.open_enable() is False
    cutoff.enable[1].fd, cutoff.enable[1].opens = None, False
    assert (cutoff.open_enable(), len(cutoff.log)) == (False, 2)
    assert CLOSE not in [entry[1] for entry in cutoff.log]


# ---- one source


def source(answers: list[bytes], **change: Any) -> Any:
    from dataclasses import replace

    from safety.watchdog.cutoff import Source

    made = Source(replace(GEN, **change), None)
    made.line = Wire([], "gen", answers)  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("off", [(), (RF_OFF,), (RF_OFF, SET_0_W, RF_OFF)])
@raises_nothing
def test_off_is_written_with_gaps(off: tuple[bytes, ...], naps: list[float]) -> None:
    made = source([], off=off, gap_s=0.02)
    assert (made.written, made.proven) == (False, False)
    made.write_off(0.5)
    data = [(entry[1], entry[3]) for entry in made.line.log]
    assert data == [(bytes(9) + (off[0] if off else b""), True), *((frame, False) for frame in off[1:])]
    assert naps == [0.02] * max(0, len(off) - 1)
    assert made.written is True
    made.line.takes = False
    made.write_off(0.5)
    assert made.written is False


@raises_nothing
def test_a_gap_is_bounded(naps: list[float]) -> None:
    source([], gap_s=9.0).write_off(0.5)
    assert naps == [0.05]


@raises_nothing
def test_every_byte_must_be_taken() -> None:
    made = source([])
    kept = made.line.write
    answers = [False, True]
    made.line.write = lambda *a, **k: kept(*a, **k) and answers.pop(0)
    made.write_off(0.5)
    assert made.written is False


@pytest.mark.parametrize(
    "answers, proven",
    [
        ([FRAME_OFF], True), ([FRAME_ON], False), ([], False), ([b"noise" + FRAME_OFF], True),
        ([FRAME_OFF[:-1]], False),
        ([b"x" * 9000], False),
    ],
)  # fmt: skip
@raises_nothing
def test_proof(answers: list[bytes], proven: bool) -> None:
    made = source(answers)
    assert made.prove() is made.proven is proven
    assert source([FRAME_OFF], readbacks=()).prove() is False
    twice = source([FRAME_OFF, FRAME_ON], readbacks=GEN.readbacks * 2)
    assert twice.prove() is False
    dumb = source([FRAME_OFF])
    dumb.line.takes = False
    assert dumb.prove() is False


@pytest.mark.parametrize("torn_at", [4, 5, 9, 14])
@raises_nothing
def test_an_answer_in_pieces(torn_at: int) -> None:
    made = source([])
    pieces = [b"nois", FRAME_OFF[:torn_at], FRAME_OFF[torn_at:]]
    made.line.read = lambda timeout_s=0.0: pieces.pop(0) if pieces else b""
    assert made.prove() is True
    assert math.isfinite(made.line.fd)


class Clock:
    """Time that goes on by a step at each look, and by what a read may wait."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 100.0, step_s

    def monotonic(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def babble(monkeypatch: pytest.MonkeyPatch, step_s: float, chunk: bytes) -> tuple[bool, list[float]]:
    """What is proven by a device that says ``chunk`` whenever it is read, and how long each read might have waited."""
    clock, waits = Clock(step_s), list[float]()
    monkeypatch.setattr("safety.watchdog.cutoff.time.monotonic", clock.monotonic)
    made = source([])

    def read(timeout_s: float = 0.0) -> bytes:
        waits.append(round(timeout_s, 6))
        return chunk

    made.line.read = read
    made.line.drain = lambda: None
    return made.prove(), waits


@raises_nothing
def test_a_babbling_device_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert babble(monkeypatch, 0.0625, b"x") == (False, [0.1375, 0.075, 0.0125])
    assert babble(monkeypatch, 0.2, b"x") == (False, [])
    assert babble(monkeypatch, 0.0, b"x" * 1024) == (False, [0.2] * 8)
    assert babble(monkeypatch, 0.0, b"x" * 8191) == (False, [0.2, 0.2])
    assert babble(monkeypatch, 0.0, b"x" * 8192) == (False, [0.2])
    assert babble(monkeypatch, 0.0, b"") == (False, [0.2])


@raises_nothing
def test_what_lay_there_before_the_question_is_no_answer() -> None:
    made = source([])
    made.line.waiting = [FRAME_OFF]
    assert made.prove() is False


@raises_nothing
def test_noise_that_is_longer_than_the_answer() -> None:
    made = source([])
    pieces = [b"n" * 40, FRAME_OFF]
    made.line.read = lambda timeout_s=0.0: pieces.pop(0) if pieces else b""
    assert made.prove() is True


@raises_nothing
def test_an_answer_without_a_prefix() -> None:
    from safety.safeoff import Readback

    plain = Readback(GET_STATUS, b"", 1, 0, 1, 0xFF, 0)
    assert source([b"\0"], readbacks=(plain,)).prove() is True
    assert source([b"\1"], readbacks=(plain,)).prove() is False


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
def test_a_device_that_comes_back_is_opened_and_turned_off(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [FRAME_OFF], [OPENED], fd=None)
    wire = cutoff.sources[0].line
    wire.opens = False
    kept, asked_to_stop = wire.write, list[bool]()
    wire.write = lambda *a, **k: wire.fd is not None and kept(*a, **k)

    def stop() -> bool:
        wire.opens = True  # its cable is in again
        asked_to_stop.append(len(asked_to_stop) >= 3)
        return asked_to_stop[-1]

    assert cutoff.cut(a_cut(), dict, stop) is True
    assert asked_to_stop == [False]
    assert [entry[:2] for entry in cutoff.log if entry[0] == "gen"][:2] == [
        ("gen", "opened"),
        ("gen", bytes(9) + RF_OFF),
    ]


@raises_nothing
def test_off_is_asserted_for_as_long_as_it_can_be_proven(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [*[FRAME_ON] * 12, FRAME_OFF], [OPENED] * 2)
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    assert record(tmp_path)[-1]["passes"] == 5  # three questions a pass


@raises_nothing
def test_one_that_can_prove_nothing_does_not_end_what_another_can(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [*[FRAME_ON] * 12, FRAME_OFF], [OPENED] * 2)
    cutoff.sources.append(source([], readbacks=()))
    stops = iter([*[False] * 8, True])
    assert cutoff.cut(a_cut(), dict, lambda: next(stops)) is False
    last = record(tmp_path)[-1]
    assert (last["passes"], last["off_proven"]) == (5, False)  # nothing more can come of it


@raises_nothing
def test_a_record_makes_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lib" / "bench-a"
    made(folder, [], [OPENED])._record(a_cut(), 0.0, {}, {}, 1)
    assert record(folder)[0]["passes"] == 1


# ---- what the enable line says at the end


def asked(tmp_path: Path, pieces: list[bytes], **change: Any) -> tuple[bool | None, list[Any], list[float]]:
    """What the line is found to be, what was written to it, and how long each read might have waited."""
    from dataclasses import replace

    cutoff = made(tmp_path, [], [])
    plan, wire = replace(RELAY, **change), cutoff.enable[1]
    cutoff.enable = (plan, wire)
    waits: list[float] = []

    def read(timeout_s: float = 0.0) -> bytes:
        waits.append(round(timeout_s, 6))
        return pieces.pop(0) if pieces else b""

    wire.read, wire.drain = read, lambda: cutoff.log.append("drained")
    return cutoff._enable_is_closed(), cutoff.log, waits


@pytest.mark.parametrize(
    "pieces, closed, reads",
    [
        ([CLOSED], True, 1),
        ([OPENED], False, 1),
        ([b"\1", b"\0", b"\0\0"], True, 3),
        ([b"\1\0"], None, 2),
        ([], None, 1),
    ],
)
@raises_nothing
def test_the_line_is_asked_once_and_listened_to(
    tmp_path: Path, pieces: list[bytes], closed: bool | None, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safety.watchdog.cutoff.time.monotonic", Clock(0.0).monotonic)
    assert asked(tmp_path, pieces) == (closed, ["drained", ("line", QUERY, 0.02, False)], [0.2] * reads)


@raises_nothing
def test_the_line_is_not_waited_for_beyond_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safety.watchdog.cutoff.time.monotonic", Clock(0.125).monotonic)
    assert asked(tmp_path, [b"\1", b"\0"])[2] == [0.075, 0.0, 0.0]


@raises_nothing
def test_a_line_that_babbles_does_not_hold_up_what_comes_after(tmp_path: Path) -> None:
    """H04: off is sent again and again, and this question is asked in between."""
    closed, _, waits = asked(tmp_path, [b"x" * 64] * 200, prefix=b">")
    assert (closed, len(waits)) == (None, 128)


@raises_nothing
def test_a_line_that_takes_no_question_is_not_listened_to(tmp_path: Path) -> None:
    cutoff = made(tmp_path, [], [CLOSED])
    cutoff.enable[1].takes = False
    assert cutoff._enable_is_closed() is None
    cutoff.enable = None
    assert cutoff._enable_is_closed() is None


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
