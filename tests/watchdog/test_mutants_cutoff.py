"""The cut without a process: its order, its proofs, how long it goes on, and failures that stop nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import GEN, GET_STATUS, OPEN, QUERY, RF_OFF, SET_0_W
from tests.watchdog.cutting import CLOSED, FRAME_OFF, FRAME_ON, OPENED, a_cut, made, record, source

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
def test_a_bench_without_an_enable_line(tmp_path: Path, naps: list[float]) -> None:
    cutoff = made(tmp_path, [FRAME_OFF], [])
    cutoff.enable = None
    assert cutoff.open_enable() is True
    assert cutoff.cut(a_cut(), dict, lambda: False) is True
    assert record(tmp_path)[0]["enable_closed"] is None


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
