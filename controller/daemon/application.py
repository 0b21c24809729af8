"""One energy delivery under a law, from FIRE on: observation in, demand out, and the account of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from controller.config.bench import Roles
from controller.config.protocol import Protocol
from controller.laws import registry
from controller.laws.base import Law, Observation
from safety.types import Demand, Permit, Quality, Sample, Snapshot


def reading(snapshot: Snapshot, channel: str | None) -> float | None:
    """The channel's value when it is a GOOD, finite reading, else None."""
    sample = snapshot.get(channel) if channel is not None else None
    if sample is None or sample.quality is not Quality.GOOD or not math.isfinite(sample.value):
        return None
    return sample.value


class Wired(NamedTuple):
    """Electrodes that are connected to the source, and since when that is proven; nothing yet: infinity."""

    channels: tuple[int, ...]
    since_s: float


class Application:
    """Steps the protocol's law. ``observe`` is by role, so that a law never sees a device's name."""

    def __init__(self, protocol: Protocol, roles: Roles, fired_s: float) -> None:
        self.law: Law[Any] = registry.create(protocol.law)
        self.fired_s = fired_s
        self._roles = roles
        self._power = f"{roles.source}.power_w"
        self._forward = f"{roles.source}.forward_power_w"
        self._reverse = f"{roles.source}.reverse_power_w"
        self._last_s = fired_s

    def observe(self, snapshot: Snapshot, now_s: float, wired: Wired | None = None) -> Observation:
        """What the law may know now; ``wired``: on a bench with an electrode switch."""
        roles = self._roles
        impedance: Sample | None = snapshot.get(roles.impedance) if roles.impedance is not None else None
        if wired is not None and impedance is not None and impedance.t_request_s < wired.since_s:
            impedance = None  # of other electrodes
        return Observation(
            t_s=now_s - self.fired_s,
            impedance_ohm=reading(snapshot, roles.impedance) if impedance is not None else None,
            impedance_age_s=now_s - impedance.t_request_s if impedance is not None else math.inf,
            tip_c=reading(snapshot, roles.tip),
            tissue_c=tuple([reading(snapshot, channel) for channel in roles.tissue]),
            power_w=reading(snapshot, self._power),
            forward_w=reading(snapshot, self._forward),
            reverse_w=reading(snapshot, self._reverse),
            coolant_c=reading(snapshot, roles.coolant),
            flow_ml_min=reading(snapshot, roles.flow),
            tine_c=tuple([reading(snapshot, channel) for channel in roles.tines]),
            shaft_c=reading(snapshot, roles.shaft),
            channels=wired.channels if wired is not None else None,
        )

    def step(self, snapshot: Snapshot, permit: Permit, now_s: float, wired: Wired | None = None) -> Demand:
        """The law's demand for this tick."""
        dt_s, self._last_s = now_s - self._last_s, now_s
        return self.law.step(self.observe(snapshot, now_s, wired), permit, dt_s)

    def internals(self) -> Mapping[str, object]:
        """The law's inner state, for the record."""
        return self.law.internals()
