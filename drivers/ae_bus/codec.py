"""Wire format of Advanced Energy's AE Bus (binary, odd parity, 9600 to 115200 baud).

A packet is a header ``address << 3 | n``, a command, ``n`` bytes of data (``n`` 7: a length byte follows the command)
and the exclusive-or of all that. The device answers ``06`` (or ``15`` when the sum was wrong), then a packet with the
same command, which the host acknowledges with ``06``. Numbers have their low byte first. Commands to 127 are answered
by one status byte, commands from 128 by data.

Source: Advanced Energy, Paramount MF user manual 57020114-00E and Cesar 1312 user manual, host port.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

from drivers.contract import BadReply, Refused

BAUD = 115200
ACK, NAK = 0x06, 0x15
ACKNOWLEDGE = bytes((ACK,))

RF_OFF, RF_ON, REGULATION, FORWARD_LIMIT, REVERSE_LIMIT, SET_POINT, CONTROL = 1, 2, 3, 4, 5, 8, 14
WATCHDOG, PORT_TIMEOUT = 39, 40
GET_TYPE, GET_SIZE, GET_SOFTWARE, GET_WATCHDOG, GET_PORT_TIMEOUT = 128, 129, 130, 139, 140
GET_STATUS, GET_SET_POINT, GET_FORWARD, GET_REVERSE, GET_DELIVERED = 162, 164, 165, 166, 167
GET_FREQUENCY, GET_FORWARD_LIMIT, GET_CONTROL, GET_ERROR, GET_SERIAL = 161, 169, 155, 223, 231

BY_FORWARD, BY_LOAD = 6, 7
HOST = 2
STATUS_ON, STATUS_REQUESTED, STATUS_OUT_OF_TOLERANCE = 1 << 5, 1 << 6, 1 << 7  # first byte of 162
STATUS_HOT = 1 << 3  # second byte

REFUSALS = {
    1: "it is not in the control mode for that",
    2: "not while RF is on",
    4: "the value is out of range",
    5: "the RF enable signal at its user port is off",
    7: "a fault is active",
    9: "wrong number of data bytes",
    12: "this unit has no such feature",
    19: "a recipe is running",
    50: "the frequency is out of range",
    51: "the duty cycle is out of range",
    52: "the on or off time is too short",
    99: "command not implemented",
}
"""Command status responses; 0 is accepted."""
UNKNOWN_COMMANDS = (12, 99)


class CommandRefused(Refused):
    """A command status response other than 0; ``code`` is it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the generator answered {code}: {REFUSALS.get(code, 'not in the manual')}")
        self.code = code


def packet(address: int, command: int, data: bytes = b"") -> bytes:
    """One packet.

    Raises:
        ValueError: a field does not fit.
    """
    if not (0 <= address <= 31 and 0 <= command <= 255 and len(data) <= 255):
        raise ValueError(f"not a packet: address {address}, command {command}, {len(data)} bytes")
    short = len(data) <= 6
    head = bytes((address << 3 | (len(data) if short else 7), command)) + (b"" if short else bytes((len(data),)))
    whole = head + data
    return whole + bytes((reduce(xor, whole),))


def word(value: int) -> bytes:
    """Two bytes, the low one first."""
    return value.to_bytes(2, "little")


def take(buffer: bytearray, address: int, command: int) -> bytes | None:
    """The data of the answer to ``command``; None: not yet.

    Raises:
        BadReply: a NAK, another sender or command, or a wrong sum.
    """
    if not buffer:
        return None
    if buffer[0] == NAK:
        del buffer[0]
        raise BadReply("the generator found our sum wrong (15): line noise, or a parity that is not odd")
    if buffer[0] != ACK:
        raise BadReply("neither 06 nor 15", bytes(buffer[:16]))
    if len(buffer) < 3:
        return None
    if buffer[1] >> 3 != address or buffer[2] != command:
        raise BadReply(f"not an answer to command {command} from address {address}", bytes(buffer[:16]))
    start, length = 3, buffer[1] & 7
    if length == 7:
        if len(buffer) < 4:
            return None
        start, length = 4, buffer[3]
    end = start + length + 1
    if len(buffer) < end:
        return None
    if reduce(xor, buffer[1:end]):
        raise BadReply("wrong sum", bytes(buffer[:end]))
    data = bytes(buffer[start : end - 1])
    del buffer[:end]
    return data


def take_number(buffer: bytearray, address: int, command: int, width: int) -> int | None:
    """A number of ``width`` bytes at the beginning of the data; None: not yet.

    Raises:
        CommandRefused: one status byte came instead.
        BadReply: shorter, or as :func:`take`.
    """
    data = take(buffer, address, command)
    if data is None:
        return None
    if len(data) == 1 and width > 1:
        raise CommandRefused(data[0])
    if len(data) < width:
        raise BadReply(f"{len(data)} byte(s) of data where {width} were asked for", data)
    return int.from_bytes(data[:width], "little")


def take_done(buffer: bytearray, address: int, command: int) -> bool | None:
    """True for status 0; None: not yet.

    Raises:
        CommandRefused: any other status.
        BadReply: not one byte, or as :func:`take`.
    """
    data = take(buffer, address, command)
    if data is None:
        return None
    if len(data) != 1:
        raise BadReply(f"{len(data)} byte(s) where a status was due", data)
    if data[0]:
        raise CommandRefused(data[0])
    return True


def skip_to(buffer: bytearray, address: int, command: int) -> bytes | None:
    """Drop everything before a sound answer to ``command``; None: not there yet. Never raises."""
    start = 0
    while (start := buffer.find(ACKNOWLEDGE, start)) >= 0:
        tail = buffer[start:]
        try:
            data = take(tail, address, command)
        except BadReply:
            start += 1
            continue
        if data is not None:
            buffer[:] = tail
            return data
        start += 1  # perhaps the beginning of it, perhaps not: what follows may be whole
    return None


def text(data: bytes) -> str:
    """Identification as text."""
    return data.split(b"\0", 1)[0].decode("ascii", "replace").strip()
