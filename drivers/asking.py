"""How drivers ask when they connect: a few tries, then a sentence for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from drivers.contract import BadReply, DeviceError, NoReply, Refused
from drivers.transport.base import Port

T = TypeVar("T")

TRIES = 3  # the first may meet half a frame of whoever spoke to the device before us


async def ask(
    port: Port,
    request: bytes,
    parse: Callable[[bytearray], T | None],
    *,
    timeout_s: float = 0.2,
    tries: int = TRIES,
    acknowledge: bytes = b"",
) -> T:
    """An exchange that may be repeated without harm. Never use it for anything that raises power (P6).

    Raises:
        NoReply, BadReply: the last try failed too.
        Refused, LinkLost: at once.
    """
    for _ in range(tries - 1):
        try:
            return await port.exchange(request, parse, timeout_s=timeout_s, acknowledge=acknowledge)
        except (NoReply, BadReply):
            continue
    return await port.exchange(request, parse, timeout_s=timeout_s, acknowledge=acknowledge)


async def refuse_if_on(device: str, is_on: Callable[[], Awaitable[bool]], off: Callable[[], Awaitable[object]]) -> None:
    """While connecting: a generator whose output is on is turned off, asked again, and refused all the same. Somebody
    else was driving it, and nobody knows into what.

    Raises:
        DeviceError: it was on; says whether it is off now.
        NoReply, BadReply, Refused, LinkLost: it does not say.
    """
    if not await is_on():
        return
    try:
        await off()
        now_off = not await is_on()
    except (NoReply, BadReply, Refused):
        now_off = False
    did = "it has been turned off" if now_off else "it could NOT be turned off: cut its power now"
    remedy = "find out what was driving it, then connect again"
    raise DeviceError(device, f"the generator's output was on when we connected; {did}", remedy)


def silent(device: str, model: str, url: str, error: Exception) -> DeviceError:
    """Nothing that speaks ``model``'s wire format answered while connecting."""
    remedy = f"check power and cable, and that the {model} is what is plugged into {url}"
    return DeviceError(device, f"no {model} answers on {url} ({error})", remedy)


def other_model(device: str, wanted: str, found: str, url: str) -> DeviceError:
    """Something else is behind the port."""
    remedy = "check ports and models in the bench file"
    return DeviceError(device, f"expected {wanted}, found {found!r} on {url}", remedy)


def other_serial(device: str, wanted: str, found: str, url: str) -> DeviceError:
    """The right model, but not the one that the bench file names (H12)."""
    remedy = "plug the named one in, or correct the serial number in the bench file"
    return DeviceError(device, f"expected serial number {wanted!r}, found {found!r} on {url}", remedy)
