"""Watson-Marlow 323Du / 520Du / 620Du peristaltic pump: ASCII commands ended by CR, 9600 8N2, echo on.

Sources: Watson-Marlow 323Du, 505Du and 520Du manuals (RS232 commands). Every character is echoed while the echo is
on; set commands are not answered; ``RS`` gives one line ended by ``!`` and CR, ``ZY`` 0 or 1, ``RT`` the tachometer.
No dead-man: the pump runs on when the host is silent.

Options: ``pump_number`` (1), ``type`` ("323Du"; "520Du" and "620Du" answer the longer line), ``echo`` (True),
``ml_per_rev`` (0.8: what the mounted tube gives), ``space_needed`` (False; True ignores ``SP110`` without a space).
Assumed: an unknown command is ignored; a speed outside the range is clipped; the new speed takes effect at once;
counter-clockwise pumps away from the applicator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sim.devices.base import Emulator, Replies, World

RANGES_RPM = {"323Du": (3.0, 400.0), "520Du": (0.1, 220.0), "620Du": (0.1, 265.0)}
LINE_MAX = 64
CHARACTER_BITS = 11.0  # start, 8 data, 2 stop

_command = re.compile(r"(#|\d{1,2})([A-Z]{2})(.*)", re.DOTALL)


class WatsonMarlowDu(Emulator):
    """The drive, its head and tube."""

    MODEL = "watson-marlow-du"
    ROLE = "pump"
    BAUD = 9600
    LATENCY_S = 0.005
    OPTIONS = frozenset({"pump_number", "type", "echo", "ml_per_rev", "space_needed", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self._char_s = CHARACTER_BITS / self.baud
        self.number = int(options.get("pump_number", 1))
        self.type = str(options.get("type", "323Du"))
        if self.type not in RANGES_RPM:
            raise ValueError(f"type {self.type!r}: there are {', '.join(RANGES_RPM)}")
        self.range_rpm = RANGES_RPM[self.type]
        self.echo = bool(options.get("echo", True))
        self.ml_per_rev = float(options.get("ml_per_rev", 0.8))
        self.space_needed = bool(options.get("space_needed", False))
        self.speed_rpm = 110.0
        self.clockwise = True
        self.running = False
        self._turned_rev = 0.0
        self._turned_s = 0.0
        self._pumped_ml_min = 0.0
        self._line = bytearray()

    # behaviour ------------------------------------------------------------------------------------------------------

    @property
    def flow_ml_min(self) -> float:
        """What the head presses into the applicator's tube now."""
        if not self.running or "stall" in self.faults:
            return 0.0
        return self.speed_rpm * self.ml_per_rev if self.clockwise else 0.0

    def faults_changed(self, t_s: float) -> None:
        self._moved(t_s)

    def _moved(self, t_s: float) -> None:
        flow_ml_min = self.flow_ml_min
        if flow_ml_min != self._pumped_ml_min:
            self._pumped_ml_min = flow_ml_min
            self.world.advance(t_s)
            self.world.pump(flow_ml_min)

    def _turn(self, t_s: float) -> None:
        if self.running:
            self._turned_rev += self.speed_rpm / 60.0 * max(0.0, t_s - self._turned_s)
        self._turned_s = t_s

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        replies: Replies = []
        busy_s = 0.0
        if self.echo and data:
            busy_s = self.line_s(len(data) + 1)
            replies.append((busy_s, bytes(data)))
        self._line += data
        while (end := self._line.find(b"\r")) >= 0:
            text = bytes(self._line[:end]).decode("ascii", "replace").strip()
            del self._line[: end + 1]
            reply = self._answer(text, t_s)
            if reply:
                busy_s += self.latency_s + self.line_s(len(reply) + (0 if self.echo else len(text) + 1))
                replies.append((busy_s, reply))
        if len(self._line) > LINE_MAX:
            self._line.clear()
        return replies

    def _answer(self, text: str, t_s: float) -> bytes:
        match = _command.fullmatch(text)
        if match is None or (match[1] == "#" and match[2] in ("RS", "RT", "ZY")):
            return b""
        if match[1] != "#" and int(match[1]) != self.number:
            return b""
        self._turn(t_s)
        letters, parameter = match[2], match[3]
        if letters == "RS":
            return self._status(t_s)
        if letters == "ZY":
            return b"%d\r" % self.running
        if letters == "RT":
            return b"%d\r" % round(self._turned_rev * 10982)
        self._do(letters, parameter)
        self._moved(t_s)
        return b""

    def _do(self, letters: str, parameter: str) -> None:
        match letters:
            case "SP":
                digits = parameter.strip()
                spaced = parameter.startswith(" ") or not self.space_needed
                if spaced and re.fullmatch(r"\d{1,3}(\.\d)?", digits):
                    self._set_speed(float(digits))
            case "SI":
                self._set_speed(self.speed_rpm + 1.0)
            case "SD":
                self._set_speed(self.speed_rpm - 1.0)
            case "GO":
                self.running = True
            case "ST":
                self.running = False
            case "RC":
                self.clockwise = not self.clockwise
            case "RR" | "RL":
                self.clockwise = letters == "RR"
            case "TC":
                self._turned_rev = 0.0

    def _set_speed(self, speed_rpm: float) -> None:
        self.speed_rpm = min(max(speed_rpm, self.range_rpm[0]), self.range_rpm[1])

    def _status(self, t_s: float) -> bytes:
        direction = "CW" if self.clockwise else "CCW"
        if self.type == "323Du":
            return f"323Du {self.speed_rpm:.1f} {direction} {self.number} {self.running:d} !\r".encode()
        tacho = round(self._turned_rev * 10982)
        head = f"{self.type} {self.ml_per_rev:.2f} 520R 9.6MM {self.speed_rpm:.1f} {direction}"
        return f"{head} P/N {self.number} {tacho} {self.running:d} !\r".encode()
