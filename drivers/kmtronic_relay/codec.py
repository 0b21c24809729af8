"""Wire format of KMTronic USB relay boards (9600 8N1).

``FF relay 01`` closes, ``FF relay 00`` opens; neither is answered. ``FF 09 00`` asks for the states: four or eight
bytes of 01 or 00, which some boards precede with ``FF 08``.

Source: KMTronic USB relay board manuals.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.contract import BadReply

BAUD = 9600
QUERY = b"\xff\x09\x00"
PREFIX = b"\xff\x08"


class Shape(NamedTuple):
    """How a board tells its states."""

    prefix: int  # bytes before the first relay
    relays: int

    @property
    def length(self) -> int:
        """Of the whole reply."""
        return self.prefix + self.relays


SHAPES = (Shape(0, 4), Shape(0, 8), Shape(2, 8))


def command(relay: int, *, close: bool) -> bytes:
    """Move one relay.

    Raises:
        ValueError: there is no such relay.
    """
    if not 1 <= relay <= 8:
        raise ValueError(f"relay {relay} is not among 1 to 8")
    return bytes((0xFF, relay, 1 if close else 0))


def shape_of(reply: bytes) -> Shape:
    """Which kind of board gave this reply, all of it.

    Raises:
        BadReply: none that is known.
    """
    for shape in SHAPES:
        if len(reply) == shape.length and _sound(reply, shape):
            return shape
    raise BadReply("not the states of four or eight relays", reply[:32])


def take_states(buffer: bytearray, shape: Shape) -> tuple[bool, ...] | None:
    """Closed or not, relay by relay; None: not yet.

    Raises:
        BadReply: not of this shape.
    """
    if len(buffer) < shape.length:
        return None
    reply = bytes(buffer[: shape.length])
    del buffer[: shape.length]
    if not _sound(reply, shape):
        raise BadReply("not the states of the relays", reply)
    return tuple(byte == 1 for byte in reply[shape.prefix :])


def _sound(reply: bytes, shape: Shape) -> bool:
    return reply[: shape.prefix] == PREFIX[: shape.prefix] and all(byte <= 1 for byte in reply[shape.prefix :])
