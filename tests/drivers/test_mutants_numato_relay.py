"""Numato relays: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import constants, heard, read
from tests.mutation.total import raises_nothing

ME = "numato_relay"


@raises_nothing
def test_constants() -> None:
    wire = {"NAMES": "0123456789ABCDEFGHIJKLMNOPQRSTUV", "EOLS": (b"\n\r", b"\r\n"), "ANSWER_MAX": 512}
    assert constants(ME, wire) == wire


@raises_nothing
def test_command() -> None:
    assert read(ME, "command", "on", 0) == b"relay on 0"
    assert read(ME, "command", "read", 10) == b"relay read A"
    assert read(ME, "command", "off", 31) == b"relay off V"


ON, OFF = b"relay read 0\n\ron\n\r>", b"relay read 0\r\noff\r\n>"


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b">", None, b">"), (ON, (True, b"\n\r"), b""), (OFF, (False, b"\r\n"), b""),
        (ON + b"x", (True, b"\n\r"), b"x"), (b"relay on 0\n\r>" + ON, (True, b"\n\r"), b""),
        (ON + OFF, (False, b"\r\n"), b""),
        (ON[:-1], None, ON[:-1]), (ON + OFF[:-1], None, ON + OFF[:-1]), (b">>" + ON, (True, b"\n\r"), b""),
        (b"on\n\r>", None, b"on\n\r>"), (b"relay read 1\n\ron\n\r>", None, b"relay read 1\n\ron\n\r>"),
        (b"relay read 0\n\ronn\n\r>", "BadReply", b""), (b"relay read 0\n\r\n\r>", "BadReply", b""),
        (b"relay read 0\n\non\n\r>", "BadReply", b""), (b"relay read 0\n\ron\n\roff\n\r>", "BadReply", b""),
        (b"relay read 0on\n\r>", "BadReply", b""), (b"relay read 0\n\ron>", (True, b"\n\r"), b""),
        (b"relay read 0\n\r\r\noff\r>", (False, b"\n\r"), b""), (b"relay read 0\n\rON\n\r>", "BadReply", b""),
        (b"relay read 0\n\r on\n\r>", "BadReply", b""),
        (b"relay read 0\n\ron?\n\r>", "BadReply", b""),
        (b"x" * 512, None, b"x" * 512), (b"x" * 513, "BadReply", b"x" * 513),
        (b">" + b"x" * 512, "BadReply", b">" + b"x" * 512),
        (b"relay read 0\n\r" + b"x" * 499, "BadReply", b"relay read 0\n\r" + b"x" * 499),
    ],
)  # fmt: skip
@raises_nothing
def test_state(data: bytes, told: Any, left: bytes) -> None:
    found = heard(ME, "take_state", data, 0)
    assert found == (told, left)
    if isinstance(found[0], tuple):
        assert type(found[0][0]) is bool


@raises_nothing
def test_of_another_relay() -> None:
    assert heard(ME, "take_state", b"relay read A\n\ron\n\r>", 10) == ((True, b"\n\r"), b"")
    assert heard(ME, "take_state", ON, 10) == (None, ON)
