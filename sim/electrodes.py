"""What the generator's output meets on a simulated bench with an electrode switch: the electrodes whose contacts are
closed, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from sim.devices.base import World
from sim.devices.relay_switch import RelaySwitch


class Electrodes:
    """The switch between ``world`` and its generator. ``load_moved`` is told the time when the load has changed.

    Without a switch the world's electrodes stay connected as they are. Raises ValueError for two switches, and for one
    that serves electrodes which the applicator does not have.
    """

    def __init__(self, world: World, switches: Sequence[RelaySwitch], load_moved: Callable[[float], None]) -> None:
        if len(switches) > 1:
            raise ValueError("devices: a simulated bench has one generator and so at most one electrode switch")
        self.world, self.switch = world, switches[0] if switches else None
        self._load_moved = load_moved
        self._lead_off = False
        if self.switch is not None:
            self.switch.on_contact = self.moved
            try:
                world.connect(self.switch.needles)
            except ValueError as error:
                raise ValueError(f"devices.{self.switch.name}.options.needles: {error}") from error
            self._open()

    def moved(self, t_s: float) -> None:
        """A contact of the switch is somewhere else now."""
        assert self.switch is not None
        self.world.advance(t_s)
        if connected := self.switch.connected:
            self.world.connect(connected)
        self._open()
        self._load_moved(t_s)

    def lead_off(self, is_off: bool) -> None:
        """The fault ``load.open`` begins or ends."""
        self._lead_off = is_off
        self._open()

    def _open(self) -> None:
        nothing = self.switch is not None and not self.switch.connected
        cast(Any, self.world).fault("open", True if nothing or self._lead_off else None)
