"""The enable line in a cut: it is opened, and what it says at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import CLOSE, OPEN, QUERY, RELAY
from tests.watchdog.cutting import CLOSED, OPENED, Clock, made


@raises_nothing
def test_opening_the_line(tmp_path: Path) -> None:
    cutoff = made(tmp_path, [], [])
    assert (cutoff.open_enable(), cutoff.log) == (True, [("line", OPEN, 0.02, True)])
    cutoff.enable[1].takes = False
    assert cutoff.open_enable() is False
    cutoff.enable[1].fd, cutoff.enable[1].opens = None, False
    assert (cutoff.open_enable(), len(cutoff.log)) == (False, 2)
    assert CLOSE not in [entry[1] for entry in cutoff.log]


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
