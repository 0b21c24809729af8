"""Wire format of Julabo circulators (ASCII, 4800 7E1 with RTS/CTS as delivered).

A question (``in_pv_00`` CR) is answered by one line, ``24.85`` CR LF or LF; a command (``out_sp_00 12.50`` CR) is not
answered at all, works only under remote control, and wants 250 ms before the next. ``status`` tells the mode
(``03 REMOTE START``) or what is wrong (``-01 LOW LEVEL ALARM``). On RS-485 an address precedes everything (``A032_``).

Sources: Julabo SL heating circulators, page 82 and status messages; SC 2500, page 42; FL 601, pages 39 to 41; LC 6,
page 46.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from drivers.circulator import celsius, take_line
from drivers.contract import BadReply

BAUD = 4800
AFTER_OUT_S, AFTER_IN_S = 0.25, 0.01
BATH, SETPOINT, RUNNING, STATUS, VERSION = "in_pv_00", "in_sp_00", "in_mode_05", "status", "version"
HEATING_OR_EXTERNAL = ("in_pv_01", "in_pv_02")
NO_SENSOR = (b"---.--", b"---.-")
WARNINGS = frozenset({-3, -4})  # the bath is warmer or colder than its warning limits: expected on the way
REFUSALS = frozenset(range(-13, -7))  # of a command, not of the bath

_STATUS = re.compile(rb"(-?\d{2}) ([A-Z][\x20-\x7e]{2,80})")
_VERSION = re.compile(rb"JULABO[\x20-\x7e]{0,80}")


class Status(NamedTuple):
    """The answer to ``status``."""

    code: int
    text: str

    @property
    def remote(self) -> bool:
        """False where it says that its panel is in charge."""
        return self.code not in (0, 1)

    @property
    def alarm(self) -> bool:
        """Something is wrong with bath or circulator."""
        return self.code < 0 and self.code not in WARNINGS | REFUSALS

    def __str__(self) -> str:
        return f"{self.code:02d} {self.text}" if self.code >= 0 else f"{self.code:03d} {self.text}"


def request(command: str, prefix: bytes = b"") -> bytes:
    """One question or command."""
    return prefix + command.encode("ascii") + b"\r"


def take_answer(buffer: bytearray, prefix: bytes = b"") -> bytes | None:
    """One answer without ``prefix``; None: not yet. Empty lines, which some firmware sends for commands, are dropped.

    Raises:
        BadReply: of another address, or a line without end.
    """
    line = take_line(buffer)
    if line is None:
        return None
    if not line.startswith(prefix):
        raise BadReply(f"not an answer that begins with {prefix.decode()}", line[:32])
    return line[len(prefix) :]


def temperature_c(line: bytes) -> float:
    """A temperature; NaN where there is no sensor.

    Raises:
        BadReply: see :func:`drivers.circulator.celsius`.
    """
    return math.nan if line in NO_SENSOR else celsius(line)


def digit(line: bytes) -> int:
    """A mode or a unit: 0 or 1.

    Raises:
        BadReply: neither.
    """
    if line not in (b"0", b"1"):
        raise BadReply("neither 0 nor 1", line[:32])
    return int(line)


def status(line: bytes) -> Status:
    """The answer to ``status``.

    Raises:
        BadReply: not one.
    """
    found = _STATUS.fullmatch(line)
    if found is None:
        raise BadReply("not a status of the form 03 REMOTE START", line[:64])
    return Status(int(found[1]), found[2].decode("ascii"))


def version(line: bytes) -> str:
    """The answer to ``version``.

    Raises:
        BadReply: not one.
    """
    if _VERSION.fullmatch(line) is None:
        raise BadReply("not a version that begins with JULABO", line[:64])
    return line.decode("ascii")


def skip_to_version(buffer: bytearray, prefix: bytes = b"") -> bool | None:
    """Drop everything through the answer to ``version``; None: not there yet. Never raises."""
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end]).strip()
        del buffer[: end + 1]
        if line.startswith(prefix) and _VERSION.fullmatch(line[len(prefix) :]):
            return True
    return None
