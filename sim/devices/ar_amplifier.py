"""AR (Amplifier Research) RF amplifier with forward and reverse power meters: ASCII lines ended by LF.

Sources: AR manuals of the 125A250, 600A400 and 250S1G6, remote commands. ``STATE?`` answers ``STATE= xyza``, four hex
digits: x b3 remote enabled; y b0 power on, b1 standby, b2 operate, b3 fault; z b0 keylock inhibited; a b0 manual gain.
``FPOW?`` and ``RPOW?`` answer whole watts in five places; ``FSTA?`` a fault number in four hex digits. It has no
watchdog. Wrong commands are not answered [assumed].

Options: ``model`` (600A400), ``gain_db`` (50), ``standby`` (True; False as the 125A250, which has no standby),
``command_reply`` (True: POWER: and RF: are answered by one line, whose text is assumed), ``lag_s`` (1.0: how long the
state digits lag behind), ``remote`` (True), ``power_max_w`` (600). Assumed: an open interlock takes RF away, shows
fault 0002 while it is open, and leaves the amplifier in standby; RF:ON is ignored while it is open; the amplifier is
found with its power on; the output follows within ``settle_s`` (2 ms).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, Replies, World
from sim.devices.generator import Generator

REMOTE = 0x8000
POWER_ON, STANDBY, OPERATE, FAULT = 0x0100, 0x0200, 0x0400, 0x0800
MANUAL = 0x0001
INTERLOCK_FAULT = 2
MAX_LINE = 256


class Input:
    """The amplifier's input, as a generator's output sees it: a matched load that passes watts on."""

    reverse_w = 0.0

    def __init__(self, amplifier: ArAmplifier) -> None:
        self._amplifier = amplifier
        self.t_s = 0.0
        self.forward_w = 0.0

    def advance(self, t_s: float) -> None:
        """Time of what comes next."""
        self.t_s = max(self.t_s, t_s)

    def drive(self, forward_w: float) -> None:
        """Watts from now on."""
        self.forward_w = forward_w
        self._amplifier.update(self.t_s)


class ArAmplifier(Generator):
    """Gain, standby, meters and interlock."""

    MODEL = "ar-amplifier"
    BAUD = 19200
    LATENCY_S = 0.005
    POWER_MAX_W = 600.0
    REVERSE_MAX_W = 600.0
    SETTLE_S = 0.002
    OPTIONS = Generator.OPTIONS | frozenset({"model", "gain_db", "standby", "command_reply", "lag_s", "remote"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.model = str(options.get("model", "600A400"))
        self.gain = 10.0 ** (float(options.get("gain_db", 50.0)) / 10.0)
        self.has_standby = bool(options.get("standby", True))
        self.command_reply = bool(options.get("command_reply", True))
        self.lag_s = float(options.get("lag_s", 1.0))
        self.remote = bool(options.get("remote", True))
        self.gain_percent = 100
        self.powered = True
        self.input = Input(self)
        self.output.on = not self.has_standby
        self._line = bytearray()
        self._busy_s = 0.0
        self._shown_on = self.output.on  # what the state digits say, some time later
        self._shown_from_s = -NEVER
        self._shown_before = self.output.on

    # behaviour ------------------------------------------------------------------------------------------------------

    def power_up(self, t_s: float) -> None:
        self.output.on = not self.has_standby and self.output.interlock_closed
        self.gain_percent = 100

    def update(self, t_s: float) -> None:
        share = (self.gain_percent / 100.0) ** 2
        self.output.setpoint_w = self.input.forward_w * self.gain * share if self.powered else 0.0
        if self.output.on != self._shown_on:
            self._shown_before = self._state_on(t_s)
            self._shown_on, self._shown_from_s = self.output.on, t_s + self.lag_s
        super().update(t_s)

    def set_interlock(self, closed: bool, t_s: float) -> None:
        super().set_interlock(closed, t_s)
        if closed and not self.has_standby:
            self._operate(True, t_s)

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        self.due_s = self.output.due_s
        return None if self.due_s == NEVER else self.due_s

    def _operate(self, on: bool, t_s: float) -> None:
        if on and not (self.output.interlock_closed and self.powered):
            return
        self.output.on = on
        self.update(t_s)

    def _state_on(self, t_s: float) -> bool:
        return self._shown_on if t_s >= self._shown_from_s else self._shown_before

    def state(self, t_s: float) -> int:
        """The four digits as a number."""
        word = (REMOTE if self.remote else 0) | MANUAL | (POWER_ON if self.powered else 0)
        if self.has_standby and self.powered:
            word |= OPERATE if self._state_on(t_s) else STANDBY
        return word | (0 if self.output.interlock_closed else FAULT)

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        line = self._line
        line += data
        replies: Replies = []
        busy_s = max(0.0, self._busy_s - t_s)
        while (end := line.find(0x0A)) >= 0:
            command = bytes(line[:end]).decode("ascii", "replace").strip().upper()
            del line[: end + 1]
            busy_s += self.latency_s + self.line_s(end + 1)
            answer = self._answer(command, t_s)
            if answer:
                reply = answer.encode("ascii", "replace") + b"\n"
                busy_s += self.line_s(len(reply))
                replies.append((busy_s, reply))
        self._busy_s = t_s + busy_s
        if len(line) > MAX_LINE:
            line.clear()
        return replies

    def _answer(self, command: str, t_s: float) -> str:
        match command:
            case "*IDN?":
                return f"AR-RF/MICROWAVE-INST,{self.model},1.0"
            case "STATE?":
                return f"STATE= {self.state(t_s):04X}"
            case "FPOW?":
                return f"FPOW={_watts(self.metered_w(self.world.forward_w))}"
            case "RPOW?":
                return f"RPOW={_watts(self.metered_w(self.world.reverse_w, reverse=True))}"
            case "RFG?":
                return f"RFG={self.gain_percent:4d}"
            case "FSTA?":
                return f"FSTA= {0 if self.output.interlock_closed else INTERLOCK_FAULT:04X}"
        if not self.remote:
            return ""
        head, _, argument = command.partition(":")
        if head == "LEVEL" and argument.startswith("GAIN") and argument[4:].isdigit():
            self.gain_percent = min(100, int(argument[4:8]))
            self.update(t_s)
            return ""
        if argument not in ("ON", "OFF") or head not in ("RF", "POWER"):
            return ""
        if head == "POWER":
            self.powered = argument == "ON"
            self._operate(self.powered and not self.has_standby, t_s)
        elif self.has_standby:
            self._operate(argument == "ON", t_s)
        return f"{head} {argument}" if self.command_reply else ""


def _watts(power_w: float) -> str:
    return f"{min(99999, round(power_w)):5d}"
