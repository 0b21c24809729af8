"""One typed reading through other people's frameworks, over the same TCP server; each raises ModuleNotFoundError where
its package is not installed, or cannot be imported."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.peers.echo import REQUEST

ASK = REQUEST.decode().strip()
Query = Callable[[], Awaitable[float]]
"""Asks once; those of blocking libraries block, as their users' programs do."""


def _visa_name(port: int) -> str:
    return f"TCPIP::127.0.0.1::{port}::SOCKET"


async def blocking(port: int) -> Query:
    """A bare socket."""
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def ask() -> float:
        link.sendall(REQUEST)
        got = b""
        while not got.endswith(b"\n"):
            got += link.recv(64)
        return float(got)

    return ask


async def ours(port: int) -> Query:
    """Our port, and the number out of a line."""
    from drivers.transport.open import open_link
    from drivers.transport.port import LinkPort

    link = LinkPort(await open_link(f"tcp://127.0.0.1:{port}", 115200), "peer")

    def take(buffer: bytearray) -> float | None:
        if not buffer.endswith(b"\r\n"):
            return None
        found = float(buffer)
        buffer.clear()
        return found

    async def ask() -> float:
        return await link.exchange(REQUEST, take, timeout_s=1.0)

    return ask


def _resource(port: int) -> Any:
    import pyvisa

    resource: Any = pyvisa.ResourceManager("@py").open_resource(_visa_name(port))
    resource.read_termination, resource.write_termination = "\r\n", "\n"
    return resource


async def pyvisa_py(port: int) -> Query:
    """pyvisa-py, blocking."""
    resource = _resource(port)

    async def ask() -> float:
        return float(resource.query(ASK))

    return ask


async def pyvisa_executor(port: int) -> Query:
    """pyvisa-py as an asyncio program must call it."""
    resource, loop = _resource(port), asyncio.get_running_loop()

    async def ask() -> float:
        return float(await loop.run_in_executor(None, resource.query, ASK))

    return ask


async def pymeasure(port: int) -> Query:
    """A property made by ``Instrument.measurement``."""
    from pymeasure.instruments import Instrument

    class Generator(Instrument):  # type: ignore[misc]
        power_w = Instrument.measurement(ASK, "forward power, W")

    adapter = {"read_termination": "\r\n", "write_termination": "\n"}
    generator = Generator(_visa_name(port), "generator", includeSCPI=False, visa_library="@py", **adapter)

    async def ask() -> float:
        return float(generator.power_w)

    return ask


async def qcodes(port: int) -> Query:
    """``Parameter.get`` of a ``VisaInstrument``."""
    from qcodes.instrument import VisaInstrument

    class Generator(VisaInstrument):  # type: ignore[misc]
        default_terminator = "\r\n"

        def __init__(self, name: str, address: str) -> None:
            super().__init__(name, address, visalib="@py")
            self.visa_handle.write_termination = "\n"
            self.add_parameter("power_w", get_cmd=ASK, get_parser=float, unit="W")

    generator = Generator("generator", _visa_name(port))

    async def ask() -> float:
        return float(generator.power_w.get())

    return ask


async def ophyd_async(port: int) -> Query:
    """``get_value`` of a signal whose backend asks with asyncio's streams."""
    from ophyd_async.core import SignalR, SoftSignalBackend

    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    class Asking(SoftSignalBackend):  # type: ignore[misc]
        async def get_value(self) -> float:
            writer.write(REQUEST)
            return float(await reader.readline())

    signal = SignalR(Asking(float), name="power_w")
    await signal.connect()

    async def ask() -> float:
        return float(await signal.get_value())

    return ask


READERS: Mapping[str, Callable[[int], Awaitable[Query]]] = {
    "pyvisa-py": pyvisa_py,
    "pyvisa-py in an executor": pyvisa_executor,
    "PyMeasure, measurement": pymeasure,
    "QCoDeS, Parameter.get": qcodes,
    "ophyd-async, get_value": ophyd_async,
}
