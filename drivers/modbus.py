"""Modbus requests and replies without I/O, for drivers: pymodbus builds and checks the frames, the port carries them.

A driver asks through its port like any other, so that off overtakes, late replies are dropped and nothing blocks:

    registers = await port.exchange(*bus.read_holding(100, 6), timeout_s=0.2)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeVar

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, WriteSingleRegisterRequest

from drivers.contract import BadReply, Refused

T = TypeVar("T")

# What it would say of every damaged frame is in our BadReply, with the bytes; a noisy line must not fill the log.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
Request = tuple[bytes, Callable[[bytearray], T | None]]
"""What ``Port.exchange`` takes: bytes, and the parser of their reply."""

FRAME_MAX = 300
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "accepted, not done yet",
    6: "busy",
    8: "memory parity error",
    10: "the gateway has no path to the device",
    11: "the gateway got no answer from the device",
}
"""Modbus application protocol V1.1b3, chapter 7."""


class Modbus:
    """One unit on one bus; ``framing`` is ``rtu`` (serial line) or ``tcp``.

    Over TCP requests are numbered; ``transaction`` fixes the number, for requests whose bytes must be known beforehand.
    """

    def __init__(self, framing: Literal["rtu", "tcp"], unit: int, transaction: int | None = None) -> None:
        self.framing, self.unit = framing, unit
        decoder = DecodePDU(False)
        self._framer: FramerBase = FramerRTU(decoder) if framing == "rtu" else FramerSocket(decoder)
        self._fixed, self._transaction = transaction, 0

    def read_holding(self, address: int, count: int) -> Request[list[int]]:
        """Function 3: ``count`` registers from ``address``."""
        request = ReadHoldingRegistersRequest(address=address, count=count)

        def registers(pdu: ModbusPDU) -> list[int]:
            if len(pdu.registers) != count:
                raise BadReply(f"{len(pdu.registers)} registers where {count} were asked for")
            return list(pdu.registers)

        return self._request(request, registers)

    def read_inputs(self, address: int, count: int) -> Request[list[bool]]:
        """Function 2: ``count`` discrete inputs from ``address``."""
        request = ReadDiscreteInputsRequest(address=address, count=count)

        def bits(pdu: ModbusPDU) -> list[bool]:
            if not count <= len(pdu.bits) < count + 8:
                raise BadReply(f"{len(pdu.bits)} inputs where {count} were asked for")
            return [bool(bit) for bit in pdu.bits[:count]]

        return self._request(request, bits)

    def write_register(self, address: int, value: int) -> Request[bool]:
        """Function 6; the device repeats the request."""
        request = WriteSingleRegisterRequest(address=address, registers=[value])

        def done(pdu: ModbusPDU) -> bool:
            if pdu.address != address or list(pdu.registers) != [value]:
                raise BadReply(f"register {pdu.address} = {pdu.registers} where {address} = {value} was written")
            return True

        return self._request(request, done)

    def write_coil(self, address: int, on: bool) -> Request[bool]:
        """Function 5; the device repeats the request."""
        request = WriteSingleCoilRequest(address=address, bits=[on])

        def done(pdu: ModbusPDU) -> bool:
            if pdu.address != address or bool(pdu.bits[0]) is not on:
                raise BadReply(f"coil {pdu.address} where {address} was written")
            return True

        return self._request(request, done)

    def marker(self, address: int, count: int) -> tuple[bytes, Callable[[bytearray], bool | None]]:
        """For ``Port.set_marker``: a read of ``count`` registers, a number no other read asks for;
        everything before its answer is dropped.
        """
        request, _ = self.read_holding(address, count)
        head = bytes((self.unit, 3, 2 * count))
        tail = 2 if self.framing == "rtu" else 0
        if self.framing == "tcp":
            head = b"\0\0" + (3 + 2 * count).to_bytes(2, "big") + head
        length = len(head) + 2 * count + tail

        def skip(buffer: bytearray) -> bool | None:
            start = -1
            while (start := buffer.find(head, start + 1)) >= 0:
                frame = bytes(buffer[start : start + length])
                if len(frame) < length:
                    return None
                if not tail or FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
                    del buffer[: start + length]
                    return True
            return None

        return request, skip

    def _request(self, request: ModbusPDU, read: Callable[[ModbusPDU], T]) -> Request[T]:
        if self.framing == "tcp":
            self._transaction = self._fixed or self._transaction % 0xFFFE + 1
        transaction = self._transaction
        request.dev_id, request.transaction_id = self.unit, transaction

        def parse(buffer: bytearray) -> T | None:
            seen = bytes(buffer)
            pdu = self._take(buffer, transaction)
            if pdu is None:
                return None
            if pdu.isError():
                code, frame = pdu.exception_code, seen[: len(seen) - len(buffer)].hex(" ")
                says = EXCEPTIONS.get(code, "not in the standard")
                raise Refused(f"the device answered exception {code}: {says} ({frame})")
            if pdu.function_code != request.function_code:
                raise BadReply(f"an answer to function {pdu.function_code} where {request.function_code} was asked")
            return read(pdu)

        return self._framer.buildFrame(request), parse

    def _take(self, buffer: bytearray, transaction: int) -> ModbusPDU | None:
        """The first whole frame of our unit and transaction; None: not yet."""
        try:
            used, pdu = self._framer.handleFrame(bytes(buffer), self.unit, transaction)
        except (ModbusException, IndexError, ValueError, AttributeError, TypeError) as error:
            raise BadReply(f"not a Modbus frame ({error})", bytes(buffer[:32])) from error
        if pdu is None:
            if used and self.framing == "tcp":  # an earlier transaction's
                del buffer[:used]
                return None
            if used:
                raise BadReply("wrong check sum, unit or transaction", bytes(buffer[:32]))
            if len(buffer) > FRAME_MAX:
                raise BadReply("a frame without end", bytes(buffer[:32]))
            return None
        del buffer[:used]
        return pdu
