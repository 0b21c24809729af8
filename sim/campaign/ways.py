"""When each way off was used, and that both were: what left the host on the generator's link and on the enable line.

Heard at the host's end of the cables, before any fault of theirs: bytes, not what the daemon says of itself. One way
that works hides that the other was never tried; here it shows.
"""

from __future__ import annotations

import math

from sim.campaign.verdict import Seen
from sim.campaign.warp import Warp
from sim.rehearsal import Rehearsal

TOLD_S = 0.1
"""From the trip until both ways off were told: two ticks; a generator that takes several commands acknowledges each."""
BUSY_S = 0.35
"""The same of a generator whose answers are lost or late: the exchange under way must end before another begins."""
PROVEN_S = 0.55
"""From the trip until off is proven, or else LOCKOUT says that it is not: 0.5 s and a tick."""


class Ways:
    """Listens from when it is made; make it once the daemon has opened its ports. Times in s of the loop."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._heard: dict[bytes, list[float]] = {}
        self._off: list[bytes] = []
        self._open: list[bytes] = []
        instruments = rehearsal.daemon.instruments
        for plan, port in instruments.source.safe_off_plans():
            self._listen(port.url, plan.off, self._off)
        if instruments.enable_plan is not None:
            url = rehearsal.daemon.bench.devices[instruments.enable_plan.device].port
            self._listen(url, (instruments.enable_plan.open,), self._open)

    def _listen(self, url: str, frames: tuple[bytes, ...], way: list[bytes]) -> None:
        for frame in frames:
            way.append(frame)
            self._heard[frame] = []

        def hear(t_s: float, data: bytes) -> None:
            for frame in frames:
                if frame in data:
                    self._heard[frame].append(t_s)

        sim = self._rehearsal.sim
        sim.wires[sim.device_at(url)].on_bytes.append(hear)

    @property
    def line(self) -> bool:
        """Is there an enable line?"""
        return bool(self._open)

    def off_s(self, since_s: float) -> float:
        """When the last of what turns the generator off was first written since then; NaN: not all of it was."""
        return self._all(self._off, since_s)

    def open_s(self, since_s: float) -> float:
        """When the enable line was first told to open since then; NaN: never, or there is none."""
        return self._all(self._open, since_s)

    def _all(self, frames: list[bytes], since_s: float) -> float:
        times = [next((t_s for t_s in self._heard[frame] if t_s >= since_s), math.inf) for frame in frames]
        last_s = max(times, default=math.inf)
        return last_s if last_s < math.inf else math.nan


def idle(fault: str, warp: Warp, seen: Seen) -> str:
    """What a run that tripped under power had left undone of both ways off; empty: nothing."""
    if not seen.trip or seen.energy_after_j <= 0.0:
        return ""
    device, _, kind = fault.rpartition(".link.")
    pulled, later_s = device if kind == "disconnect" else "", warp.answers_later_s
    allowed_s = (BUSY_S if device == "gen" else TOLD_S) + later_s
    if pulled != "gen" and not seen.off_told_s - seen.trip_s <= allowed_s:
        return f"the generator was told to turn off {_after(seen.off_told_s, seen.trip_s)}, allowed {allowed_s:g} s"
    if seen.line and pulled != "enable" and not seen.open_told_s - seen.trip_s <= TOLD_S:
        return f"the enable line was told to open {_after(seen.open_told_s, seen.trip_s)}, allowed {TOLD_S:g} s"
    if seen.state != "LOCKOUT" and not seen.confirmed_s - seen.trip_s <= PROVEN_S + later_s:
        return f"off was proven {_after(seen.confirmed_s, seen.trip_s)}, allowed {PROVEN_S + later_s:g} s"
    return ""


def _after(at_s: float, trip_s: float) -> str:
    return "never" if math.isnan(at_s) else f"{at_s - trip_s:.3f} s after the trip"
