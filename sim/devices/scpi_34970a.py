"""The words of the 34970A's SCPI dialect: its keywords and its channel lists (command reference guide)."""

from __future__ import annotations

import functools
import re

from sim.devices.scpi import OUT_OF_RANGE, SYNTAX, ScpiError, Words

MAX_CHANNELS = 120

_WORDS = Words(
    """
    ABORt ALARm APERture CHANnel CHECk CONFigure COUNt CTYPe DELay DISPlay ERRor FETCh FORMat FUNCtion INITiate
    LOCal MEASure MONitor NPLCycles POINts PRESet READing REMote REMove RJUNction ROUTe RWLock SENSe SOURce STATe SYSTem
    TCouple TEMPerature TIMer TRANsducer TRIGger VERSion
    """
)
_channels = re.compile(r"\(\s*@([0-9,:\s]*)\)")


@functools.lru_cache(maxsize=512)
def header(command: str) -> tuple[str, bool, str]:
    """(short upper-case header, is it a query, argument). The default root SENSe is left out.

    Raises ScpiError for a header that cannot be one.
    """
    short, query, argument = _WORDS.header(command)
    if len(short) > 1 and short[0] == "SENS":
        short = short[1:]
    if short and short[0] == "SCAN":
        short = ("ROUT", *short)
    return ":".join(short), query, argument


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
