"""Another world: its gains 20 % off, or its delays twice as long. The verdicts must stay what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from sim.bench import SimBench
from sim.world.coolant import FLOW_LAG_S
from sim.world.options import Options
from sim.world.properties import tissue_named, with_changes

GAIN, DELAY = (0.8, 1.2), (0.5, 2.0)
"""What can be asked for."""
ANSWER_S = 0.01
"""Devices take 1 to 5 ms, and a bench's slowest relay or output stage 12 ms."""
FLOW_SEEN = 0.7
"""Share of the flow asked for below which the interlock on flow begins to count."""


class Warp(NamedTuple):
    """``gain`` multiplies what reaches the tissue of each metered watt, the tissue's conductivity, the heat that the
    coolant takes up and what the pump moves in a turn; ``delay`` the lags of thermometers and coolant line, the
    blanking of the impedance meter, and of each device the time to answer, of outputs and relays the time to follow.

    How long an instrument integrates is no delay: its bench file sets that, and its driver declares it.
    """

    gain: float = 1.0
    delay: float = 1.0

    def __str__(self) -> str:
        told = [f"{name}{value:g}" for name, value in self._asdict().items() if value != 1.0]
        return ",".join(told)

    @classmethod
    def parse(cls, text: str) -> Warp:
        """The inverse of ``str``. Raises ValueError."""
        found = cls()
        for part in text.split(",") if text else ():
            name = next((name for name in cls._fields if part.startswith(name)), None)
            if name is None:
                raise ValueError(f"{part!r} is neither gain<number> nor delay<number>")
            found = found._replace(**{name: float(part.removeprefix(name))})
        for name, (low, high) in (("gain", GAIN), ("delay", DELAY)):
            if not low <= getattr(found, name) <= high:
                raise ValueError(f"{name} {getattr(found, name):g} is outside {low:g} to {high:g}")
        return found

    @property
    def answers_later_s(self) -> float:
        """How much later than in the nominal world two devices answer: one that tells, and one that is told."""
        return 2.0 * ANSWER_S * max(0.0, self.delay - 1.0)

    @property
    def flow_later_s(self) -> float:
        """How much later than in the nominal world the coolant line lets the flow fall to ``FLOW_SEEN`` of what was
        asked for: until then there is coolant."""
        falls_s = FLOW_LAG_S * self.delay * math.log(self.gain / FLOW_SEEN)
        return max(0.0, falls_s - FLOW_LAG_S * math.log(1.0 / FLOW_SEEN))

    def simulation(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """What to change in a bench file's block ``simulation:``."""
        if self == PLAIN:
            return {}
        tissue = tissue_named(str(plain.get("tissue")))
        names = ("sigma_s_m", "sigma_2450_s_m")
        return {
            "tissue": with_changes(tissue, {name: self.gain * getattr(tissue, name) for name in names}),
            "power_scale": self.gain,
            "film_scale": self.gain,
            "flow_scale": self.gain,
            "lag_scale": self.delay,
            "blanking_s": self.delay * Options().blanking_s,
        }

    def devices(self, sim: SimBench) -> None:
        """Slow down the devices of ``sim``."""
        for emulator in sim.emulators.values():
            emulator.latency_s *= self.delay
            if hasattr(emulator, "switch_s"):
                emulator.switch_s *= self.delay
        if sim.generator is not None:
            sim.generator.output.tau_s *= self.delay


PLAIN = Warp()
"""The world as it is."""
