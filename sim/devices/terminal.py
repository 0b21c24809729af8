"""The terminal that Numato modules show on their port: each line ended by CR is echoed, answered, and prompted ``>``.

Assumed: the echo is sent when the command is complete; LF from the host is ignored; an unknown command is echoed and
prompted without an answer.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_LINE = 128


class Terminal:
    """``respond`` gives the answer to one command; None or an empty text: there is none. ``eol``: how lines end."""

    def __init__(self, eol: str, respond: Callable[[str], str | None]) -> None:
        self._eol, self._respond = eol.encode(), respond
        self._line = bytearray()

    def take(self, data: bytes) -> list[bytes]:
        """What is sent for the commands that ``data`` completes, one entry each."""
        line, replies = self._line, []
        line += data
        while (end := line.find(0x0D)) >= 0:
            text = bytes(line[:end]).replace(b"\n", b"")
            del line[: end + 1]
            answer = self._respond(text.decode("ascii", "replace")) if text else None
            told = answer.encode("ascii", "replace") + self._eol if answer else b""
            replies.append(text + self._eol + told + b">")
        if len(line) > MAX_LINE:
            line.clear()
        return replies
