"""Omega FOB: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import math

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "omega_fob"


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 9600, "READ": b"t\r", "IDENTIFY": b"i\r", "CELSIUS": b"u c\r", "FAST": b"q+\r", "AWAKE": b"p-\r",
        "STREAM_OFF": b"ta-\r", "BOX": b"b\r", "REPLY_MAX": 400, "NO_PROBE": b"---.-",
    }  # fmt: skip
    assert constants(ME, wire) == wire


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"+24.3\r", None, b"+24.3\r"), (b"+24.3\r*", [b"+24.3"], b""), (b"*", [], b""),
        (b" +24.3 \r\n-01.0\r\n*x", [b"+24.3", b"-01.0"], b"x"), (b"\r\r*", [], b""), (b"a\nb*", [b"a", b"b"], b""),
        (b"Err1", "Refused", b""), (b"Err 2x", "Refused", b"x"), (b"Err", None, b"Err"), (b"Err ", None, b"Err "),
        (b"+1.0\rErr3*", "Refused", b"*"), (b"*Err1", [], b"Err1"), (b"ok*Err1", [b"ok"], b"Err1"),
        (b"Err*", "Refused", b""),
        (b"x" * 400, None, b"x" * 400), (b"x" * 401, "BadReply", b"x" * 401), (b"**", [], b"*"),
        (b"Err\xff", "Refused", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_reply(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_reply", data) == (told, left)


@raises_nothing
def test_which_error() -> None:
    with pytest.raises(codec(ME).Refused, match=r"^the thermometer answered Err 3 \(45 72 72 20 33\)$"):
        codec(ME).take_reply(bytearray(b"Err 3"))


@pytest.mark.parametrize(
    "lines, count, told",
    [
        ([b"+24.3"], 1, [24.3]), ([b"-05.0", b"+120.9"], 2, [-5.0, 120.9]), ([], 0, []), ([], 1, "BadReply"),
        ([b"+24.3"], 2, "BadReply"), ([b"+24.3", b"+1.0"], 1, "BadReply"), ([b"24.3"], 1, "BadReply"),
        ([b"+24,3"], 1, "BadReply"), ([b"+24.33"], 1, "BadReply"), ([b"+1234.5"], 1, "BadReply"),
        ([b"+.5"], 1, "BadReply"),
        ([b"---.--"], 1, "BadReply"), ([b"--.-"], 1, "BadReply"), ([b"+24."], 1, "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_readings(lines: list[bytes], count: int, told: object) -> None:
    assert read(ME, "readings_c", lines, count) == told


@raises_nothing
def test_no_probe() -> None:
    first, second = read(ME, "readings_c", [b"---.-", b"+36.6"], 2)
    assert math.isnan(first)
    assert second == 36.6


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"b: +31.2*", True, b""), (b"+24.3\r*b:31.2 *x", True, b"x"), (b"b:-1.0\r\n*", True, b""),
        (b"b: +31.2", None, b"b: +31.2"), (b"b: 1234.5*", None, b"b: 1234.5*"), (b"+24.3*", None, b"+24.3*"),
        (b"b: 31*", None, b"b: 31*"), (b"b: 1.0*b: 2.0*", True, b"b: 2.0*"), (b"b 31.2*", None, b"b 31.2*"),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    found = heard(ME, "skip_to_box", data)
    assert found == (told, left)
    assert type(found[0]) is type(told)


@raises_nothing
def test_inputs_to_scan() -> None:
    enable = codec(ME).enable
    assert (enable([1, 2, 4], 4), enable([2], 2), enable([1], 1)) == (b"e 1 2 -3 4\r", b"e -1 2\r", b"e 1\r")


@raises_nothing
def test_which_lines_are_ours() -> None:
    layout, line = codec(ME).layout, b"+24.3"
    assert layout([line] * 2, [2, 4], 4) == (2, range(2))
    assert layout([line] * 4, [2, 4], 4) == (4, [1, 3])
    assert layout([line] * 2, [1, 2], 2) == (2, range(2))
    for count, seen in ((3, b"+24.3\r+24.3\r+24.3"), (0, b"*"), (9, b"+24.3\r" * 8)):
        with pytest.raises(codec(ME).BadReply, match=f"^{count} readings where 2 were asked for: ") as told:
            layout([line] * count, [2, 4], 4)
        assert told.value.seen == seen
