"""PyMeasure's CXN client against the emulated generator: ``python pymeasure_cxn.py LINK``, in its own environment.

Set-points stay at or below 127 W: PyMeasure 0.16 sends parameter bytes from 0x80 on as two bytes.
"""

import os
import sys
import time

from pymeasure.instruments.tcpowerconversion import CXN


def main(link: str) -> None:
    cxn = CXN(f"ASRL{os.path.realpath(link)}::INSTR", visa_library="@py", timeout=1000)
    assert cxn.id == "AG 0313 GTC", cxn.id
    assert b"SIM00001" in cxn.serial, cxn.serial  # PyMeasure 0.16 hands out the raw bytes here
    assert cxn.firmware_version == "UI 1.4, RF 2.7", cxn.firmware_version
    assert cxn.frequency == 480_000, cxn.frequency
    assert cxn.power_limit == 300.0, cxn.power_limit
    assert cxn.reverse_power_limit == 70.0, cxn.reverse_power_limit
    assert cxn.tuner == "none", cxn.tuner
    assert 10.0 < cxn.temperature < 60.0, cxn.temperature
    assert tuple(cxn.pulse_params) == (100, 100), cxn.pulse_params
    assert cxn.power == [0.0, 0.0, 0.0] or tuple(cxn.power) == (0.0, 0.0, 0.0), cxn.power
    cxn.request_control()
    cxn.ping()
    cxn.operation_mode = "normal"
    assert cxn.operation_mode == "normal"
    cxn.ramp_start_power = 5
    cxn.ramp_rate = 20
    assert (cxn.ramp_start_power, cxn.ramp_rate) == (5, 20)
    cxn.manual_mode = True
    assert cxn.manual_mode is True
    cxn.load_capacity = 40
    cxn.tune_capacity = 60
    assert (cxn.load_capacity, cxn.tune_capacity) == (40.0, 60.0)
    cxn.preset_slot = 3
    assert cxn.preset_slot == 3
    cxn.preset_2.load_capacity = 33
    cxn.preset_2.tune_capacity = 44
    assert (cxn.preset_2.load_capacity, cxn.preset_2.tune_capacity) == (33, 44)
    assert cxn.dc_voltage == 0
    for watts in (1, 50, 127):
        cxn.setpoint = watts
        assert cxn.setpoint == float(watts), cxn.setpoint
        cxn.rf_enabled = True
        time.sleep(0.2)
        assert cxn.rf_enabled is True
        assert cxn.status == CXN.Status.RF_ENABLED, cxn.status
        forward, reverse, load = cxn.power
        assert abs(forward - watts) < 1.5 + 0.02 * watts, cxn.power
        assert abs(reverse - forward / 9.0) < 1.5, cxn.power  # 100 ohm on a 50 ohm line
        assert abs(load - (forward - reverse)) < 0.15, cxn.power
    cxn.rf_enabled = False
    assert tuple(cxn.power) == (0.0, 0.0, 0.0), cxn.power
    cxn.setpoint = 20
    cxn.rf_enabled = True
    time.sleep(0.1)
    time.sleep(2.2)  # silence: the generator ends control by itself
    assert cxn.rf_enabled is False
    assert cxn.setpoint == 0.0
    try:
        cxn.setpoint = 10
    except ValueError:
        pass
    else:
        raise AssertionError("a set-point was taken without control")
    cxn.request_control()
    cxn.setpoint = 10
    cxn.release_control()
    assert cxn.setpoint == 0.0


if __name__ == "__main__":
    main(sys.argv[1])
