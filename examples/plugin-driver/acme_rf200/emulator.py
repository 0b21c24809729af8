"""The device's side of the wire, for tests: written from the manual, never from the codec."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Emulator:
    """State and behaviour; ``answer`` is the wire format."""

    def __init__(self) -> None:
        self.setpoint_w = 0
        self.on = False

    def answer(self, line: str) -> str:
        """The reply to one line."""
        match line.split():
            case ["ID?"]:
                return "ID acme-rf200 0001"
            case ["POWER?"]:
                forward_w = float(self.setpoint_w) if self.on else 0.0
                return f"POWER {forward_w:.1f} {0.05 * forward_w:.1f}"
            case ["RF?"]:
                return f"RF {self.on:d}"
            case ["RF", ("0" | "1") as state]:
                self.on = state == "1"
                return "OK"
            case ["SET", watts] if watts.isdigit() and int(watts) <= 1000:
                self.setpoint_w = int(watts)
                return "OK"
            case _:
                return "ERR unknown"


class EmulatedLink:
    """A link with an :class:`Emulator` at its other end."""

    def __init__(self, device: Emulator) -> None:
        self.device = device
        self._line = bytearray()
        self._on_data: Callable[[bytes], None] | None = None

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        self._on_data = on_data

    def write(self, data: bytes) -> None:
        self._line += data
        while (end := self._line.find(b"\r\n")) >= 0:
            line = self._line[:end].decode("ascii", "replace")
            del self._line[: end + 2]
            if line:
                asyncio.get_running_loop().call_soon(self._tell, f"{self.device.answer(line)}\r\n".encode())

    def _tell(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        self._on_data = None
