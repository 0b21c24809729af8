"""Wire format of Numato USB GPIO modules (ASCII over CDC-ACM).

The device echoes each command, ends lines with LF CR (most) or CR LF (some), and closes each answer with the prompt
``>``. Modules of 16 ports and more may put a notification ``# now before directions`` between any two bytes of it.

Source: Numato Lab USB GPIO module user guides.
"""

from __future__ import annotations

import re

from drivers.contract import BadReply

PROMPT = 0x3E  # '>'
ANSWER_MAX = 512

_HEX = re.compile(r"[0-9A-Fa-f]+")


def request(command: str) -> bytes:
    """One command."""
    return command.encode("ascii") + b"\r"


def digits(ports: int) -> int:
    """Hex digits of a value over all ports."""
    return (ports + 3) // 4


def take_answer(buffer: bytearray, command: str, ports: int) -> str | None:
    """What the device says to ``command`` between echo and prompt, without line ends; empty for a set command; None:
    not yet.

    Raises:
        BadReply: no echo of the command, more than one line, or no end.
    """
    end = buffer.find(PROMPT)
    if end < 0:
        if len(buffer) > ANSWER_MAX:
            raise BadReply("no prompt", bytes(buffer[:32]))
        return None
    raw = bytes(buffer[:end])
    del buffer[: end + 1]
    return _answer(raw, command, ports)


def skip_to_answer(buffer: bytearray, command: str, ports: int) -> str | None:
    """Throw away everything before a sound, non-empty answer to ``command``; None: not there yet. Never raises."""
    while (end := buffer.find(PROMPT)) >= 0:
        raw = bytes(buffer[:end])
        del buffer[: end + 1]
        at = raw.rfind(command.encode())
        try:
            found = _answer(raw[max(at, 0) :], command, ports)
        except BadReply:
            continue
        if found:
            return found
    return None


def levels(answer: str, ports: int) -> int:
    """The level of every port as bits.

    Raises:
        BadReply: not a hex number of the right width.
    """
    if len(answer) != digits(ports) or _HEX.fullmatch(answer) is None:
        raise BadReply(f"not the levels of {ports} ports", answer.encode()[:32])
    return int(answer, 16)


def hex_of(mask: int, ports: int) -> str:
    """A mask as the device writes it."""
    return f"{mask:0{digits(ports)}x}"


def _answer(raw: bytes, command: str, ports: int) -> str:
    text = raw.decode("ascii", "replace")
    if "#" in text:
        width = digits(ports)
        value = f"[0-9A-Fa-f]{{{width}}}"
        eol = r"(?:\r\n|\n\r)?"
        text = re.sub(f"{eol}# ?{value} {value} {value}{eol}", "", text)
    lines = [line for line in text.replace("\r", "\n").split("\n") if line]
    if not lines or lines[0].strip() != command:
        raise BadReply(f"no echo of {command!r}", raw[:48])
    if len(lines) > 2:
        raise BadReply(f"more than one line after {command!r}", raw[:48])
    return lines[1].strip() if len(lines) == 2 else ""
