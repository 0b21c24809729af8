"""Microwave generators against byte pairs that other people's clients send: Kuhne's answers, Modbus' frames."""

from __future__ import annotations

import socket

import pytest

from tests.interop.run import Client, emulated
from tests.sim_devices.desk import Desk

# ---- Kuhne KU SG 2.45-250 A: numbers are told with as many digits as they are set


@pytest.mark.parametrize(
    "set_, question, answer",
    [
        (b"A123\r", b"A?\r", b"123\r"),
        (b"A020\r", b"A?\r", b"020\r"),
        (b"A000\r", b"A?\r", b"000\r"),
        (b"C0125\r", b"C?\r", b"0125\r"),
        (b"c1000\r", b"c?\r", b"1000\r"),
        (b"fm1\r", b"fm?\r", b"\x01\r"),
        (b"fm0\r", b"fm?\r", b"\x00\r"),
        (b"f2456\r", b"f?\r", b"2456MHz\r"),
        (b"H088\r", b"H?\r", b"\x58\r"),
        (b"B4\r", b"B?\r", b"\x04\r"),
        (b"R\r", b"r?\r", b"\x01\r"),
    ],
)
def test_kuhne_tells_what_was_set(set_: bytes, question: bytes, answer: bytes) -> None:
    desk = Desk("kuhne-kusg")
    assert desk.ask(set_) == b"A\r"
    assert desk.ask(question) == answer


def test_kuhne_set_points_that_are_none_are_not_acknowledged() -> None:
    desk = Desk("kuhne-kusg")
    for command in (b"A251\r", b"A20\r", b"C0126\r", b"c0005\r", b"B6\r", b"f2399\r", b"fm2\r"):
        assert desk.ask(command) == b"", command
    assert desk.ask(b"A?\r") == b"000\r"


# ---- Modbus on a serial line: functions that the device does not have, and requests that contradict themselves


@pytest.mark.parametrize(
    "request_, reply",
    [
        ("01 07 41 E2", "01 87 01 82 30"),  # read exception status
        ("01 11 C0 2C", "01 91 01 8C 50"),  # report server id
        ("01 16 00 02 00 BF 00 00 BE 22", "01 96 01 8E 60"),  # mask write
        ("01 17 00 64 00 06 00 00 00 01 02 00 05 97 20", "01 97 01 8F F0"),  # read and write
        ("01 10 00 00 00 02 04 00 3C 00 19 F2 69", "01 10 00 00 00 02 41 C8"),
        ("01 10 00 00 00 02 02 00 3C A6 05", "01 90 03 0C 01"),  # two registers in two bytes
        ("01 03 00 00 00 7E C5 EA", "01 83 03 01 31"),  # 126 registers
    ],
)
def test_modbus_rtu_answers_every_sound_request(request_: str, reply: str) -> None:
    assert Desk("sairem-gms").hex(request_) == reply
    desk, data = Desk("sairem-gms"), bytes.fromhex(request_)
    assert [desk.hex(f"{byte:02x}") for byte in data] == [""] * (len(data) - 1) + [reply]


def test_modbus_rtu_ends_a_frame_by_silence() -> None:
    desk = Desk("sairem-gms")
    assert desk.hex("01 07 41") == ""
    desk.wait(0.0015)  # less than 1.75 ms: above 19200 baud that much may lie within a frame
    assert desk.hex("E2") == "01 87 01 82 30"
    assert desk.hex("01 07 41") == ""
    desk.wait(0.002)
    assert desk.hex("E2") == ""
    desk.wait(0.002)
    assert desk.hex("01 07 41 E2") == "01 87 01 82 30"
    assert desk.hex("02 07 41 12") == ""  # another unit's


def test_modbus_rtu_forgets_noise() -> None:
    desk = Desk("sairem-gms")
    for _ in range(20):
        assert desk.ask(b"\x55" * 100) == b""
    assert len(desk.device._buffer) <= 256
    desk.wait(0.002)
    assert desk.hex("01 07 41 E2") == "01 87 01 82 30"


@pytest.mark.process
def test_on_a_network_it_is_modbus_tcp() -> None:
    client = Client("", "", "sairem-gms", (), network=True)
    with emulated(client) as where:
        host, port = where.split(":")
        with socket.create_connection((host, int(port)), 5.0) as wire:
            wire.sendall(bytes.fromhex("0007 0000 0006 01 03 0064 0002"))
            assert wire.recv(64).hex(" ") == "00 07 00 00 00 07 01 03 04 00 00 00 64"
