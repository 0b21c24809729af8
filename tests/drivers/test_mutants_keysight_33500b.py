"""33500B and 33220A: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import pytest

from tests.drivers.wire import codec, constants, heard
from tests.mutation.total import raises_nothing

ME = "keysight_33500b"


@raises_nothing
def test_constants() -> None:
    wire = {"OHM": 50.0, "SHAPE": b"SIN", "UNIT": b"VRMS", "STEP_V": 1e-5}
    assert constants(ME, wire) == wire
    assert round(codec(ME).VPP_PER_VRMS, 6) == 2.828427


@pytest.mark.parametrize(
    "identity, dialect",
    [
        (b"Agilent Technologies,33521B,MY1,1.0", "33500b"), (b"Keysight,33622A,MY1,1.0", "33500b"),
        (b",33500B,", "33500b"),
        (b"Agilent,33220A,MY1,2.0", "33220a"), (b"Agilent,33210A,MY1,2.0", "33220a"),
        (b"Agilent,33250A,MY1,2.0", "33220a"),
        (b"Agilent,33120A,MY1,2.0", None), (b"Agilent,33521C,MY1,2.0", None), (b"Agilent,33421B,MY1,2.0", None),
        (b"Agilent,x,33521B,2.0", None), (b"Agilent,x,33220A,2.0", None), (b"Agilent,33230A,1,2", None),
        (b"33220A,1", None), (b"Agilent,33521B", None), (b"Agilent,33220A", None),
    ],
)  # fmt: skip
@raises_nothing
def test_identities(identity: bytes, dialect: str | None) -> None:
    known = [name for name, pattern in codec(ME).IDENTITIES.items() if pattern.fullmatch(identity)]
    assert known == ([dialect] if dialect else [])


@raises_nothing
def test_messages_of_the_33500b() -> None:
    words = codec(ME).Words("33500b")
    assert {name: value for name, value in vars(words).items() if isinstance(value, bytes)} == {
        "output": b"OUTP1?\n",
        "output_and_shape": b"OUTP1?;:SOUR1:FUNC?\n",
        "off_only": b"OUTP1 OFF\n",
        "off": b"OUTP1 OFF;:OUTP1?;:SOUR1:FUNC?\n",
        "on": b"OUTP1 ON;:OUTP1?;:SOUR1:FUNC?\n",
        "status": b"OUTP1?;:SOUR1:FUNC?;:OUTP1:LOAD?;:SOUR1:VOLT?;:SOUR1:VOLT:UNIT?\n",
        "least": b"SOUR1:VOLT MIN;:SOUR1:VOLT?;:SYST:ERR?\n",
        "read_set_up": b"SOUR1:FREQ?;:SOUR1:VOLT:OFFS?;:OUTP1:LOAD?;:SOUR1:VOLT:UNIT?\n",
    }
    assert words.dialect == "33500b"
    assert words.set_up(480e3, 1.0) == [
        "OUTP1:LOAD 50", "SOUR1:FUNC SIN", "SOUR1:FREQ 480000.000000", "SOUR1:VOLT:UNIT VRMS", "SOUR1:VOLT:OFFS 0",
        "SOUR1:VOLT MIN", "SOUR1:VOLT:LIM:HIGH 1.4152", "SOUR1:VOLT:LIM:LOW -1.4152", "SOUR1:VOLT:LIM:STAT ON",
    ]  # fmt: skip
    assert words.set_up(480e3, 10.0)[6:8] == ["SOUR1:VOLT:LIM:HIGH 14.1431", "SOUR1:VOLT:LIM:LOW -14.1431"]


@raises_nothing
def test_messages_of_the_33220a() -> None:
    words = codec(ME).Words("33220a")
    assert {name: value for name, value in vars(words).items() if isinstance(value, bytes)} == {
        "output": b"OUTP?\n",
        "output_and_shape": b"OUTP?;:FUNC?\n",
        "off_only": b"OUTP OFF\n",
        "off": b"OUTP OFF;:OUTP?;:FUNC?\n",
        "on": b"OUTP ON;:OUTP?;:FUNC?\n",
        "status": b"OUTP?;:FUNC?;:OUTP:LOAD?;:VOLT?;:VOLT:UNIT?\n",
        "least": b"VOLT MIN;:VOLT?;:SYST:ERR?\n",
        "read_set_up": b"FREQ?;:VOLT:OFFS?;:OUTP:LOAD?;:VOLT:UNIT?\n",
    }
    assert words.set_up(480e3, 1.0) == [
        "OUTP:LOAD 50", "FUNC SIN", "FREQ 480000.000000", "VOLT:UNIT VRMS", "VOLT:OFFS 0", "VOLT MIN",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "volt, text",
    [
        (0.0, b"0.00000"), (0.1, b"0.10000"), (0.123456, b"0.12345"), (0.1234599, b"0.12345"), (3.0, b"3.00000"),
        (0.29, b"0.29000"), (1.00001, b"1.00001"), (0.000019, b"0.00001"), (1.23456, b"1.23456"),
        (12.000009999, b"12.00000"),
        (1.00000999999, b"1.00000"),
    ],
)  # fmt: skip
@raises_nothing
def test_amplitudes_are_rounded_down(volt: float, text: bytes) -> None:
    assert codec(ME).Words("33500b").amplitude(volt) == b"SOUR1:VOLT " + text + b";:SOUR1:VOLT?;:SYST:ERR?\n"


GOOD = b"1;SIN;+5.0E+01;+1.0E-01;VRMS\n"


@pytest.mark.parametrize(
    "take, data, told, left",
    [
        ("take_flag", b"", None, b""), ("take_flag", b"1", None, b"1"), ("take_flag", b"1\n", True, b""),
        ("take_flag", b"0\r\nx", False, b"x"), ("take_flag", b"2\n", "BadReply", b""),
        ("take_flag", b"\n", "BadReply", b""),
        ("take_flag", b"01\n", "BadReply", b""), ("take_flag", b"1;SIN\n", "BadReply", b""),
        ("take_output", b"1;SIN", None, b"1;SIN"), ("take_output", b"1;SIN\n", True, b""),
        ("take_output", b"0;SIN\n", False, b""),
        ("take_output", b"1;SQU\n", "BadReply", b""), ("take_output", b"1\n", "BadReply", b""),
        ("take_output", b"SIN;1\n", "BadReply", b""),
        ("take_output", b"2;SIN\n", "BadReply", b""), ("take_output", b"1;SIN;1\n", "BadReply", b""),
        ("take_status", GOOD[:-1], None, GOOD[:-1]), ("take_status", GOOD, (True, 0.1, True), b""),
        ("take_status", b"0;SIN;50;0;VPP\n1", (False, 0.0, False), b"1"),
        ("take_status", b"0;SIN;50;0;VRMS\n", (False, 0.0, True), b""),
        ("take_status", b"1;SQU;50;0.1;VRMS\n", "BadReply", b""), ("take_status", b"1;SIN;50;0.1\n", "BadReply", b""),
        ("take_status", b"1;SIN;50;0.1;VRMS;0\n", "BadReply", b""),
        ("take_status", b"1;SIN;49;0.1;VRMS\n", "BadReply", b""),
        ("take_status", b"1;SIN;9.9E+37;0.1;VRMS\n", "BadReply", b""),
        ("take_status", b"1;SIN;50;9.9E+37;VRMS\n", "BadReply", b""),
        ("take_status", b"1;SIN;50;-0.1;VRMS\n", "BadReply", b""),
        ("take_status", b"3;SIN;50;0.1;VRMS\n", "BadReply", b""),
        ("take_status", b"1;SIN;50;1.5;VRMS\n", (True, 1.5, True), b""),
        ("take_amplitude", b"+1.0E-01", None, b"+1.0E-01"), ("take_amplitude", b'+1.0E-01;+0,"No error"\n', 0.1, b""),
        ("take_amplitude", b'+1.0E-01;-222,"Data out of range"\n', "Refused", b""),
        ("take_amplitude", b"+1.0E-01\n", "BadReply", b""),
        ("take_amplitude", b'0,1;+0,"No error"\n', "BadReply", b""), ("take_amplitude", b'0.1;1,"x"\n', "Refused", b""),
        ("take_amplitude", b'+0;+0,"No error"\n', 0.0, b""),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, told: object, left: bytes) -> None:
    found = heard(ME, take, data)
    assert found == (told, left)
    assert isinstance(found[0], type(told))


@raises_nothing
def test_status_by_name() -> None:
    assert codec(ME).take_status(bytearray(GOOD))._asdict() == {"on": True, "amplitude_v": 0.1, "as_set": True}
