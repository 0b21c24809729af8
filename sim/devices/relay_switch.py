"""A relay board as electrode switch: a KMTronic board whose contacts lead from one generator to several electrodes.

Bytes, options and what is assumed of the board are those of ``sim.devices.kmtronic_relay``. ``needles`` maps
electrodes, counted from 0, to relays, as in the bench file; an electrode is on the generator while its contact is
closed. With every contact open the generator sees an open load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import World
from sim.devices.kmtronic_relay import KmtronicRelay


class RelaySwitch(KmtronicRelay):
    """``connected`` are the electrodes whose contacts are closed now."""

    MODEL = "electrode-switch"

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.needles = {int(needle): int(relay) for needle, relay in dict(options.get("needles") or {0: 1}).items()}
        for relay in self.needles.values():
            self.contact(relay)

    @staticmethod
    def highest(options: Mapping[str, Any]) -> int:
        return max(int(relay) for relay in dict(options.get("needles") or {0: 1}).values())

    @property
    def connected(self) -> tuple[int, ...]:
        """In order."""
        return tuple(sorted(needle for needle, relay in self.needles.items() if self.contact(relay)))
