"""Advanced Energy generator on the AE Bus (Cesar, Paramount MF): binary packets, odd parity, 115200 baud.

Sources: Advanced Energy Paramount MF manual 57020114-00E, Cesar 1312 manual, Apex manual 5708009-C (host port). A
packet is ``address << 3 | n``, command, data, exclusive-or of all; it is answered ``06`` or, with a wrong sum, ``15``;
then the device sends its own packet and waits for ``06``; ``15`` has it sent again. Commands to 127 are answered by a
status byte, others by data; numbers have the low byte first. RF off is always honoured; leaving host control turns RF
off.

The communication watchdog (command 39; ``watchdog`` option: False for units without it, such as older Cesars) turns the
output off when no good packet arrives in its time; it is volatile and off at power-up. Half a packet is forgotten after
the host port time-out (command 40, 750 ms).

Options: ``address`` (1), ``type``, ``size``, ``serial``, ``frequency_khz`` (480), ``watchdog`` (True). Assumed: a
packet instead of the awaited ``06`` is taken as the next packet; commands of another address are ignored without a
word; with the interlock open RF on is answered 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import xor
from typing import Any

from sim.devices.base import NEVER, Replies, World
from sim.devices.generator import Generator

ACK, NAK = b"\x06", b"\x15"
OK, WRONG_MODE, RF_IS_ON, RANGE, FAULT, BYTES, NO_FEATURE, NOT_IMPLEMENTED = 0, 1, 2, 4, 7, 9, 12, 99
HOST, USER_PORT, FRONT_PANEL = 2, 4, 6
REPLY_AGAIN = 3


class AeBus(Generator):
    """The generator behind its host port."""

    MODEL = "ae-bus"
    BAUD = 115200
    LATENCY_S = 0.001
    OPTIONS = Generator.OPTIONS | frozenset(
        {"address", "type", "size", "serial", "frequency_khz", "watchdog", "power_limit_w"}
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self._char_s = 11.0 / self.baud  # start, 8 data, parity, stop
        self.address = int(options.get("address", 1))
        self.type = str(options.get("type", "MF"))[:5]
        self.size = str(options.get("size", "2000"))[:5]
        self.serial = int(options.get("serial") or 123456)
        self.frequency_khz = int(options.get("frequency_khz", 480))
        self.has_watchdog = bool(options.get("watchdog", True))
        self.reverse_limit_w = round(self.output.reverse_limit_w)
        self.power_up(0.0)
        self.packet_s = 0.0  # when the newest good packet arrived
        self._buffer = bytearray()
        self._byte_s = 0.0
        self._unacknowledged = b""
        self._sent_again = 0

    # behaviour ------------------------------------------------------------------------------------------------------

    def power_up(self, t_s: float) -> None:
        self.output.on = False
        self.control = FRONT_PANEL
        self.regulation = 6
        self.setpoint_w = 0
        self.watchdog_ms = 0
        self.port_timeout_s = 0.75

    def update(self, t_s: float) -> None:
        self.output.setpoint_w = float(self.setpoint_w)
        super().update(t_s)

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        if t_s >= self._deadman_s() - 1e-9:
            self.output.on = False
            self.update(t_s)
        self.due_s = min(self.output.due_s, self._deadman_s())
        return None if self.due_s == NEVER else self.due_s

    def _deadman_s(self) -> float:
        if not self.watchdog_ms or not self.output.on or "deadman_off" in self.faults:
            return NEVER
        return self.packet_s + self.watchdog_ms / 1000.0

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        buffer = self._buffer
        if buffer and t_s - self._byte_s > self.port_timeout_s:
            buffer.clear()
        self._byte_s = t_s
        buffer += data
        replies: Replies = []
        busy_s = 0.0
        while buffer:
            if self._unacknowledged and buffer[:1] in (ACK, NAK):
                again = buffer[:1] == NAK and self._sent_again < REPLY_AGAIN
                del buffer[0]
                if again:
                    self._sent_again += 1
                    busy_s += self.latency_s + self.line_s(len(self._unacknowledged))
                    replies.append((busy_s, self._unacknowledged))
                else:
                    self._unacknowledged = b""
                continue
            frame = self._frame()
            if frame is None:
                break
            reply = self._answer(frame, t_s)
            if reply:
                busy_s += self.latency_s + self.line_s(len(frame) + len(reply))
                replies.append((busy_s, reply))
        return replies

    def _frame(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 3:
            return None
        length = buffer[0] & 7
        end = 4 + buffer[2] if length == 7 else 3 + length
        if len(buffer) < end:
            return None
        frame = bytes(buffer[:end])
        del buffer[:end]
        return frame

    def _answer(self, frame: bytes, t_s: float) -> bytes:
        address, command = frame[0] >> 3, frame[1]
        if address not in (0, self.address):
            return b""
        if reduce(xor, frame):
            self._buffer.clear()
            return NAK
        self.packet_s = t_s
        data = frame[3:-1] if frame[0] & 7 == 7 else frame[2:-1]
        if command >= 128:
            reply = self._question(command, data, t_s)
        else:
            reply = bytes((self._command(command, data, t_s),))
            self.update(t_s)
            self.wake(self._deadman_s())
        if address == 0:
            return b""
        head = bytes((self.address << 3 | min(7, len(reply)), command))
        packet = head + (b"" if len(reply) < 7 else bytes((len(reply),))) + reply
        self._unacknowledged = packet + bytes((reduce(xor, packet),))
        self._sent_again = 0
        return ACK + self._unacknowledged

    def _command(self, command: int, data: bytes, t_s: float) -> int:
        value = int.from_bytes(data, "little")
        widths = {1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 8: 2, 14: 1, 39: 3, 40: 2, 119: 0}
        if command not in widths:
            return NOT_IMPLEMENTED
        if len(data) != widths[command]:
            return BYTES
        if command == 1:
            self.output.on = False
        elif command == 14:
            if value not in (HOST, USER_PORT, FRONT_PANEL):
                return RANGE
            if value != HOST:
                self.output.on = False
            self.control = value
        elif command == 39:
            return self._set_watchdog(data[0], value >> 8)
        elif command == 40:
            if not 2 <= value <= 500:
                return RANGE
            self.port_timeout_s = value / 100.0
        elif command != 119 and self.control != HOST:
            return WRONG_MODE
        else:
            return self._power_command(command, value)
        return OK

    def _power_command(self, command: int, value: int) -> int:
        output = self.output
        if command == 2:
            if not output.interlock_closed:
                return FAULT
            output.on = True
        elif command == 3:
            if value not in (6, 7, 8):
                return RANGE
            if output.on:
                return RF_IS_ON
            self.regulation = value
        elif command == 4:
            if value > output.power_max_w:
                return RANGE
            output.forward_limit_w = float(value)
        elif command == 5:
            self.reverse_limit_w = value
            output.reverse_limit_w = float(value)
        elif command == 8:
            if value > output.power_max_w:
                return RANGE
            self.setpoint_w = value
        return OK

    def _set_watchdog(self, enable: int, time_ms: int) -> int:
        if not self.has_watchdog:
            return NOT_IMPLEMENTED
        if enable > 1:
            return RANGE
        self.watchdog_ms = time_ms // 10 * 10 if enable else 0
        return OK

    def _question(self, command: int, data: bytes, t_s: float) -> bytes:
        def word(value: float) -> bytes:
            return min(65535, max(0, round(value))).to_bytes(2, "little")

        output = self.output
        match command:
            case 128:
                return self.type.ljust(5).encode("ascii", "replace")
            case 129:
                return self.size.ljust(5).encode("ascii", "replace")
            case 130:
                return b"01.04"
            case 139 if self.has_watchdog:
                return word(self.watchdog_ms)
            case 140:
                return word(self.port_timeout_s * 100.0)
            case 154:
                return bytes((self.regulation,))
            case 155:
                return bytes((self.control,))
            case 161:
                return round(self.frequency_khz * self.detuned).to_bytes(4, "little")
            case 162:
                first = (0x20 if self.radiating else 0) | (0x40 if output.on else 0)
                first |= 0x80 if output.limited or output.folded else 0
                return bytes((first, 0, 0, 0))
            case 164:
                return word(self.setpoint_w) + bytes((self.regulation,))
            case 165:
                return word(self.metered_w(self.world.forward_w))
            case 166:
                return word(self.metered_w(self.world.reverse_w, reverse=True))
            case 167:
                return word(self.metered_w(self.world.load_w))
            case 169:
                return word(output.forward_limit_w)
            case 170:
                return word(self.reverse_limit_w)
            case 223:
                return b"\0"
            case 231:
                return self.serial.to_bytes(4, "little")
            case _:
                return bytes((NOT_IMPLEMENTED,))
