"""AE Bus: every byte that is sent, and what each reply is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "ae_bus"
HEX = bytes.fromhex


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 115200, "ACK": 0x06, "NAK": 0x15, "ACKNOWLEDGE": b"\x06", "RF_OFF": 1, "RF_ON": 2, "REGULATION": 3,
        "FORWARD_LIMIT": 4, "REVERSE_LIMIT": 5, "SET_POINT": 8, "CONTROL": 14, "WATCHDOG": 39, "PORT_TIMEOUT": 40,
        "GET_TYPE": 128, "GET_SIZE": 129, "GET_SOFTWARE": 130, "GET_WATCHDOG": 139, "GET_PORT_TIMEOUT": 140,
        "GET_STATUS": 162, "GET_SET_POINT": 164, "GET_FORWARD": 165, "GET_REVERSE": 166, "GET_DELIVERED": 167,
        "GET_FREQUENCY": 161, "GET_FORWARD_LIMIT": 169, "GET_CONTROL": 155, "GET_ERROR": 223, "GET_SERIAL": 231,
        "BY_FORWARD": 6, "BY_LOAD": 7, "HOST": 2, "STATUS_ON": 0x20, "STATUS_REQUESTED": 0x40,
        "STATUS_OUT_OF_TOLERANCE": 0x80, "STATUS_HOT": 0x08, "UNKNOWN_COMMANDS": (12, 99),
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert sorted(codec(ME).REFUSALS) == [1, 2, 4, 5, 7, 9, 12, 19, 50, 51, 52, 99]


@raises_nothing
def test_refusals_are_told_in_words() -> None:
    refused = codec(ME).CommandRefused
    assert (str(refused(2)), refused(2).code) == ("the generator answered 2: not while RF is on", 2)
    assert str(refused(3)) == "the generator answered 3: not in the manual"


@pytest.mark.parametrize(
    "args, sent",
    [
        ((1, 162), HEX("08a2aa")), ((0, 0), HEX("000000")), ((31, 255), HEX("f8ff07")),
        ((1, 8, b"\x64\x00"), HEX("0a08640066")),
        ((1, 1, b"\1\2\3\4\5\6"), HEX("0e0101020304050608")),
        ((1, 1, b"\1\2\3\4\5\6\7"), HEX("0f01070102030405060709")),
        ((1, 1, b"\0" * 255), HEX("0f01ff") + b"\0" * 255 + HEX("f1")),
    ],
)  # fmt: skip
@raises_nothing
def test_packet(args: tuple[Any, ...], sent: object) -> None:
    assert read(ME, "packet", *args) == sent


@pytest.mark.parametrize(
    "args", [(32, 1), (-1, 1), (1, 256), (1, -1), (1, 1, b"\0" * 256), (32, 256), (-1, -1)]
)  # fmt: skip
@raises_nothing
def test_no_packet(args: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"^not a packet: address "):
        codec(ME).packet(*args)


@raises_nothing
def test_word() -> None:
    assert [read(ME, "word", value) for value in (0, 1, 0x1234, 0xFFFF)] == [b"\0\0", b"\1\0", b"\x34\x12", b"\xff\xff"]


POWER = HEX("06 0a a5 6400 cb")  # 0a ^ a5 ^ 64
LONG = HEX("06 0f e7 07") + b"ABCDEFG" + HEX("af")
EMPTY = HEX("06 08 a5 ad")


@pytest.mark.parametrize(
    "data, args, told, left",
    [
        (b"", (1, 165), None, b""), (POWER, (1, 165), b"\x64\0", b""), (POWER + b"\6", (1, 165), b"\x64\0", b"\6"),
        *[(POWER[:k], (1, 165), None, POWER[:k]) for k in range(6)],
        (EMPTY, (1, 165), b"", b""), (EMPTY[:3], (1, 165), None, EMPTY[:3]),
        (LONG, (1, 231), b"ABCDEFG", b""), *[(LONG[:k], (1, 231), None, LONG[:k]) for k in range(12)],
        (b"\x15\6", (1, 165), "BadReply", b"\6"), (b"\x07", (1, 165), "BadReply", b"\x07"),
        (b"\x0a\xa5\x64\0\xcb\0", (1, 165), "BadReply", b"\x0a\xa5\x64\0\xcb\0"),
        (POWER, (2, 165), "BadReply", POWER), (POWER, (0, 165), "BadReply", POWER),
        (POWER, (1, 166), "BadReply", POWER),
        (POWER, (17, 165), "BadReply", POWER), (POWER[:3], (1, 166), "BadReply", POWER[:3]),
        (POWER[:-1] + b"\xca", (1, 165), "BadReply", POWER[:-1] + b"\xca"),
        (LONG[:-1] + b"\0", (1, 231), "BadReply", LONG[:-1] + b"\0"),
        (HEX("06 0f e7 00 e8"), (1, 231), b"", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_take(data: bytes, args: tuple[int, int], told: object, left: bytes) -> None:
    assert heard(ME, "take", data, *args) == (told, left)


@pytest.mark.parametrize(
    "data, width, told, left",
    [
        (b"", 2, None, b""), (POWER, 2, 100, b""), (POWER, 1, 100, b""), (POWER[:-1], 2, None, POWER[:-1]),
        (HEX("06 0a a5 3412 89"), 2, 0x1234, b""), (HEX("06 0a a5 3412 89"), 1, 0x34, b""),
        (HEX("06 09 a5 63 cf"), 2, "CommandRefused", b""), (HEX("06 09 a5 63 cf"), 1, 99, b""),
        (POWER, 3, "BadReply", b""), (EMPTY, 2, "BadReply", b""), (EMPTY, 1, "BadReply", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_number(data: bytes, width: int, told: object, left: bytes) -> None:
    assert heard(ME, "take_number", data, 1, 165, width) == (told, left)


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"\6", None, b"\6"), (HEX("06 09 01 00 08"), True, b""),
        (HEX("06 09 01 00 08 06"), True, b"\6"),
        (HEX("06 09 01 01 09"), "CommandRefused", b""), (HEX("06 09 01 63 6b"), "CommandRefused", b""),
        (HEX("06 08 01 09"), "BadReply", b""), (HEX("06 0a 01 0000 0b"), "BadReply", b""), (b"\x15", "BadReply", b""),
        (HEX("06 09 02 00 0b"), "BadReply", HEX("06 09 02 00 0b")),
    ],
)  # fmt: skip
@raises_nothing
def test_done(data: bytes, told: object, left: bytes) -> None:
    found = heard(ME, "take_done", data, 1, 1)
    assert found == (told, left)
    assert type(found[0]) is type(told)


@raises_nothing
def test_which_refusal() -> None:
    for take, data, args in (
        ("take_done", HEX("06 09 01 07 0f"), (1, 1)),
        ("take_number", HEX("06 09 a5 07 ab"), (1, 165, 2)),
    ):
        with pytest.raises(codec(ME).CommandRefused) as refused:
            getattr(codec(ME), take)(bytearray(data), *args)
        assert refused.value.code == 7


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (POWER, b"\x64\0", b""), (POWER + b"\x15", b"\x64\0", b"\x15"),
        (b"\x15\0" + POWER, b"\x64\0", b""),
        (b"\6" + POWER, b"\x64\0", b""), (b"\6\x0a" + POWER, b"\x64\0", b""), (b"\6\x0a\xa5" + POWER, b"\x64\0", b""),
        (HEX("06 0a a6 6400 c8") + POWER, b"\x64\0", b""), (POWER[:-1], None, POWER[:-1]), (b"\6\6", None, b"\6\6"),
        (HEX("06 0f a5 ff") + POWER, b"\x64\0", b""), (POWER + POWER, b"\x64\0", POWER), (b"xyz", None, b"xyz"),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "skip_to", data, 1, 165) == (told, left)


@raises_nothing
def test_skip_tries_every_byte() -> None:
    """Six bytes seem to be due from the first 06 on; the answer begins with the next byte."""
    assert heard(ME, "skip_to", HEX("06 06 02 02 0102 03"), 0, 2) == (b"\1\2", b"")


@pytest.mark.parametrize(
    "data, told",
    [(b"Cesar 1312 \0xx", "Cesar 1312"), (b" a\xff ", "a\N{REPLACEMENT CHARACTER}"), (b"", ""), (b"a\0b\0c", "a")],
)
@raises_nothing
def test_text(data: bytes, told: str) -> None:
    assert read(ME, "text", data) == told
