"""numato-control on the emulated relay module: ``numato_relays.py LINK``, in its own environment.

Its ``get_relay_state`` compares bytes with text, which fails on any Python 3: the states are read here as it means to,
at the same place of the answer. It throws unsent output away before each command, so a pause must follow each.
"""

import sys
import time

from numato.numato_controller import numato_controller


def main(link: str) -> None:
    board = numato_controller(link)

    def state(relay: int) -> bytes:
        board.clear_and_reset_serial_port()
        board.relay_serial.write(b"\rrelay read %d\r" % relay)
        return bytes(board.relay_serial.read(100)[17:].partition(b"\n\r")[0])

    assert [state(relay) for relay in range(4)] == [b"off"] * 4
    for relay in (0, 3):
        board.turn_on_relay(relay)
        time.sleep(0.1)
    assert [state(relay) for relay in range(4)] == [b"on", b"off", b"off", b"on"]
    board.turn_off_relay(0)
    time.sleep(0.1)
    assert [state(relay) for relay in range(4)] == [b"off", b"off", b"off", b"on"]
    board.turn_off_relay(3)
    time.sleep(0.1)
    assert state(3) == b"off"
    try:
        board.get_relay_state(0)
    except TypeError:
        pass
    else:
        raise AssertionError("get_relay_state works now: use it")


if __name__ == "__main__":
    main(sys.argv[1])
