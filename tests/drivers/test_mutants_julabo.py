"""Julabo: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "julabo"


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 4800, "AFTER_OUT_S": 0.25, "AFTER_IN_S": 0.01, "BATH": "in_pv_00", "SETPOINT": "in_sp_00",
        "RUNNING": "in_mode_05", "STATUS": "status", "VERSION": "version",
        "HEATING_OR_EXTERNAL": ("in_pv_01", "in_pv_02"),
        "NO_SENSOR": (b"---.--", b"---.-"), "WARNINGS": frozenset((-3, -4)),
        "REFUSALS": frozenset((-13, -12, -11, -10, -9, -8)),
    }  # fmt: skip
    assert constants(ME, wire) == wire


@pytest.mark.parametrize(
    "code, remote, alarm, text",
    [
        (0, False, False, "00 X Y"), (1, False, False, "01 X Y"), (2, True, False, "02 X Y"),
        (3, True, False, "03 X Y"),
        (-1, True, True, "-01 X Y"), (-2, True, True, "-02 X Y"), (-3, True, False, "-03 X Y"),
        (-4, True, False, "-04 X Y"),
        (-5, True, True, "-05 X Y"), (-7, True, True, "-07 X Y"), (-8, True, False, "-08 X Y"),
        (-13, True, False, "-13 X Y"),
        (-14, True, True, "-14 X Y"),
    ],
)  # fmt: skip
@raises_nothing
def test_status(code: int, remote: bool, alarm: bool, text: str) -> None:
    found = codec(ME).status(text.encode())
    assert (found, found.remote, found.alarm, str(found)) == ((code, "X Y"), remote, alarm, text)
    assert found._fields == ("code", "text")


@pytest.mark.parametrize(
    "function, args, told",
    [
        ("request", ("in_pv_00",), b"in_pv_00\r"), ("request", ("status", b"A032_"), b"A032_status\r"),
        ("temperature_c", (b"24.85",), 24.85),
        ("temperature_c", (b"x",), "BadReply"), ("digit", (b"0",), 0), ("digit", (b"1",), 1),
        ("digit", (b"2",), "BadReply"), ("digit", (b"",), "BadReply"),
        ("status", (b"3 REMOTE",), "BadReply"), ("status", (b"03 ",), "BadReply"),
        ("status", (b"03 remote",), "BadReply"),
        ("status", (b"03 RE",), "BadReply"), ("status", (b"03REMOTE",), "BadReply"),
        ("status", (b"003 REMOTE",), "BadReply"), ("status", (b"03 " + b"A" * 81,), (3, "A" * 81)),
        ("status", (b"03 " + b"A" * 82,), "BadReply"),
        ("status", (b"03 REM\x1fOTE",), "BadReply"), ("status", (b"+3 REMOTE",), "BadReply"),
        ("version", (b"JULABO FL601 VERSION 1.0",), "JULABO FL601 VERSION 1.0"),
        ("version", (b"JULABO",), "JULABO"), ("version", (b"xJULABO",), "BadReply"),
        ("version", (b"LAUDA",), "BadReply"), ("version", (b"JULABO" + b"x" * 81,), "BadReply"),
        ("version", (b"JULABO\x80",), "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_values(function: str, args: tuple[Any, ...], told: object) -> None:
    assert read(ME, function, *args) == told


@raises_nothing
def test_no_sensor() -> None:
    assert [math.isnan(read(ME, "temperature_c", line)) for line in (b"---.--", b"---.-")] == [True, True]
    assert read(ME, "temperature_c", b"---.---") == "BadReply"


@pytest.mark.parametrize(
    "take, data, args, told, left",
    [
        ("take_answer", b"", (), None, b""), ("take_answer", b"24.85", (), None, b"24.85"),
        ("take_answer", b"24.85\r\nx", (), b"24.85", b"x"),
        ("take_answer", b"A032_1\n", (b"A032_",), b"1", b""),
        ("take_answer", b"A033_1\n", (b"A032_",), "BadReply", b""),
        ("take_answer", b"1\n", (b"A032_",), "BadReply", b""),
        ("skip_to_version", b"", (), None, b""), ("skip_to_version", b"JULABO", (), None, b"JULABO"),
        ("skip_to_version", b"JULABO 1\r\nx", (), True, b"x"),
        ("skip_to_version", b"24.85\r\nJULABO\r\n", (), True, b""),
        ("skip_to_version", b"\nJULABO\n", (), True, b""), ("skip_to_version", b"24.85\r\n", (), None, b""),
        ("skip_to_version", b"A032_JULABO\n", (b"A032_",), True, b""),
        ("skip_to_version", b"A033_JULABO\n", (b"A032_",), None, b""),
        ("skip_to_version", b"xJULABO\n", (), None, b""),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, args: tuple[bytes, ...], told: object, left: bytes) -> None:
    found = heard(ME, take, data, *args)
    assert found == (told, left)
    assert type(found[0]) is type(told)
