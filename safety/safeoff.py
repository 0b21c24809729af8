"""How a device is turned off, as data: bytes that the daemon, the watchdog and a person with a terminal can all send.

The watchdog must be able to turn a generator off without a line of driver code, so a plan is plain values that survive
JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

DATA_BITS = (5, 6, 7, 8)
PARITIES = ("N", "E", "O", "M", "S")
STOP_BITS = (1, 1.5, 2)


@dataclass(frozen=True, slots=True)
class Readback:
    """A query whose reply proves "off".

    ``reply_length`` bytes are awaited; the big-endian integer at ``offset``..``offset + width`` masked by ``mask`` must
    be at most ``at_most``. ``prefix`` must open the reply, else it is not an answer to this query.
    """

    query: bytes
    prefix: bytes
    reply_length: int
    offset: int
    width: int
    mask: int
    at_most: int

    def proves_off(self, reply: bytes) -> bool:
        """True when ``reply`` is a whole answer and says off; anything else is False."""
        if len(reply) < self.reply_length or not reply.startswith(self.prefix):
            return False
        return int.from_bytes(reply[self.offset : self.offset + self.width], "big") & self.mask <= self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """How a port is opened whose descriptor cannot be shared: ``reopen`` names the resource (a path,
    ``tcp://host:port``); ``baud``, ``bytesize``, ``parity`` and ``stopbits`` (pyserial's values) are what a serial path
    is set to.

    Raises:
        ValueError: no serial line is framed so; found when a plan is made or handed over, for at the cut nobody could
            be told.
    """

    reopen: str | None = None
    baud: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1

    def __post_init__(self) -> None:
        if self.bytesize not in DATA_BITS or self.parity not in PARITIES or self.stopbits not in STOP_BITS:
            raise ValueError(f"no serial line has the framing {self.bytesize!r}{self.parity}{self.stopbits!r}")


@dataclass(frozen=True, slots=True)
class SafeOffPlan(Reopened):
    """The bytes that turn a device off.

    ``resync`` is harmless filler that completes or spoils a half-written frame, so that ``off`` cannot be swallowed by
    it. ``off`` frames are written in order with ``gap_s`` between them.
    """

    device: str
    resync: bytes
    off: tuple[bytes, ...]
    readbacks: tuple[Readback, ...] = ()
    gap_s: float = 0.005


@dataclass(frozen=True, slots=True)
class EnablePlan(Reopened):
    """How the enable line is held, opened and read back. The watchdog alone writes these once it has the descriptor.

    ``reply_length`` bytes are awaited, and the byte at ``offset`` tells the relay's state, both counted from the newest
    ``prefix`` among what came back: for lines that echo, so that the echo of "close" before it is no answer (H06). An
    empty one counts from the first byte.
    """

    device: str
    close: bytes
    open: bytes
    query: bytes
    reply_length: int
    offset: int  # of the byte that holds the relay's state
    closed_value: int
    refresh_s: float = 0.1  # how often ``close`` is repeated while energy is allowed
    prefix: bytes = b""

    def closed(self, seen: bytes) -> bool | None:
        """What came back since the query says that the relay is closed; None: no whole answer yet."""
        start = seen.rfind(self.prefix) if self.prefix else 0
        if start < 0 or len(seen) < start + self.reply_length:
            return None
        return seen[start + self.offset] == self.closed_value


def to_json(plan: SafeOffPlan | EnablePlan) -> str:
    """A plan as one line of JSON, bytes as hex."""
    document = {"plan": type(plan).__name__, **asdict(plan)}
    return json.dumps(document, sort_keys=True, default=lambda data: {"hex": data.hex()})


def from_json(text: str) -> SafeOffPlan | EnablePlan:
    """The inverse of :func:`to_json`.

    Raises:
        ValueError: the text is not a plan.
    """
    try:
        data = json.loads(text, object_hook=_hex_to_bytes)
        kind = data.pop("plan")
        if kind == "EnablePlan":
            return EnablePlan(**data)
        if kind == "SafeOffPlan":
            readbacks = tuple(Readback(**readback) for readback in data.pop("readbacks"))
            return SafeOffPlan(off=tuple(data.pop("off")), readbacks=readbacks, **data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a safe-off plan: {error}") from error
    raise ValueError(f"not a safe-off plan: {kind!r}")


def _hex_to_bytes(found: dict[str, Any]) -> Any:
    return bytes.fromhex(found["hex"]) if set(found) == {"hex"} else found
