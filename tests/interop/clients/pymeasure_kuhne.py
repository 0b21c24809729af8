"""PyMeasure's Kuhne KU SG 2.45-250 A on the emulated generator: ``pymeasure_kuhne.py LINK``, in its own environment."""

import os
import sys
import time

from pymeasure.instruments.kuhneelectronic import Kusg245_250A


def main(link: str) -> None:
    kuhne = Kusg245_250A(f"ASRL{os.path.realpath(link)}::INSTR", visa_library="@py", timeout=1000)
    assert "KU SG 2.45-250 A" in kuhne.version, kuhne.version
    assert 4.9 < kuhne.voltage_5v < 5.1, kuhne.voltage_5v
    assert 31.5 < kuhne.voltage_32v < 32.5, kuhne.voltage_32v
    assert 10.0 < kuhne.temperature < 60.0, kuhne.temperature
    for name in ("external_enabled", "bias_enabled", "pulse_mode_enabled", "freq_steps_fine_enabled"):
        for state in (True, False):
            setattr(kuhne, name, state)
            assert getattr(kuhne, name) is state, name
    kuhne.frequency_coarse = 2456
    assert kuhne.frequency_coarse == 2456, kuhne.frequency_coarse
    kuhne.freq_steps_fine_enabled = True
    kuhne.frequency_fine = 2_450_010
    assert kuhne.frequency_fine == 2_450_010, kuhne.frequency_fine
    for watts in (0, 7, 20, 250):
        kuhne.power_setpoint = watts
        assert kuhne.power_setpoint == watts, kuhne.power_setpoint
    kuhne.pulse_width = 125
    kuhne.off_time = 375
    assert (kuhne.pulse_width, kuhne.off_time) == (125, 375), (kuhne.pulse_width, kuhne.off_time)
    kuhne.phase_shift = 90
    assert kuhne.phase_shift == 90.0, kuhne.phase_shift
    for watts in (100, 150, 180, 200, 230, 0):
        kuhne.reflection_limit = watts
        assert kuhne.reflection_limit == watts, kuhne.reflection_limit
    kuhne.tune(10)
    kuhne.clear_VSWR_error()
    kuhne.store_settings()
    assert kuhne.rf_enabled is False
    assert kuhne.power_forward == 0
    for watts in (10, 13, 200):  # 0A and 0D are the line's own ends: read by length, not by character
        kuhne.power_setpoint = watts
        kuhne.turn_on()
        time.sleep(0.1)
        assert kuhne.rf_enabled is True
        seen = {kuhne.power_forward for _ in range(20)}
        assert max(abs(value - watts) for value in seen) <= 1 + 0.02 * watts, seen
        assert kuhne.power_reverse <= 1, kuhne.power_reverse
        kuhne.turn_off()
        assert (kuhne.rf_enabled, kuhne.bias_enabled, kuhne.power_forward) == (False, False, 0)


if __name__ == "__main__":
    main(sys.argv[1])
