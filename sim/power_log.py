"""What the load received, change by change: the truth by which trips are judged."""

from __future__ import annotations

import math


class PowerLog:
    """Steps of power over time. Times are the loop's, in seconds; power in watts; summed over devices."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, str, float]] = []

    def put(self, t_s: float, device: str, power_w: float) -> None:
        """``device`` delivers ``power_w`` from ``t_s`` on."""
        self.steps.append((t_s, device, power_w))

    def energy_j(self, since_s: float) -> float:
        """Energy from ``since_s`` to the last step, J."""
        total, last_s = 0.0, math.inf
        levels: dict[str, float] = {}
        for t_s, device, power_w in self.steps:
            total += sum(levels.values()) * max(0.0, t_s - max(last_s, since_s))
            levels[device], last_s = power_w, t_s
        return total

    def level_w(self, at_s: float) -> float:
        """Power at ``at_s``, W."""
        return sum({device: power_w for t_s, device, power_w in self.steps if t_s <= at_s}.values())

    def now_w(self) -> float:
        """Power after the last step, W."""
        return sum({device: power_w for _, device, power_w in self.steps}.values())

    def off_since_s(self) -> float | None:
        """When the power fell to zero for good; None while there is power, or when there never was any."""
        levels: dict[str, float] = {}
        since_s: float | None = None
        for t_s, device, power_w in self.steps:
            was = sum(levels.values())
            levels[device] = power_w
            now = sum(levels.values())
            if was > 0.0 and now <= 0.0:
                since_s = t_s
        return since_s if sum(levels.values()) <= 0.0 else None
