"""How drivers ask when they connect: a few tries, then a sentence for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from drivers.contract import BadReply, DeviceError, NoReply, Refused
from drivers.transport.base import Port

T = TypeVar("T")

HEARD_MAX = 48  # bytes in an error
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
        NoReply, BadReply: every try failed; with the bytes that were heard, where there were any.
        Refused, LinkLost: at once.
    """
    heard = b""

    def listening(buffer: bytearray) -> T | None:
        nonlocal heard
        heard = heard or bytes(buffer[:HEARD_MAX])
        return parse(buffer)

    try:
        return await insist(
            lambda: port.exchange(request, listening, timeout_s=timeout_s, acknowledge=acknowledge), tries
        )
    except BadReply as error:
        if error.seen or not heard:
            raise
        raise BadReply(str(error), heard) from error
    except NoReply as error:
        if not heard:
            raise
        raise NoReply(f"{error}, heard {heard.hex(' ')}") from error


async def insist(attempt: Callable[[], Awaitable[T]], tries: int = TRIES) -> T:
    """``attempt`` until it succeeds; what must not be repeated does not belong here (P6).

    Raises:
        NoReply, BadReply: of the first try that heard something, else of the last: bytes say more than silence, which
            is all that a port hears while it comes back in step.
        Refused, LinkLost: at once.
    """
    failure: NoReply | BadReply | None = None
    for _ in range(tries):
        try:
            return await attempt()
        except (NoReply, BadReply) as error:
            if not (isinstance(failure, BadReply) and failure.seen):
                failure = error
    assert failure is not None
    raise failure


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


@contextmanager
def speaking(device: str, model: str, url: str) -> Iterator[None]:
    """While connecting: what answers must speak ``model``'s wire format.

    Raises:
        DeviceError: it does not, or says no; with the remedy.
    """
    try:
        yield
    except (NoReply, BadReply, Refused) as error:
        raise silent(device, model, url, error) from error


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
