"""sensirion-uart-scc1 (1.1, 2.0) on the emulated flow sensor: ``sensirion_scc1.py LINK``, in its own environment."""

import inspect
import sys
import time

from sensirion_shdlc_driver import ShdlcConnection, ShdlcSerialPort
from sensirion_uart_scc1.drivers.scc1_slf3x import Scc1Slf3x
from sensirion_uart_scc1.drivers.slf_common import get_flow_unit_label
from sensirion_uart_scc1.scc1_shdlc_device import Scc1ShdlcDevice


def main(link: str) -> None:
    with ShdlcSerialPort(port=link, baudrate=115200) as port:
        connection = ShdlcConnection(port)
        address = (
            "slave_address" if "slave_address" in inspect.signature(Scc1ShdlcDevice).parameters else "target_address"
        )
        device = Scc1ShdlcDevice(connection, **{address: 0})
        assert device.serial_number == "SIM00001", device.serial_number
        assert str(device.firmware_version) == "1.10", device.firmware_version
        assert device.get_sensor_type() == 3
        assert device.get_sensor_address() == 8
        assert device.find_chips() == [8]
        sensor = Scc1Slf3x(device)
        assert sensor.product_id == 0x07030502, sensor.product_id  # SLF3S-4000B
        assert sensor.serial_number == 0x12345678, sensor.serial_number
        scale, unit = sensor.get_flow_unit_and_scale()
        assert (scale, get_flow_unit_label(unit)) == (32, "ml/min"), (scale, unit)
        sensor.start_continuous_measurement(interval_ms=10)
        time.sleep(0.2)
        flow, temperature, flags = sensor.get_last_measurement()
        assert flow == 0, flow
        assert temperature / 200.0 == 22.0, temperature
        assert flags & 1 == 0, flags
        remaining, lost, rows = sensor.read_extended_buffer()
        assert (remaining, lost) == (0, 0), (remaining, lost)
        assert 10 <= len(rows) <= 40, len(rows)
        assert all(row[:2] == (0, 4400) for row in rows), rows
        sensor.stop_continuous_measurement()
        device.sensor_reset()


if __name__ == "__main__":
    main(sys.argv[1])
