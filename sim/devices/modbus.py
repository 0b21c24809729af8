"""The server side of Modbus, RTU and TCP, for emulators (Modbus application protocol V1.1b3, serial line V1.02).

Written from the specification. A subclass says what its registers and coils are; requests that it does not know are
answered with exceptions 1 (function), 2 (address) or 3 (value).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import Emulator, Replies, World

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
LENGTHS = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8}
"""Of a request on a serial line, by function; 15 and 16 tell theirs, others end where their check sum fits."""
RTU_MIN, RTU_MAX = 4, 256
SILENCE_S = 0.00175
"""Between frames at more than 19200 baud (serial line V1.02, 2.5.1.1); below, 3.5 characters."""
READ_MAX, WRITE_MAX = 125, 123
"""Registers in one request of functions 3 and 4, and 16 (V1.1b3, 6.3, 6.4, 6.12)."""


class ModbusError(Exception):
    """Answered as an exception of this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def crc16(data: bytes | bytearray) -> bytes:
    """CRC-16/MODBUS (reflected 0xA001, start 0xFFFF), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class ModbusDevice(Emulator):
    """Framing, units and exceptions. Options ``framing`` (rtu | tcp) and ``unit`` (1)."""

    LATENCY_S = 0.002

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.framing = str(options.get("framing", "rtu"))
        self.unit = int(options.get("unit", 1))
        self._buffer = bytearray()
        self._byte_s = 0.0

    # what a device is -----------------------------------------------------------------------------------------------

    def read_register(self, address: int, t_s: float) -> int:
        """Holding register. Raises ModbusError."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def write_register(self, address: int, value: int, t_s: float) -> None:
        """Set a holding register. Raises ModbusError."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def read_bit(self, function: int, address: int, t_s: float) -> bool:
        """Coil (function 1) or discrete input (function 2). Raises ModbusError."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def write_coil(self, address: int, on: bool, t_s: float) -> None:
        """Set a coil. Raises ModbusError."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def heard(self, t_s: float) -> None:
        """A sound request for this unit has come."""

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        if self._buffer and self.framing == "rtu" and t_s - self._byte_s > max(self.line_s(4), SILENCE_S):
            self._buffer.clear()  # silence ends a frame
        self._byte_s = t_s
        self._buffer += data
        replies: Replies = []
        busy_s = 0.0
        while (frame := self._frame()) is not None:
            reply = self._rtu(frame, t_s) if self.framing == "rtu" else self._tcp(frame, t_s)
            if reply:
                busy_s += self.latency_s + (self.line_s(len(frame) + len(reply)) if self.framing == "rtu" else 0.0)
                replies.append((busy_s, reply))
        return replies

    def _frame(self) -> bytes | None:
        buffer = self._buffer
        if self.framing == "tcp":
            if len(buffer) < 7:
                return None
            end = 6 + int.from_bytes(buffer[4:6], "big")
            if not 8 <= end <= 260 or buffer[2:4] != b"\0\0":
                buffer.clear()
                return None
        else:
            end = self._rtu_length()
        if not end or len(buffer) < end:
            return None
        frame = bytes(buffer[:end])
        del buffer[:end]
        return frame

    def _rtu_length(self) -> int:
        """Of the first frame on a serial line; 0: not known yet."""
        buffer = self._buffer
        if len(buffer) < RTU_MIN:
            return 0
        function = buffer[1]
        if function in LENGTHS:
            return LENGTHS[function]
        if function in (15, 16):
            return 9 + buffer[6] if len(buffer) > 6 else 0
        if crc16(buffer[:-2]) == buffer[-2:]:
            return len(buffer)
        if len(buffer) > RTU_MAX:
            buffer.clear()
        return 0

    def _rtu(self, frame: bytes, t_s: float) -> bytes:
        if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:]:
            self._buffer.clear()
            return b""
        if frame[0] not in (0, self.unit):
            return b""
        answer = frame[:1] + self._execute(frame[1:-2], t_s)
        return b"" if frame[0] == 0 else answer + crc16(answer)

    def _tcp(self, frame: bytes, t_s: float) -> bytes:
        if frame[6] not in (0, 255, self.unit):
            return b""
        answer = self._execute(frame[7:], t_s)
        return frame[:4] + (len(answer) + 1).to_bytes(2, "big") + frame[6:7] + answer

    def _execute(self, request: bytes, t_s: float) -> bytes:
        function = request[0]
        self.heard(t_s)
        try:
            return bytes((function,)) + self._function(function, request[1:], t_s)
        except ModbusError as error:
            return bytes((function | 0x80, error.code))

    def _function(self, function: int, data: bytes, t_s: float) -> bytes:
        if function not in (1, 2, 3, 4, 5, 6, 16):
            raise ModbusError(ILLEGAL_FUNCTION)
        if len(data) < 4:
            raise ModbusError(ILLEGAL_VALUE)
        address, value = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if function == 6:
            self.write_register(address, value, t_s)
            return data[:4]
        if function == 5:
            if value not in (0, 0xFF00):
                raise ModbusError(ILLEGAL_VALUE)
            self.write_coil(address, value != 0, t_s)
            return data[:4]
        if not 1 <= value <= {3: READ_MAX, 4: READ_MAX, 16: WRITE_MAX}.get(function, 2000):
            raise ModbusError(ILLEGAL_VALUE)
        if function == 16:
            if len(data) != 5 + 2 * value or data[4] != 2 * value:
                raise ModbusError(ILLEGAL_VALUE)
            for n in range(value):
                self.write_register(address + n, int.from_bytes(data[5 + 2 * n : 7 + 2 * n], "big"), t_s)
            return data[:4]
        if function in (3, 4):
            words = b"".join(self.read_register(address + n, t_s).to_bytes(2, "big") for n in range(value))
            return bytes((len(words),)) + words
        bits = 0
        for n in range(value):
            bits |= self.read_bit(function, address + n, t_s) << n
        packed = bits.to_bytes((value + 7) // 8, "little")
        return bytes((len(packed),)) + packed
