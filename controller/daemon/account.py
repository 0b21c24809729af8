"""The account of one application, kept tick by tick from what was measured: energy, time to off, why it ended."""

from __future__ import annotations

import math
from typing import Any

from safety.types import Outputs, Quality, Snapshot, State, Trip

OFF_W = 1.0
GAP_S = 2.0
"""Two samples further apart than this do not tell what flowed between them."""
COMPLETE = "complete"  # the kernel's reason for leaving FIRING when the law had reached its end


class Account:
    """Follows the ticks of one application. Energy is the integral of the measured load power over its request times.

    ``energy_after_fault_j`` and ``time_to_off_s`` run from the first trip; a rehearsal, which knows when its fault
    began and what the tissue received, replaces them by the truth.
    """

    def __init__(self, fired_s: float | None = None) -> None:
        self.fired_s = fired_s
        self.ended_s: float | None = None
        self.energy_j = 0.0
        self.energy_after_trip_j = 0.0
        self.off_s: float | None = None
        self.stop_reason = ""
        self.gap_s = 0.0  # the longest time without a measurement of power, from FIRE to the end
        self._power: tuple[float, float] | None = None  # (request time, W) of the newest sample counted
        self._tripped_s: float | None = None
        self._closed_s: float | None = None  # of the first measurement after the end

    def stop_asked(self, reason: str) -> None:
        """A person asked for a stop; the first reason counts."""
        if self.fired_s is not None and self.ended_s is None and not self.stop_reason:
            self.stop_reason = reason

    def follow(self, out: Outputs, snapshot: Snapshot, source: str, now_s: float) -> None:
        """One tick has passed."""
        if self.fired_s is None:
            return
        if self._tripped_s is None and out.first_trip is not None:
            self._tripped_s = now_s
        if self.ended_s is None and out.state is not State.FIRING:
            self.ended_s = now_s
            ends = [data for kind, data in out.events if kind == "state" and data["from"] == State.FIRING.value]
            if ends and ends[0]["reason"] != COMPLETE and not self.stop_reason:
                self.stop_reason = str(ends[0]["reason"])  # the holder let go, a limit was reached, a permit was lost
        sample = snapshot.get(f"{source}.power_w")
        if sample is None or sample.quality is not Quality.GOOD or not math.isfinite(sample.value):
            return
        if self._power is not None and sample.t_request_s > self._power[0]:
            t_s, power_w = self._power
            joule = 0.5 * (power_w + sample.value) * (sample.t_request_s - t_s)
            self.energy_j += joule
            if self._tripped_s is not None and sample.t_request_s > self._tripped_s:
                self.energy_after_trip_j += joule
        if self._power is None or sample.t_request_s > self._power[0]:
            if sample.t_request_s > self.fired_s and self._closed_s is None:
                before_s = self.fired_s if self._power is None else max(self._power[0], self.fired_s)
                self.gap_s = max(self.gap_s, sample.t_request_s - before_s)
                if self.ended_s is not None and sample.t_request_s > self.ended_s:
                    self._closed_s = sample.t_request_s
            self._power = (sample.t_request_s, sample.value)
        if (
            self._tripped_s is not None
            and self.off_s is None
            and sample.t_request_s > self._tripped_s
            and sample.value <= OFF_W
        ):
            self.off_s = sample.t_request_s

    def elapsed_s(self, now_s: float) -> float:
        """Time since FIRE, up to the end of energy."""
        if self.fired_s is None:
            return 0.0
        return (self.ended_s if self.ended_s is not None else now_s) - self.fired_s

    @property
    def known(self) -> bool:
        """The energy is measured throughout, to the end and after it: nothing of it is guessed."""
        return self.ended_s is None or (self._closed_s is not None and self.gap_s <= GAP_S)

    def result(self, trip: Trip | None) -> dict[str, Any]:
        """The part of the ``run --json`` object that this account knows."""
        if trip is not None:
            result = "tripped"
        elif self.stop_reason or self.fired_s is None:
            result = "aborted"
        else:
            result = "completed"
        told = trip.as_dict() if trip is not None else None
        if told is not None and self.fired_s is not None and trip is not None:
            told["t_s"] = round(trip.t_s - self.fired_s, 6)
        off = self.off_s - self._tripped_s if self.off_s is not None and self._tripped_s is not None else None
        return {
            "result": result,
            "reason": self.stop_reason or None,
            "trip": told,
            "duration_s": round(self.elapsed_s(self.fired_s or 0.0), 3),
            "energy_j": round(self.energy_j, 3),
            "energy_after_fault_j": round(self.energy_after_trip_j, 3) if trip is not None else 0.0,
            "time_to_off_s": round(off, 6) if off is not None else None,
        }
