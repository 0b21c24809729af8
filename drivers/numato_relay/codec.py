"""Wire format of Numato USB relay modules (ASCII over CDC-ACM).

``relay on 0`` closes, ``relay off 0`` opens, ``relay read 0`` is answered ``on`` or ``off``. The module echoes each
command, ends lines with LF CR (most) or CR LF (some), and closes each answer with the prompt ``>``; relays above 9 are
written A to V. An echo says nothing of the relay: only what stands between the echo of ``relay read`` and its prompt
does.

Source: Numato Lab USB relay module user guides (command set).
"""

from __future__ import annotations

from drivers.contract import BadReply

NAMES = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
EOLS = (b"\n\r", b"\r\n")
ANSWER_MAX = 512


def command(verb: str, relay: int) -> bytes:
    """``relay <verb> <relay>``, without its CR."""
    return f"relay {verb} {NAMES[relay]}".encode("ascii")


def take_state(buffer: bytearray, relay: int) -> tuple[bool, bytes] | None:
    """Closed or not, and how the module ends its lines, from the newest answer to ``relay read``; None: not yet.

    Raises:
        BadReply: what follows the echo is neither ``on`` nor ``off``, or there is no end.
    """
    echo = command("read", relay)
    start = buffer.rfind(echo)
    end = buffer.find(b">", max(start, 0))
    if start < 0 or end < 0:
        if len(buffer) > ANSWER_MAX:
            raise BadReply(f"no answer to {echo.decode()!r}", bytes(buffer[:32]))
        return None
    raw = bytes(buffer[start:end])
    del buffer[: end + 1]
    eol = raw[len(echo) : len(echo) + 2]
    state = raw[len(echo) + 2 :].strip(b"\r\n")
    if eol not in EOLS or state not in (b"on", b"off"):
        raise BadReply(f"neither on nor off after {echo.decode()!r}", raw[:48])
    return state == b"on", eol
