"""Kuhne KU SG: every byte that is sent, and what each reply is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import constants, heard, read
from tests.mutation.total import raises_nothing

ME = "kuhne_kusg"


@raises_nothing
def test_constants() -> None:
    wire = {
        "RF_ON": b"O\r", "RF_OFF": b"o\r", "BIAS_ON": b"X\r", "BIAS_OFF": b"x\r", "EXTERNAL_OFF": b"r\r",
        "PULSE_OFF": b"p\r", "CLEAR_VSWR": b"z\r", "VERSION": b"v\r", "ASK_FORWARD": b"6\r", "ASK_REVERSE": b"7\r",
        "ASK_RF": b"o?\r", "ASK_BIAS": b"x?\r", "ASK_EXTERNAL": b"r?\r", "ASK_TEMPERATURE": b"T\r",
        "ASK_POWER": b"A?\r", "ASK_FREQUENCY": b"f?\r", "ASK_5V": b"5\r", "ASK_32V": b"8\r",
        "ASK_REFLECTION_LIMIT": b"B?\r", "BAUD": 115200,
        "CR": 13, "TEXT_MAX": 64, "POWER_MAX_W": 250, "REFLECTION_LIMITS_W": (None, 100, 150, 180, 200, 230),
    }  # fmt: skip
    assert constants(ME, wire) == wire


@pytest.mark.parametrize(
    "power_w, sent",
    [
        (0, b"A000\r"), (1, b"A001\r"), (99, b"A099\r"), (250, b"A250\r"),
        (-1, "ValueError"), (251, "ValueError"), (1000, "ValueError"),
    ],
)  # fmt: skip
@raises_nothing
def test_set_power(power_w: int, sent: object) -> None:
    assert read(ME, "set_power", power_w) == sent


@pytest.mark.parametrize(
    "take, data, told, left",
    [
        ("take_done", b"", None, b""), ("take_done", b"A", None, b"A"), ("take_done", b"A\r", True, b""),
        ("take_done", b"A\rA\r", True, b"A\r"), ("take_done", b"A\rN", True, b"N"),
        ("take_done", b"N", "BadReply", b"N"),
        ("take_done", b"@", "BadReply", b"@"), ("take_done", b"B", "BadReply", b"B"),
        ("take_done", b"N\r", "BadReply", b"N\r"), ("take_done", b"A\n", "BadReply", b"A\n"),
        ("take_done", b"\rA", "BadReply", b"\rA"),
        ("take_byte", b"", None, b""), ("take_byte", b"\x05", None, b"\x05"), ("take_byte", b"\x05\r", 5, b""),
        ("take_byte", b"\r\r", 13, b""), ("take_byte", b"\xff\r", 255, b""),
        ("take_byte", b"\x05\n", "BadReply", b"\x05\n"),
        ("take_byte", b"\r\x05", "BadReply", b"\r\x05"), ("take_byte", b"\x05\r\r", "BadReply", b"\x05\r\r"),
        ("take_byte", b"\x05\rA\r", "BadReply", b"\x05\rA\r"),
        ("take_flag", b"\x01", None, b"\x01"), ("take_flag", b"\x01\r", True, b""),
        ("take_flag", b"\x00\r", False, b""),
        ("take_flag", b"\x02\r", "BadReply", b""), ("take_flag", b"1\r", "BadReply", b""),
        ("take_text", b"", None, b""), ("take_text", b"ab", None, b"ab"), ("take_text", b"ab\r", "ab", b""),
        ("take_text", b" a b \rcd", "a b", b"cd"), ("take_text", b"\rab", "BadReply", b"ab"),
        ("take_text", b"x" * 64, None, b"x" * 64), ("take_text", b"x" * 65, "BadReply", b"x" * 65),
        ("take_text", b"a\x1fb\r", "BadReply", b""), ("take_text", b"a\xe9\r", "BadReply", b""),
        ("take_text", b"a\x20b\r", "a b", b""), ("take_text", b"\x1f\x1f\r", "BadReply", b""),
        ("skip_to_frequency", b"", None, b""), ("skip_to_frequency", b"2450MHz", None, b"2450MHz"),
        ("skip_to_frequency", b"Hz\r", True, b""), ("skip_to_frequency", b"A\r\x05\r2450MHz\rA\r", True, b"A\r"),
        ("skip_to_frequency", b"kHz\r\x01\r", True, b"\x01\r"),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, told: Any, left: bytes) -> None:
    found, rest = heard(ME, take, data)
    assert (found, rest) == (told, left)
    assert type(found) is type(told)


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"\x01", None, b"\x01"), (b"\x01\x02", None, b"\x01\x02"), (b"\x01\x02\r", 258, b""),
        (b"\x01\r\x02", "BadReply", b"\x01\r\x02"), (b"\x01\x02\r\r", "BadReply", b"\x01\x02\r\r"),
    ],
)  # fmt: skip
@raises_nothing
def test_a_number_of_two_bytes(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_number", data, 2) == (told, left)


@pytest.mark.parametrize(
    "text, unit, told",
    [
        ("5", "", 5.0), (" 5 ", "", 5.0), ("-5.25", "", -5.25), ("+5.", "", 5.0), ("12 V", "V", 12.0),
        ("12V", "V", 12.0),
        ("1234567890.123456", "", 1234567890.123456), ("12345678901", "", "BadReply"), ("1.1234567", "", "BadReply"),
        ("12V", "", "BadReply"), ("12", "V", 12.0), ("1e5", "", "BadReply"), ("", "", "BadReply"),
        ("--1", "", "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_number(text: str, unit: str, told: object) -> None:
    assert read(ME, "number", text, unit) == told


@pytest.mark.parametrize(
    "text, told",
    [
        ("2450MHz", 2.45e9), ("2450 MHz", 2.45e9), ("2450000kHz", 2.45e9), ("1kHz", 1000.0), ("2450Hz", "BadReply"),
        ("2450", "BadReply"), ("MHz", "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_frequency(text: str, told: object) -> None:
    assert read(ME, "frequency_hz", text) == told


@raises_nothing
def test_a_number_has_no_unit_unless_it_is_asked_for() -> None:
    assert read(ME, "number", "7") == 7.0
