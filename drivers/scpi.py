"""What SCPI instruments have in common on the wire: lines, numbers, the error queue, the identity.

Sources: SCPI-1999 volume 1 and 2; IEEE 488.2 (NR3 numbers, ``*IDN?``). Terminator is LF both ways.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from drivers.asking import ask
from drivers.contract import BadReply
from drivers.transport.base import Port

LINE_MAX = 1024
NO_READING = 9.8e37  # instruments answer 9.9E+37 where there is nothing to tell, some not to the last digit
ERRORS_MAX = 20  # no error queue of a supported instrument is longer

_NUMBER = re.compile(rb"[+-]?\d{1,16}(?:\.\d{1,16})?(?:E[+-]\d{1,3})?")


def take_line(buffer: bytearray) -> bytes | None:
    """One line without its terminator; None: not yet.

    Raises:
        BadReply: a line without end.
    """
    end = buffer.find(b"\n")
    if end < 0:
        if len(buffer) > LINE_MAX:
            raise BadReply("a line without end", bytes(buffer[:32]))
        return None
    line = bytes(buffer[:end]).rstrip(b"\r")
    del buffer[: end + 1]
    return line


def take_words(buffer: bytearray) -> bytes | None:
    """The first line that is not empty; None: not yet. For questions that are never answered by an empty line.

    Raises:
        BadReply: a line without end.
    """
    while (line := take_line(buffer)) is not None:
        if line.strip():
            return line
    return None


def skip_to(buffer: bytearray, is_it: Callable[[bytes], bool]) -> bytes | None:
    """The first line that ``is_it`` knows, and everything before it dropped; None: not yet. Never raises."""
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end]).rstrip(b"\r")
        del buffer[: end + 1]
        if is_it(line):
            return line
    return None


def number(field: bytes) -> float:
    """A number as ``+4.80000E+05`` or ``42``; NaN where the instrument says that it has none (9.9E+37).

    Raises:
        BadReply: not a number, or not in the instrument's notation (a decimal comma, say).
    """
    if _NUMBER.fullmatch(field) is None:
        raise BadReply("not a number", field[:48])
    value = float(field)
    return value if abs(value) < NO_READING else math.nan


def numbers(line: bytes, count: int) -> list[float]:
    """The ``count`` answers of one compound query, separated by semicolons; NaN as in :func:`number`.

    Raises:
        BadReply: another number of answers, or something else among them.
    """
    fields = line.split(b";")
    if len(fields) != count:
        raise BadReply(f"{len(fields)} answers to {count} questions", line[:64])
    return [number(field.strip()) for field in fields]


def error_entry(line: bytes) -> tuple[int, str]:
    """One entry of ``SYST:ERR?``: ``-113,"Undefined header"``; 0 is "no error".

    Raises:
        BadReply: not of that form.
    """
    code, comma, text = line.strip().partition(b",")
    try:
        return int(code), text.decode("ascii", "replace").strip('" ') if comma else ""
    except ValueError:
        raise BadReply("not an entry of the error queue", line[:64]) from None


def identity(line: bytes) -> tuple[str, str, str, str]:
    """Maker, model, serial number and firmware of an answer to ``*IDN?``; what is missing is empty."""
    maker, model, serial, firmware = (f.decode("ascii", "replace").strip() for f in (line + b",,,").split(b",", 3))
    return maker, model, serial, firmware.rstrip(",")


def a_line(text: str) -> bytes:
    """``text`` with its terminator."""
    return text.encode("ascii") + b"\n"


async def order(port: Port, texts: Sequence[str]) -> None:
    """Send commands that are not answered."""
    for text in texts:
        await port.send(a_line(text))


async def errors(port: Port, timeout_s: float) -> list[str]:
    """Empty the error queue, oldest first: ``-113, Undefined header``.

    Raises:
        NoReply, BadReply, LinkLost: as the port does.
    """
    found: list[str] = []
    for _ in range(ERRORS_MAX):
        code, text = error_entry(await ask(port, b"SYST:ERR?\n", take_line, timeout_s=timeout_s))
        if code == 0:
            break
        found.append(f"{code}, {text}")
    return found
