"""Inputs for parsers: real replies with bytes changed, lost, doubled, put in; or noise; in pieces as a line gives them.

A changed byte rarely survives a check sum, and what lies behind it would never be tried: of codecs that have one, half
of the inputs get a sum that is right.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor

from pymodbus.framer import FramerRTU

INPUT_MAX = 600
STUFFED = b"\x7e\x7d\x11\x13"
SPICE = (b"9" * 40, b"-", b".", b"E+99", b"nan", b"inf", b",", b"\r\n", b"\xff")

Seal = Callable[[bytes], bytes]


def mutated(rng: random.Random, seeds: tuple[bytes, ...], seal: Seal | None = None) -> bytes:
    """One input, at most ``INPUT_MAX`` bytes but for its sum."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(0, 80))
    data = bytearray(rng.choice(seeds) * (1 if rng.random() < 0.8 else rng.randrange(2, 12)))
    for _ in range(rng.randrange(0, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if data:
                data[at % len(data)] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randrange(1, 4)]
            case 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 4))
            case 3:
                data[at:at] = rng.choice(seeds)[: rng.randrange(1, 20)]
            case 4 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case _:
                data[at:at] = rng.choice(SPICE)
    whole = bytes(data[:INPUT_MAX])
    return seal(whole) if seal is not None and rng.random() < 0.5 else whole


def torn(rng: random.Random, data: bytes) -> list[bytes]:
    """The input as a line may deliver it."""
    if rng.random() < 0.6:
        return [data]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 5)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def seal_ae(data: bytes) -> bytes:
    """AE Bus: 06, then bytes whose exclusive-or is 0."""
    body = data[1:-1]
    return b"\x06" + body + bytes((reduce(xor, body, 0),))


def seal_cxn(data: bytes) -> bytes:
    """CXN: a sum of 16 bits over all but the first byte, ``*``."""
    return data[:-2] + sum(data[1:-2]).to_bytes(4, "big")[2:]


def seal_rtu(data: bytes) -> bytes:
    """Modbus RTU: a CRC behind everything."""
    return data[:-2] + int(FramerRTU.compute_CRC(data[:-2])).to_bytes(2, "big")


def seal_shdlc(data: bytes) -> bytes:
    """SHDLC: between marks, the inverted sum behind everything, and stuffed."""
    plain = data.strip(b"\x7e")[:-1]
    plain = re.sub(b"\x7d(.)", lambda pair: bytes((pair[1][0] ^ 0x20,)), plain, flags=re.DOTALL)
    plain += bytes((~sum(plain) & 0xFF,))
    return b"\x7e" + b"".join(bytes((0x7D, b ^ 0x20)) if b in STUFFED else bytes((b,)) for b in plain) + b"\x7e"


SEALS: Mapping[str, Seal] = {
    "ae-bus number": seal_ae,
    "ae-bus done": seal_ae,
    "ae-bus marker": seal_ae,
    "modbus registers, RTU": seal_rtu,
    "modbus marker": seal_rtu,
    "sensirion reading": seal_shdlc,
    "tc-cxn power": seal_cxn,
    "tc-cxn name": seal_cxn,
    "tc-cxn marker": seal_cxn,
}
