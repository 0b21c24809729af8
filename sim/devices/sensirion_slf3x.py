"""Sensirion SLF3x liquid flow sensor on its SCC1-USB cable: SHDLC frames, 115200 8N1.

Sources: Sensirion's SCC1 command reference and SHDLC frame description; sensirion-uart-scc1 1.1 and 2.0. Request
``7E address command length data check 7E``, reply ``7E address command state length data check 7E``; check is the
inverted low byte of the sum; 7E, 7D, 11 and 13 inside a frame are sent as ``7D`` and the byte with bit 5 inverted.
State 0 is success, otherwise an error code; bit 7 reports a device error.

A measurement must run (``33``) before values can be read (``35``); an answer without data means that none is ready.
The cable needs about 12 ms for the first. Scale: 500, 10 (per uL/min), 32 counts per mL/min for 1300F, 0600F, 4000B;
temperature in 1/200 degC; flags: bit 0 air in line, bit 1 flow above range, bit 5 smoothing.

Options: ``model`` (slf3s-4000b | slf3s-1300f | slf3s-0600f), ``address`` (0), ``serial``, ``i2c_address`` (8).
Assumed: starting a running measurement is refused with 43 (not in this state); reading while idle gives 43; a
disconnected sensor (fault ``open``) gives 20 (no acknowledge on I2C).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from sim.devices.base import Emulator, Replies, World

SHDLC_STOP, SHDLC_ESCAPE = 0x7E, 0x7D
WRONG_SIZE, UNKNOWN, OUT_OF_RANGE, NO_SENSOR, NOT_NOW = 0x01, 0x02, 0x04, 0x20, 0x43
WATER, ALCOHOL = 0x3608, 0x3615
AIR, HIGH_FLOW, SMOOTHING = 1 << 0, 1 << 1, 1 << 5
FIRST_VALUE_S = 0.012
BUFFER_LENGTH = 62
MAX_FRAME = 600
_ESCAPED = {code: bytes((SHDLC_ESCAPE, code ^ 0x20)) for code in (0x7E, 0x7D, 0x11, 0x13)}
_values = struct.Struct(">hhH").pack


class Model(NamedTuple):
    """Product id as the sensor tells it, counts per unit, mL/min per unit, unit code, full range."""

    product: str
    scale: int
    unit_ml_min: float
    unit: int
    max_ml_min: float


MODELS = {
    "slf3s-4000b": Model("07030502", 32, 1.0, 0x0845, 600.0),
    "slf3s-1300f": Model("07030202", 500, 1.0, 0x0845, 40.0),
    "slf3s-0600f": Model("07030302", 10, 0.001, 0x0844, 2.0),
}


class Refusal(Exception):
    """Carries the SHDLC state of a refused command."""


class SensirionSlf3x(Emulator):
    """Sensor and cable as one device."""

    MODEL = "sensirion-slf3x"
    ROLE = "sensor"
    BAUD = 115200
    LATENCY_S = 0.0015
    CHANNELS = ("flow", "coolant", "air")
    OPTIONS = frozenset({"model", "address", "serial", "i2c_address", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.model = MODELS[str(options.get("model", "slf3s-4000b")).lower()]
        self.address = int(options.get("address", 0))
        self.serial = str(options.get("serial") or "SIM00001")
        self.i2c_address = int(options.get("i2c_address", 8))
        self.sensor_type = 3
        self.interval_s = 0.0
        self.running = False
        self.liquid = WATER
        self._since_s = 0.0
        self._read_s = 0.0
        self._lost = 0
        self._ring: deque[bytes] = deque(maxlen=BUFFER_LENGTH)
        self._frame = bytearray()

    # behaviour ------------------------------------------------------------------------------------------------------

    def truth(self, channel: str) -> float:
        if channel == "flow":
            return self.world.flow_ml_min
        return self.world.coolant_c if channel == "coolant" else float(self.world.air_in_line)

    def measure(self) -> bytes:
        """Flow, temperature, flags as the sensor sends them."""
        flow, coolant_c, air = self.sense("flow"), self.sense("coolant"), self.sense("air")
        if flow is None or coolant_c is None or air is None:
            raise Refusal(NO_SENSOR)
        model = self.model
        flags = (AIR if air else 0) | (HIGH_FLOW if abs(flow) > model.max_ml_min else 0) | SMOOTHING
        return _values(_i16(flow / model.unit_ml_min * model.scale), _i16(200.0 * coolant_c), flags)

    def _start(self, data: bytes, t_s: float) -> bytes:
        if not data:
            return struct.pack(">H", round(1000 * self.interval_s)) if self.running else b""
        if len(data) != 4:
            raise Refusal(WRONG_SIZE)
        if self.running:
            raise Refusal(NOT_NOW)
        interval_ms, liquid = struct.unpack(">HH", data)
        if liquid not in (WATER, ALCOHOL):
            raise Refusal(OUT_OF_RANGE)
        self.running, self.liquid, self.interval_s = True, liquid, interval_ms / 1000.0
        self._since_s = self._read_s = t_s
        self._ring.clear()
        return b""

    def _stop(self, data: bytes, t_s: float) -> bytes:
        self.running = False
        return b""

    def _last(self, data: bytes, t_s: float) -> bytes:
        if not self.running:
            raise Refusal(NOT_NOW)
        if t_s - self._since_s < FIRST_VALUE_S:
            return b""
        return self.measure()

    def _extended(self, data: bytes, t_s: float) -> bytes:
        if self.running and t_s - self._since_s >= FIRST_VALUE_S:
            interval_s = max(self.interval_s, 0.0005)
            fresh = int((t_s - self._read_s) / interval_s)
            self._read_s += fresh * interval_s
            self._lost += max(0, fresh + len(self._ring) - BUFFER_LENGTH)
            # One value per call is enough: the world behind it moves at 10 Hz.
            self._ring.extend([self.measure()] * min(fresh, BUFFER_LENGTH))
        out = [self._ring.popleft() for _ in range(min(len(self._ring), 40))]
        lost, self._lost = self._lost, 0
        return struct.pack(">IHH", lost, 6 * len(self._ring), 3) + b"".join(out)

    def _scale(self, data: bytes, t_s: float) -> bytes:
        if len(data) != 2:
            raise Refusal(WRONG_SIZE)
        if struct.unpack(">H", data)[0] not in (WATER, ALCOHOL):
            raise Refusal(OUT_OF_RANGE)
        return struct.pack(">HHH", self.model.scale, self.model.unit, 0)

    def _reset(self, data: bytes, t_s: float) -> bytes:
        self.running = False
        self._ring.clear()
        return b""

    def _setting(self, attribute: str, data: bytes, highest: int) -> bytes:
        if not data:
            return bytes((getattr(self, attribute),))
        if len(data) != 1 or data[0] > highest:
            raise Refusal(OUT_OF_RANGE)
        setattr(self, attribute, data[0])
        return b""

    def _information(self, data: bytes, t_s: float) -> bytes:
        texts = {1: "SCC1-USB", 2: "1.1", 3: self.serial}
        if len(data) != 1 or data[0] not in texts:
            raise Refusal(OUT_OF_RANGE)
        return texts[data[0]].encode("ascii", "replace") + b"\0"

    def _execute(self, command: int, data: bytes, t_s: float) -> bytes:
        """Data of the reply; raises Refusal."""
        match command:
            case 0x35:
                return self._last(data, t_s)
            case 0x36:
                return self._extended(data, t_s)
            case 0x33:
                return self._start(data, t_s)
            case 0x34:
                return self._stop(data, t_s)
            case 0x30:
                return bytes((0,))
            case 0x24:
                return self._setting("sensor_type", data, 4)
            case 0x25:
                return self._setting("i2c_address", data, 127)
            case 0x29:
                return bytes((self.i2c_address,))
            case 0x50:
                return (self.model.product + "0000000012345678").encode() + b"\0"
            case 0x53:
                return self._scale(data, t_s)
            case 0x65 | 0x66:
                return self._reset(data, t_s)
            case 0xD0:
                return self._information(data, t_s)
            case 0xD1:
                return bytes((1, 10, 0, 1, 0, 1, 0))  # firmware 1.10 release, hardware 1.0, SHDLC 1.0
            case _:
                raise Refusal(UNKNOWN)

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        replies: Replies = []
        busy_s = 0.0
        for part in _split(data):
            self._frame += part
            if not part.endswith(b"\x7e"):
                continue
            frame = bytes(self._frame[:-1])
            self._frame.clear()
            reply = self._answer(frame, t_s) if len(frame) >= 4 else b""
            if reply:
                busy_s += self.latency_s + self.line_s(len(frame) + 2 + len(reply))
                replies.append((busy_s, reply))
        if len(self._frame) > MAX_FRAME:
            self._frame.clear()
        return replies

    def _answer(self, stuffed: bytes, t_s: float) -> bytes:
        """A frame without its 7E; frames that are damaged or for somebody else are not answered."""
        frame = _unstuff(stuffed) if SHDLC_ESCAPE in stuffed else stuffed
        if len(frame) < 4 or frame[0] != self.address or sum(frame) & 0xFF != 0xFF:
            return b""
        command, length = frame[1], frame[2]
        state, data = 0, b""
        if length != len(frame) - 4:
            state = WRONG_SIZE
        else:
            try:
                data = self._execute(command, frame[3:-1], t_s)
            except Refusal as refusal:
                state = refusal.args[0]
        body = bytes((self.address, command, state, len(data))) + data
        body += bytes((~sum(body) & 0xFF,))
        if not _ESCAPED.keys().isdisjoint(body):
            body = b"".join(_ESCAPED.get(c) or bytes((c,)) for c in body)
        return b"\x7e" + body + b"\x7e"


def _split(data: bytes) -> list[bytes]:
    """``data`` cut after every 7E."""
    parts = data.split(b"\x7e")
    return [part + b"\x7e" for part in parts[:-1]] + parts[-1:]


def _unstuff(stuffed: bytes) -> bytes:
    frame = bytearray()
    escaped = False
    for code in stuffed:
        if escaped:
            frame.append(code ^ 0x20)
            escaped = False
        elif code == SHDLC_ESCAPE:
            escaped = True
        else:
            frame.append(code)
    return bytes(frame)


def _i16(value: float) -> int:
    return max(-32768, min(32767, round(value)))
