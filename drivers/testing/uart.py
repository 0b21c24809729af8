"""What a UART makes of bytes that were sent with another baud rate or framing: simulated bit by bit, 16 samples a bit.

A stop bit that is low is a framing error, and Linux hands such a character to the reader as NUL (termios(3), without
PARMRK and IGNPAR). That is why a mismatch shows as NULs and shifted bytes, not as an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SAMPLES = 16


class Framing(NamedTuple):
    """One end of a line: relative baud rate, data bits, parity (N, E, O)."""

    baud: float = 1.0
    bits: int = 8
    parity: str = "N"


def misread(sent: Framing, read: Framing) -> Callable[[bytes], bytes]:
    """What an end set to ``read`` makes of what an end set to ``sent`` writes, back to back."""

    def through(data: bytes) -> bytes:
        return _received(_line(data, sent), read)

    return through


def _line(data: bytes, end: Framing) -> list[bool]:
    """The line's level in samples; it rests high."""
    samples = round(SAMPLES / end.baud)
    levels = [True] * samples
    for byte in data:
        bits = [bool(byte >> at & 1) for at in range(end.bits)]
        if end.parity != "N":
            bits.append(sum(bits) % 2 == (0 if end.parity == "O" else 1))
        for bit in (False, *bits, True):
            levels += [bit] * samples
    return levels + [True] * (12 * SAMPLES * 4)


def _received(levels: list[bool], end: Framing) -> bytes:
    width = SAMPLES / end.baud
    found, at = bytearray(), 1
    length = end.bits + (end.parity != "N")
    while at < len(levels):
        if levels[at] or not levels[at - 1]:  # a character begins with a falling edge
            at += 1
            continue
        middle = [at + round((bit + 0.5) * width) for bit in range(1, length + 2)]
        if middle[-1] >= len(levels):
            break
        bits = [levels[place] for place in middle]
        right = bits[-1] and (end.parity == "N" or sum(bits[:-1]) % 2 == (1 if end.parity == "O" else 0))
        found.append(sum(bit << n for n, bit in enumerate(bits[: end.bits])) if right else 0)
        at = middle[-1]
        while at < len(levels) and not levels[at]:
            at += 1
    return bytes(found)


MISMATCHES = {
    "odd parity, read without": (Framing(parity="O"), Framing()),
    "even parity, read without": (Framing(parity="E"), Framing()),
    "no parity, read as odd": (Framing(), Framing(parity="O")),
    "7 bits and even parity, read as 8 bits": (Framing(bits=7, parity="E"), Framing()),
    "half the baud rate": (Framing(), Framing(0.5)),
    "twice the baud rate": (Framing(), Framing(2.0)),
    "two thirds of the baud rate": (Framing(), Framing(2 / 3)),
    "one and a half times the baud rate": (Framing(), Framing(1.5)),
}
"""How the device sends, and how the host reads; what is the matter by name."""
