"""Watson-Marlow Du: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "watson_marlow_du"


@raises_nothing
def test_constants() -> None:
    wire = {"BAUD": 9600, "LINE_MAX": 160, "GAP_S": 0.01}
    assert constants(ME, wire) == wire


@raises_nothing
def test_command() -> None:
    assert read(ME, "command", 1, "GO") == b"1GO\r"
    assert read(ME, "command", 32, "SP", "123.4") == b"32SP123.4\r"
    assert [read(ME, "command", pump, "ST") for pump in (0, 33, -1)] == ["ValueError"] * 3


S520 = b"520Du 15.84 520R 9.6MM 23.5 CW 1 1 1 !"
S323 = b"323Du 55.0 CCW 0 !"


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (S323[:-1], None, S323[:-1]), (S323, ("323Du", 55.0, False, False), b""),
        (S520, ("520Du", 23.5, True, True), b""), (b"1RS\r" + S323 + b"\r", ("323Du", 55.0, False, False), b"\r"),
        (S323 + b"\r\n" + S520, ("520Du", 23.5, True, True), b""),
        (b"620Dun 220 CW 1 !", ("620Dun", 220.0, True, True), b""),
        (b"1RS\r323Du 55.0 CCW 2 !", "BadReply", b""), (b"!", "BadReply", b""),
        (b"323Du 55.0 CXW 0 !x", "BadReply", b"x"),
        (b"x" * 160, None, b"x" * 160), (b"x" * 161, "BadReply", b"x" * 161), (b"323Du 55,0 CCW 0 !", "BadReply", b""),
        (b"x323Du 55.0 CCW 0 !", "BadReply", b""), (b"323Du 12345 CCW 0 !", "BadReply", b""),
        (b"323Du 55.0 CCW 0!", "BadReply", b""), (b"323Du 55.0 CCW 0 x!", "BadReply", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_status(data: bytes, told: Any, left: bytes) -> None:
    found = heard(ME, "take_status", data)
    assert found == (told, left)
    if isinstance(told, tuple):
        assert [type(value) for value in told] == [type(value) for value in (*found[0],)]


@raises_nothing
def test_fields() -> None:
    assert codec(ME).Status("a", 1.0, True, False)._fields == ("model", "speed_rpm", "clockwise", "running")


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"1\r", True, b""), (b"0\r\n", True, b"\n"), (b"1ZY\r0\rx", True, b"x"),
        (b"1ZY\r\n 1\r", True, b""),
        (b"1ZY\r", None, b"1ZY\r"), (b"2\r", None, b"2\r"), (b"10\r", None, b"10\r"), (b"1", None, b"1"),
        (S323 + b"\r1\r0\r", True, b"0\r"),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: Any, left: bytes) -> None:
    found = heard(ME, "skip_to_running", data)
    assert found == (told, left)
    assert type(found[0]) is type(told)
