"""Kuhne electronic KU SG 2.45-250 A: ASCII commands ended by CR, 115200 8N1, answers ``A`` CR or fixed-length binary.

Sources: the command list as PyMeasure's ``kusg245_250a`` sends it. It has no watchdog: the output stays as it is when
the host falls silent. Where the sources are silent, options say what is assumed: ``bias_needed`` (True [assumed]): RF
on without bias is acknowledged and gives no power; ``unknown_reply`` ("" [assumed]): what an unknown command gets,
nothing. Reverse power above the limit of ``B`` folds the output back and locks it there until ``z``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sim.devices.base import NEVER, Replies, World
from sim.devices.generator import Generator

LIMITS_W = (NEVER, 100.0, 150.0, 180.0, 200.0, 230.0)
LOCKED_SHARE = 0.5
"""Of the set-point that is left after the reflection limit has tripped [assumed]."""
DONE = b"A\r"
LINE_MAX = 32


class KuhneKusg(Generator):
    """The generator behind its serial port."""

    MODEL = "kuhne-kusg"
    BAUD = 115200
    LATENCY_S = 0.001
    POWER_MAX_W = 250.0
    REVERSE_MAX_W = 1000.0  # the fold-back of this model is its VSWR alarm, below
    OPTIONS = Generator.OPTIONS | frozenset({"bias_needed", "unknown_reply", "firmware"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.bias_needed = bool(options.get("bias_needed", True))
        self.unknown_reply = str(options.get("unknown_reply", "")).encode("ascii", "replace")
        self.firmware = str(options.get("firmware", "KU SG 2.45-250 A V1.0"))
        self._buffer = bytearray()
        self.power_up(0.0)

    # behaviour ------------------------------------------------------------------------------------------------------

    def power_up(self, t_s: float) -> None:
        self.rf = self.bias = self.pulsed = self.external = self.fine = self.alarm = False
        self.setpoint_w = 0
        self.limit = 0  # digit of B
        self.frequency_khz = 2_450_000
        self.pulse_ms = {"C": 100, "c": 100}
        self.phase = 0

    def set_interlock(self, closed: bool, t_s: float) -> None:
        if not closed and self.interlock_drops_rf:
            self.rf = False
        super().set_interlock(closed, t_s)

    def update(self, t_s: float) -> None:
        duty = self.pulse_ms["C"] / (self.pulse_ms["C"] + self.pulse_ms["c"]) if self.pulsed else 1.0
        self.output.on = self.rf and (self.bias or not self.bias_needed)
        self.output.setpoint_w = self.setpoint_w * duty * (LOCKED_SHARE if self.alarm else 1.0)
        super().update(t_s)

    def load_moved(self, t_s: float) -> None:
        super().load_moved(t_s)
        if not self.alarm and self.world.reverse_w > LIMITS_W[self.limit]:
            self.alarm = True
            self.update(t_s)

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        self.due_s = self.output.due_s
        return None if self.due_s == NEVER else self.due_s

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        buffer = self._buffer
        buffer += data
        replies: Replies = []
        busy_s = 0.0
        while (end := buffer.find(b"\r")) >= 0:
            command = bytes(buffer[:end]).strip(b"\n")
            del buffer[: end + 1]
            reply = self._answer(command.decode("ascii", "replace"), t_s)
            busy_s += self.latency_s + self.line_s(len(command) + 1 + len(reply))
            if reply:
                replies.append((busy_s, reply))
        if len(buffer) > LINE_MAX:
            buffer.clear()
        return replies

    def _answer(self, command: str, t_s: float) -> bytes:
        if command in self._QUESTIONS:
            return self._QUESTIONS[command](self, t_s) + b"\r"
        if self._switch(command) or self._number(command):
            self.update(t_s)
            return DONE
        return self.unknown_reply

    def _switch(self, command: str) -> bool:
        match command:
            case "O" | "o":
                self.rf = command == "O"
            case "X" | "x":
                self.bias = command == "X"
            case "P" | "p":
                self.pulsed = command == "P"
            case "R" | "r":
                self.external = command == "R"
            case "fm1" | "fm0":
                self.fine = command == "fm1"
            case "z":
                self.alarm = False
            case "SE":
                pass
            case _:
                return False
        return True

    def _number(self, command: str) -> bool:
        letter, digits = command[:1], command[1:]
        if not (digits.isascii() and digits.isdigit()):
            return False
        value, length = int(digits), len(digits)
        if letter == "A" and length == 3 and value <= 250:
            self.setpoint_w = value
        elif letter == "B" and length == 1 and value < len(LIMITS_W):
            self.limit = value
        elif letter in self.pulse_ms and length == 4 and 10 <= value <= 1000 and value % 5 == 0:
            self.pulse_ms[letter] = value
        elif letter == "H" and length == 3 and value <= 255:
            self.phase = value
        elif letter == "f" and 2400 <= value <= 2500:
            self.frequency_khz = value * 1000
        elif letter == "f" and 2_400_000 <= value <= 2_500_000:
            self.frequency_khz = value
        else:
            return letter == "b" and length == 3
        return True

    def _frequency(self, t_s: float) -> bytes:
        khz = round(self.frequency_khz * self.detuned)
        return b"%dkHz" % khz if self.fine else b"%dMHz" % (khz // 1000)

    def _watts(self, power_w: float, *, reverse: bool = False) -> bytes:
        return bytes((min(255, round(self.metered_w(power_w, reverse=reverse))),))

    _QUESTIONS: ClassVar[Mapping[str, Callable[[KuhneKusg, float], bytes]]] = {
        "v": lambda self, t_s: self.firmware.encode("ascii", "replace"),
        "5": lambda self, t_s: round(5.0 * 4700 / 103).to_bytes(2, "big"),
        "8": lambda self, t_s: round(32.0 * 8200 / 1282).to_bytes(2, "big"),
        "6": lambda self, t_s: self._watts(self.world.forward_w),
        "7": lambda self, t_s: self._watts(self.world.reverse_w, reverse=True),
        "T": lambda self, t_s: b"%d" % round(self.heatsink(t_s)),
        "o?": lambda self, t_s: bytes((self.radiating or self.rf,)),
        "x?": lambda self, t_s: bytes((self.bias,)),
        "p?": lambda self, t_s: bytes((self.pulsed,)),
        "r?": lambda self, t_s: bytes((self.external,)),
        "A?": lambda self, t_s: b"%03d" % self.setpoint_w,
        "B?": lambda self, t_s: bytes((self.limit,)),
        "H?": lambda self, t_s: bytes((self.phase,)),
        "C?": lambda self, t_s: b"%04d" % self.pulse_ms["C"],
        "c?": lambda self, t_s: b"%04d" % self.pulse_ms["c"],
        "fm?": lambda self, t_s: bytes((self.fine,)),
        "f?": _frequency,
    }
