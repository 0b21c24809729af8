"""pymodbus on the emulated Moxa ioLogik E1210: ``pymodbus_moxa.py HOST:PORT``, in its own environment."""

import sys

from pymodbus.client import ModbusTcpClient


def main(where: str) -> None:
    host, port = where.split(":")
    with ModbusTcpClient(host, port=int(port), timeout=1, retries=0) as client:
        inputs = client.read_discrete_inputs(0, count=16, device_id=1)
        assert not inputs.isError(), inputs
        assert inputs.bits[:16] == [True, True, False, True, True, *(False,) * 11], inputs.bits
        assert client.read_discrete_inputs(3, count=1, device_id=1).bits[0] is True
        word = client.read_input_registers(48, count=1, device_id=1)
        assert not word.isError(), word
        assert list(word.registers) == [0b11011], word.registers
        assert client.read_discrete_inputs(0, count=17, device_id=1).exception_code == 2
        assert client.read_coils(0, count=1, device_id=1).exception_code == 2
        assert client.write_coil(0, True, device_id=1).exception_code == 2
        assert client.read_input_registers(0, count=1, device_id=1).exception_code == 2


if __name__ == "__main__":
    main(sys.argv[1])
