"""Omega FOB101/102/104 fibre-optic thermometer: ASCII commands ended by CR, 9600 8N1 [baud assumed].

Source: Omega FOB100 series user's guide, pages 13 to 16. No echo; every answer ends with the prompt ``*``; a command
that cannot be done is answered ``Err`` and a digit. A probe that is missing reads ``---.-``. The box scans its enabled
inputs over and over (``e 1 2 -3`` enables and disables, ``e`` enables all; a FOB101 does not know it), and ``t`` tells
the last scan; asleep it scans when it is asked.

Options: ``channels`` (input -> name, as in the bench file), ``inputs`` (4), ``model`` ("FOB104"), ``conversion_s``
(0.02 s an input in fast mode [assumed], four times that in slow mode), ``tells_disabled`` (whether ``t`` tells disabled
inputs too, as missing; the manual does not say: no). Assumed: ``Err1`` for an unknown command, ``Err2`` for an argument
out of range; while ``ta+`` streams, a line a second is sent unasked.
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
    OPTIONS = frozenset({"channels", "inputs", "model", "conversion_s", "tells_disabled", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        named = options.get("channels") or {}
        self.probes = {int(number): str(probe).removesuffix("_c") for number, probe in named.items()}
        self.inputs = int(options.get("inputs", 4))
        self.model = str(options.get("model") or f"FOB10{self.inputs}")
        self.conversion_s = float(options.get("conversion_s", 0.02))
        self.tells_disabled = bool(options.get("tells_disabled", False))
        self.fahrenheit = self.slow = self.streaming = self.asleep = False
        self.enabled = set(range(1, self.inputs + 1))
        self._line = bytearray()
        self._stream_s = self._scan_s = NEVER
        self._scanned: dict[int, float | None] = {}

    def channels(self) -> tuple[str, ...]:
        return tuple(self.probes.values())

    def truth(self, channel: str) -> float:
        return self.world.temperature_c(channel)

    # behaviour ------------------------------------------------------------------------------------------------------

    @property
    def scan_s(self) -> float:
        """How long a scan of the enabled inputs takes."""
        return max(1, len(self.enabled)) * self.conversion_s * (4.0 if self.slow else 1.0)

    def poll_due(self, t_s: float) -> float | None:
        if t_s >= self._scan_s:
            self._scan(t_s)
        if t_s >= self._stream_s:
            self._stream_s = t_s + 1.0
            for number in sorted(self.enabled):
                if self.send is not None:
                    self.send(t_s, b"C:%d;T: %s\r" % (number, self._reading(number)))
        self.due_s = min(self._scan_s, self._stream_s)
        return None if self.due_s == NEVER else self.due_s

    def _scan(self, t_s: float) -> None:
        """Read the enabled inputs, and again when that has taken its time. It begins with the first question."""
        self.world.advance(t_s)
        self._scanned = {n: self.sense(self.probes[n]) for n in self.enabled if n in self.probes}
        self._scan_s = NEVER if self.asleep else t_s + self.scan_s
        self.wake(self._scan_s)

    def _reading(self, number: int) -> bytes:
        value = self._scanned.get(number)
        if value is None:
            return b"---.-"
        if self.fahrenheit:
            value = 1.8 * value + 32.0
        return b"%+.1f" % min(max(value, -999.9), 999.9)

    def _enable(self, words: list[str]) -> bytes:
        try:
            numbers = [int(word) for word in words]
        except ValueError:
            return RANGE
        if not all(1 <= abs(number) <= self.inputs for number in numbers):
            return RANGE
        self.enabled |= {n for n in numbers or range(1, self.inputs + 1) if n > 0}
        self.enabled -= {-n for n in numbers if n < 0}
        self._scanned = {n: value for n, value in self._scanned.items() if n in self.enabled}
        return b"*"

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
                if self.streaming:
                    self._scan(t_s)
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
            case ["e", *words] if self.inputs > 1:
                return self._enable(words), 0.0
            case ["u", *_]:
                return RANGE, 0.0
            case _:
                return UNKNOWN, 0.0
        return b"*", 0.0

    def _read(self, which: str, t_s: float) -> tuple[bytes, float]:
        listed = range(1, self.inputs + 1) if self.tells_disabled else sorted(self.enabled)
        numbers = [int(which)] if which else listed
        if which and numbers[-1] > self.inputs:
            return RANGE, 0.0
        if self.asleep or self._scan_s == NEVER:
            self._scan(t_s)
        lines = b"".join(self._reading(number) + b"\r" for number in numbers)
        return lines + b"*", self.scan_s if self.asleep else 0.0
