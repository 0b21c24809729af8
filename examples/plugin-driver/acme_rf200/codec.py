"""Wire format of acme-rf200: bytes to values and back. No I/O, no clock, never sleeps.

Lines of ASCII that end in CR LF. A question ends in ``?``; an order is answered ``OK``, or ``ERR`` and a reason.

Source: (manual, revision, page).
"""

from __future__ import annotations

from drivers.contract import BadReply, Refused

BAUD = 115200
LINE_MAX = 80
RF_ON, RF_OFF = b"RF 1\r\n", b"RF 0\r\n"
ASK_IDENTITY, ASK_POWER, ASK_RF = b"ID?\r\n", b"POWER?\r\n", b"RF?\r\n"


def set_power(power_w: int) -> bytes:
    """Set-point in whole watts."""
    return b"SET %d\r\n" % power_w


def take_line(buffer: bytearray, prefix: bytes) -> bytes | None:
    """What follows ``prefix`` on the next line; None: not yet.

    Raises:
        Refused: the device answered ``ERR``.
        BadReply: another answer, or a line without end.
    """
    end = buffer.find(b"\r\n")
    if end < 0:
        if len(buffer) > LINE_MAX:
            raise BadReply("a line without end", bytes(buffer[:32]))
        return None
    line = bytes(buffer[:end])
    del buffer[: end + 2]
    if line.startswith(b"ERR"):
        raise Refused(f"the generator answered {line.decode('ascii', 'replace')!r}")
    if not line.startswith(prefix):
        raise BadReply(f"not an answer that begins with {prefix.decode()!r}", line[:32])
    return line[len(prefix) :].strip()


def take_done(buffer: bytearray) -> bool | None:
    """True for ``OK``; None: not yet. Raises as :func:`take_line`."""
    return None if take_line(buffer, b"OK") is None else True


def take_identity(buffer: bytearray) -> bytes | None:
    """What the device says it is, from ``ID ...``; None: not yet. Raises as :func:`take_line`."""
    return take_line(buffer, b"ID ")


def take_power(buffer: bytearray) -> tuple[float, float] | None:
    """Forward and reverse power in watts, from ``POWER 50.0 2.5``; None: not yet. Raises as :func:`take_line`."""
    text = take_line(buffer, b"POWER ")
    if text is None:
        return None
    words = text.split()
    if len(words) != 2 or not all(word.replace(b".", b"", 1).isdigit() and len(word) < 8 for word in words):
        raise BadReply("not two powers", text[:32])
    return float(words[0]), float(words[1])


def take_rf(buffer: bytearray) -> bool | None:
    """The output switch, from ``RF 1``; None: not yet. Raises as :func:`take_line`."""
    text = take_line(buffer, b"RF ")
    if text is not None and text not in (b"0", b"1"):
        raise BadReply("neither RF 0 nor RF 1", text[:32])
    return None if text is None else text == b"1"


def skip_to_identity(buffer: bytearray) -> bool | None:
    """Drop everything through the answer to ``ID?``, as no other is; None: not there yet. Never raises."""
    start = buffer.find(b"ID ")
    end = buffer.find(b"\r\n", start)
    if start < 0 or end < 0:
        return None
    del buffer[: end + 2]
    return True
