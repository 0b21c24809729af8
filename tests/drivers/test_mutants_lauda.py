"""Lauda: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "lauda"


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 9600, "BATH": "IN_PV_00", "SETPOINT": "IN_SP_00", "SAFE_SETPOINT": "IN_SP_07", "TIMEOUT": "IN_SP_08",
        "SAFE_MODE": "IN_MODE_06", "STATUS": "STATUS", "STAT": "STAT", "TYPE": "TYPE", "START": "START", "STOP": "STOP",
        "FAMILIES": {
            "pro": (7, 4, "IN_MODE_02", True, True), "ecoline-e": (7, 2, "IN_SP_01", False, False),
            "ecoline-re": (5, 1, "IN_SP_01", False, False),
        },
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert codec(ME).FAMILIES["pro"]._fields == ("stat", "low_level", "running", "running_zero", "watched")
    assert sorted(codec(ME).ERRORS) == [2, 3, 5, 6, 32]


@raises_nothing
def test_what_an_error_means() -> None:
    for line, says in ((b"ERR_6\n", "ERR_6: it does not permit the value"), (b"ERR_99\n", "ERR_99: see its manual")):
        with pytest.raises(codec(ME).Refused, match=says):
            codec(ME).take_answer(bytearray(line))


@pytest.mark.parametrize(
    "function, args, told",
    [
        ("request", ("IN_PV_00",), b"IN_PV_00\r"), ("request", ("TYPE", b"A015_"), b"A015_TYPE\r"),
        ("temperature_c", (b"021.50",), 21.5),
        ("temperature_c", (b"x",), "BadReply"), ("number", (b"030.00",), 30.0), ("number", (b"-1",), -1.0),
        ("number", (b"5",), 5.0),
        ("number", (b"1234",), "BadReply"), ("number", (b"1.234",), "BadReply"), ("number", (b"1.",), "BadReply"),
        ("number", (b"",), "BadReply"),
        ("number", (b"+1",), "BadReply"), ("number", (b"1,5",), "BadReply"),
        ("fault", (b"0",), False), ("fault", (b"-1",), True), ("fault", (b"1",), "BadReply"),
        ("fault", (b"",), "BadReply"),
        ("told", (b"OK",), True), ("told", (b"ok",), "BadReply"), ("told", (b"",), "BadReply"),
        ("is_type", (b"PRO P 1",), "PRO P 1"), ("is_type", (b"E200",), "E200"),
        ("is_type", (b"RP845.1+/-",), "RP845.1+/-"),
        ("is_type", (b"OK",), "BadReply"), ("is_type", (b"0.5",), "BadReply"), ("is_type", (b"",), "BadReply"),
        ("is_type", (b"E2,0",), "BadReply"),
        ("is_type", (b"e200",), "BadReply"), ("is_type", (b"E",), "E"),
    ],
)  # fmt: skip
@raises_nothing
def test_values(function: str, args: tuple[Any, ...], told: object) -> None:
    found = read(ME, function, *args)
    assert found == told
    assert type(found) is type(told)


@pytest.mark.parametrize(
    "line, family, told",
    [
        (b"0000000", "pro", False), (b"0000100", "pro", True), (b"1111011", "pro", False),
        (b"000010", "pro", "BadReply"),
        (b"00001000", "pro", "BadReply"), (b"0000x00", "pro", "BadReply"), (b"0010000", "ecoline-e", True),
        (b"1101111", "ecoline-e", False),
        (b"01000", "ecoline-re", True), (b"10111", "ecoline-re", False), (b"0100000", "ecoline-re", "BadReply"),
        (b"0000200", "pro", True),
    ],
)  # fmt: skip
@raises_nothing
def test_level(line: bytes, family: str, told: object) -> None:
    assert read(ME, "low_level", line, codec(ME).FAMILIES[family]) == told


@pytest.mark.parametrize(
    "take, data, args, told, left",
    [
        ("take_answer", b"", (), None, b""), ("take_answer", b"021.50", (), None, b"021.50"),
        ("take_answer", b"021.50\r\nx", (), b"021.50", b"x"),
        ("take_answer", b"A015_OK\r\n", (b"A015_",), b"OK", b""),
        ("take_answer", b"A016_OK\r\n", (b"A015_",), "BadReply", b""),
        ("take_answer", b"OK\r\n", (b"A015_",), "BadReply", b""), ("take_answer", b"ERR_6\r\n", (), "Refused", b""),
        ("take_answer", b"A015_ERR_32\r\n", (b"A015_",), "Refused", b""),
        ("take_answer", b"ERR_1234\r\n", (), b"ERR_1234", b""),
        ("take_answer", b"ERR_\r\n", (), b"ERR_", b""),
        ("skip_to_type", b"", (), None, b""), ("skip_to_type", b"PRO", (), None, b"PRO"),
        ("skip_to_type", b"PRO P 1\r\nx", (), True, b"x"),
        ("skip_to_type", b"OK\r\nPRO\r\n", (), True, b""), ("skip_to_type", b"ERR_3\r\nPRO\r\n", (), True, b""),
        ("skip_to_type", b"021.5\r\n", (), None, b""), ("skip_to_type", b"\nPRO\n", (), True, b""),
        ("skip_to_type", b"OK\r\n", (), None, b""),
        ("skip_to_type", b"ERR_3\r\n", (), None, b""),
        ("skip_to_type", b"A015_PRO\n", (b"A015_",), True, b""),
        ("skip_to_type", b"A016_PRO\n", (b"A015_",), None, b""),
        ("skip_to_type", b"A015_OK\n", (b"A015_",), None, b""),
        ("skip_to_type", b"A015_ERR_3\nA015_E\n", (b"A015_",), True, b""),
        ("skip_to_type", b"\r\n", (), None, b""),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, args: tuple[bytes, ...], told: object, left: bytes) -> None:
    found = heard(ME, take, data, *args)
    assert found == (told, left)
    assert type(found[0]) is type(told)
