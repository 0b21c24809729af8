"""What the function generator knows besides a sine, by headers, ranges and defaults of its manual."""

from __future__ import annotations

import pytest

from tests.sim_devices.desk import Desk

NO_ERROR = b'+0,"No error"\n'


@pytest.mark.parametrize(
    ("question", "default"),
    [
        ("PHAS?", "+0.000000000000000E+00"),
        ("FUNC:SQU:DCYC?", "+5.000000000000000E+01"),
        ("FUNC:RAMP:SYMM?", "+1.000000000000000E+02"),
        ("FUNC:PULS:PER?", "+1.000000000000000E-03"),
        ("FUNC:PULS:WIDT?", "+1.000000000000000E-04"),
        ("FUNC:PULS:DCYC?", "+1.000000000000000E+01"),
        ("FUNC:PULS:HOLD?", "WIDT"),
        ("FUNC:PULS:TRAN?", "+1.000000000000000E-08"),
        ("BURS:STAT?", "0"),
        ("BURS:MODE?", "TRIG"),
        ("BURS:NCYC?", "+1.000000000000000E+00"),
        ("SOURCE1:BURST:INTERNAL:PERIOD?", "+1.000000000000000E-02"),
        ("TRIG:SOUR?", "IMM"),
        ("OUTP:TRIG?", "0"),
        ("VOLT:HIGH?", "+5.000000000000000E-02"),
        ("VOLT:LOW?", "-5.000000000000000E-02"),
    ],
)
def test_defaults(question: str, default: str) -> None:
    assert Desk("keysight-33500b").ask(f"{question}\n".encode()) == f"{default}\n".encode()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"PHAS 361", b'-222,"Data out of range"'),
        (b"FUNC:SQU:DCYC 100", b'-222,"Data out of range"'),
        (b"FUNC:PULS:WIDT 2e-3", b'-222,"Data out of range"'),  # longer than the period
        (b"BURS:MODE MAYBE", b'-224,"Illegal parameter value"'),
        (b"BURS:NCYC", b'-109,"Missing parameter"'),
        (b"BURS:INT:PER 9000", b'-222,"Data out of range"'),
        (b"*TRG", b'-211,"Trigger ignored"'),
        (b"FUNC:ARB RAMP", b'-113,"Undefined header"'),
        (b"VOLT:HIGH -1", b'-221,"Settings conflict"'),
        (b"VOLT:LIM:HIGH 0.5;LOW -0.5;STAT ON;:VOLT:HIGH 0.6", b'-221,"Settings conflict"'),
    ],
)
def test_errors(line: bytes, error: bytes) -> None:
    desk = Desk("keysight-33500b")
    desk.ask(line + b"\n")
    assert desk.ask(b"SYST:ERR?\nSYST:ERR?\n") == error + b"\n" + NO_ERROR


def test_levels_are_amplitude_and_offset() -> None:
    desk = Desk("keysight-33500b")
    desk.ask(b"VOLT:HIGH 0.4;LOW -0.1\n")
    assert desk.ask(b"VOLT?;:VOLT:OFFS?\n") == b"+5.000000000000000E-01;+1.500000000000000E-01\n"
    desk.ask(b"OUTP:LOAD INF\n")
    assert desk.ask(b"VOLT:HIGH?;LOW?\n") == b"+8.000000000000000E-01;-2.000000000000000E-01\n"
    assert desk.ask(b"SYST:ERR?\n") == NO_ERROR


@pytest.mark.parametrize(
    ("hold", "width", "duty"),
    [(b"WIDT", b"+1.000000000000000E-04", b"+2.000000000000000E+01"), (b"DCYC", b"+5.0", b"+1.000000000000000E+01")],
)
def test_a_pulse_holds_its_width_or_its_duty_cycle(hold: bytes, width: bytes, duty: bytes) -> None:
    desk = Desk("keysight-33500b")
    desk.ask(b"FUNC:PULS:HOLD " + hold + b";PER 5e-4\n")
    assert desk.ask(b"FREQ?\n") == b"+2.000000000000000E+03\n"
    assert desk.ask(b"FUNC:PULS:WIDT?\n").startswith(width)
    assert desk.ask(b"FUNC:PULS:DCYC?\n").strip() == duty


def test_a_burst_is_on_for_its_share_of_the_time() -> None:
    """500 cycles of 1 ms every 2 s: a quarter of the power; and none where no trigger comes."""
    desk = Desk("keysight-33500b")
    desk.ask(b"VOLT 1;:OUTP ON\n")
    desk.wait(0.1)
    whole_w = desk.world.forward_w
    desk.ask(b"BURS:NCYC 500;INT:PER 2;:BURS:STAT ON\n")
    desk.wait(0.1)
    assert desk.world.forward_w == pytest.approx(0.25 * whole_w)
    desk.ask(b"TRIG:SOUR BUS;*TRG\n")
    desk.wait(0.1)
    assert (desk.world.forward_w, desk.ask(b"SYST:ERR?\n")) == (0.0, NO_ERROR)
    desk.ask(b"*RST;:VOLT 1;:OUTP ON\n")
    desk.wait(0.1)
    assert desk.world.forward_w == pytest.approx(whole_w)
