"""Lauda thermostat: ASCII commands ended by CR, every one answered, 9600 8N1.

Sources: LAUDA PRO operating manual V6 (interface commands; errors: page 51); Ecoline E and RE manuals, pages 10 and 11.
A question is answered in the fixed notation ``021.50`` CR LF, a command by ``OK`` or ``ERR_n``; a blank may stand for
``_``.

Options: ``family`` ("pro"; "ecoline-e" and "ecoline-re" know no interface time-out, no IN_MODE_02, and order their
flags otherwise), ``type`` ("PRO"), ``address`` (None; on RS-485 ``A015_`` precedes everything), ``low_level`` (False),
``comma`` (False; True writes a decimal comma, as no manual has it) and those of ``sim.devices.bath``. Assumed: the
time-out runs from the last complete command and is off (0) at first; when it runs out the safe set-point is regulated
to until the next ``OUT_SP_00``, ``START`` or ``STOP``; a limit of the set-point of -40 to 150; who works at the
panel has started the programmer there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sim.devices.base import Replies, World
from sim.devices.bath import Circulator

WRONG_COMMAND, WRONG_VALUE, FORBIDDEN, PROGRAMMED = "ERR_3", "ERR_5", "ERR_6", "ERR_36"
STAT = {"pro": (7, 4), "ecoline-e": (7, 2), "ecoline-re": (5, 1)}  # flags, and which says low level
LINE_MAX = 64
LOW_C, HIGH_C = -40.0, 150.0

_value = re.compile(r"-?\d{0,3}(\.\d{0,2})?")


class Lauda(Circulator):
    """Its bath, its interface's time-out."""

    MODEL = "lauda"
    BAUD = 9600
    LATENCY_S = 0.01
    OPTIONS = Circulator.BATH_OPTIONS | {"family", "type", "address", "low_level", "comma"}

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.family = str(options.get("family", "pro"))
        if self.family not in STAT:
            raise ValueError(f"family {self.family!r}: there are {', '.join(STAT)}")
        self.type = str(options.get("type", "PRO" if self.family == "pro" else "ECOLINE"))
        address = options.get("address")
        self.prefix = "" if address is None else f"A{int(address):03d}_"
        self.low_level = bool(options.get("low_level", False))
        self.comma = bool(options.get("comma", False))
        self.setpoint_c, self.safe_c = 20.0, 20.0
        self.running = self.safe_mode = self.programmed = False
        self.timeout_s = 0.0
        self._heard_s = 0.0
        self._line = bytearray()

    # behaviour ------------------------------------------------------------------------------------------------------

    @property
    def target_c(self) -> float | None:
        if not self.running:
            return None
        return self.safe_c if self.safe_mode else self.setpoint_c

    def panel(self, setpoint_c: float | None) -> None:
        self.programmed = setpoint_c is not None
        if setpoint_c is not None:
            self.setpoint_c, self.safe_mode = setpoint_c, False

    def settle(self, t_s: float) -> None:
        super().settle(t_s)
        if self.timeout_s > 0.0 and t_s - self._heard_s > self.timeout_s:
            self.safe_mode = True

    def _temperature(self, name: str, text: str) -> str:
        if not any(c.isdigit() for c in text) or _value.fullmatch(text) is None:
            return WRONG_VALUE
        if not LOW_C <= float(text) <= HIGH_C:
            return FORBIDDEN
        setattr(self, name, float(text))
        return "OK"

    def _set_timeout(self, text: str) -> str:
        if not text.isascii() or not text.isdigit() or len(text) > 2:
            return WRONG_VALUE
        self.timeout_s = float(text)
        return "OK"

    def _run(self, running: bool) -> str:
        self.running, self.safe_mode = running, False
        return "OK"

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        self._line += data
        replies: Replies = []
        busy_s = 0.0
        while (end := self._line.find(b"\r")) >= 0:
            text = bytes(self._line[:end]).decode("ascii", "replace").strip()
            del self._line[: end + 1]
            if not text.startswith(self.prefix) or text == self.prefix:
                continue
            self.settle(t_s)
            reply = (self.prefix + self._answer(text[len(self.prefix) :].replace(" ", "_"))).encode() + b"\r\n"
            self._heard_s = t_s
            busy_s += self.latency_s + self.line_s(len(text) + 1 + len(reply))
            replies.append((busy_s, reply))
        if len(self._line) > LINE_MAX:
            self._line.clear()
        return replies

    def _answer(self, command: str) -> str:
        if command in ("START", "STOP"):
            return self._run(command == "START")
        head, _, text = command.rpartition("_")
        watched = self.family == "pro"
        if head == "OUT_SP_00" and self.programmed:
            return PROGRAMMED
        if head == "OUT_SP_00":
            self.safe_mode = False
            return self._temperature("setpoint_c", text)
        if head == "OUT_SP_07" and watched:
            return self._temperature("safe_c", text)
        if head == "OUT_SP_08" and watched:
            return self._set_timeout(text)
        return self._told(command, watched) or WRONG_COMMAND

    def _told(self, question: str, watched: bool) -> str | None:
        temperatures = {"IN_PV_00": self.bath_c, "IN_SP_00": self.setpoint_c}
        words = {"TYPE": self.type, "VERSION": "V 1.43", "STAT": self._stat()}
        words["STATUS"] = "-1" if self.low_level else "0"
        if watched:
            temperatures |= {"IN_SP_07": self.safe_c, "IN_SP_08": self.timeout_s}
            words |= {"IN_MODE_02": "0" if self.running else "1", "IN_MODE_06": "1" if self.safe_mode else "0"}
        else:
            words["IN_SP_01"] = "3" if self.running else "0"
        if question in temperatures:
            value = temperatures[question]
            text = f"{'-' if round(value, 2) < 0.0 else ''}{abs(value):06.2f}"
            return text.replace(".", ",") if self.comma else text
        return words.get(question)

    def _stat(self) -> str:
        count, low_level = STAT[self.family]
        return "".join("1" if self.low_level and n in (0, low_level) else "0" for n in range(count))
