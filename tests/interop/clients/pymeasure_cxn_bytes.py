"""PyMeasure 0.16 sends parameter bytes from 0x80 on as two bytes: ``pymeasure_cxn_bytes.py LINK``.

Its ``CXN`` builds the frame as text and encodes it in UTF-8, so that 200 W (C8) goes out as C3 88 and the check sum is
one byte late. The generator must say no, keep its set-point, and understand what comes next. When this script fails
because 200 W is taken, PyMeasure has been mended: lift the limit in ``pymeasure_cxn.py``.
"""

import os
import sys

from pymeasure.instruments.tcpowerconversion import CXN


def main(link: str) -> None:
    cxn = CXN(f"ASRL{os.path.realpath(link)}::INSTR", visa_library="@py", timeout=1000)
    cxn.request_control()
    cxn.setpoint = 50
    for watts in (128, 200, 255):
        try:
            cxn.setpoint = watts
        except ValueError:
            pass
        else:
            raise AssertionError(f"{watts} W was taken: PyMeasure sends bytes from 0x80 on rightly now")
        cxn.adapter.flush_read_buffer()
        assert cxn.setpoint == 50.0, cxn.setpoint
    cxn.setpoint = 256  # 01 00: no such byte
    assert cxn.setpoint == 256.0, cxn.setpoint
    cxn.release_control()


if __name__ == "__main__":
    main(sys.argv[1])
