"""Wire format of Lauda thermostats (ASCII over RS-232 9600 8N1, RS-485 or TCP).

``IN_PV_00`` CR asks, and is answered in fixed notation, ``021.50`` CR LF; ``OUT_SP_00_21.50`` CR tells, and is answered
``OK`` or ``ERR_6``. On RS-485 an address precedes commands and answers (``A015_``). Temperatures are in degrees
Celsius whatever the display shows.

Sources: LAUDA PRO operating manual (interface commands: IN_SP_07 and 08, IN_MODE_02 and 06, STAT); Ecoline E and RE
manuals, pages 10 and 11; MC, page 43.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers.circulator import celsius, take_line
from drivers.contract import BadReply, Refused

BAUD = 9600
BATH, SETPOINT, SAFE_SETPOINT, TIMEOUT = "IN_PV_00", "IN_SP_00", "IN_SP_07", "IN_SP_08"
SAFE_MODE, STATUS, STAT, TYPE, START, STOP = "IN_MODE_06", "STATUS", "STAT", "TYPE", "START", "STOP"

ERRORS = {
    2: "wrong input, its buffer overflowed",
    3: "it does not know the command",
    5: "it cannot read the value",
    6: "it does not permit the value",
    32: "its upper temperature limit is not above the lower one",
}

_ERROR = re.compile(rb"ERR_(\d{1,3})")
_NUMBER = re.compile(rb"-?\d{1,3}(?:\.\d{1,2})?")
_TYPE = re.compile(rb"[A-Z][\w .+/-]*")


class Family(NamedTuple):
    """Where makers' manuals differ from series to series."""

    stat: int  # flags in the answer to STAT
    low_level: int  # the flag that says so, from 0
    running: str  # the question that tells standby
    running_zero: bool  # "0" means running
    watched: bool  # has an interface time-out and a safe set-point


FAMILIES = {
    "pro": Family(7, 4, "IN_MODE_02", True, True),
    "ecoline-e": Family(7, 2, "IN_SP_01", False, False),
    "ecoline-re": Family(5, 1, "IN_SP_01", False, False),
}


def request(command: str, prefix: bytes = b"") -> bytes:
    """One command."""
    return prefix + command.encode("ascii") + b"\r"


def take_answer(buffer: bytearray, prefix: bytes = b"") -> bytes | None:
    """One answer without ``prefix``; None: not yet.

    Raises:
        Refused: ``ERR_n``, with what it means.
        BadReply: of another address, or a line without end.
    """
    line = take_line(buffer)
    if line is None:
        return None
    if not line.startswith(prefix):
        raise BadReply(f"not an answer that begins with {prefix.decode()}", line[:32])
    line = line[len(prefix) :]
    if (error := _ERROR.fullmatch(line)) is not None:
        number = int(error[1])
        raise Refused(f"the thermostat answered ERR_{number}: {ERRORS.get(number, 'see its manual')}")
    return line


def temperature_c(line: bytes) -> float:
    """See :func:`drivers.circulator.celsius`."""
    return celsius(line)


def number(line: bytes) -> float:
    """A mode, a step or seconds, which some firmware writes as ``030.00``.

    Raises:
        BadReply: not a number.
    """
    if _NUMBER.fullmatch(line) is None:
        raise BadReply("not a number", line[:32])
    return float(line)


def fault(line: bytes) -> bool:
    """The answer to ``STATUS``: 0, or -1 for a fault.

    Raises:
        BadReply: neither.
    """
    if line not in (b"0", b"-1"):
        raise BadReply("neither 0 nor -1 after STATUS", line[:32])
    return line == b"-1"


def low_level(line: bytes, family: Family) -> bool:
    """The bath's level is too low, by the answer to ``STAT``.

    Raises:
        BadReply: not the flags of this family.
    """
    if len(line) != family.stat or not line.isdigit():
        raise BadReply(f"not the {family.stat} flags of STAT; is options.family right?", line[:32])
    return line[family.low_level] != 0x30


def told(line: bytes) -> bool:
    """The answer to a command.

    Raises:
        BadReply: anything but ``OK``.
    """
    if line != b"OK":
        raise BadReply("not OK", line[:32])
    return True


def is_type(line: bytes) -> str:
    """The answer to ``TYPE``, a word as no other answer is.

    Raises:
        BadReply: not one.
    """
    if line == b"OK" or _TYPE.fullmatch(line) is None:
        raise BadReply("not a type", line[:32])
    return line.decode("ascii")


def skip_to_type(buffer: bytearray, prefix: bytes = b"") -> bool | None:
    """Drop everything through the answer to ``TYPE``; None: not there yet. Never raises."""
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end]).strip()
        del buffer[: end + 1]
        rest = line[len(prefix) :]
        if line.startswith(prefix) and rest != b"OK" and not _ERROR.fullmatch(rest) and _TYPE.fullmatch(rest):
            return True
    return None
