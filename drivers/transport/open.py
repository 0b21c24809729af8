"""From the ``port:`` of a bench file to a link."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from urllib.parse import urlsplit

from drivers.contract import DeviceError
from drivers.transport.base import Link, SerialSettings
from drivers.transport.serial import DEFAULT, open_serial
from drivers.transport.tcp import open_tcp
from drivers.transport.threaded import open_threaded

_RAW_SOCKET = re.compile(r"visa://TCPIP\d*::([^:]+)::(\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"visa://ASRL(/.+)::INSTR", re.IGNORECASE)
THREADED = ("rfc2217", "loop", "spy", "alt", "hwgrep", "cp2110")  # what only pyserial can open
SCHEMES = ("tcp", "socket", "visa", *THREADED)


def scheme_of(url: str) -> str:
    """``tcp`` for ``tcp://host:1``; empty for a path."""
    return url.split("://", 1)[0].lower() if "://" in url else ""


async def open_link(
    url: str, baud: int, resolve: Callable[[str], str] | None = None, settings: SerialSettings = DEFAULT
) -> Link:
    """Open the port at ``url``: a path, ``tcp://host:port``, any pyserial URL, or what ``resolve`` makes of another
    scheme.

    Raises:
        DeviceError: missing, busy, not permitted, not understood; with the remedy.
    """
    if resolve is not None:
        url = resolve(url)
    scheme = scheme_of(url)
    if not scheme:
        if os.name == "posix":
            return open_serial(url, baud, settings)
        return await open_threaded(url, baud, settings)
    if scheme in ("tcp", "socket"):
        return await open_tcp(url, *host_and_port(url))
    if scheme == "visa":
        from drivers.transport.visa import open_visa  # pyvisa is an extra, and slow to import

        return await open_visa(url, baud, settings)
    if scheme in THREADED:
        return await open_threaded(url, baud, settings)
    close = get_close_matches(scheme, SCHEMES, n=1)
    hint = (
        f"did you mean {close[0]}://?"
        if close
        else "install the plug-in that owns it, or use a path, tcp:// or rfc2217://"
    )
    raise DeviceError(url, f"nothing here opens {scheme}:// ports", hint)


def host_and_port(url: str) -> tuple[str, int]:
    """The two halves of ``tcp://host:port``; IPv6 in brackets.

    Raises:
        DeviceError: one of them is missing.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise DeviceError(
            url, "host or port number is missing", "write tcp://HOST:PORT, for example tcp://192.168.0.5:4001"
        )
    return host, port


def reopen_target(url: str) -> str | None:
    """What the watchdog may open by itself when it holds no descriptor: a path or ``tcp://host:port``; else None."""
    scheme = scheme_of(url)
    if scheme == "visa":
        raw, path = _RAW_SOCKET.fullmatch(url), _SERIAL.fullmatch(url)
        return f"tcp://{raw[1]}:{raw[2]}" if raw is not None else path[1] if path is not None else None
    if not scheme:
        return url
    if scheme in ("tcp", "socket"):
        host, port = host_and_port(url)
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    return None
