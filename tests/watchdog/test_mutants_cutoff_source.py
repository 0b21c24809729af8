"""Off for one source: what is written, in which gaps, and which answer proves it."""

from __future__ import annotations

import math

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import GEN, GET_STATUS, RF_OFF, SET_0_W
from tests.watchdog.cutting import FRAME_OFF, FRAME_ON, Clock, source


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
