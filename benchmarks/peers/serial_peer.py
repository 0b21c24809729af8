"""A reading over a pseudo-terminal: our port, and the serial connection of Opentrons' drivers."""

from __future__ import annotations

from benchmarks.peers.echo import REPLY, REQUEST
from benchmarks.peers.readers import ASK, Query

BAUD = 115200


async def our_terminal(path: str) -> Query:
    """Our port."""
    from drivers.transport.open import open_link
    from drivers.transport.port import LinkPort

    link = LinkPort(await open_link(path, BAUD), "peer")

    def take(buffer: bytearray) -> float | None:
        if len(buffer) < len(REPLY):
            return None
        found = float(buffer[: len(REPLY)])
        del buffer[: len(REPLY)]
        return found

    async def ask() -> float:
        return await link.exchange(REQUEST, take, timeout_s=1.0)

    return ask


async def opentrons(path: str) -> Query:
    """``SerialConnection.send_data``, as the drivers of their modules call it."""
    from opentrons.drivers.asyncio.communication import SerialConnection

    connection = await SerialConnection.create(port=path, baud_rate=BAUD, timeout=1.0, ack="\r\n")

    async def ask() -> float:
        return float(await connection.send_data(ASK + "\n"))

    return ask
