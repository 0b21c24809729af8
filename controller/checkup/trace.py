"""What a driver and a real device say to each other, as pairs that a test can play again.

The link is opened by the driver's own means and watched in passing: nothing is added to the line, nothing is energised
beyond what connecting and polling do, which is nothing. A reply is everything that came between two requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.checkup.devices import CONNECT_S, GENERIC_REMEDY
from drivers.contract import BadReply, DeviceError, Driver, Identity, LinkLost, NoReply, Options, Refused
from drivers.opening import open_driver
from drivers.transport.base import Link, SerialSettings
from drivers.transport.open import open_link

Pair = tuple[bytes, bytes]


class WatchedLink:
    """A :class:`~drivers.transport.base.Link` in front of another; ``pairs`` grows with every request."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner
        self._on_data: Callable[[bytes], None] | None = None
        self.pairs: list[Pair] = []

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        self._on_data = on_data
        self._inner.start(self._heard, on_lost)

    def _heard(self, data: bytes) -> None:
        request, reply = self.pairs.pop() if self.pairs else (b"", b"")  # b"": it spoke first
        self.pairs.append((request, reply + data))
        if self._on_data is not None:
            self._on_data(data)

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        if data:
            self.pairs.append((data, b""))
        self._inner.write(data)

    def fileno(self) -> int | None:
        """The inner link's descriptor."""
        return self._inner.fileno()

    def close(self) -> None:
        """Close the inner link."""
        self._inner.close()


@dataclass
class Trace:
    """What was recorded: the pairs of each port in order, who answered, and what went wrong, if anything did."""

    driver: str
    url: str
    ports: dict[str, list[Pair]] = field(default_factory=dict)
    identity: Identity | None = None
    problem: str = ""

    def as_python(self) -> str:
        """Source of a test's table: every exchange in its order, bytes as they were."""
        told = self.identity
        who = f"{told.model} {told.serial} {told.firmware}".strip() if told is not None else self.problem
        lines = [f'"""Recorded from {self.url} with the driver {self.driver}: {who}."""', ""]
        for name, pairs in self.ports.items():
            lines += [f"{(name or 'port').upper()} = [", *(f"    ({a!r}, {b!r})," for a, b in pairs), "]", ""]
        return "\n".join(lines)


async def trace(
    kind: type[Driver], options: Options, url: str, baud: int | None, polls: int, period_s: float = 0.1
) -> Trace:
    """Connect, poll ``polls`` times, turn off what can be turned off, and release the port.

    A device that does not answer as it should is what a trace is for: its bytes are recorded and ``problem`` says what
    was wrong with them.

    Raises:
        DeviceError: a port cannot be opened.
    """
    watched: dict[str, WatchedLink] = {}

    async def opened(port: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
        watched[port] = WatchedLink(await open_link(port, baud, None, settings))
        return watched[port], port

    found = Trace(kind.MODEL, url)
    driver = await open_driver(kind, "device", options, url, baud, opened)
    try:
        async with asyncio.timeout(CONNECT_S + polls * (period_s + 2.0)):
            found.identity = await driver.connect()
            for _ in range(polls):
                await driver.poll()
                await asyncio.sleep(period_s)
            await driver.off()
    except TimeoutError:
        found.problem = f"it was not done in time; {GENERIC_REMEDY}"
    except (DeviceError, NoReply, BadReply, Refused, LinkLost) as error:
        found.problem = str(error)
    finally:
        await driver.close()
    urls = [url, *(str(getattr(options, option)) for option in kind.MORE_PORTS)]
    names = ["", *(option.removesuffix("_port") for option in kind.MORE_PORTS)]
    found.ports = {name: watched[port].pairs for name, port in zip(names, urls, strict=True) if port in watched}
    return found
