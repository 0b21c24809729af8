"""Omega FOB101/102/104 fibre-optic thermometer: ASCII commands ended by CR, 9600 8N1 [baud assumed].

Source: Omega FOB100 series user's guide, pages 13 to 16. No echo; every answer ends with the prompt ``*``; a command
that cannot be done is answered ``Err`` and a digit. A probe that is missing reads ``---.-``.

Options: ``channels`` (input -> name, as in the bench file), ``inputs`` (4), ``model`` ("FOB104"), ``conversion_s``
(0.02 s a channel in fast mode [assumed], four times that in slow mode). Assumed: ``Err1`` for an unknown command,
``Err2`` for an argument out of range; while ``ta+`` streams, a line a second is sent unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, Emulator, Replies, World

UNKNOWN, RANGE = b"Err1", b"Err2"
LINE_MAX = 64
BOX_C = 32.2


class OmegaFob(Emulator):
    """Box and fibres. A channel without a name has no probe."""

    MODEL = "omega-fob"
    ROLE = "sensor"
    BAUD = 9600
    LATENCY_S = 0.002
    OPTIONS = frozenset({"channels", "inputs", "model", "conversion_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        named = options.get("channels") or {}
        self.probes = {int(number): str(probe).removesuffix("_c") for number, probe in named.items()}
        self.inputs = int(options.get("inputs", 4))
        self.model = str(options.get("model") or f"FOB10{self.inputs}")
        self.conversion_s = float(options.get("conversion_s", 0.02))
        self.fahrenheit = self.slow = self.streaming = self.asleep = False
        self._line = bytearray()
        self._stream_s = NEVER

    def channels(self) -> tuple[str, ...]:
        return tuple(self.probes.values())

    def truth(self, channel: str) -> float:
        return self.world.temperature_c(channel)

    # behaviour ------------------------------------------------------------------------------------------------------

    def poll_due(self, t_s: float) -> float | None:
        if t_s >= self._stream_s:
            self._stream_s = t_s + 1.0
            self.world.advance(t_s)
            for number in range(1, self.inputs + 1):
                if self.send is not None:
                    self.send(t_s, b"C:%d;T: %s\r" % (number, self._reading(number)))
        self.due_s = self._stream_s
        return None if self.due_s == NEVER else self.due_s

    def _reading(self, number: int) -> bytes:
        probe = self.probes.get(number)
        value = None if probe is None or self.asleep else self.sense(probe)
        if value is None:
            return b"---.-"
        if self.fahrenheit:
            value = 1.8 * value + 32.0
        return b"%+.1f" % min(max(value, -999.9), 999.9)

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        self._line += data
        replies: Replies = []
        busy_s = 0.0
        while (end := self._line.find(b"\r")) >= 0:
            text = bytes(self._line[:end]).decode("ascii", "replace").strip()
            del self._line[: end + 1]
            reply, work_s = self._answer(text, t_s + busy_s)
            busy_s += self.latency_s + work_s + self.line_s(len(text) + 1 + len(reply))
            replies.append((busy_s, reply))
        if len(self._line) > LINE_MAX:
            self._line.clear()
        return replies

    def _answer(self, text: str, t_s: float) -> tuple[bytes, float]:
        match text.split():
            case []:
                return b"*", 0.0
            case [("t" | "t1" | "t2" | "t3" | "t4") as word]:
                return self._read(word[1:], t_s)
            case ["ta+"] | ["ta-"]:
                self.streaming = text == "ta+"
                self._stream_s = t_s + 1.0 if self.streaming else NEVER
                self.wake(self._stream_s)
            case ["u", ("c" | "f") as unit]:
                self.fahrenheit = unit == "f"
            case ["q+"] | ["q-"]:
                self.slow = text == "q-"
            case ["p+"] | ["p-"]:
                self.asleep = text == "p+"
            case ["b"]:
                return b"b:%.1f\r*" % BOX_C, 0.0
            case ["i"]:
                return b"%s\r*" % self.model.encode("ascii", "replace"), 0.0
            case ["u", *_]:
                return RANGE, 0.0
            case _:
                return UNKNOWN, 0.0
        return b"*", 0.0

    def _read(self, which: str, t_s: float) -> tuple[bytes, float]:
        numbers = [int(which)] if which else list(range(1, self.inputs + 1))
        if numbers[-1] > self.inputs:
            return RANGE, 0.0
        self.world.advance(t_s)
        lines = b"".join(self._reading(number) + b"\r" for number in numbers)
        return lines + b"*", len(numbers) * self.conversion_s * (4.0 if self.slow else 1.0)
