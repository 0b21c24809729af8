"""T&C CXN: every byte that is sent, and what each reply is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "tc_cxn"
HEX = bytes.fromhex


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 38400, "DEADMAN_S": 2.0, "ACK": 0x2A, "NACK": 0x3F, "YES": 0x5555, "NONE": 0xFFFF, "DATA_MAX": 64,
        "MODE_NORMAL": 1,
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert {flag.name: flag.value for flag in codec(ME).Status} == {
        "RF_ON": 0x0001, "EXTERNAL_SOURCE": 0x0010, "LOAD_LEVELLING": 0x0020, "FORWARD_LIMIT": 0x0100,
        "REVERSE_LIMIT": 0x0200, "OVER_TEMPERATURE": 0x0400, "INTERLOCK_OPEN": 0x0800, "ANALOG_INTERFACE": 0x4000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "args, sent",
    [
        ((b"GS",), HEX("43004753 0000 0000 00dd")),
        ((b"BR", 0x5555, 0), HEX("43004252 5555 0000 0181")),
        ((b"SA", 0x1234, 0xABCD, 7), HEX("430753411234abcd029c")),
        ((b"SA", 0xFFFF, 0xFFFF, 255), HEX("43ff5341ffffffff05d2")),
        ((b"S",), "ValueError"), ((b"SAA",), "ValueError"), ((b"SA", -1), "ValueError"), ((b"SA", 65536), "ValueError"),
        ((b"SA", 0, -1), "ValueError"), ((b"SA", 0, 65536), "ValueError"), ((b"SA", 0, 0, -1), "ValueError"),
        ((b"SA", 0, 0, 256), "ValueError"),
    ],
)  # fmt: skip
@raises_nothing
def test_frame(args: tuple[Any, ...], sent: object) -> None:
    assert read(ME, "frame", *args) == sent


GL = HEX("2a52 00 0002 0102 0057")


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"*", True, b""), (b"**", True, b"*"), (b"?", "Refused", b""), (b"?*", "Refused", b"*"),
        (b"R", "BadReply", b"R"), (b"+*", "BadReply", b"+*"),
    ],
)  # fmt: skip
@raises_nothing
def test_acknowledgement(data: bytes, told: object, left: bytes) -> None:
    found = heard(ME, "take_ack", data)
    assert found == (told, left)
    assert type(found[0]) is type(told)


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (GL, HEX("0102"), b""), (GL + b"*", HEX("0102"), b"*"),
        *[(GL[:k], None, GL[:k]) for k in range(1, 9)],
        (b"?", "Refused", b""), (b"?R", "Refused", b"R"), (b"xR\0\0\2", "BadReply", b"xR\0\0\2"),
        (b"*S", "BadReply", b"*S"), (b"*S\0\0", "BadReply", b"*S\0\0"), (b"*S\0\0\2", "BadReply", b"*S\0\0\2"),
        (b"*S\0\0\2\1\2\0\x58", "BadReply", b"*S\0\0\2\1\2\0\x58"),
        (HEX("2a52000003"), "BadReply", HEX("2a52000003")), (HEX("2a52000001"), "BadReply", HEX("2a52000001")),
        (HEX("2a52000102"), "BadReply", HEX("2a52000102")),
        (HEX("2a52000102010200") , "BadReply", HEX("2a52000102010200")),
        (HEX("2a52000002 0102 0058"), "BadReply", HEX("2a52000002 0102 0058")),
        (HEX("2a52000002 0102 0157"), "BadReply", HEX("2a52000002 0102 0157")),
        (HEX("2a52010002 0102 0058"), HEX("0102"), b""),  # the address is ignored, the sum holds it
        (HEX("2a52000002 ffff 0252"), HEX("ffff"), b""),
    ],
)  # fmt: skip
@raises_nothing
def test_two_bytes_of_data(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_data", data, 2) == (told, left)


@raises_nothing
def test_a_length_of_two_bytes() -> None:
    data = bytes(range(256)) + b"\1\2"
    whole = b"*R\0\1\2" + data + (0x52 + 1 + 2 + sum(data)).to_bytes(2, "big")
    assert heard(ME, "take_data", whole, 258) == (data, b"")
    assert heard(ME, "take_data", whole[:-1], 258) == (None, whole[:-1])


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (GL, HEX("0102"), b""), (b"?x" + GL, HEX("0102"), b""), (GL + b"?", HEX("0102"), b"?"),
        (b"*" + GL, HEX("0102"), b""), (b"*R" + GL, HEX("0102"), b""), (b"*" + b"R\0\0\3" + GL, HEX("0102"), b""),
        (GL[:-1], None, GL[:-1]), (b"x" + GL[:-1], None, b"x" + GL[:-1]), (b"R*", None, b"R*"),
        (HEX("2a52000002 0103 0057") + GL, HEX("0102"), b""),
        (GL + GL, HEX("0102"), GL), (b"*S", None, b"*S"),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "skip_to_data", data, 2) == (told, left)


@raises_nothing
def test_readings() -> None:
    assert read(ME, "power", HEX("03e8000afffe")) == (100.0, 1.0, 6553.4)
    assert read(ME, "power", HEX("ffffffffffff")) == (None, None, None)
    assert read(ME, "power", HEX("000000010002")) == (0.0, 0.1, 0.2)
    assert read(ME, "state", HEX("0821 0107 0001 ffff")) == (0x0821, 26.3, 1, 0xFFFF)
    assert read(ME, "state", HEX("0000 ffff 0003 0002")) == (0, None, 3, 2)
    assert read(ME, "state", HEX("0000 ffff 0003 0002"))._fields == ("status", "heatsink_c", "mode", "tuner")
    assert read(ME, "tenths", HEX("0102")) == 25.8
    assert read(ME, "tenths", HEX("ffff")) is None
    block = bytes(range(0x10, 0x10 + 22))
    assert read(ME, "limits", block) == (462.7, 873.9)  # 0x1213 and 0x2223 tenths
    assert read(ME, "limits", block[:2] + HEX("ffff") + block[4:18] + HEX("ffff") + block[20:]) == (None, None)


@pytest.mark.parametrize(
    "data, told",
    [
        (b"\0\0AG 0613  \0\0", "AG 0613"), (b"\x01\x02CXN\0rest", "CXN"), (b"\0\0", ""),
        (b"xy\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"\0\0 a\0b\0c", "a"),
    ],
)  # fmt: skip
@raises_nothing
def test_text(data: bytes, told: str) -> None:
    assert read(ME, "text", data) == told


NAME = b"*R\0\0\x05\0\0AGX" + (0x52 + 5 + 0x41 + 0x47 + 0x58).to_bytes(2, "big")


@pytest.mark.parametrize(
    "data, told, left",
    [
        (NAME, "AGX", b""), (NAME + b"*", "AGX", b"*"), *[(NAME[:k], None, NAME[:k]) for k in range(12)],
        (b"?", "Refused", b""), (b"x", "BadReply", b"x"), (b"*S\0\0\5", "BadReply", b"*S\0\0\5"),
        (b"xR\0\0\5", "BadReply", b"xR\0\0\5"), (b"?R\0\0\2", "Refused", b"R\0\0\2"),
        (b"?R\0\0\1", "Refused", b"R\0\0\1"),
        (b"*R\x07\0\x02\0\0\0\x5b", "", b""),
        (b"*R\0\0\x01", "BadReply", b"*R\0\0\x01"), (b"*R\0\0\x41", "BadReply", b"*R\0\0\x41"),
        (b"*R\0\x01\x05", "BadReply", b"*R\0\x01\x05"), (b"*R\0\0\x40", None, b"*R\0\0\x40"),
        (b"*R\0\0\x02", None, b"*R\0\0\x02"), (b"*R\0\0\x02\0\0\0\x54", "", b""),
        (NAME[:-1] + b"\0", "BadReply", NAME[:-1] + b"\0"),
    ],
)  # fmt: skip
@raises_nothing
def test_name(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_text", data) == (told, left)


@raises_nothing
def test_the_longest_name() -> None:
    body = b"R\0\0\x40" + b"\0\0" + b"A" * 62
    assert heard(ME, "take_text", b"*" + body + sum(body).to_bytes(2, "big")) == ("A" * 62, b"")
