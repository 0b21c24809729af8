"""Wire format of the T&C Power Conversion AG and CXN generators ("C/R" binary, 38400 8N1).

A command is ten bytes: ``'C'``, an address that the device ignores, two letters, two 16-bit parameters, and the plain
sum of the first eight bytes, all big-endian. The device answers ``'*'`` (understood) or ``'?'`` (not), and, to a
question, ``'R' address length data sum`` after the ``'*'``.

Source: T&C AG/CXN interface as used by PyMeasure's ``tcpowerconversion.CXN`` and Swift Coat's AG0613 driver.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from typing import NamedTuple

from drivers.contract import BadReply, Refused

BAUD = 38400
DEADMAN_S = 2.0  # without any frame for so long, the device takes control back, turns RF off and forgets the set-point
ACK, NACK = 0x2A, 0x3F
YES = 0x5555  # first parameter of "BC" and "BR" that means "take control" and "on"
NONE = 0xFFFF  # "no reading"
_three = struct.Struct(">HHH").unpack  # made once: struct.unpack looks the format up each time
_four = struct.Struct(">HHHH").unpack
DATA_MAX = 64  # no reply of this family is longer


class Status(IntFlag):
    """Bits of the first word of "GS"."""

    RF_ON = 1 << 0
    EXTERNAL_SOURCE = 1 << 4
    LOAD_LEVELLING = 1 << 5
    FORWARD_LIMIT = 1 << 8
    REVERSE_LIMIT = 1 << 9
    OVER_TEMPERATURE = 1 << 10
    INTERLOCK_OPEN = 1 << 11
    ANALOG_INTERFACE = 1 << 14


MODE_NORMAL = 1  # operation mode of "GS" and "SO": 1 normal, 3 pulse, 4 ramp


class State(NamedTuple):
    """Reply to "GS"."""

    status: int
    heatsink_c: float | None
    mode: int
    tuner: int


def frame(command: bytes, first: int = 0, second: int = 0, address: int = 0) -> bytes:
    """One command.

    Raises:
        ValueError: a parameter does not fit its field.
    """
    if len(command) != 2 or not (0 <= first <= 0xFFFF and 0 <= second <= 0xFFFF and 0 <= address <= 0xFF):
        raise ValueError(f"not a command: {command!r} {first} {second} at address {address}")
    head = struct.pack(">cB2sHH", b"C", address, command, first, second)
    return head + struct.pack(">H", sum(head))


def take_ack(buffer: bytearray) -> bool | None:
    """True for ``'*'``; None: not yet.

    Raises:
        Refused: ``'?'``.
        BadReply: anything else.
    """
    if not buffer:
        return None
    first = buffer[0]
    if first == ACK:
        del buffer[0]
        return True
    if first == NACK:
        del buffer[0]
        raise Refused("the generator answered '?'")
    raise BadReply("neither '*' nor '?'", bytes(buffer[:16]))


def take_data(buffer: bytearray, length: int) -> bytes | None:
    """The data of a whole reply to a question, which must be ``length`` bytes; None: not yet.

    Raises:
        Refused: ``'?'``.
        BadReply: wrong start, length or sum.
    """
    if not buffer:
        return None
    if buffer[0] != ACK:
        take_ack(buffer)
    if len(buffer) < 5:
        if len(buffer) > 1 and buffer[1] != 0x52:
            raise BadReply("no 'R' after '*'", bytes(buffer))
        return None
    if buffer[1] != 0x52:
        raise BadReply("no 'R' after '*'", bytes(buffer[:16]))
    said = buffer[3] << 8 | buffer[4]
    if said != length:
        raise BadReply(f"{said} bytes of data where {length} were asked for", bytes(buffer[:24]))
    end = 7 + length
    if len(buffer) < end:
        return None
    if sum(buffer[1 : end - 2]) != (buffer[end - 2] << 8 | buffer[end - 1]):
        raise BadReply("wrong sum", bytes(buffer[:end]))
    data = bytes(buffer[5 : end - 2])
    del buffer[:end]
    return data


def skip_to_data(buffer: bytearray, length: int) -> bytes | None:
    """Throw away everything before a sound reply of ``length`` bytes of data; None: not there yet. Never raises."""
    start = 0
    head = bytes((ACK, 0x52))
    while (start := buffer.find(head, start)) >= 0:
        tail = buffer[start:]
        try:
            data = take_data(tail, length)
        except (BadReply, Refused):
            start += 1
            continue
        if data is None:  # nor can a later one of the same length be whole
            return None
        buffer[:] = tail
        return data
    return None


def power(data: bytes) -> tuple[float | None, float | None, float | None]:
    """Decode "GP": forward, reverse and load power in watts; None: the device has no reading."""
    forward, reverse, load = _three(data)
    return _tenths(forward), _tenths(reverse), _tenths(load)


def state(data: bytes) -> State:
    """Decode "GS"."""
    status, heatsink, mode, tuner = _four(data)
    return State(status, _tenths(heatsink), mode, tuner)


def tenths(data: bytes) -> float | None:
    """Decode one word of tenths ("GL")."""
    return _tenths(int.from_bytes(data, "big"))


def limits(data: bytes) -> tuple[float | None, float | None]:
    """Decode "Gp": the largest forward and reverse power in watts."""
    return _tenths(int.from_bytes(data[2:4], "big")), _tenths(int.from_bytes(data[18:20], "big"))


def text(data: bytes) -> str:
    """Decode "Gi": a selector word, then text padded with blanks and NULs."""
    return data[2:].split(b"\0", 1)[0].decode("ascii", "replace").strip()


def take_text(buffer: bytearray) -> str | None:
    """A whole reply to "Gi", whose length is the device's choice; None: not yet.

    Raises:
        Refused, BadReply: as :func:`take_data`.
    """
    if len(buffer) >= 5 and buffer[0] == ACK and buffer[1] == 0x52:
        length = buffer[3] << 8 | buffer[4]
        if not 2 <= length <= DATA_MAX:
            raise BadReply("a name of impossible length", bytes(buffer[:16]))
        data = take_data(buffer, length)
        return None if data is None else text(data)
    take_data(buffer, 2)  # short or not a reply: say which
    return None


def _tenths(word: int) -> float | None:
    return None if word == NONE else word / 10.0
