"""The gate: the only place where a :class:`~safety.types.Setpoint` is made."""

from __future__ import annotations

import math

from safety.types import Demand, Permit, Setpoint


class Gate:
    """Turns a demand into what may be sent: the minimum of demand, permit, cap and slew.

    ``cap_w`` is :attr:`safety.config.Config.power_cap_w`; ``slew_up_w_per_s`` bounds how fast power may rise (H08),
    down is at once; ``step_w`` is the device's resolution, rounded down to. ``dt_max_s`` bounds the rise after a gap.
    """

    def __init__(
        self, cap_w: float, slew_up_w_per_s: float = 200.0, step_w: float = 0.0, dt_max_s: float = 0.2
    ) -> None:
        given = {"cap_w": cap_w, "slew_up_w_per_s": slew_up_w_per_s, "step_w": step_w, "dt_max_s": dt_max_s}
        for name, value in given.items():
            if not 0.0 <= value < math.inf:
                raise ValueError(f"{name} is {value!r}; give a finite number of at least 0")
        self._cap_w, self._slew, self._step_w, self._dt_max_s = cap_w, slew_up_w_per_s, step_w, dt_max_s
        self._power_w = 0.0  # before rounding, so that a slow ramp gets through a coarse step
        self._t_s = math.inf  # no time has passed before the first call
        self._epoch = -1
        self.setpoint: Setpoint | None = None

    def decide(self, demand: Demand, permit: Permit, now_s: float) -> Setpoint:
        """What may be sent now. A demand that is no finite number above zero, or a permit that has expired, is off."""
        power_w, why = demand.power_w, demand.reason
        if not 0.0 < power_w < math.inf:
            if power_w != 0.0:
                why = f"demand is {power_w!r}"
            power_w = 0.0
        allowed_w = permit.max_w if now_s < permit.expires_at_s and 0.0 < permit.max_w < math.inf else 0.0
        if permit.epoch != self._epoch:  # nothing of an older epoch carries over, its power least of all
            self._epoch, self._power_w = permit.epoch, 0.0
        if not math.isfinite(now_s):  # a gate without a clock lets nothing through
            return self.off(permit.epoch, now_s, f"time is {now_s!r}")
        dt_s = min(max(now_s - self._t_s, 0.0), self._dt_max_s)
        self._t_s = now_s
        for limit_w, name in (
            (allowed_w, "permit: " + ", ".join(permit.why)),
            (self._cap_w, "cap"),
            (self._power_w + self._slew * dt_s, "slew"),
        ):
            if not power_w <= limit_w:
                power_w, why = limit_w, name
        self._power_w = power_w
        if self._step_w > 0.0:
            power_w = math.floor(power_w / self._step_w + 1e-9) * self._step_w
            power_w = min(power_w, self._power_w)
        self.setpoint = Setpoint(power_w, permit.epoch, permit.expires_at_s, why)
        return self.setpoint

    def off(self, epoch: int, now_s: float, reason: str) -> Setpoint:
        """0 W of ``epoch``; never refused, never late."""
        self._power_w, self._t_s = 0.0, now_s if math.isfinite(now_s) else math.inf
        self.setpoint = Setpoint(0.0, epoch, now_s, reason)
        return self.setpoint
