"""pymodbus on the emulated Sairem GMS: ``pymodbus_sairem.py LINK`` speaks RTU, ``pymodbus_sairem.py HOST:PORT`` TCP."""

import sys
import time

from pymodbus.client import ModbusSerialClient, ModbusTcpClient


def client_of(where: str) -> "ModbusSerialClient | ModbusTcpClient":
    if where.startswith("/"):
        return ModbusSerialClient(where, baudrate=115200, timeout=1, retries=0)
    host, port = where.split(":")
    return ModbusTcpClient(host, port=int(port), timeout=1, retries=0)


def main(where: str) -> None:
    with client_of(where) as client:

        def read(address: int, count: int) -> "list[int]":
            reply = client.read_holding_registers(address, count=count, device_id=1)
            assert not reply.isError(), (address, reply)
            return list(reply.registers)

        def write(address: int, value: int) -> None:
            reply = client.write_register(address, value, device_id=1)
            assert not reply.isError(), (address, reply)
            assert list(reply.registers) == [value], reply

        assert len(read(0, 10)) == 10
        write(98, 3000)
        write(2, 0x80)
        write(2, 0)
        write(1, 20)
        write(9, 24500)
        assert (read(98, 1), read(1, 1), read(9, 1), read(112, 1)) == ([3000], [20], [24500], [24500])
        assert read(100, 6) == [0, 20, 0, 0, 0, 0x80], read(100, 6)
        reply = client.write_registers(0, [60, 25], device_id=1)
        assert not reply.isError(), reply
        assert read(100, 2) == [60, 25]
        write(2, 0x50)
        time.sleep(0.2)
        setpoint, limit, forward, reflected, faults, status = read(100, 6)
        assert (setpoint, limit, faults, status) == (60, 25, 0, 0xC0), (setpoint, limit, faults, status)
        assert abs(forward - 60) <= 2, forward
        assert reflected <= 1, reflected
        write(2, 0)
        assert read(100, 6)[2:] == [0, 0, 0, 0x80], read(100, 6)
        # the dead-man: half a second of silence turns it off, and the fault stays until it is reset
        write(98, 50)
        write(2, 0x50)
        time.sleep(0.3)
        assert read(105, 1) == [0xC0]
        time.sleep(0.8)
        assert read(100, 6)[2:] == [0, 0, 0, 0x08], read(100, 6)
        write(2, 0x40)
        assert read(105, 1) == [0x08]
        write(2, 0x80)
        write(2, 0)
        assert read(105, 1) == [0x80]
        # refusals: exceptions 2 (address), 3 (value), 1 (function)
        for reply, code in (
            (client.read_holding_registers(50, count=1, device_id=1), 2),
            (client.write_register(50, 1, device_id=1), 2),
            (client.write_register(0, 60000, device_id=1), 3),
            (client.write_coil(2, True, device_id=1), 2),
            (client.read_exception_status(device_id=1), 1),
            (client.mask_write_register(address=2, and_mask=0xBF, or_mask=0, device_id=1), 1),
            (client.readwrite_registers(read_address=100, read_count=6, address=0, values=[5], device_id=1), 1),
            (client.report_device_id(device_id=1), 1),
        ):
            assert reply.isError() and reply.exception_code == code, (reply, code)
        assert read(0, 1) == [60]  # nothing of that moved it


if __name__ == "__main__":
    main(sys.argv[1])
