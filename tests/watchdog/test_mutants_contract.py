"""The numbers of a heartbeat as the daemon's units become those of the wire."""

from __future__ import annotations

import math

import pytest

from tests.mutation.total import raises_nothing


@raises_nothing
def test_a_configuration_in_eight_bytes() -> None:
    from safety.watchdog.contract import hash8

    assert hash8("abc") == bytes.fromhex("ba7816bf8f01cfea")  # of SHA-256
    assert hash8("") == bytes.fromhex("e3b0c44298fc1c14")


@pytest.mark.parametrize(
    "grant_w, grant_mw",
    [(0.0, 0), (0.0001, 1), (12.3456, 12346), (50.0, 50_000), (math.nan, 1 << 62), (math.inf, 1 << 62), (-1.0, -1000)],
)
@raises_nothing
def test_watts_and_seconds_are_rounded_up(grant_w: float, grant_mw: int) -> None:
    from safety.types import State
    from safety.watchdog.contract import Beats

    beats = Beats()
    assert beats.seq == 0
    beat = beats.next(1.5, State.FIRING, 3, grant_w, True, "abc", (4, 5), grant_w)
    assert tuple(beat) == (
        1, 1_500_000_000, State.FIRING, 3, grant_mw, True, bytes.fromhex("ba7816bf8f01cfea"), (4, 5), grant_mw,
    )  # fmt: skip
    assert beats.seq == 0  # who sends it counts
    beats.seq = 7
    assert beats.next(1.5, State.SAFE, 3, 0.0, False, "abc", (), 0.0).seq == 8
