"""The device's side of the wire, for the kit and for simulated benches: written from the manual, never from the codec.

``Generator`` has what is behind the wire format: an output stage on a load, meters with noise, the interlock input, and
the faults that a rehearsal can ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, Replies, World
from sim.devices.generator import Generator


class Emulator(Generator):
    """Times are seconds of bench time; a reply is dated from its request to its last byte."""

    MODEL, BAUD, LATENCY_S = "acme-rf200", 115200, 0.002
    POWER_MAX_W = 1000.0

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self._heard = bytearray()

    def receive(self, data: bytes, t_s: float) -> Replies:
        """Whatever bytes come, in whatever pieces; never raises."""
        self._heard += data
        replies: Replies = []
        while (end := self._heard.find(b"\r\n")) >= 0:
            line = self._heard[:end].decode("ascii", "replace")
            del self._heard[: end + 2]
            if line:
                reply = f"{self._answer(line, t_s)}\r\n".encode()
                replies.append((self.latency_s + self.line_s(len(reply)), reply))
        del self._heard[:-80]
        return replies

    def poll_due(self, t_s: float) -> float | None:
        """What it does by itself: the output settles. A dead-man goes here too."""
        self.output.poll_due(t_s)
        self.due_s = self.output.due_s
        return None if self.due_s == NEVER else self.due_s

    def _answer(self, line: str, t_s: float) -> str:
        match line.split():
            case ["ID?"]:
                return "ID acme-rf200 0001"
            case ["POWER?"]:
                self.world.advance(t_s)
                forward_w, reverse_w = self.metered_w(self.world.forward_w), self.metered_w(self.world.reverse_w)
                return f"POWER {forward_w:.1f} {reverse_w:.1f}"
            case ["RF?"]:
                return f"RF {self.radiating:d}"
            case ["RF", ("0" | "1") as state]:
                self.output.on = state == "1"
            case ["SET", watts] if watts.isdecimal() and len(watts) < 5 and int(watts) <= self.POWER_MAX_W:
                self.output.setpoint_w = float(watts)
            case _:
                return "ERR unknown"
        self.update(t_s)
        return "OK"
