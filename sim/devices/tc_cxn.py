"""T&C Power Conversion AG/CXN RF generator: binary command/response wire format, 38400 8N1.

Sources: PyMeasure 0.16 ``tcpowerconversion.CXN`` and its recorded exchanges; Swift Coat's public AG0613 driver. A
command is 10 bytes ``43 address id1 id2 p1 p1 p2 p2 sum sum``; the device answers ``2A`` (done) or ``3F`` (refused),
then, for a query,
``52 address length length data sum sum``; sums are plain 16-bit sums of everything before them. Control must be
requested before anything can be set, and is lost, with RF off and set-point 0, when no frame arrives for 2 s.

Where the sources are silent, options say what is assumed:

``refuse_without_control`` (True)   set commands without control are answered ``3F`` and ignored
``frame_gap_s`` (0.2)               an unfinished frame older than this is forgotten; 0 keeps it for ever
``interlock_drops_rf`` (True)       an opening interlock switches RF off for good; RF on with the interlock open is
acknowledged
                                    and does nothing; False: power returns when the interlock closes
A bad checksum is answered ``3F`` and its 10 bytes are dropped; bytes before a ``43`` are dropped; in pulse mode the
duty cycle's mean power is delivered; a set-point above the forward limit is kept, the output is held at the limit
(status bit 8). Other options: ``address``, ``model``, ``serial``, ``frequency_hz``, ``power_max_w``,
``reverse_max_w``, ``tuner``, ``settle_s``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from sim.devices.base import NEVER, Replies, World
from sim.devices.tc_generator import DEADMAN_S, NORMAL, PULSE, RAMP, TcGenerator

RF_ON, FORWARD_LIMIT, REVERSE_LIMIT, INTERLOCK_OPEN = 1 << 0, 1 << 8, 1 << 9, 1 << 11

_frame = struct.Struct(">HHH").unpack_from
_three = struct.Struct(">HHH").pack
_four = struct.Struct(">HHHH").pack
_two = struct.Struct(">HH").pack
_one = struct.Struct(">H").pack

Handler = Callable[["TcCxn", int, int, float], bytes | None]
"""Returns the data of a reply, b"" for an acknowledgement alone, None to refuse."""


class TcCxn(TcGenerator):
    """The generator behind its serial port."""

    MODEL = "tc-cxn"
    BAUD = 38400
    LATENCY_S = 0.001

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.address = int(options.get("address", 0))
        self.frame_gap_s = float(options.get("frame_gap_s", 0.2)) or NEVER
        self._buffer = bytearray()
        self._byte_s = 0.0

    # queries --------------------------------------------------------------------------------------------------------

    def _power(self, p1: int, p2: int, t_s: float) -> bytes:
        forward, reverse = self.metered(self.world.forward_w), self.metered(self.world.reverse_w, reverse=True)
        return _three(forward, reverse, max(0, forward - reverse))

    def _status(self, p1: int, p2: int, t_s: float) -> bytes:
        output = self.output
        status = RF_ON if self.radiating else 0
        status |= FORWARD_LIMIT if output.limited else 0
        status |= REVERSE_LIMIT if output.folded else 0
        status |= 0 if output.interlock_closed else INTERLOCK_OPEN
        return _four(status, round(10.0 * self.heatsink(t_s)), self.mode, self.tuner)

    def _get_setpoint(self, p1: int, p2: int, t_s: float) -> bytes:
        return _one(min(65535, 10 * self.setpoint_w))

    def _ratings(self, p1: int, p2: int, t_s: float) -> bytes:
        khz = min(65535, self.frequency_hz // 1000)
        power, reverse = round(10 * self.output.power_max_w), round(10 * self.output.reverse_limit_w)
        return _two(khz, min(65535, power)) + b"\xff" * 12 + _two(khz, min(65535, reverse))

    def _identify(self, p1: int, p2: int, t_s: float) -> bytes | None:
        text = {1: self.model, 2: self.serial}.get(p1)
        return None if text is None else _one(p1) + text.ljust(13).encode("ascii", "replace") + b"\0"

    def _tuner(self, p1: int, p2: int, t_s: float) -> bytes:
        load, tune = 10 * self.capacity[1], 10 * self.capacity[2]
        return struct.pack(">5H", int(self.manual_tuner), load, tune, 0, self.preset)

    def _get_preset(self, p1: int, p2: int, t_s: float) -> bytes | None:
        slot = self.presets.get(_slot(p1))
        return None if slot is None else _three(_slot(p1), slot[1], slot[2])

    # commands -------------------------------------------------------------------------------------------------------

    def _control(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 == 0x5555:
            self.control = True
            self.wake(t_s + DEADMAN_S)
            return _one(1)
        if p1 != 0:
            return None
        self.release(t_s)
        return _one(0)

    def _rf(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 not in (0, 0x5555):
            return None
        on = p1 == 0x5555 and (self.output.interlock_closed or not self.interlock_drops_rf)
        if on and not self.output.on:
            self.on_since_s = t_s
        self.output.on = on
        self.update(t_s)
        return b""

    def _set(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 > 4000:
            return None
        self.setpoint_w = p1
        self.update(t_s)
        return b""

    def _set_mode(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 & 0xFF not in (NORMAL, PULSE, RAMP):
            return None
        self.mode = p1 & 0xFF
        self.update(t_s)
        return b""

    def _set_limit(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 == 1:
            self.output.forward_limit_w = min(float(p2), self.output.power_max_w)
        elif p1 == 2:
            self.output.reverse_limit_w = float(p2)
        else:
            return None
        self.update(t_s)
        return b""

    def _set_ramp(self, start_w: int | None, w_per_s: int | None, t_s: float) -> bytes:
        self.ramp_start_w = self.ramp_start_w if start_w is None else start_w
        self.ramp_w_per_s = self.ramp_w_per_s if w_per_s is None else w_per_s
        self.update(t_s)
        return b""

    def _set_manual_tuner(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 not in (1, 2):
            return None
        self.manual_tuner = p1 == 2
        return b""

    def _set_capacity(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if not self.manual_tuner or p1 not in (1, 2) or p2 > 100:
            return None
        self.capacity[p1] = p2
        return b""

    def _use_preset(self, p1: int, p2: int, t_s: float) -> bytes | None:
        if p1 > 9:
            return None
        self.preset = p1
        return b""

    def _set_preset(self, p1: int, p2: int, t_s: float) -> bytes | None:
        slot, which = self.presets.get(_slot(p1 >> 8)), p1 & 0xFF
        if slot is None or which not in (1, 2) or p2 > 100:
            return None
        slot[which] = p2
        return b""

    QUERIES: Mapping[bytes, Handler] = {
        b"BP": lambda self, p1, p2, t_s: b"",
        b"GP": _power,
        b"GS": _status,
        b"GL": _get_setpoint,
        b"Gp": _ratings,
        b"GF": lambda self, p1, p2, t_s: self.frequency_hz.to_bytes(4, "big"),
        b"GE": lambda self, p1, p2, t_s: _two(self.pulse_on, self.pulse_off),
        b"GR": lambda self, p1, p2, t_s: _two(self.ramp_start_w, self.ramp_w_per_s),
        b"GT": _tuner,
        b"GU": _get_preset,
        b"Gi": _identify,
        b"Gf": lambda self, p1, p2, t_s: b"\x01\x04\x02\x07",
        b"BC": _control,
    }
    COMMANDS: Mapping[bytes, Handler] = {  # need control
        b"BR": _rf,
        b"SA": _set,
        b"SO": _set_mode,
        b"SU": _set_limit,
        b"RP": lambda self, p1, p2, t_s: self._set_ramp(p1, None, t_s),
        b"RR": lambda self, p1, p2, t_s: self._set_ramp(None, p1, t_s),
        b"TM": _set_manual_tuner,
        b"TC": _set_capacity,
        b"TP": _use_preset,
        b"TD": _set_preset,
    }

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        buffer = self._buffer
        if buffer:
            if t_s - self._byte_s > self.frame_gap_s:
                buffer.clear()
            buffer += data
        elif len(data) == 10 and data[0] == 0x43:  # the ordinary case: one whole frame
            reply = self._answer(data, t_s)
            return [(self.latency_s + self.line_s(10 + len(reply)), reply)]
        else:
            buffer += data
        self._byte_s = t_s
        replies: Replies = []
        busy_s = 0.0
        while (start := buffer.find(0x43)) >= 0:
            del buffer[:start]
            if len(buffer) < 10:
                return replies
            reply = self._answer(bytes(buffer[:10]), t_s)
            del buffer[:10]
            busy_s += self.latency_s + self.line_s(10 + len(reply))
            replies.append((busy_s, reply))
        buffer.clear()
        return replies

    def _answer(self, frame: bytes, t_s: float) -> bytes:
        p1, p2, check = _frame(frame, 4)
        if sum(frame) - frame[8] - frame[9] != check:
            return b"?"
        self.frame_s = t_s
        command = frame[2:4]
        handler = self.QUERIES.get(command)
        if handler is None:
            handler = self.COMMANDS.get(command)
            if handler is None or (self.refuse_without_control and not self.control):
                return b"?"
        data = handler(self, p1, p2, t_s)
        if data is None:
            return b"?"
        if not data:
            return b"*"
        body = b"R" + bytes((self.address, len(data) >> 8, len(data) & 0xFF)) + data
        return b"*" + body + _one(sum(body) & 0xFFFF)


def _slot(byte: int) -> int:
    """A preset slot, which hosts send as a number or as its ASCII digit."""
    return byte - 48 if 49 <= byte <= 57 else byte
