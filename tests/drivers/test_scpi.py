"""SCPI lines and numbers, and the messages of the chain's instruments as their manuals print them."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import scpi
from drivers.ar_amplifier import codec as ar
from drivers.contract import BadReply, Refused
from drivers.infiniivision import codec as scope
from drivers.keysight_33500b import codec as generator
from drivers.rf_chain.regulator import Regulator

WORDS, OLD_WORDS = generator.Words("33500b"), generator.Words("33220a")


@pytest.mark.parametrize(
    ("field", "value"),
    [(b"+4.800000000000000E+05", 480e3), (b"-1.2E-01", -0.12), (b"42", 42.0), (b"+0", 0.0), (b"9.5", 9.5)],
)
def test_numbers(field: bytes, value: float) -> None:
    assert scpi.number(field) == value


@pytest.mark.parametrize("field", [b"+9.9E+37", b"-9.9E+37", b"+9.90000000E+37"])
def test_no_reading_is_no_number(field: bytes) -> None:
    assert math.isnan(scpi.number(field))


@pytest.mark.parametrize("field", [b"", b"nan", b"inf", b"0,5", b"5 V", b"1_0", b"0x10", b"1E", b"+-1", b"1" * 40])
def test_what_is_not_a_number_is_named_with_its_bytes(field: bytes) -> None:
    with pytest.raises(BadReply, match="not a number"):
        scpi.number(field)


def test_lines_errors_and_identities() -> None:
    buffer = bytearray(b"one\r\ntwo")
    assert scpi.take_line(buffer) == b"one"
    assert scpi.take_line(buffer) is None
    with pytest.raises(BadReply, match="a line without end"):
        scpi.take_line(bytearray(b"x" * 2000))
    assert scpi.error_entry(b'+0,"No error"') == (0, "No error")
    text = b'-222,"Data out of range; value clipped to upper limit"'
    assert scpi.error_entry(text) == (-222, "Data out of range; value clipped to upper limit")
    assert scpi.identity(b"Agilent Technologies,33522B,MY5,3.05-1,x") == (
        "Agilent Technologies",
        "33522B",
        "MY5",
        "3.05-1,x",
    )
    assert scpi.identity(b"nobody") == ("nobody", "", "", "")


def test_messages_of_the_generator() -> None:
    assert WORDS.off == b"OUTP1 OFF;:OUTP1?;:SOUR1:FUNC?\n"
    assert WORDS.on == b"OUTP1 ON;:OUTP1?;:SOUR1:FUNC?\n"
    assert WORDS.amplitude(0.22361) == b"SOUR1:VOLT 0.22361;:SOUR1:VOLT?;:SYST:ERR?\n"
    assert WORDS.amplitude(0.1999999) == b"SOUR1:VOLT 0.19999;:SOUR1:VOLT?;:SYST:ERR?\n"
    assert WORDS.set_up(480e3, 0.25)[0] == "OUTP1:LOAD 50", "an amplitude means nothing before it"
    assert OLD_WORDS.off == b"OUTP OFF;:OUTP?;:FUNC?\n"
    assert not any("1:" in order or "LIM" in order for order in OLD_WORDS.set_up(480e3, 0.25))


@given(st.floats(1e-4, 3.5))
def test_a_beginning_of_an_amplitude_is_never_more(volt: float) -> None:
    message = WORDS.amplitude(volt)
    number = message[message.index(b" ") + 1 : message.index(b";")]
    for end in range(1, len(number) + 1):
        with contextlib.suppress(ValueError):
            assert float(number[:end]) <= volt


def test_replies_of_the_generator() -> None:
    assert generator.take_output(bytearray(b"0;SIN\n")) is False
    assert generator.take_output(bytearray(b"1;SIN\n")) is True
    status = generator.take_status(bytearray(b"1;SIN;+5.000000000000000E+01;+1.000000000000000E-01;VRMS\n"))
    assert status == (True, 0.1, True)
    assert not generator.take_status(bytearray(b"0;SIN;+5.0E+01;+1.0E-01;VPP\n")).as_set
    assert generator.take_amplitude(bytearray(b'+1.000000000000000E-01;+0,"No error"\n')) == 0.1
    with pytest.raises(Refused, match="-222, Data out of range; value clipped to upper limit"):
        generator.take_amplitude(bytearray(b'+3.5E+00;-222,"Data out of range; value clipped to upper limit"\n'))


@pytest.mark.parametrize(
    "reply",
    [
        b"1;SIN;+9.9E+37;+1.0E-01;VRMS\n",
        b"1;SQU;+5.0E+01;+1.0E-01;VRMS\n",
        b"1;SIN;+5.0E+01;+1.0E-01\n",
        b"1;SIN\n",
        b"2;SIN;+5.0E+01;+1.0E-01;VRMS\n",
        b"1\n",
    ],
)
def test_a_state_that_must_not_be(reply: bytes) -> None:
    with pytest.raises(BadReply):
        generator.take_status(bytearray(reply))


def test_replies_of_the_amplifier() -> None:
    assert ar.take_state(bytearray(b"STATE= 8100\n")) == (True, True, False, False)
    assert ar.take_state(bytearray(b"STATE= 8301\n")) == (True, True, False, False)
    assert ar.take_state(bytearray(b"RF ON\nSTATE= 8501\n")) == (True, True, True, False)
    assert ar.take_state(bytearray(b"STATE= 0B01\n")) == (False, True, False, True)
    assert ar.take_forward(bytearray(b"FPOW=   54\n")) == 54
    assert ar.take_reverse(bytearray(b"RPOW=    0\n")) == 0
    assert ar.take_forward(bytearray(b"anything\n")) is None
    for late in (b"RPOW=    0\n", b"FPOW=  5,4\n", b"FPOW=\n", b"STATE= 8301\n"):
        with pytest.raises(BadReply):
            ar.take_forward(bytearray(late))


@pytest.mark.parametrize(
    ("identity", "pattern", "ours"),
    [
        (b"AGILENT TECHNOLOGIES,DSO-X 3024A,MY5,02.43", scope.IDENTITY, True),
        (b"KEYSIGHT TECHNOLOGIES,MSO-X 3054T,MY5,07.20", scope.IDENTITY, True),
        (b"KEYSIGHT TECHNOLOGIES,DSOX1102G,CN5,01.20", scope.IDENTITY, True),
        (b"RIGOL TECHNOLOGIES,DS1054Z,DS1,00.04", scope.IDENTITY, False),
        (b"Agilent Technologies,33522B,MY5,3.05", generator.IDENTITIES["33500b"], True),
        (b"Keysight Technologies,33612A,MY5,A.02", generator.IDENTITIES["33500b"], True),
        (b"Agilent Technologies,33220A,MY4,2.02", generator.IDENTITIES["33500b"], False),
        (b"Agilent Technologies,33220A,MY4,2.02", generator.IDENTITIES["33220a"], True),
    ],
)
def test_identities(identity: bytes, pattern: re.Pattern[bytes], ours: bool) -> None:
    assert (pattern.fullmatch(identity) is not None) == ours


def test_messages_of_the_oscilloscope() -> None:
    assert scope.ask_signal(1, 2) == (
        b":MEAS:VRMS? CYCL,AC,CHAN1;:MEAS:VRMS? CYCL,AC,CHAN2;:MEAS:PHAS? CHAN1,CHAN2;:OPER:COND?\n"
    )
    assert scope.take_signal(bytearray(b"+3.2E+01;+6.4E-01;-1.2E+01;+8\n")) == (32.0, 0.64, -12.0, True)
    assert scope.take_screen(bytearray(b"+5.0E-03;+2.0E-04;+0\n")) == (0.005, 0.0002, 0.0, False)
    nothing = scope.take_signal(bytearray(b"+9.9E+37;+9.9E+37;+9.9E+37;+8\n"))
    assert nothing is not None
    assert all(math.isnan(value) for value in nothing[:3])
    for other in (b"+5.0E-03;+2.0E-04;+8\n", b"+3,2E+01;+6.4E-01;-1.2E+01;+8\n", b"1\n", b"a;b;c;d\n"):
        with pytest.raises(BadReply):
            scope.take_signal(bytearray(other))


@given(st.binary(max_size=120))
def test_codecs_are_total(noise: bytes) -> None:
    takes: tuple[Callable[[bytearray], Any], ...] = (
        generator.take_flag,
        generator.take_output,
        generator.take_status,
        generator.take_amplitude,
        ar.take_state,
        ar.take_forward,
        ar.take_reverse,
        scope.take_signal,
        scope.take_screen,
    )
    for take in takes:
        for end in (b"", b"\n"):
            with contextlib.suppress(BadReply, Refused):
                take(bytearray(noise + end))
    ar.skip_to_identity(bytearray(noise + b"\n"))
    scpi.identity(noise)


# ---- the regulator


@given(st.lists(st.tuples(st.floats(1.0, 100.0), st.floats()), max_size=40))
def test_whatever_is_measured_the_amplitude_keeps_its_bounds(story: list[tuple[float, float]]) -> None:
    regulator, t_s = Regulator(gain=2000.0, most_v=0.25), 0.0
    before_v: float | None = None
    for power_w, measured_w in story:
        volt = regulator.wanted_v(power_w)
        nominal_v = math.sqrt(power_w / 2000.0)
        assert 0.0 <= volt <= min(0.25, nominal_v * math.sqrt(2.0) * 1.000001)
        if before_v is not None:
            assert volt <= before_v * 1.2000001
        else:
            assert volt <= nominal_v * math.sqrt(0.5) * 1.000001
        regulator.changing()
        regulator.begun(volt, t_s)
        before_v, t_s = volt, t_s + 0.1
        regulator.learn(measured_w, t_s)


def test_a_measurement_of_another_amplitude_does_not_count() -> None:
    regulator = Regulator(gain=2000.0, most_v=1.0)
    regulator.begun(0.1, 10.0)
    regulator.learn(5.0, 10.05)
    assert regulator.measured_gain is None
    regulator.learn(20.0, 10.07)
    assert regulator.measured_gain == pytest.approx(2000.0)
    regulator.changing()
    regulator.learn(5.0, 10.2)
    assert regulator.measured_gain == pytest.approx(2000.0)
    regulator.reset()
    assert regulator.wanted_v(20.0) == pytest.approx(0.1 * math.sqrt(0.5))
