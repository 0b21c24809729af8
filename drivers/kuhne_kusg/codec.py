"""Wire format of the Kuhne electronic KU SG 2.45-250 A (115200 8N1, commands end in CR).

A command is answered ``A`` CR. A question is answered by a fixed number of bytes and CR, or by text and CR. Bytes are
binary: 13 W is ``0D 0D``, so the length counts and never the CR.

Source: the command list of the KU SG 2.45-250 A, as implemented in PyMeasure (``kuhneelectronic.kusg245_250a``).
"""

from __future__ import annotations

import re

from drivers.contract import BadReply

BAUD = 115200
CR = 0x0D
TEXT_MAX = 64
POWER_MAX_W = 250
REFLECTION_LIMITS_W = (None, 100, 150, 180, 200, 230)
"""By the digit of ``B0`` to ``B5``."""

_NUMBER = re.compile(r"[+-]?\d{1,10}(\.\d{0,6})?")

RF_ON, RF_OFF, BIAS_ON, BIAS_OFF, EXTERNAL_OFF = b"O\r", b"o\r", b"X\r", b"x\r", b"r\r"
PULSE_OFF, CLEAR_VSWR, VERSION = b"p\r", b"z\r", b"v\r"
ASK_FORWARD, ASK_REVERSE, ASK_RF, ASK_BIAS, ASK_EXTERNAL = b"6\r", b"7\r", b"o?\r", b"x?\r", b"r?\r"
ASK_TEMPERATURE, ASK_POWER, ASK_FREQUENCY, ASK_5V, ASK_32V = b"T\r", b"A?\r", b"f?\r", b"5\r", b"8\r"
ASK_REFLECTION_LIMIT = b"B?\r"


def set_power(power_w: int) -> bytes:
    """Set-point in watts, three digits.

    Raises:
        ValueError: outside 0 to 250.
    """
    if not 0 <= power_w <= POWER_MAX_W:
        raise ValueError(f"{power_w} W is outside 0 to {POWER_MAX_W} W")
    return b"A%03d\r" % power_w


def take_done(buffer: bytearray) -> bool | None:
    """True for ``A`` CR; None: not yet.

    Raises:
        BadReply: anything else.
    """
    if len(buffer) < 2:
        if buffer and buffer[0] != 0x41:
            raise BadReply("not 'A' CR", bytes(buffer))
        return None
    if buffer[:2] != b"A\r":
        raise BadReply("not 'A' CR", bytes(buffer[:16]))
    del buffer[:2]
    return True


def take_number(buffer: bytearray, width: int) -> int | None:
    """A big-endian number of ``width`` bytes before a CR; None: not yet.

    Raises:
        BadReply: no CR where it belongs, or something behind it.
    """
    if len(buffer) <= width:
        return None
    if buffer[width] != CR:
        raise BadReply(f"no CR after {width} byte(s)", bytes(buffer[:16]))
    if len(buffer) > width + 1:  # bytes do not say what they answer
        raise BadReply("more than one answer: is there a second controller on the line?", bytes(buffer[:16]))
    number = int.from_bytes(buffer[:width], "big")
    buffer.clear()
    return number


def take_byte(buffer: bytearray) -> int | None:
    """:func:`take_number` of one byte."""
    return take_number(buffer, 1)


def take_text(buffer: bytearray) -> str | None:
    """Text before a CR; None: not yet.

    Raises:
        BadReply: no end, or not printable.
    """
    end = buffer.find(b"\r")
    if end < 0:
        if len(buffer) > TEXT_MAX:
            raise BadReply("a line without end", bytes(buffer[:32]))
        return None
    line = bytes(buffer[:end])
    del buffer[: end + 1]
    if not line or not line.isascii() or any(byte < 0x20 for byte in line):
        raise BadReply("not text", line[:32])
    return line.decode("ascii").strip()


def take_flag(buffer: bytearray) -> bool | None:
    """One byte, 0 or 1, before a CR; None: not yet.

    Raises:
        BadReply: another value.
    """
    byte = take_number(buffer, 1)
    if byte is None:
        return None
    if byte > 1:
        raise BadReply("neither 0 nor 1", bytes((byte,)))
    return byte == 1


def number(text: str, unit: str = "") -> float:
    """A number with an optional unit behind it.

    Raises:
        BadReply: not a finite number with that unit.
    """
    digits = text.removesuffix(unit).strip() if unit else text.strip()
    if not _NUMBER.fullmatch(digits):
        raise BadReply(f"not a number{f' in {unit}' if unit else ''}", text.encode()[:32])
    return float(digits)


def frequency_hz(text: str) -> float:
    """``2450MHz`` (coarse steps) or ``2450000kHz`` (fine ones) in Hz.

    Raises:
        BadReply: neither.
    """
    for unit, factor in (("MHz", 1e6), ("kHz", 1e3)):
        if text.endswith(unit):
            return number(text, unit) * factor
    raise BadReply("neither MHz nor kHz", text.encode()[:32])


def skip_to_frequency(buffer: bytearray) -> bool | None:
    """Drop all through the answer to ``f?``, which alone ends in ``Hz`` CR; None: not there yet. Never raises."""
    end = buffer.find(b"Hz\r")
    if end < 0:
        return None
    del buffer[: end + 3]
    return True
