"""TCP ports (``tcp://host:port`` and pyserial's ``socket://host:port``) without a thread and without Nagle's delay.

The connected socket is a descriptor like any other (:mod:`drivers.transport.descriptor`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from drivers.contract import DeviceError
from drivers.transport.descriptor import FdLink

CONNECT_TIMEOUT_S = 2.0
SILENT_PEER_MS = 2000  # unacknowledged for so long, the link is lost


async def open_tcp(url: str, host: str, port: int) -> FdLink:
    """Connect.

    Raises:
        DeviceError: nobody answers there; with the remedy.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            sock = await _connected(host, port)
    except TimeoutError:
        text = f"no answer within {CONNECT_TIMEOUT_S:g} s"
        raise DeviceError(url, text, "check its power, network and address") from None
    except socket.gaierror as error:
        raise DeviceError(url, f"no host {host!r} ({error.strerror})", "check the name in the bench file") from error
    except ConnectionRefusedError as error:
        remedy = "start the device's server, check the port number; many device servers accept one client at a time"
        raise DeviceError(url, "connection refused", remedy) from error
    except OSError as error:
        raise DeviceError(url, f"no connection: {error}", "check its power, network and address") from error
    _tune(sock)
    return FdLink(sock.fileno(), sock.close)


async def _connected(host: str, port: int) -> socket.socket:
    """A connection to the first address of ``host`` that accepts one.

    Raises:
        OSError: none does; what the last one met.
    """
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def _tune(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MS)
