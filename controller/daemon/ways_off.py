"""How the watchdog reaches what it must turn off: the plans of the source, with the ports as they were really opened.

A port without a descriptor (HiSLIP, VXI-11) can be reached only through a second way that the bench file names,
``off_port``. That it leads to the same instrument is asked, not believed: both ways must give the same answer to
``*IDN?``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import TypeVar

from controller.config.loading import LoadedBench
from drivers import scpi
from drivers.asking import ask
from drivers.contract import BadReply, DeviceError, EnableLine, LinkLost, NoReply, PowerSource, Refused
from drivers.opening import OpenLink
from drivers.transport.base import Port
from drivers.transport.open import host_and_port, reopen_target, scheme_of
from drivers.transport.port import LinkPort
from safety.safeoff import EnablePlan, SafeOffPlan

AnyPlan = TypeVar("AnyPlan", SafeOffPlan, EnablePlan)

IDENTIFY = b"*IDN?\n"
TIMEOUT_S = 1.0
REMEDY = "switch on the instrument's SCPI socket (port 5025 on most) and name it: off_port: tcp://HOST:5025"


async def ways_off(
    loaded: LoadedBench, source: PowerSource, open_link: OpenLink
) -> tuple[tuple[SafeOffPlan, Port], ...]:
    """Every plan of the connected ``source``, and the port whose descriptor is to be shared.

    Raises:
        DeviceError: an ``off_port`` leads nowhere or to another instrument, or nothing is turned off through it.
    """
    device = loaded.bench.devices[loaded.bench.roles.source]
    second = device.off_ports()
    options = {id(source.port): "port", **{id(port): option for option, port in source.ports.items()}}
    found: list[tuple[SafeOffPlan, Port]] = []
    for plan, port in source.safe_off_plans():
        url = second.pop(options.get(id(port), ""), None)
        framed = as_opened(loaded, source.name, plan)
        if url is not None:
            framed = replace(framed, reopen=await _same_instrument(loaded, source, port, url, open_link))
        found.append((replace(framed, reopen=await _numeric(framed.reopen)), port))
    if second:
        text = f"off_port names {', '.join(second)}, through which nothing is turned off"
        raise DeviceError(source.name, text, "name the ports of the parts that carry energy")
    return tuple(found)


def enable_plan(loaded: LoadedBench, line: EnableLine) -> EnablePlan:
    """The plan of the enable line, framed as its port was opened."""
    return as_opened(loaded, line.name, line.enable_plan())


def as_opened(loaded: LoadedBench, name: str, plan: AnyPlan) -> AnyPlan:
    """``plan`` with the baud rate and framing that the device's port was opened with."""
    kind, settings = loaded.drivers[name], loaded.drivers[name].SERIAL
    return replace(
        plan,
        baud=loaded.bench.devices[name].baud or kind.BAUD,
        bytesize=settings.bytesize,
        parity=settings.parity,
        stopbits=settings.stopbits,
    )


async def _same_instrument(
    loaded: LoadedBench, source: PowerSource, port: Port, url: str, open_link: OpenLink
) -> str | None:
    """The resource for the watchdog, after both ways have said the same."""
    kind = loaded.drivers[source.name]
    wanted = await _identity(source.name, port)
    link, opened = await open_link(url, loaded.bench.devices[source.name].baud or kind.BAUD, kind.SERIAL)
    beside = LinkPort(link, opened)
    try:
        found = await _identity(source.name, beside, "off_port ")
    finally:
        await beside.close()
    if found != wanted:
        text = f"off_port {url} is {found!r}, and {port.url} is {wanted!r}"
        raise DeviceError(source.name, text, "off_port must be a second way to the same instrument")
    return reopen_target(opened)


async def _identity(name: str, port: Port, what: str = "") -> str:
    try:
        line = await ask(port, IDENTIFY, scpi.take_line, timeout_s=TIMEOUT_S)
    except (NoReply, BadReply, Refused, LinkLost) as error:
        raise DeviceError(name, f"{what}{port.url} does not say who it is ({error})", REMEDY) from error
    return line.decode("ascii", "replace").strip()


async def _numeric(resource: str | None) -> str | None:
    """With the host's address in place of its name: at the cut nobody waits for a name server."""
    if resource is None or scheme_of(resource) != "tcp":
        return resource
    host, number = host_and_port(resource)
    with contextlib.suppress(OSError):
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, number, type=socket.SOCK_STREAM)
        host = str(found[0][4][0])
    return f"tcp://[{host}]:{number}" if ":" in host else f"tcp://{host}:{number}"
