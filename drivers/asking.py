"""How drivers ask when they connect: a few tries, then a sentence for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drivers.contract import BadReply, DeviceError, NoReply
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
