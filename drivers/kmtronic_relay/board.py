"""What a KMTronic board says when it is asked for the first time."""

from __future__ import annotations

import contextlib

from drivers.contract import BadReply, NoReply
from drivers.kmtronic_relay import codec
from drivers.transport.base import Port

TIMEOUT_S = 0.1


async def everything_said(port: Port) -> bytes:
    """All that comes within the time-out: only its length tells a board of four relays from one of eight."""
    seen = bytearray()

    def collect(buffer: bytearray) -> None:
        seen[:] = buffer

    with contextlib.suppress(NoReply, BadReply):
        await port.exchange(codec.QUERY, collect, timeout_s=TIMEOUT_S)
    return bytes(seen)
