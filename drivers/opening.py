"""A driver on its opened ports: its own, and the further ones that its options name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drivers.contract import DeviceError, Driver, Options
from drivers.transport.base import Link, SerialSettings
from drivers.transport.port import LinkPort

OpenLink = Callable[[str, int, SerialSettings], Awaitable[tuple[Link, str]]]
"""(port URL as in the bench file, baud, framing) -> the link, and the URL that was really opened for it."""


async def open_driver(
    kind: type[Driver], name: str, options: Options, url: str, baud: int | None, open_link: OpenLink
) -> Driver:
    """A driver that has not connected yet; all its ports have the same baud rate and framing.

    Raises:
        DeviceError: a port cannot be opened; those that were are closed again.
    """
    ports: dict[str, LinkPort] = {}
    try:
        for option in ("", *kind.MORE_PORTS):
            wanted = getattr(options, option) if option else url
            try:
                link, opened = await open_link(wanted, baud or kind.BAUD, kind.SERIAL)
            except DeviceError as error:
                if error.device == name:
                    raise
                raise DeviceError(name, f"{error.device}: {error.problem}", error.remedy) from error
            ports[option] = LinkPort(link, opened)
        driver = kind(name, ports.pop(""), options)
    except BaseException:
        for port in ports.values():
            await port.close()
        raise
    driver.ports = ports
    return driver
