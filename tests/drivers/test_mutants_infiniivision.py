"""InfiniiVision: every message, and what each answer is taken for, as literals."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.drivers.wire import codec, heard, read
from tests.mutation.total import raises_nothing

ME = "infiniivision"


@raises_nothing
def test_messages() -> None:
    assert codec(ME).RUNNING == 8
    assert read(ME, "ask_signal", 1, 2) == (
        b":MEAS:VRMS? CYCL,AC,CHAN1;:MEAS:VRMS? CYCL,AC,CHAN2;:MEAS:PHAS? CHAN1,CHAN2;:OPER:COND?\n"
    )
    assert read(ME, "ask_screen", 4, 3) == b":MEAS:VRMS? DISP,AC,CHAN4;:MEAS:VRMS? DISP,AC,CHAN3;:OPER:COND?\n"
    assert codec(ME).Reading(1.0, 2.0, 3.0, True)._fields == ("voltage_v", "current_a", "phase_deg", "running")


@pytest.mark.parametrize(
    "identity, ours",
    [
        (b"KEYSIGHT TECHNOLOGIES,DSO-X 3024A,MY,02.65", True), (b"K,MSOX3104T,1,2", True), (b"K,EDUX1052G,1,2", True),
        (b"K,DSOX 3024,1,2", True), (b"K,DSO 3024A,1,2", False), (b"K,DSOX302A,1,2", False),
        (b"K,x,DSOX3024A,1", False),
        (b"DSOX3024A,1", False), (b"K,DSOX3024A", False), (b"K,DSOX30245A,1", False), (b"K,CSOX3024A,1", False),
    ],
)  # fmt: skip
@raises_nothing
def test_identity(identity: bytes, ours: bool) -> None:
    assert (codec(ME).IDENTITY.fullmatch(identity) is not None) is ours


@pytest.mark.parametrize(
    "take, data, told, left",
    [
        ("take_signal", b"", None, b""), ("take_signal", b"1;2;3;8", None, b"1;2;3;8"),
        ("take_signal", b"+7.0E+01;+7.0E-01;-1.0E+01;+8\nx", (70.0, 0.7, -10.0, True), b"x"),
        ("take_signal", b"1;2;3;0\n", (1.0, 2.0, 3.0, False), b""),
        ("take_signal", b"1;2;3;7\n", (1.0, 2.0, 3.0, False), b""),
        ("take_signal", b"1;2;3;65535\n", (1.0, 2.0, 3.0, True), b""),
        ("take_signal", b"1;2;3;65536\n", "BadReply", b""),
        ("take_signal", b"1;2;3;-8\n", "BadReply", b""), ("take_signal", b"1;2;3;-1\n", "BadReply", b""),
        ("take_signal", b"1;2;3;8.5\n", "BadReply", b""),
        ("take_signal", b"1;2;3\n", "BadReply", b""),
        ("take_signal", b"1;2;3;9.9E+37\n", "BadReply", b""), ("take_signal", b"1;2;3;8;1\n", "BadReply", b""),
        ("take_signal", b"1;2;x;8\n", "BadReply", b""),
        ("take_screen", b"1;2;24\n", (1.0, 2.0, 0.0, True), b""),
        ("take_screen", b"1;2;16\ny", (1.0, 2.0, 0.0, False), b"y"),
        ("take_screen", b"1;2;3;8\n", "BadReply", b""), ("take_screen", b"1;2\n", "BadReply", b""),
        ("take_screen", b"1;2;8", None, b"1;2;8"),
        ("take_screen", b"1;2;-0.5\n", "BadReply", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, told: Any, left: bytes) -> None:
    found = heard(ME, take, data)
    assert found == (told, left)
    if isinstance(told, tuple):
        assert type(found[0].running) is bool


@raises_nothing
def test_no_reading() -> None:
    found, left = heard(ME, "take_signal", b"+9.9E+37;+9.9E+37;+9.9E+37;8\n")
    assert [math.isnan(value) for value in found[:3]] == [True, True, True]
    assert (found[3], left) == (True, b"")
