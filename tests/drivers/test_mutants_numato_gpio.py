"""Numato GPIO: every byte that is sent, and what each answer is taken for, as literals."""

from __future__ import annotations

import pytest

from tests.drivers.wire import constants, heard, read
from tests.mutation.total import raises_nothing

ME = "numato_gpio"


@raises_nothing
def test_what_is_sent() -> None:
    wire = {"PROMPT": 0x3E, "ANSWER_MAX": 512}
    assert constants(ME, wire) == wire
    assert read(ME, "request", "gpio readall") == b"gpio readall\r"
    assert [read(ME, "digits", ports) for ports in (1, 4, 5, 8, 9, 16, 32, 128)] == [1, 1, 2, 2, 3, 4, 8, 32]
    assert [read(ME, "hex_of", 0x1F, ports) for ports in (8, 16, 32)] == ["1f", "001f", "0000001f"]
    assert read(ME, "hex_of", 0xA, 4) == "a"


ALL = b"gpio readall\n\r00ff\n\r>"
NOTE = b"# 00ff 0000 ffff"


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (ALL, "00ff", b""), (ALL[:-1], None, ALL[:-1]), (ALL + b"x>", "00ff", b"x>"),
        (b"gpio readall\r\n00ff\r\n>", "00ff", b""), (b"gpio readall\n\r>", "", b""), (b"gpio readall>", "", b""),
        (b"\n\rgpio readall\n\r 00ff \n\r>", "00ff", b""), (b" gpio readall \n\r00ff\n\r>", "00ff", b""),
        (b">", "BadReply", b""), (b"\n\r>", "BadReply", b""), (b"gpio read\n\r00ff\n\r>", "BadReply", b""),
        (b"00ff\n\rgpio readall\n\r>", "BadReply", b""), (b"gpio readall\n\r00ff\n\r00ff\n\r>", "BadReply", b""),
        (b"x" * 512, None, b"x" * 512), (b"x" * 513, "BadReply", b"x" * 513),
        (b"x" * 513 + b">", "BadReply", b""), (b"gpio readall\n\r\xff\n\r>", "\N{REPLACEMENT CHARACTER}", b""),
        # notifications: 16 ports, values of four digits
        (b"gpio readall\n\r\n\r" + NOTE + b"\n\r00ff\n\r>", "00ff", b""), (NOTE + b"\r\n" + ALL, "00ff", b""),
        (b"gpio read" + b"\n\r" + NOTE + b"\n\r" + b"all\n\r00ff\n\r>", "00ff", b""),
        (b"gpio readall\n\r00" + b"\r\n#00ff 0000 ffff\r\n" + b"ff\n\r>", "00ff", b""),
        (b"gpio readall\n\r0" + NOTE + b"0ff\n\r>", "00ff", b""),
        (NOTE + b"gpio readall\n\r" + b"\n\r" + NOTE + b"00FF\n\r>", "00FF", b""),
        (b"gpio readall\n\r# 00f 0000 ffff\n\r>", "# 00f 0000 ffff", b""),
        (b"gpio readall\n\r# 00ff 0000\n\r00ff\n\r>", "BadReply", b""), (b"# gpio readall\n\r>", "BadReply", b""),
        (b"gpio readall\n\r# 00gg 0000 ffff\n\r>", "# 00gg 0000 ffff", b""),
        (b"gpio readall\r\n\n\r# 0A9F 0a9f AFaf\n\r00ff\n\r>", "00ff", b""),
        (b"gpio readall\n\r# 00ff 0000 ffff\n\r00ff\n\r>", "BadReply", b""),
    ],
)  # fmt: skip
@raises_nothing
def test_answer(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "take_answer", data, "gpio readall", 16) == (told, left)


@pytest.mark.parametrize(
    "data, told, left",
    [
        (b"", None, b""), (ALL, "00ff", b""), (ALL + b"rest", "00ff", b"rest"), (ALL[:-1], None, ALL[:-1]),
        (b"ff\n\r>" + ALL, "00ff", b""), (b">" + ALL, "00ff", b""), (b"gpio readall\n\r>" + ALL, "00ff", b""),
        (b"gpio re" + ALL, "00ff", b""), (b"gpio readall\n\rgpio readall\n\r00ff\n\r>", "00ff", b""),
        (b"x>y>", None, b""), (b"x>y", None, b"y"), (ALL + ALL, "00ff", ALL),
    ],
)  # fmt: skip
@raises_nothing
def test_skip(data: bytes, told: object, left: bytes) -> None:
    assert heard(ME, "skip_to_answer", data, "gpio readall", 16) == (told, left)


@pytest.mark.parametrize(
    "answer, ports, told",
    [
        ("00ff", 16, 255), ("FFff", 16, 65535), ("0", 4, 0), ("1f", 8, 31), ("0ff", 16, "BadReply"),
        ("000ff", 16, "BadReply"),
        ("00fg", 16, "BadReply"), ("", 16, "BadReply"), ("0x1f", 16, "BadReply"), ("+0ff", 16, "BadReply"),
        ("0_ff", 16, "BadReply"), ("a9", 8, 0xA9), ("A9", 8, 0xA9), ("09af", 16, 0x09AF),
    ],
)  # fmt: skip
@raises_nothing
def test_levels(answer: str, ports: int, told: object) -> None:
    assert read(ME, "levels", answer, ports) == told
