"""kmtronic-usb-relay on the emulated relay board: ``kmtronic_relays.py LINK``, in its own environment."""

import sys

from kmtronic_usb_relay.four_channel_relay import RelayController


def main(link: str) -> None:
    with RelayController(link, switch_delay=0.05) as relays:
        assert relays.statuses == {"R1": "OFF", "R2": "OFF", "R3": "OFF", "R4": "OFF"}, relays.statuses
        for relay in (1, 3):
            relays.turn_on(relay)
        assert relays.statuses == {"R1": "ON", "R2": "OFF", "R3": "ON", "R4": "OFF"}, relays.statuses
        relays.turn_off(1)
        assert relays.statuses == {"R1": "OFF", "R2": "OFF", "R3": "ON", "R4": "OFF"}, relays.statuses
        relays.turn_off(3)
        assert set(relays.statuses.values()) == {"OFF"}, relays.statuses


if __name__ == "__main__":
    main(sys.argv[1])
