"""34970A: every word that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import math

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "keysight_34970a"


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 57600, "OPEN_THERMOCOUPLE": 9.9e37, "NPLC": (0.02, 0.2, 1.0, 2.0, 10.0, 20.0, 100.0, 200.0),
        "CHANNELS_PER_S": 60.0,
        "RANGES_C": {
            "B": (60.0, 1820.0), "E": (-150.0, 1000.0), "J": (-150.0, 1200.0), "K": (-100.0, 1200.0),
            "N": (-100.0, 1300.0), "R": (0.0, 1760.0), "S": (0.0, 1760.0), "T": (-100.0, 400.0),
        },
    }  # fmt: skip
    assert constants(ME, wire) == wire


@raises_nothing
def test_words_and_times() -> None:
    assert [read(ME, "channel_list", channels) for channels in ([101], (101, 102), [])] == [
        "(@101)",
        "(@101,102)",
        "(@)",
    ]
    assert read(ME, "scan_time_s", 3, 0.02, 50.0) == pytest.approx(0.05)
    assert read(ME, "scan_time_s", 4, 0.2, 50.0) == pytest.approx(4 * (1 / 60 + 0.0036))
    assert read(ME, "scan_time_s", 1, 1.0, 60.0) == pytest.approx(0.033)
    assert read(ME, "wire_time_s", 4, 57600) == pytest.approx(0.012326388888)
    assert read(ME, "wire_time_s", 0, 9600) == pytest.approx(0.007291666666)


A, B = b"+2.25000000E+01", b"-1.5E-01"


@pytest.mark.parametrize(
    "line, count, told",
    [
        (A, 1, [22.5]), (A + b"," + B, 2, [22.5, -0.15]), (b" " + A + b"\r", 1, [22.5]), (A, 2, "BadReply"),
        (A + b"," + B, 1, "BadReply"), (b"", 1, "BadReply"), (A + b",", 2, "BadReply"), (b"22.5", 1, "BadReply"),
        (b"+22.5E+01", 1, "BadReply"), (b"+2.25E1", 1, "BadReply"), (b"+2,25E+01", 2, "BadReply"),
        (b"+2E+01", 1, "BadReply"),
        (b"2.25E+01", 1, "BadReply"), (b"+2.25E+001", 1, "BadReply"), (b"+9.8E+37", 1, [9.8e37]),
        (b"-9.8E+37", 1, [-9.8e37]),
        (b"+2.1234567890123E+00", 1, "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_readings(line: bytes, count: int, told: object) -> None:
    assert read(ME, "readings", line, count) == told


@raises_nothing
def test_open_thermocouples() -> None:
    found = read(ME, "readings", b"+9.90000000E+37,-9.90000000E+37,+1.0E+38," + A, 4)
    assert [math.isnan(value) for value in found] == [True, True, True, False]


@pytest.mark.parametrize(
    "identity, ours",
    [
        (b"HEWLETT-PACKARD,34970A,0,13", True), (b"Agilent Technologies,34972A,MY,1", True), (b"HP,34970B,0,1", False),
        (b"34970A,0,1", False), (b"HP,34970A", False), (b"HP,034970A,0", False), (b"HP,34901A,0", False), (b"", False),
    ],
)  # fmt: skip
@raises_nothing
def test_identity(identity: bytes, ours: bool) -> None:
    assert codec(ME).is_ours(identity) is ours


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"HP,34970A,0,1", None, b"HP,34970A,0,1"), (b"HP,34970A,0,1\r\nx", b"HP,34970A,0,1", b"x"),
        (A + b"\nHP,34972A,0,1\n", b"HP,34972A,0,1", b""), (A + b"\n", None, b""),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "skip_to_identity", data) == (told, left)
