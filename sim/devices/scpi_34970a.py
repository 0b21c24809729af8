"""The words of the 34970A's SCPI dialect: headers in short or long form, channel lists, error texts (command reference
guide)."""

from __future__ import annotations

import functools
import re

UNDEFINED = '-113,"Undefined header"'
MISSING = '-230,"Data stale"'
OUT_OF_RANGE = '-222,"Data out of range"'
CONFLICT = '-221,"Settings conflict"'
TRIGGER_IGNORED = '-211,"Trigger ignored"'
SYNTAX = '-102,"Syntax error"'

MAX_CHANNELS = 120

_SHORT = {
    "ABORT": "ABOR",
    "ALARM": "ALAR",
    "APERTURE": "APER",
    "CHANNEL": "CHAN",
    "CHECK": "CHEC",
    "CONFIGURE": "CONF",
    "COUNT": "COUN",
    "CTYPE": "CTYP",
    "DELAY": "DEL",
    "DISPLAY": "DISP",
    "ERROR": "ERR",
    "FETCH": "FETC",
    "FORMAT": "FORM",
    "FUNCTION": "FUNC",
    "INITIATE": "INIT",
    "LOCAL": "LOC",
    "MEASURE": "MEAS",
    "MONITOR": "MON",
    "NPLCYCLES": "NPLC",
    "POINTS": "POIN",
    "PRESET": "PRES",
    "READING": "READ",
    "REMOTE": "REM",
    "REMOVE": "REM",
    "RJUNCTION": "RJUN",
    "ROUTE": "ROUT",
    "RWLOCK": "RWL",
    "SOURCE": "SOUR",
    "STATE": "STAT",
    "SYSTEM": "SYST",
    "TCOUPLE": "TC",
    "TEMPERATURE": "TEMP",
    "TIMER": "TIM",
    "TRANSDUCER": "TRAN",
    "TRIGGER": "TRIG",
    "VERSION": "VERS",
}
_channels = re.compile(r"\(\s*@([0-9,:\s]*)\)")


class ScpiError(Exception):
    """Carries the text that goes to the error queue."""


@functools.lru_cache(maxsize=512)
def header(command: str) -> tuple[str, bool, str]:
    """(short upper-case header, is it a query, argument). The default root SENSe is left out.

    Raises ScpiError for a header that cannot be one.
    """
    head, _, argument = command.strip().partition(" ")
    head, question, tail = head.partition("?")
    if tail and not argument:
        argument = tail
    words = head.upper().lstrip(":").split(":")
    if not all(word.removeprefix("*").isalnum() for word in words):
        if command.strip():
            raise ScpiError(SYNTAX)
        return "", False, ""
    short = [_SHORT.get(word, word) for word in words]
    if short[0] in ("SENS", "SENSE") and len(short) > 1:
        short = short[1:]
    if short[0] == "SCAN":
        short = ["ROUT", *short]
    return ":".join(short), bool(question), argument.strip()


@functools.lru_cache(maxsize=512)
def channel_list(argument: str) -> tuple[int, ...] | None:
    """The channels of ``(@101,103:105)``, or None when the argument has no list; raises ScpiError for a bad list."""
    found = _channels.search(argument)
    if found is None:
        if "@" in argument:
            raise ScpiError(SYNTAX)
        return None
    numbers: list[int] = []
    for part in found[1].replace(" ", "").split(","):
        first, _, last = part.partition(":")
        if not first:
            continue
        if len(first) > 4 or len(last) > 4 or not first.isdigit() or not (last or first).isdigit():
            raise ScpiError(SYNTAX)
        numbers.extend(range(int(first), int(last or first) + 1))
        if len(numbers) > MAX_CHANNELS:
            raise ScpiError(OUT_OF_RANGE)
    return tuple(numbers)


def number_in(text: str, low: float, high: float) -> float:
    """A number within limits, or MIN or MAX; raises ScpiError."""
    word = text.strip().upper()
    if word in ("MIN", "MAX"):
        return low if word == "MIN" else high
    try:
        value = float(word)
    except ValueError:
        raise ScpiError(UNDEFINED) from None
    if not low <= value <= high:
        raise ScpiError(OUT_OF_RANGE)
    return value
