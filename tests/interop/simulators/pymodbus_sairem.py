"""A Sairem GMS on pymodbus' own server: ``pymodbus_sairem.py socket|rtu PORT``, in its own environment.

Framing, addresses and exceptions are pymodbus'; the registers do what their map says, register 98 included.
"""

import asyncio
import sys
import time

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

ON, RESET = 0x40, 0x80
SETPOINT, LIMIT, CONTROL, DEADMAN, READINGS, SILENCE = 0, 1, 2, 98, 100, 109


class Gms:
    """What the registers hold follows from what was written, at every request."""

    def __init__(self) -> None:
        self.heard_s = time.monotonic()
        self.fault = False

    async def act(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        registers: "list[int]",
        values: "list[int] | list[bool] | None",
    ) -> None:
        now_s, self_heard_s = time.monotonic(), self.heard_s
        self.heard_s = now_s
        if registers[DEADMAN] and now_s - self_heard_s > registers[DEADMAN] * 0.01:
            self.fault = True
        control = registers[CONTROL]
        if values is not None and address == CONTROL:
            control = int(values[0])
            if control & RESET:
                self.fault = False
        if self.fault:
            control &= ~ON
        if values is not None and address == CONTROL:
            values[0] = control
        registers[CONTROL] = control
        on = bool(control & ON)
        status = (0x08 if self.fault else 0x80) | (0x40 if on else 0)
        forward_w = registers[SETPOINT] if on else 0
        registers[READINGS : READINGS + 6] = [registers[SETPOINT], registers[LIMIT], forward_w, 0, 0, status]
        registers[SILENCE] = 0x08 if self.fault else 0


async def main(framing: str, port: int) -> None:
    gms = Gms()
    registers = SimData(0, values=[0] * 98 + [3000] + [0] * 17, datatype=DataType.REGISTERS)
    device = SimDevice(1, [registers], action=gms.act)
    server = ModbusTcpServer(device, framer=FramerType(framing), address=("127.0.0.1", port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
