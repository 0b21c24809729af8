"""Julabo circulator: ASCII commands ended by CR, questions answered by a line, commands not at all; 4800 7E1.

Sources: Julabo SL heating circulators, page 82 and status messages; SC 2500, page 42; FL 601, pages 39 to 41; LC 6,
page 46. ``in_pv_01`` is the heating power in percent, ``in_pv_02`` the external Pt100.

Options: ``version`` ("JULABO FP51_SL VERSION 1.1"), ``remote`` (True; False: its panel is in charge, out commands are
refused), ``fahrenheit`` (False), ``external`` (False; True: a Pt100 is in the coolant), ``swapped_pv`` (False; True:
in_pv_01 and in_pv_02 the other way round, as the lewis emulator has them), ``empty_lines`` (False; True: an empty line
after each out command, as that one sends), ``eol`` ("\\r\\n"; "\\n" on newer ones), ``unit_query`` ("in_sp_06"; None:
it has none), ``address`` (None; on RS-485 ``A032_``), ``hasty`` (False; True understands commands that come too soon)
and those of ``sim.devices.bath``. Assumed: a command that comes less than 250 ms after an out command, or 10 ms after
an answer, is lost; a refusal stays in the status until it is read; unknown questions get no answer but a status of -08.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sim.devices.base import Replies, World
from sim.devices.bath import Circulator

INVALID, NOT_NOW = "-08 INVALID COMMAND", "-09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE"
TOO_SMALL, TOO_LARGE = "-10 VALUE TOO SMALL", "-11 VALUE TOO LARGE"
LOW_LEVEL = "-01 LOW LEVEL ALARM"
AFTER_OUT_S, AFTER_IN_S = 0.25, 0.01
LOW_C, HIGH_C = -40.0, 200.0
LINE_MAX = 64

_number = re.compile(r"-?\d{1,3}(\.\d{1,2})?")


class Julabo(Circulator):
    """Its bath and its remote control."""

    MODEL = "julabo"
    BAUD = 4800
    LATENCY_S = 0.01
    OPTIONS = Circulator.BATH_OPTIONS | {
        *("version", "remote", "fahrenheit", "external", "swapped_pv", "empty_lines"),
        *("eol", "unit_query", "address", "hasty"),
    }

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.version = str(options.get("version", "JULABO FP51_SL VERSION 1.1"))
        self.remote = bool(options.get("remote", True))
        self.fahrenheit = bool(options.get("fahrenheit", False))
        self.external = bool(options.get("external", False))
        self.swapped = bool(options.get("swapped_pv", False))
        self.empty_lines = bool(options.get("empty_lines", False))
        self.eol = str(options.get("eol", "\r\n"))
        self.unit_query = options.get("unit_query", "in_sp_06")
        address = options.get("address")
        self.prefix = "" if address is None else f"A{int(address):03d}_"
        self.hasty = bool(options.get("hasty", False))
        self.setpoint_c = 20.0
        self.running = False
        self.refusal = ""
        self._deaf_s = -1.0  # until when nothing is understood
        self._line = bytearray()

    # behaviour ------------------------------------------------------------------------------------------------------

    @property
    def target_c(self) -> float | None:
        return self.setpoint_c if self.running else None

    def panel(self, setpoint_c: float | None) -> None:
        self.remote = setpoint_c is None
        if setpoint_c is not None:
            self.setpoint_c = setpoint_c

    @property
    def status(self) -> str:
        """A refusal, an alarm, or the mode."""
        if self.refusal:
            told, self.refusal = self.refusal, ""
            return told
        if self.low_level:
            return LOW_LEVEL
        mode = 2 * self.remote + self.running
        return f"{mode:02d} {'REMOTE' if self.remote else 'MANUAL'} {'START' if self.running else 'STOP'}"

    def _out(self, name: str, text: str) -> None:
        if not self.remote:
            self.refusal = NOT_NOW
        elif _number.fullmatch(text) is None:
            self.refusal = INVALID
        elif name == "out_mode_05" and text in ("0", "1"):
            self.running = text == "1"
        elif name == "out_sp_00":
            value_c = (float(text) - 32.0) / 1.8 if self.fahrenheit else float(text)
            self.refusal = TOO_SMALL if value_c < LOW_C else TOO_LARGE if value_c > HIGH_C else ""
            if not self.refusal:
                self.setpoint_c = value_c
        else:
            self.refusal = INVALID

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        if t_s < self._deaf_s and not self.hasty:
            data = data[data.rfind(b"\r") + 1 :]  # what was half sent is lost as well
            self._line.clear()
        self._line += data
        replies: Replies = []
        busy_s = 0.0
        while (end := self._line.find(b"\r")) >= 0:
            text = bytes(self._line[:end]).decode("ascii", "replace").strip().lower()
            del self._line[: end + 1]
            prefix = self.prefix.lower()
            if not text.startswith(prefix) or text == prefix:
                continue
            self.settle(t_s)
            answer, out = self._answer(text[len(prefix) :])
            busy_s += self.line_s(len(text) + 1)
            self._deaf_s = t_s + busy_s + AFTER_OUT_S - 1e-6
            if answer is not None:
                reply = ((self.prefix + answer if answer else "") + self.eol).encode("ascii", "replace")
                busy_s += self.latency_s + self.line_s(len(reply))
                replies.append((busy_s, reply))
            if not out:
                self._deaf_s = t_s + busy_s + AFTER_IN_S - 1e-6
        if len(self._line) > LINE_MAX:
            self._line.clear()
        return replies

    def _answer(self, command: str) -> tuple[str | None, bool]:
        """The answer, None for none; and whether it was an out command."""
        if command.startswith("out_"):
            name, _, text = command.partition(" ")
            self._out(name, text.strip())
            return ("" if self.empty_lines else None), True
        answer = self._told(command)
        if answer is None:
            self.refusal = INVALID
        return answer, False

    def _told(self, question: str) -> str | None:
        power, probe = ("in_pv_02", "in_pv_01") if self.swapped else ("in_pv_01", "in_pv_02")
        match question:
            case "version":
                return self.version
            case "status":
                return self.status
            case "in_pv_00" | "in_pv_03":  # the bath's sensor, and the safety sensor beside it
                return self._shown(self.bath_c)
            case "in_sp_00":
                return self._shown(self.setpoint_c)
            case "in_mode_05":
                return "1" if self.running else "0"
        if question == power:
            return f"{self._power():.1f}"
        if question == probe:
            return self._shown(self.world.coolant_c) if self.external else "---.--"
        if question == self.unit_query:
            return "1" if self.fahrenheit else "0"
        return None

    def _power(self) -> float:
        """Of the heater, percent; below 0 it cools."""
        target_c = None if self.low_level else self.target_c
        return 0.0 if target_c is None else min(max(20.0 * (target_c - self.bath_c), -100.0), 100.0)

    def _shown(self, value_c: float) -> str:
        return f"{1.8 * value_c + 32.0 if self.fahrenheit else value_c:.2f}"
