"""daqmon's HP34970A against the emulated scanner. Run in its own environment: ``python daqmon_34970a.py LINK``."""

import sys

from daqmon.instrument import HP34970A


def main(link: str) -> None:
    scanner = HP34970A(link, 9600)
    scanner.open()
    assert scanner.query("*IDN?") == "HEWLETT-PACKARD,34970A,0,13-2-2"
    scanner.write("*RST")
    scanner.write("CONF:TEMP TC,T,(@101,102)")
    scanner.write("ROUT:SCAN (@101,102)")
    assert scanner.query_values("READ?") == [22.0, 22.0]
    assert scanner.query("SYST:ERR?") == '+0,"No error"'
    scanner.close()


if __name__ == "__main__":
    main(sys.argv[1])
