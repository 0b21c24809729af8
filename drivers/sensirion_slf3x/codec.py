"""Wire format of the Sensirion SCC1-USB cable (SHDLC, 115200 8N1) as far as an SLF3x flow sensor needs it.

``7E address command length data check 7E`` to the device, ``7E address command state length data check 7E`` back; the
check byte is the inverted sum of what lies between; 7E, 7D, 11 and 13 inside are sent as 7D and the byte with bit 5
inverted.

Source: Sensirion SHDLC and SCC1-USB command reference, SLF3x data sheets.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from typing import NamedTuple

from drivers.contract import BadReply, Refused

BAUD = 115200
MARK, ESCAPE = 0x7E, 0x7D
STUFFED = frozenset((0x7E, 0x7D, 0x11, 0x13))
FRAME_MAX = 2 * (255 + 5) + 2
NO_READING = frozenset((0x7FFF, -0x8000))

IDENTITY, VERSION, SENSOR_TYPE = 0xD0, 0xD1, 0x24
PRODUCT, SCALE, START, STOP, READ = 0x50, 0x53, 0x33, 0x34, 0x35
WATER = 0x3608  # continuous measurement, calibrated for water
SF06 = 3  # sensor type: SLF3x and its kin

TEMPERATURE_PER_C = 200.0


class Flag(IntFlag):
    """Signalling bits of a reading."""

    AIR_IN_LINE = 1 << 0
    HIGH_FLOW = 1 << 1
    SMOOTHING = 1 << 5


class Model(NamedTuple):
    """What the data sheet says of one sensor."""

    counts: float  # scale factor as the sensor reports it, counts per unit of flow
    ml_min_per_unit: float
    flow_max_ml_min: float  # end of the calibrated range, either direction


MODELS = {
    "slf3s-0600f": Model(10.0, 0.001, 3.25),  # its unit is the microlitre per minute
    "slf3s-1300f": Model(500.0, 1.0, 65.0),
    "slf3s-4000b": Model(32.0, 1.0, 600.0),
}


class Reading(NamedTuple):
    """Reply to ``35 03``. ``flow`` is in counts."""

    flow: int | None
    temperature_c: float | None
    flags: int


def frame(command: int, data: bytes = b"", address: int = 0) -> bytes:
    """One request."""
    content = bytes((address, command, len(data))) + data
    return _stuffed(content + bytes((~sum(content) & 0xFF,)))


def take_reply(buffer: bytearray, command: int, address: int = 0) -> bytes | None:
    """The data of a whole reply to ``command``; None: not yet.

    Raises:
        Refused: the device answered with an error state.
        BadReply: damaged, or the answer to something else.
    """
    while True:
        start = buffer.find(MARK)
        if start < 0:
            if len(buffer) > FRAME_MAX:
                raise BadReply("no frame", bytes(buffer[:32]))
            return None
        end = buffer.find(MARK, start + 1)
        if end < 0:
            if len(buffer) - start > FRAME_MAX:
                raise BadReply("a frame without end", bytes(buffer[:32]))
            return None
        if end == start + 1:  # the end of an earlier frame and the beginning of this one
            del buffer[:end]
            continue
        raw = bytes(buffer[start + 1 : end])
        del buffer[: end + 1]
        return _data(_unstuffed(raw), command, address)


def skip_to_reply(buffer: bytearray, command: int, address: int = 0) -> bytes | None:
    """Throw away everything before a sound reply to ``command``; None: not there yet. Never raises."""
    while True:
        start = buffer.find(MARK)
        end = buffer.find(MARK, start + 1) if start >= 0 else -1
        if end < 0:
            return None
        raw = bytes(buffer[start + 1 : end])
        try:
            data = _data(_unstuffed(raw), command, address)
        except (BadReply, Refused):
            del buffer[:end]  # its last mark may be the first of the next
            continue
        del buffer[: end + 1]
        return data


def reading(data: bytes) -> Reading:
    """Decode ``35 03``.

    Raises:
        BadReply: not six bytes.
    """
    if len(data) != 6:
        raise BadReply("a reading has six bytes", data)
    flow, temperature, flags = struct.unpack(">hhH", data)
    return Reading(
        None if flow in NO_READING else flow,
        None if temperature in NO_READING else temperature / TEMPERATURE_PER_C,
        flags,
    )


def text(data: bytes) -> str:
    """Decode text that ends at the first NUL."""
    return data.split(b"\0", 1)[0].decode("ascii", "replace").strip()


def _stuffed(content: bytes) -> bytes:
    out = bytearray((MARK,))
    for byte in content:
        if byte in STUFFED:
            out += bytes((ESCAPE, byte ^ 0x20))
        else:
            out.append(byte)
    out.append(MARK)
    return bytes(out)


def _unstuffed(raw: bytes) -> bytes:
    if ESCAPE not in raw:
        return raw
    out = bytearray()
    escaped = False
    for byte in raw:
        if escaped:
            out.append(byte ^ 0x20)
            escaped = False
        elif byte == ESCAPE:
            escaped = True
        else:
            out.append(byte)
    if escaped:
        raise BadReply("a frame ends within an escape", raw[:32])
    return bytes(out)


def _data(content: bytes, command: int, address: int) -> bytes:
    if len(content) < 5 or len(content) != content[3] + 5:
        raise BadReply("wrong length", content[:32])
    if ~sum(content[:-1]) & 0xFF != content[-1]:
        raise BadReply("wrong check byte", content[:32])
    if content[0] != address or content[1] != command:
        raise BadReply(f"the answer to command {content[1]:02X} of address {content[0]}", content[:32])
    state = content[2]
    if state & 0x7F:
        raise Refused(f"the sensor cable answered error {state & 0x7F} to command {command:02X}")
    return content[4:-1]
