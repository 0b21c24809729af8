"""KMTronic relays: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "kmtronic_relay"


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 9600, "QUERY": b"\xff\x09\x00", "PREFIX": b"\xff\x08", "SHAPES": ((0, 4), (0, 8), (2, 8)),
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert [shape.length for shape in codec(ME).SHAPES] == [4, 8, 10]
    assert codec(ME).SHAPES[2]._asdict() == {"prefix": 2, "relays": 8}


@pytest.mark.parametrize(
    "relay, close, sent",
    [
        (1, True, b"\xff\x01\x01"), (1, False, b"\xff\x01\x00"), (8, True, b"\xff\x08\x01"),
        (8, False, b"\xff\x08\x00"),
        (5, True, b"\xff\x05\x01"), (0, True, "ValueError"), (9, True, "ValueError"), (-1, False, "ValueError"),
    ],
)  # fmt: skip
@raises_nothing
def test_command(relay: int, close: bool, sent: object) -> None:
    try:
        found = codec(ME).command(relay, close=close)
    except ValueError as error:
        found = type(error).__name__
    assert found == sent


@pytest.mark.parametrize(
    "reply, shape",
    [
        (b"\0\1\0\1", (0, 4)), (b"\0\0\0\0\0\0\0\1", (0, 8)), (b"\xff\x08\0\0\0\0\0\0\0\1", (2, 8)),
        (b"\1\1\1\1", (0, 4)),
        (b"", "BadReply"), (b"\0\1\0", "BadReply"), (b"\0\1\0\2", "BadReply"), (b"\0" * 10, "BadReply"),
        (b"\xff\x09" + b"\0" * 8, "BadReply"), (b"\xfe\x08" + b"\0" * 8, "BadReply"),
        (b"\xff\x08" + b"\0" * 7 + b"\2", "BadReply"),
        (b"\0" * 5, "BadReply"), (b"\xff\x08\0\0", "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_shape(reply: bytes, shape: object) -> None:
    assert read(ME, "shape_of", reply) == shape


@pytest.mark.parametrize(
    "data, shape, told, left",
    [
        (b"", 0, None, b""), (b"\0\1\0", 0, None, b"\0\1\0"), (b"\0\1\0\1", 0, (False, True, False, True), b""),
        (b"\0\1\0\1\1", 0, (False, True, False, True), b"\1"), (b"\2\1\0\1\1", 0, "BadReply", b"\1"),
        (b"\0\1\0\1\0\0\1", 1, None, b"\0\1\0\1\0\0\1"),
        (b"\0\1\0\1\0\0\1\1", 1, (False, True, False, True, False, False, True, True), b""),
        (b"\xff\x08\1\0\0\0\0\0\0\1", 2, (True, False, False, False, False, False, False, True), b""),
        (b"\xff\x08\1\0\0\0\0\0\0", 2, None, b"\xff\x08\1\0\0\0\0\0\0"),
        (b"\0\0\1\0\0\0\0\0\0\1", 2, "BadReply", b""), (b"\xff\x08\1\0\0\0\0\0\0\3", 2, "BadReply", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_states(data: bytes, shape: int, told: Any, left: bytes) -> None:
    found = heard(ME, "take_states", data, codec(ME).SHAPES[shape])
    assert found == (told, left)
    if isinstance(told, tuple):
        assert [type(state) for state in found[0]] == [bool] * len(told)
