"""Wire format of the Watson-Marlow 323Du, 520/530 and 620/630 Du (ASCII, 9600 8N2).

A command is the pump's number, two letters, a parameter, and CR. Pumps echo what they receive (unless a switch is set);
set commands get no answer. ``RS`` is answered by one line that ends in ``!``; its fields differ between families but
always hold the speed before the direction, and the running flag last.

Source: Watson-Marlow manuals of the 323Du (RS232 section), 520Du and 620Du.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers.contract import BadReply

BAUD = 9600
LINE_MAX = 160
GAP_S = 0.01  # between commands

_STATUS = re.compile(
    rb"(?:^|[\r\n])(\d{3}[A-Z][A-Za-z]{0,3})((?: [^!\r ]+)*?) (\d{1,4}(?:\.\d+)?) (CW|CCW)((?: [^!\r ]+)*?) ([01]) !"
)


_RUNNING = re.compile(rb"(?:^|\r)[\n ]*[01]\r")


class Status(NamedTuple):
    """Answer to ``RS``."""

    model: str
    speed_rpm: float
    clockwise: bool
    running: bool


def command(pump: int, letters: str, parameter: str = "") -> bytes:
    """One command.

    Raises:
        ValueError: no such pump number.
    """
    if not 1 <= pump <= 32:
        raise ValueError(f"pump number {pump} is not among 1 to 32")
    return f"{pump}{letters}{parameter}\r".encode("ascii")


def take_status(buffer: bytearray) -> Status | None:
    """A whole status line, whatever came before it (echo, an older line) dropped; None: not yet.

    Raises:
        BadReply: ended by ``!`` and not a status, or without end.
    """
    end = buffer.rfind(b"!")
    if end < 0:
        if len(buffer) > LINE_MAX:
            raise BadReply("a line without end", bytes(buffer[:32]))
        return None
    line = bytes(buffer[: end + 1])
    del buffer[: end + 1]
    lines = list(_STATUS.finditer(line))
    if not lines:
        raise BadReply("not a status line", line[:64])
    found = lines[-1]
    return Status(found[1].decode("ascii"), float(found[3]), found[4] == b"CW", found[6] == b"1")


def skip_to_running(buffer: bytearray) -> bool | None:
    """Drop everything through the answer to ``ZY``, a line of one digit as no other is; None: not there yet. Never
    raises.
    """
    found = _RUNNING.search(buffer)
    if found is None:
        return None
    del buffer[: found.end()]
    return True
