"""Ismatec Reglo ICC peristaltic pump: ASCII commands ended by CR, 9600 8N1.

Source: Ismatec manual 14-036-E rev C (Reglo ICC). A command is one digit (pump address 1-8 or, with channel addressing
on, channel 1-4; 0 is all) and its letters. Status replies are one character without end (``*`` done, ``#`` not
executed, ``-`` no, ``+`` yes); data replies end with CR LF. The pump has no dead-man: it keeps running when the host
is silent.

Options: ``channels`` (4), ``channel`` (1: the channel whose tube feeds the applicator), ``channel_addressing`` (False
at power-up),
``pump_address`` (1), ``max_flow_ml_min`` (138.0 at 100 rpm with the default 3.17 mm tube; other tubes by their
cross-section),
``running_start`` ("#": answer to starting a running channel, as the PyPI client's author found). Assumed: a new flow
or speed takes effect at once; counter-clockwise pumps away from the applicator; a flow above the maximum is stored and
refused by start (``-``, reason R); an unknown command is answered ``#``. The wire format is in this file, the channel
in ``ismatec_channel.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sim.devices.base import NEVER, Emulator, Replies, World
from sim.devices.ismatec_channel import MODES, PumpChannel, from_volume, to_volume

MAX_LINE = 64
TUBES_MM = frozenset(
    {13, 19, 25, 38, 44, 51, 57, 64, 76, 89, 95, 102, 109, 114, 122, 130}
    | {142, 152, 165, 175, 185, 206, 229, 254, 279, 317}
)
DONE, NOT_EXECUTED, NO, YES = b"*", b"#", b"-", b"+"

_command = re.compile(r"([0-8])(x[A-Za-z!~]|DA|[A-Za-z!#(*+~?:\"0-9])(.*)", re.DOTALL)

Handler = Callable[["IsmatecRegloIcc", PumpChannel, str, float], bytes]


class IsmatecRegloIcc(Emulator):
    """The pump drive: channels, addressing, events."""

    MODEL = "ismatec-reglo-icc"
    ROLE = "pump"
    BAUD = 9600
    LATENCY_S = 0.004
    OPTIONS = frozenset(
        {"channels", "channel", "channel_addressing", "pump_address", "max_flow_ml_min", "running_start", "latency_s"}
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        max_flow = float(options.get("max_flow_ml_min", 138.0))
        self.lanes = [PumpChannel(max_flow) for _ in range(int(options.get("channels", 4)))]
        self.feeding = self.lanes[int(options.get("channel", 1)) - 1]
        self.by_channel = bool(options.get("channel_addressing", False))
        self.events = False
        self.pump_address = int(options.get("pump_address", 1))
        self.running_start = str(options.get("running_start", "#")).encode()
        self.display = ""
        self._pumped_ml_min = 0.0
        self._line = bytearray()
        self._event_s = NEVER

    # behaviour ------------------------------------------------------------------------------------------------------

    @property
    def flow_ml_min(self) -> float:
        """What the head presses into the applicator's tube now."""
        if "stall" in self.faults:
            return 0.0
        return self.feeding.delivered_ml_min()

    def poll_due(self, t_s: float) -> float | None:
        for number, lane in enumerate(self.lanes, 1):
            if lane.elapse(t_s) and self.events and self.send is not None:
                self.send(t_s, f"^X{number}|A\r\n".encode())
        if self.events and t_s >= self._event_s and self.send is not None:
            self._event_s = t_s + 1.0
            for number, lane in enumerate(self.lanes, 1):
                if lane.running:
                    self.send(t_s, f"^U{number}|{lane.status(t_s)}\r\n".encode())
        self._moved(t_s)
        due_s = min([self._event_s] + [lane.next_s for lane in self.lanes])
        self.due_s = due_s
        return None if due_s == NEVER else due_s

    def faults_changed(self, t_s: float) -> None:
        self._moved(t_s)

    def _moved(self, t_s: float) -> None:
        flow_ml_min = self.flow_ml_min
        if flow_ml_min != self._pumped_ml_min:
            self._pumped_ml_min = flow_ml_min
            self.world.advance(t_s)
            self.world.pump(flow_ml_min)
        for lane in self.lanes:
            self.wake(lane.next_s)

    # commands -------------------------------------------------------------------------------------------------------

    def _start(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if lane.running:
            return self.running_start
        return DONE if lane.start(t_s) else NO

    def _stop(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        lane.stop(t_s)
        return DONE

    def _pause(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        lane.pause(t_s)
        return DONE

    def _why(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        reason, limit = lane.refusal()
        return f"{reason} {to_volume(limit)}\r\n".encode()

    def _running(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        return YES if any(one.running for one in self.lanes) else NO

    def _mode(self, letter: str, lane: PumpChannel, t_s: float) -> bytes:
        lane.set_mode(letter, t_s)
        return DONE

    def _direction(self, letter: str, lane: PumpChannel) -> bytes:
        lane.clockwise = letter == "J"
        return DONE

    def _speed(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if not text:
            return f"{lane.rpm:.2f}\r\n".encode()
        value = _digits(text, 6)
        if value is None or value > 10000:
            return NOT_EXECUTED
        lane.rpm = value / 100.0
        lane.changed(t_s)
        return DONE

    def _flow(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if text:
            value = from_volume(text)
            if value is None:
                return NOT_EXECUTED
            lane.flow_ml_min = value
            lane.changed(t_s)
        return f"{to_volume(lane.flow_ml_min)}\r\n".encode()

    def _volume(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if text:
            value = from_volume(text)
            if value is None:
                return NOT_EXECUTED
            lane.volume_ml = value
        return f"{to_volume(lane.volume_ml)}\r\n".encode()

    def _time(self, which: str, lane: PumpChannel, text: str) -> bytes:
        if not text:
            return f"{round(10.0 * getattr(lane, which)):08d}\r\n".encode()
        value = _digits(text, 8)
        if value is None:
            return NOT_EXECUTED
        setattr(lane, which, value / 10.0)
        return DONE

    def _cycles(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if not text:
            return f"{lane.cycles:04d}\r\n".encode()
        value = _digits(text, 4)
        if value is None:
            return NOT_EXECUTED
        lane.cycles = value
        return DONE

    def _tube(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if not text:
            return f"{lane.tube_mm:.2f} mm\r\n".encode()
        value = _digits(text, 4)
        if value not in TUBES_MM:
            return NOT_EXECUTED
        lane.tube_mm = value / 100.0
        lane.changed(t_s)
        return DONE

    def _addressing(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if not text:
            return f"{int(self.by_channel)}\r\n".encode()
        if text not in ("0", "1"):
            return NOT_EXECUTED
        self.by_channel = text == "1"
        return DONE

    def _events(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        if not text:
            return f"{int(self.events)}\r\n".encode()
        if text not in ("0", "1"):
            return NOT_EXECUTED
        self.events = text == "1"
        self._event_s = t_s + 1.0 if self.events else NEVER
        self.wake(self._event_s)
        return DONE

    def _reset(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        for one in self.lanes:
            one.stop(t_s)
            one.restore()
        return DONE

    def _display(self, lane: PumpChannel, text: str, t_s: float) -> bytes:
        self.display = text[:16]
        return DONE

    COMMANDS: Mapping[str, Handler] = {
        "H": _start,
        "I": _stop,
        "xI": _pause,
        "xe": _why,
        "E": _running,
        **{letter: lambda s, lane, a, t, m=letter: s._mode(m, lane, t) for letter in MODES},  # type: ignore[misc]
        "xM": lambda s, lane, a, t: f"{lane.mode}\r\n".encode(),
        "J": lambda s, lane, a, t: s._direction("J", lane),
        "K": lambda s, lane, a, t: s._direction("K", lane),
        "xD": lambda s, lane, a, t: b"J\r\n" if lane.clockwise else b"K\r\n",
        "S": _speed,
        "f": _flow,
        "v": _volume,
        "xT": lambda s, lane, a, t: s._time("run_s", lane, a),
        "xP": lambda s, lane, a, t: s._time("pause_s", lane, a),
        '"': _cycles,
        "?": lambda s, lane, a, t: f"{lane.max_flow():.1f} ml/min\r\n".encode(),
        "!": lambda s, lane, a, t: f"{lane.max_flow():.1f} ml/min\r\n".encode(),
        "+": _tube,
        ":": lambda s, lane, a, t: f"{lane.total_ml(t):.3f} ml\r\n".encode(),
        "~": _addressing,
        "xE": _events,
        "x!": lambda s, lane, a, t: b"2\r\n",
        "xA": lambda s, lane, a, t: f"{len(s.lanes)}\r\n".encode(),
        "#": lambda s, lane, a, t: b"REGLO ICC 0208 306\r\n",
        "(": lambda s, lane, a, t: b"0114\r\n",
        "xS": lambda s, lane, a, t: b"SIM00001\r\n",
        "C": lambda s, lane, a, t: NO,  # foot switch input: open
        "0": _reset,
        "*": lambda s, lane, a, t: DONE,
        "A": lambda s, lane, a, t: DONE,
        "B": lambda s, lane, a, t: DONE,
        "DA": _display,
    }

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        line = self._line
        line += data
        replies: Replies = []
        busy_s = 0.0
        while (end := line.find(0x0D)) >= 0:
            text = bytes(line[:end]).replace(b"\n", b"").decode("ascii", "replace")
            del line[: end + 1]
            reply = self._answer(text, t_s)
            if reply:
                busy_s += self.latency_s + self.line_s(end + 1 + len(reply))
                replies.append((busy_s, reply))
        if len(line) > MAX_LINE:
            line.clear()
        return replies

    def _answer(self, text: str, t_s: float) -> bytes:
        if not text:
            return b""
        if text[0] == "@":  # set the pump's own address
            if text[1:] not in ("1", "2", "3", "4", "5", "6", "7", "8"):
                return NOT_EXECUTED
            self.pump_address = int(text[1:])
            return DONE
        found = _command.fullmatch(text)
        handler = self.COMMANDS.get(found[2]) if found else None
        if found is None or handler is None:
            return NOT_EXECUTED
        lanes = self._addressed(int(found[1]), found[2])
        if lanes is None:
            return b""  # another pump on the line, if any, will answer
        reply = b""
        for lane in lanes:
            reply = handler(self, lane, found[3], t_s) or reply
        self._moved(t_s)
        return reply

    def _addressed(self, address: int, command: str) -> list[PumpChannel] | None:
        """The channels that a command is for; with one address for the pump, all of them."""
        if self.by_channel:
            if address == 0:
                return self.lanes
            return [self.lanes[address - 1]] if address <= len(self.lanes) else None
        if address not in (0, self.pump_address):
            # Channel addressing is asked for with "1~1" whatever the pump's own address is.
            return self.lanes if command == "~" else None
        return self.lanes


def _digits(text: str, count: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= count else None
