"""AR amplifiers: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import pytest

from tests.drivers.wire import codec, constants, heard
from tests.mutation.total import raises_nothing

ME = "ar_amplifier"


@raises_nothing
def test_constants() -> None:
    wire = {
        "IDENTITY": b"*IDN?\n", "STATE": b"STATE?\n", "FORWARD": b"FPOW?\n", "REVERSE": b"RPOW?\n", "RF_ON": b"RF:ON\n",
        "RF_OFF": b"RF:OFF\n", "NAMES": (b"STATE=", b"FPOW=", b"RPOW=", b"AR"),
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert codec(ME).State(True, False, False, False)._fields == ("remote", "powered", "operating", "fault")


@pytest.mark.parametrize(
    "line, ours",
    [
        (b"AR,125A250,1.0", True), (b"AR125A250,1,2,3", True), (b"AR,125A250", False), (b"XR,125A250,1.0", False),
        (b"", False),
        (b"KEYSIGHT,AR,1,2", False),
    ],
)  # fmt: skip
@raises_nothing
def test_is_ours(line: bytes, ours: bool) -> None:
    assert codec(ME).is_ours(line) is ours


def state(remote: int, powered: int, operating: int, fault: int) -> tuple[bool, ...]:
    return (bool(remote), bool(powered), bool(operating), bool(fault))


@pytest.mark.parametrize(
    "take, data, told, left",
    [
        ("skip_to_identity", b"AR,1,2", None, b"AR,1,2"), ("skip_to_identity", b"x\nAR,1,2\r\nz", b"AR,1,2", b"z"),
        ("take_state", b"", None, b""), ("take_state", b"STATE=0000", None, b"STATE=0000"),
        ("take_state", b"STATE=0000\n", state(0, 0, 0, 0), b""),
        ("take_state", b"STATE= 8000\r\nx", state(1, 0, 0, 0), b"x"),
        ("take_state", b"STATE=0100\n", state(0, 1, 0, 0), b""),
        ("take_state", b"STATE=0400\n", state(0, 0, 1, 0), b""),
        ("take_state", b"STATE=0800\n", state(0, 0, 0, 1), b""),
        ("take_state", b"STATE=72FF\n", state(0, 0, 0, 0), b""),
        ("take_state", b"STATE=FFFF\n", state(1, 1, 1, 1), b""),
        ("take_state", b"RF:ON\nSTATE=8D00\n", state(1, 1, 1, 1), b""),
        ("take_state", b"STATE=800\n", "BadReply", b""), ("take_state", b"STATE=\n", "BadReply", b""),
        ("take_state", b"STATE=80000\n", "BadReply", b""),
        ("take_state", b"STATE=800g\n", "BadReply", b""), ("take_state", b"STATE=  8000\n", "BadReply", b""),
        ("take_state", b"FPOW=5\n", "BadReply", b""), ("take_state", b"AR,1,2\n", "BadReply", b""),
        ("take_state", b"POWER:ON\n", None, b""),
        ("take_forward", b"FPOW=   12\n", 12, b""), ("take_forward", b"FPOW=0\nx", 0, b"x"),
        ("take_forward", b"FPOW=99999\n", 99999, b""),
        ("take_forward", b"FPOW=100000\n", "BadReply", b""), ("take_forward", b"FPOW=\n", "BadReply", b""),
        ("take_forward", b"FPOW=1.5\n", "BadReply", b""),
        ("take_forward", b"RPOW=5\n", "BadReply", b""), ("take_forward", b"FPOW=5", None, b"FPOW=5"),
        ("take_forward", b"FPOW=-5\n", "BadReply", b""),
        ("take_reverse", b"RPOW=7\n", 7, b""), ("take_reverse", b"FPOW=7\n", "BadReply", b""),
        ("take_reverse", b"STATE=0000\n", "BadReply", b""),
        ("take_reverse", b"", None, b""), ("take_reverse", b"junk\nRPOW= 7\n", 7, b""),
    ],
)  # fmt: skip
@raises_nothing
def test_what_is_heard(take: str, data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, take, data) == (told, left)
