"""PyPI's ismatec against the emulated pump. Run in its own environment: ``python ismatec_icc.py LINK``."""

import sys

from ismatec.peristaltic_pump import RegloICC


def main(link: str) -> None:
    pump = RegloICC(link)
    assert pump.get_communication_mode() == 1
    assert pump.get_event_messaging_mode() == 0
    assert not pump.running()
    pump.set_mode_pump_flow_rate(1, 80.0)
    assert pump.get_pump_mode(1) == "M"
    pump.set_clockwise(1)
    assert pump.clockwise(1)
    pump.start(1)
    assert pump.running()
    pump.start(1)  # the client stops a running channel first
    assert pump.running()
    pump.stop(1)
    assert not pump.running()
    pump.disconnect()


if __name__ == "__main__":
    main(sys.argv[1])
