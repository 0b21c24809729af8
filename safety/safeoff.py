"""How a device is turned off, as data: bytes that the daemon, the watchdog and a person with a terminal can all send.

The watchdog must be able to turn a generator off without a line of driver code, so a plan is plain values that survive
JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

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


@dataclass(frozen=True, slots=True)
class SafeOffPlan:
    """The bytes that turn a device off.

    ``resync`` is harmless filler that completes or spoils a half-written frame, so that ``off`` cannot be swallowed by
    it. ``off`` frames are written in order with ``gap_s`` between them. ``reopen`` names the resource (a path,
    ``tcp://host:port``) for a port whose descriptor cannot be shared; ``baud``, ``bytesize``, ``parity`` and
    ``stopbits`` (pyserial's values) are what a reopened serial path is set to.

    Raises:
        ValueError: there is no such framing.
    """

    device: str
    resync: bytes
    off: tuple[bytes, ...]
    readbacks: tuple[Readback, ...] = ()
    gap_s: float = 0.005
    reopen: str | None = None
    baud: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1

    def __post_init__(self) -> None:
        check_framing(self.bytesize, self.parity, self.stopbits)


@dataclass(frozen=True, slots=True)
class EnablePlan:
    """How the enable line is held, opened and read back. The watchdog alone writes these once it has the descriptor.

    ``reply_length`` bytes are awaited, and the byte at ``offset`` tells the relay's state, both counted from the newest
    ``prefix`` among what came back: for lines that echo, so that the echo of "close" before it is no answer (H06). An
    empty one counts from the first byte. ``reopen`` and the framing are as in :class:`SafeOffPlan`.

    Raises:
        ValueError: there is no such framing.
    """

    device: str
    close: bytes
    open: bytes
    query: bytes
    reply_length: int
    offset: int  # of the byte that holds the relay's state
    closed_value: int
    refresh_s: float = 0.1  # how often ``close`` is repeated while energy is allowed
    reopen: str | None = None
    baud: int = 9600
    prefix: bytes = b""
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1

    def __post_init__(self) -> None:
        check_framing(self.bytesize, self.parity, self.stopbits)

    def closed(self, seen: bytes) -> bool | None:
        """What came back since the query says that the relay is closed; None: no whole answer yet."""
        start = seen.rfind(self.prefix) if self.prefix else 0
        if start < 0 or len(seen) < start + self.reply_length:
            return None
        return seen[start + self.offset] == self.closed_value


def check_framing(bytesize: int, parity: str, stopbits: float) -> None:
    """Found when a plan is made or handed over, for at the cut nobody could be told.

    Raises:
        ValueError: no serial line is framed so.
    """
    if bytesize not in DATA_BITS or parity not in PARITIES or stopbits not in STOP_BITS:
        raise ValueError(f"no serial line has the framing {bytesize!r}{parity}{stopbits!r}")


def to_json(plan: SafeOffPlan | EnablePlan) -> str:
    """A plan as one line of JSON, bytes as hex."""

    def plain(x: object) -> object:
        if isinstance(x, bytes):
            return {"hex": x.hex()}
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items()}
        if isinstance(x, (list, tuple)):
            return [plain(v) for v in x]
        return x

    return json.dumps({"plan": type(plan).__name__, **plain(asdict(plan))}, sort_keys=True)  # type: ignore[dict-item]


def from_json(text: str) -> SafeOffPlan | EnablePlan:
    """The inverse of :func:`to_json`.

    Raises:
        ValueError: the text is not a plan.
    """

    def back(x: object) -> object:
        if isinstance(x, dict):
            if set(x) == {"hex"}:
                return bytes.fromhex(x["hex"])
            return {k: back(v) for k, v in x.items()}
        if isinstance(x, list):
            return tuple(back(v) for v in x)
        return x

    try:
        data = back(json.loads(text))
        assert isinstance(data, dict)
        kind = data.pop("plan")
        if kind == "EnablePlan":
            return EnablePlan(**data)
        if kind == "SafeOffPlan":
            data["readbacks"] = tuple(Readback(**r) for r in data["readbacks"])
            return SafeOffPlan(**data)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a safe-off plan: {error}") from error
    raise ValueError(f"not a safe-off plan: {kind!r}")
