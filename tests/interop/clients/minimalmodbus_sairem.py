"""minimalmodbus on the emulated Sairem GMS: ``minimalmodbus_sairem.py LINK``, in its own environment."""

import sys
import time

import minimalmodbus


def main(link: str) -> None:
    gms = minimalmodbus.Instrument(link, 1)
    gms.serial.baudrate = 115200
    gms.serial.timeout = 0.3
    for register, value in ((98, 3000), (2, 0x80), (2, 0), (0, 60), (1, 20), (9, 24500)):
        gms.write_register(register, value, functioncode=6)
        assert gms.read_register(register) == value, (register, value)
    assert gms.read_registers(100, 6) == [60, 20, 0, 0, 0, 0x80], gms.read_registers(100, 6)
    gms.write_register(2, 0x50, functioncode=6)
    time.sleep(0.2)
    readings = gms.read_registers(100, 6)
    assert abs(readings[2] - 60) <= 2, readings
    assert readings[3:] == [readings[3], 0, 0xC0], readings
    gms.write_registers(2, [0])  # function 16
    assert gms.read_registers(102, 4) == [0, 0, 0, 0x80], gms.read_registers(102, 4)
    for call, error in (
        (lambda: gms.read_register(50), minimalmodbus.IllegalRequestError),
        (lambda: gms.write_register(0, 60000, functioncode=6), minimalmodbus.IllegalRequestError),
        (lambda: gms.read_bit(2, functioncode=1), minimalmodbus.IllegalRequestError),
    ):
        try:
            call()
        except error:
            continue
        raise AssertionError("a refusal was not told")
    gms.address = 2  # somebody else on the bus: silence
    gms.serial.timeout = 0.2
    try:
        gms.read_register(0)
    except minimalmodbus.NoResponseError:
        pass
    else:
        raise AssertionError("another unit's request was answered")


if __name__ == "__main__":
    main(sys.argv[1])
