"""What circulators' text interfaces have in common: lines, temperatures, and the dialects that they must not have."""

from __future__ import annotations

import math
import re

from drivers.contract import BadReply, Refused

LINE_MAX = 200
LOW_C, HIGH_C = -100.0, 400.0  # what a bath thermometer can report

_CELSIUS = re.compile(rb"[+-]?\d{1,3}\.\d{1,3}")
_COMMA = re.compile(rb"[+-]?\d{1,3},\d{1,3}")
_FAHRENHEIT = re.compile(rb"[+-]?\d{1,3}[.,]\d{1,3} ?\S?F")


def take_line(buffer: bytearray) -> bytes | None:
    """The first line that is not empty, without its end (CR LF, or LF alone); None: not yet.

    Raises:
        BadReply: a line without end.
    """
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end]).strip()
        del buffer[: end + 1]
        if line:
            return line
    if len(buffer) > LINE_MAX:
        raise BadReply("a line without end", bytes(buffer[:32]))
    return None


def only(line: bytes | None, rest: bytearray) -> bytes | None:
    """``line``, when nothing but empty lines came with it: a line does not say what it answers.

    Raises:
        BadReply: somebody else's answer came too.
    """
    if line is not None and rest.strip():
        raise BadReply("more than one answer: is there a second controller on the line?", line[:32])
    return line


def celsius(line: bytes) -> float:
    """A temperature in degrees Celsius as ``21.50``; the point is required, so that no mode or flag is taken for one.

    Raises:
        BadReply: another notation, named where it is a known one.
    """
    if _CELSIUS.fullmatch(line):
        return float(line)
    if _COMMA.fullmatch(line):
        raise BadReply("a decimal comma; set the circulator's interface to a decimal point", line[:32])
    if _FAHRENHEIT.fullmatch(line):
        raise BadReply("degrees Fahrenheit; set the circulator to degrees Celsius", line[:32])
    raise BadReply("not a temperature of the form 21.50", line[:32])


def allowed(device: str, temperature_c: float, low_c: float, high_c: float) -> float:
    """``temperature_c`` as a set-point.

    Raises:
        Refused: not a number, or outside what the bench file allows.
    """
    if not (math.isfinite(temperature_c) and low_c <= temperature_c <= high_c):
        raise Refused(f"{device}: {temperature_c:g} degC is outside the {low_c:g} to {high_c:g} of its options")
    return temperature_c
