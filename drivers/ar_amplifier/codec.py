"""ASCII of AR amplifiers (lines ended by LF): every answer names its question, so none is taken for another's.

Sources: AR manuals of the 125A250, 600A400 and 250S1G6, remote commands. Some models answer ``RF:`` and ``POWER:`` by
a line of their own; it begins with none of the names below, and is dropped.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers import scpi
from drivers.contract import BadReply

IDENTITY, STATE, FORWARD, REVERSE = b"*IDN?\n", b"STATE?\n", b"FPOW?\n", b"RPOW?\n"
RF_ON, RF_OFF = b"RF:ON\n", b"RF:OFF\n"
NAMES = (b"STATE=", b"FPOW=", b"RPOW=", b"AR")

_STATE = re.compile(rb"STATE= ?([0-9A-F]{4})")
_WATTS = re.compile(rb"[FR]POW= *(\d{1,5})")


class State(NamedTuple):
    """What the four hexadecimal digits of ``STATE?`` say."""

    remote: bool
    powered: bool
    operating: bool
    fault: bool


def is_ours(line: bytes) -> bool:
    """True for the answer of an AR amplifier to ``*IDN?``."""
    return line.startswith(b"AR") and line.count(b",") >= 2


def skip_to_identity(buffer: bytearray) -> bytes | None:
    """The answer to ``*IDN?``, everything before it dropped; None: not yet. Never raises."""
    return scpi.skip_to(buffer, is_ours)


def take_state(buffer: bytearray) -> State | None:
    """The answer to ``STATE?``. Raises BadReply for the answer to another question."""
    line = _named(buffer, b"STATE=")
    if line is None:
        return None
    found = _STATE.fullmatch(line)
    if found is None:
        raise BadReply("not four hexadecimal digits", line[:48])
    word = int(found[1], 16)
    return State(bool(word & 0x8000), bool(word & 0x0100), bool(word & 0x0400), bool(word & 0x0800))


def take_forward(buffer: bytearray) -> int | None:
    """The answer to ``FPOW?``, watts. Raises BadReply for the answer to another question."""
    return _watts(_named(buffer, b"FPOW="))


def take_reverse(buffer: bytearray) -> int | None:
    """The answer to ``RPOW?``, watts. Raises BadReply for the answer to another question."""
    return _watts(_named(buffer, b"RPOW="))


def _named(buffer: bytearray, name: bytes) -> bytes | None:
    line = scpi.skip_to(buffer, lambda line: line.startswith(NAMES))
    if line is not None and not line.startswith(name):
        raise BadReply(f"not an answer that begins with {name.decode()}", line[:48])
    return line


def _watts(line: bytes | None) -> int | None:
    if line is None:
        return None
    found = _WATTS.fullmatch(line)
    if found is None:
        raise BadReply("not whole watts", line[:48])
    return int(found[1])
