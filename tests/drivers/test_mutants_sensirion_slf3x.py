"""Sensirion SCC1 and SLF3x: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.wire import codec, constants, heard, read
from tests.mutation.total import raises_nothing

ME = "sensirion_slf3x"
HEX = bytes.fromhex


@raises_nothing
def test_constants() -> None:
    wire = {
        "BAUD": 115200, "MARK": 0x7E, "ESCAPE": 0x7D, "STUFFED": frozenset((0x7E, 0x7D, 0x11, 0x13)), "FRAME_MAX": 522,
        "NO_READING": frozenset((32767, -32768)), "IDENTITY": 0xD0, "VERSION": 0xD1, "SENSOR_TYPE": 0x24,
        "PRODUCT": 0x50, "SCALE": 0x53, "START": 0x33, "STOP": 0x34, "READ": 0x35, "WATER": 0x3608, "SF06": 3,
        "TEMPERATURE_PER_C": 200.0,
        "MODELS": {
            "slf3s-0600f": (10.0, 0.001, 3.25), "slf3s-1300f": (500.0, 1.0, 65.0), "slf3s-4000b": (32.0, 1.0, 600.0),
        },
    }  # fmt: skip
    assert constants(ME, wire) == wire
    assert {flag.name: flag.value for flag in codec(ME).Flag} == {"AIR_IN_LINE": 1, "HIGH_FLOW": 2, "SMOOTHING": 32}
    assert codec(ME).Model(1.0, 2.0, 3.0)._fields == ("counts", "ml_min_per_unit", "flow_max_ml_min")
    assert codec(ME).Reading(1, 2.0, 3)._fields == ("flow", "temperature_c", "flags")


@pytest.mark.parametrize(
    "args, sent",
    [
        ((0xD0,), HEX("7e 00 d0 00 2f 7e")), ((0x33, b"\x36\x08"), HEX("7e 00 33 02 36 08 8c 7e")),
        ((0x35, b"\x03", 5), HEX("7e 05 35 01 03 c1 7e")), ((0x11,), HEX("7e 00 7d31 00 ee 7e")),
        ((1, b"\x7e\x7d\x13\x12"), HEX("7e 00 01 04 7d5e 7d5d 7d33 12 da 7e")),
        ((0x80, b"\x01"), HEX("7e 00 80 01 01 7d5d 7e")),
        ((0xFF, b"\xff\xff"), HEX("7e 00 ff 02 ff ff 00 7e")),
    ],
)  # fmt: skip
@raises_nothing
def test_frame(args: tuple[Any, ...], sent: bytes) -> None:
    assert read(ME, "frame", *args) == sent


GOOD = HEX("7e 00 35 00 02 1234 82 7e")
BARE = HEX("7e 00 35 00 00 ca 7e")


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (GOOD, HEX("1234"), b""), (BARE, b"", b""), (GOOD + b"x", HEX("1234"), b"x"),
        *[(GOOD[:k], None, GOOD[:k]) for k in range(1, 9)], (b"xyz" + GOOD, HEX("1234"), b""),
        (b"\x7e" + GOOD, HEX("1234"), b""),
        (b"\x7e\x7e" + GOOD, HEX("1234"), b""), (HEX("7e 00 35 00 02 7d5e 7d31 39 7e"), HEX("7e11"), b""),
        (HEX("7e 00 35 00 01 7d 7e"), "BadReply", b""), (HEX("7e 00 35 00 00 ca 7d 7e"), "BadReply", b""),
        (HEX("7e 00 35 00 02 1234 83 7e"), "BadReply", b""),
        (HEX("7e 00 35 00 03 1234 81 7e"), "BadReply", b""), (HEX("7e 00 35 00 01 1234 83 7e"), "BadReply", b""),
        (HEX("7e 00 35 ca 7e"), "BadReply", b""), (HEX("7e 01 35 00 00 c9 7e"), "BadReply", b""),
        (HEX("7e 00 36 00 00 c9 7e"), "BadReply", b""), (HEX("7e 00 35 01 00 c9 7e"), "Refused", b""),
        (HEX("7e 00 35 40 00 8a 7e"), "Refused", b""), (HEX("7e 00 35 80 00 4a 7e"), b"", b""),
        (HEX("7e 00 35 ff 00 cb 7e"), "Refused", b""), (HEX("7e 00 36 01 00 c8 7e"), "BadReply", b""),
        (b"x" * 522, None, b"x" * 522), (b"x" * 523, "BadReply", b"x" * 523),
        (b"\x7e" + b"x" * 521, None, b"\x7e" + b"x" * 521), (b"\x7e" + b"x" * 522, "BadReply", b"\x7e" + b"x" * 522),
        (b"xx\x7e" + b"x" * 521, None, b"xx\x7e" + b"x" * 521), (HEX("7e 00 35 00 00 ca 7e 7e"), b"", b"\x7e"),
    ],
)  # fmt: skip
@raises_nothing
def test_reply(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_reply", data, 0x35) == (told, left)


@raises_nothing
def test_reply_of_another_address() -> None:
    assert heard(ME, "take_reply", HEX("7e 01 35 00 00 c9 7e"), 0x35, 1) == (b"", b"")
    assert heard(ME, "take_reply", BARE, 0x35, 1) == ("BadReply", b"")
    assert heard(ME, "skip_to_reply", BARE + HEX("7e 01 35 00 00 c9 7e"), 0x35, 1) == (b"", b"")


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (b"x", None, b"x"), (GOOD, HEX("1234"), b""), (GOOD[:-1], None, GOOD[:-1]),
        (b"ab" + GOOD, HEX("1234"), b""),
        (HEX("7e 00 36 00 00 c9") + GOOD, HEX("1234"), b""), (HEX("7e 00 36 00 00 c9 7e") + GOOD, HEX("1234"), b""),
        (HEX("7e 7d") + GOOD, HEX("1234"), b""), (HEX("7e 00 35 01 00 c9 7e") + GOOD + b"y", HEX("1234"), b"y"),
        (HEX("7e 00 36 00 00 c9 7e"), None, b"\x7e"), (BARE + GOOD, b"", GOOD),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "skip_to_reply", data, 0x35) == (told, left)


@pytest.mark.parametrize(
    "data, told",
    [
        (HEX("0064 1388 0001"), (100, 25.0, 1)), (HEX("ff9c ff38 8000"), (-100, -1.0, 32768)),
        (HEX("7fff 7fff 0000"), (None, None, 0)),
        (HEX("8000 8000 0002"), (None, None, 2)), (HEX("7ffe 8001 0000"), (32766, -163.835, 0)),
        (HEX("0000 0000 0000"), (0, 0.0, 0)),
        (HEX("0064 1388 00"), "BadReply"), (HEX("0064 1388 0001 00"), "BadReply"), (b"", "BadReply"),
    ],
)  # fmt: skip
@raises_nothing
def test_reading(data: bytes, told: object) -> None:
    assert read(ME, "reading", data) == told


@pytest.mark.parametrize(
    "data, told", [(b"SLF3S\0x", "SLF3S"), (b" a\xff", "a\N{REPLACEMENT CHARACTER}"), (b"", ""), (b"a\0b\0", "a")]
)
@raises_nothing
def test_text(data: bytes, told: str) -> None:
    assert read(ME, "text", data) == told
