"""Ismatec Reglo ICC: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import constants, heard, read
from tests.mutation.total import raises_nothing

ME = "ismatec_reglo_icc"


@raises_nothing
def test_constants() -> None:
    wire = {"BAUD": 9600, "EVENT": 0x5E, "LINE_MAX": 96}
    assert constants(ME, wire) == wire


@pytest.mark.parametrize(
    "function, args, told",
    [
        ("request", (1, b"H"), b"1H\r"), ("request", (0, b"f", b"3250+1"), b"0f3250+1\r"),
        ("request", (9, b"I"), b"9I\r"),
        ("request", (10, b"H"), "ValueError"), ("request", (-1, b"H"), "ValueError"),
        ("volume2", (32.5,), b"3250+1"), ("volume2", (1.0,), b"1000+0"), ("volume2", (0.0123,), b"1230-2"),
        ("volume2", (1e-9,), b"1000-9"), ("volume2", (9.9e-10,), "ValueError"), ("volume2", (9.999e9,), b"9999+9"),
        ("volume2", (9.9995e9,), "ValueError"), ("volume2", (0.0,), "ValueError"), ("volume2", (-1.0,), "ValueError"),
        ("volume2", (float("nan"),), "ValueError"),
        ("volume1", (b"3250E+1",), 32.5), ("volume1", (b" 1000E+0\r",), 1.0), ("volume1", (b"0000E-2",), 0.0),
        ("volume1", (b"1230E-2",), 0.0123), ("volume1", (b"325E+1",), "BadReply"),
        ("volume1", (b"3250E",), "BadReply"),
        ("volume1", (b"3250E1",), "BadReply"),
        ("volume1", (b"32500E+1",), "BadReply"), ("volume1", (b"3250E+10",), "BadReply"),
        ("volume1", (b"3250+1",), "BadReply"),
        ("flow_text", (b"138.0 ml/min",), 138.0), ("flow_text", (b"  138 ML/MIN \r",), 138.0),
        ("flow_text", (b"0.5ml/min",), 0.5),
        ("flow_text", (b"138.0",), "BadReply"), ("flow_text", (b"-1 ml/min",), "BadReply"),
        ("flow_text", (b"1. ml/min",), "BadReply"),
        ("flow_text", (b"138,0 ml/min",), "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_values(function: str, args: tuple[Any, ...], told: object) -> None:
    found = read(ME, function, *args)
    assert found == (pytest.approx(told, rel=1e-12) if isinstance(told, float) else told)


LONG = b"x" * 97


@pytest.mark.parametrize(
    "take, data, told, left",
    [
        ("take_status", b"", None, b""), ("take_status", b"*", b"*", b""), ("take_status", b"#x", b"#", b"x"),
        ("take_status", b"+-", b"+", b"-"), ("take_status", b"-", b"-", b""), ("take_status", b"^U\r\n*", b"*", b""),
        ("take_status", b"ail\n*+", b"*", b"+"), ("take_status", b"?\n*", b"*", b""),
        ("take_status", b"^U", None, b"^U"), ("take_status", b"\n", None, b""),
        ("take_status", b"x" * 96, None, b"x" * 96), ("take_status", LONG, "BadReply", LONG),
        ("take_done", b"", None, b""), ("take_done", b"*", True, b""), ("take_done", b"#", "Refused", b""),
        ("take_done", b"+", "Refused", b""), ("take_done", b"-", "Refused", b""),
        ("take_running", b"", None, b""), ("take_running", b"+", b"+", b""), ("take_running", b"-", b"-", b""),
        ("take_running", b"#", "Refused", b""), ("take_running", b"*", "BadReply", b""),
        ("take_line", b"", None, b""), ("take_line", b"ab", None, b"ab"), ("take_line", b"ab\r\ncd", b"ab", b"cd"),
        ("take_line", b"ab\n", b"ab", b""), ("take_line", b"?ab?\r\n", b"?ab?", b""),
        ("take_line", b"#\r\n", "Refused", b"\r\n"),
        ("take_line", b"\r\nab\r\n", b"ab", b""),
        ("take_line", b"^U\r\nab\r\n", b"ab", b""), ("take_line", b"^U\r\n#", "Refused", b""),
        ("take_line", b"^U\r\n", None, b""),
        ("take_line", b"x" * 96, None, b"x" * 96), ("take_line", LONG, "BadReply", LONG),
        ("take_line", b"\r\rab\n", b"ab", b""),
        ("take_line", b"\n\nab", None, b"ab"),
        ("skip_to_name", b"", None, b""), ("skip_to_name", b"REGLO ICC", None, b"REGLO ICC"),
        ("skip_to_name", b"REGLO ICC 0208\r\n*", b"REGLO ICC 0208", b"*"),
        ("skip_to_name", b"*#1\r\nREGLO?\r\n", b"REGLO?", b""),
        ("skip_to_name", b"x\r\n", None, b"x\r\n"), ("skip_to_name", b"x\r\nREGLO", None, b"x\r\nREGLO"),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, told: object, left: bytes) -> None:
    found = heard(ME, take, data)
    assert found == (told, left)
    assert type(found[0]) is type(told)
