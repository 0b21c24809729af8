"""Wire format of the Ismatec Reglo ICC (ASCII, 9600 8N1), channel addressing on.

A request is the channel's digit, a command, a parameter and CR. A reply is one status character *without* terminator
(``*`` done, ``#`` not executed, ``+`` yes, ``-`` no), or a line ended by CR LF. Event lines begin with ``^`` and may
come at any time; the tail of one that began before the request is told from a reply by its shape.

Source: Ismatec Reglo ICC operating manual 14-036-E rev. C, serial interface.
"""

from __future__ import annotations

import re

from drivers.contract import BadReply, Refused

BAUD = 9600
EVENT = 0x5E  # '^'; the manual's 0x53 is a misprint
LINE_MAX = 96

_VOLUME1 = re.compile(rb"(\d{4})E([+-]\d)")
_FLOW_TEXT = re.compile(rb"\s*(\d+(?:\.\d+)?)\s*ml/min\s*", re.IGNORECASE)


def request(channel: int, command: bytes, parameter: bytes = b"") -> bytes:
    """One request.

    Raises:
        ValueError: the channel is not a single digit.
    """
    if not 0 <= channel <= 9:
        raise ValueError(f"channel {channel} is not a single digit")
    return b"%d%s%s\r" % (channel, command, parameter)


def volume2(value: float) -> bytes:
    """A flow or volume for a set command: four digits of mantissa, sign and digit of the exponent; 32.5 is ``3250+1``.

    Raises:
        ValueError: not representable.
    """
    if not 1e-9 <= value < 9.9995e9:
        raise ValueError(f"{value:g} does not fit the pump's number format")
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa.replace('.', '')}{int(exponent):+d}".encode()


def volume1(line: bytes) -> float:
    """A flow or volume of a reply; ``3250E+1`` is 32.5.

    Raises:
        BadReply: not of that form.
    """
    match = _VOLUME1.fullmatch(line.strip())
    if match is None:
        raise BadReply("not a number of the form mmmmE+e", line[:32])
    return int(match[1]) / 1000.0 * float(10.0 ** int(match[2]))


def flow_text(line: bytes) -> float:
    """The answer to ``?``, such as ``138.0 ml/min``.

    Raises:
        BadReply: not of that form.
    """
    match = _FLOW_TEXT.fullmatch(line)
    if match is None:
        raise BadReply("not a flow in ml/min", line[:32])
    return float(match[1])


def take_status(buffer: bytearray) -> bytes | None:
    """One status character, event lines and tails of lines before it dropped; None: not yet."""
    while buffer:
        if buffer[0] in b"*#+-":
            found = bytes(buffer[:1])
            del buffer[0]
            return found
        if not _drop_line(buffer):
            return None
    return None


def take_done(buffer: bytearray) -> bool | None:
    """True for ``*``; None: not yet.

    Raises:
        Refused: any other status.
    """
    status = take_status(buffer)
    if status is None:
        return None
    if status != b"*":
        raise Refused(f"the pump answered {status.decode()!r}")
    return True


def take_running(buffer: bytearray) -> bytes | None:
    """``+`` running or ``-`` stopped; None: not yet.

    Raises:
        Refused: ``#``.
        BadReply: ``*``, which answers something else.
    """
    status = take_status(buffer)
    if status == b"#":
        raise Refused("the pump answered '#'")
    if status == b"*":
        raise BadReply("'*' where '+' or '-' was asked for", status)
    return status


def take_line(buffer: bytearray) -> bytes | None:
    """One line without its terminator, events skipped; None: not yet.

    Raises:
        Refused: ``#`` instead of a line.
        BadReply: a line without end.
    """
    while buffer:
        if buffer[0] == 0x23:
            del buffer[0]
            raise Refused("the pump answered '#'")
        end = buffer.find(b"\n")
        if end < 0:
            if len(buffer) > LINE_MAX:
                raise BadReply("a line without end", bytes(buffer[:32]))
            return None
        line = bytes(buffer[:end]).strip(b"\r")
        event = buffer[0] == EVENT
        del buffer[: end + 1]
        if line and not event:
            return line
    return None


def skip_to_name(buffer: bytearray) -> bytes | None:
    """The answer to ``#``, which alone contains REGLO, everything before it dropped; None: not there yet. Never
    raises."""
    start = buffer.find(b"REGLO")
    end = buffer.find(b"\n", start)
    if start < 0 or end < 0:
        return None
    line = bytes(buffer[start:end]).strip(b"\r")
    del buffer[: end + 1]
    return line


def _drop_line(buffer: bytearray) -> bool:
    """Drop through the next LF; False when there is none yet.

    Raises:
        BadReply: a line without end.
    """
    end = buffer.find(b"\n")
    if end < 0:
        if len(buffer) > LINE_MAX:
            raise BadReply("a line without end", bytes(buffer[:32]))
        return False
    del buffer[: end + 1]
    return True
