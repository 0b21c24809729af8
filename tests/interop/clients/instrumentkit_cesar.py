"""InstrumentKit's Dressler Cesar 1312 on the emulated AE Bus generator: ``instrumentkit_cesar.py LINK``."""

import sys
import time

import instruments
import serial
from instruments.units import ureg


def main(link: str) -> None:
    cesar = instruments.dressler.Cesar1312.open_serial(link, 115200, parity=serial.PARITY_ODD, timeout=1)
    assert cesar.name.split() == ["MF", "2000"], cesar.name
    assert cesar.control_mode == cesar.ControlMode.FrontPanel, cesar.control_mode
    assert cesar.rf is False
    try:
        cesar.rf = True  # nobody gave the host control
    except OSError as error:
        if "CSR=1" not in str(error):
            raise
    else:
        raise AssertionError("RF went on without host control")
    cesar.control_mode = cesar.ControlMode.Host
    assert cesar.control_mode == cesar.ControlMode.Host, cesar.control_mode
    for mode in (cesar.RegulationMode.LoadPower, cesar.RegulationMode.ForwardPower):
        cesar.regulation_mode = mode
        assert cesar.regulation_mode == mode, cesar.regulation_mode
    for watts in (40, 200):
        cesar.output_power = watts * ureg.watt
        assert cesar.output_power == watts * ureg.watt, cesar.output_power
        cesar.rf = True
        time.sleep(0.1)
        assert cesar.rf is True
        reflected = cesar.reflected_power.to(ureg.watt).magnitude
        assert abs(reflected - watts / 9.0) <= 2.0, reflected  # 100 ohm on a 50 ohm line
        cesar.rf = False
        assert cesar.rf is False
        assert cesar.reflected_power == 0 * ureg.watt, cesar.reflected_power
    cesar.rf = True
    cesar.control_mode = cesar.ControlMode.FrontPanel  # leaving host control turns RF off
    assert cesar.rf is False


if __name__ == "__main__":
    main(sys.argv[1])
