"""A device for lewis, as its documentation has one written: a number that a TCP client asks for."""

from __future__ import annotations

from lewis.adapters.stream import StreamInterface, Var
from lewis.devices import Device


class Number(Device):  # type: ignore[misc]
    """Holds it."""

    value = 10.0


class Lines(StreamInterface):  # type: ignore[misc]
    """``P``: the number."""

    commands = (Var("value", read_pattern="^P$"),)
    in_terminator = out_terminator = "\r\n"
