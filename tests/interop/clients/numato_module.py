"""numato-gpio against the emulated input module. Run in its own environment: ``python numato.py LINK``."""

import sys

import numato_gpio


def main(link: str) -> None:
    board = numato_gpio.NumatoUsbGpio(link)
    assert int(str(board.ver), 16) == 8, board.ver
    assert int(str(board.id), 16) == 0, board.id
    for pin in range(5):
        board.setup(pin, direction=numato_gpio.Direction.IN)
    assert [board.read(pin) for pin in range(5)] == [1, 1, 0, 1, 1]
    board.setup(7, direction=numato_gpio.Direction.OUT)
    board.write(7, value=1)
    board.cleanup()


if __name__ == "__main__":
    main(sys.argv[1])
