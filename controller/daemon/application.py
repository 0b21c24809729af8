"""One energy delivery under a law, from FIRE on: observation in, demand out, and the account of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from controller.config.bench import Roles
from controller.config.protocol import Protocol
from controller.daemon.witness import Hands
from controller.laws import registry
from controller.laws.base import Ask, Law, Observation
from controller.laws.levelling import Levelling
from safety.types import Demand, Permit, Quality, Sample, Snapshot

_GOOD = Quality.GOOD  # a dozen readings a tick: an enumeration's own look-up costs as much as the rest of each


def reading(snapshot: Snapshot, channel: str | None) -> float | None:
    """The channel's value when it is a GOOD, finite reading, else None."""
    sample = snapshot.get(channel) if channel is not None else None
    if sample is None or sample.quality is not _GOOD or not isfinite(sample.value):
        return None
    return sample.value


class Wired(NamedTuple):
    """Electrodes that are connected to the source, and since when that is proven; nothing yet: infinity."""

    channels: tuple[int, ...]
    since_s: float


class Application:
    """Steps the protocol's law. ``observe`` is by role, so that a law never sees a device's name.

    Made at prepare, so that the law can say what must be done by hand before FIRE; ``begin`` is FIRE.
    """

    def __init__(self, protocol: Protocol, roles: Roles, fired_s: float = math.nan) -> None:
        self.protocol = protocol
        self.law: Law[Any] = registry.create(protocol.law)
        self._roles = roles
        self._power = f"{roles.source}.power_w"
        self._forward = f"{roles.source}.forward_power_w"
        self._reverse = f"{roles.source}.reverse_power_w"
        told = self._told = protocol.law.hands
        self._deployment_mm: float | None = 0.0 if told else None
        self._withdrawn_mm: float | None = 0.0 if told else None
        self._given_up = ""
        self.asks: Ask | None = self.law.asks if told else None
        """What the law waits for and the operator has not yet answered."""
        self.begin(fired_s)

    def begin(self, now_s: float) -> Application:
        """FIRE."""
        self.fired_s = self._last_s = self._levelled_s = now_s
        self._levelling = Levelling() if self.protocol.modality == "rf" else None
        return self

    def answer(self, ask: Ask, value: float) -> None:
        """The operator says that he has done what was asked, and how far it went, mm; the law sees it next tick."""
        if ask.kind == "deploy":
            self._deployment_mm = value
        else:
            self._withdrawn_mm = (self._withdrawn_mm or 0.0) + value
        self.asks = None  # until the law has seen it and still waits

    def give_up(self, why: str) -> None:
        """The law waits in vain: it is over."""
        self._given_up = self._given_up or why

    @property
    def hands(self) -> Hands:
        """What has come from the operator, for the record."""
        return Hands(self._deployment_mm, self._withdrawn_mm, self._given_up)

    def told(self, hands: Hands) -> None:
        """What had come from the operator when this was recorded; for a replay."""
        self._deployment_mm, self._withdrawn_mm, self._given_up = hands

    @property
    def finished(self) -> bool:
        """No energy is wanted any more."""
        return bool(self._given_up) or self.law.finished

    @property
    def stopped(self) -> str:
        """Why it ended before its time; empty otherwise."""
        return self._given_up or self.law.stopped

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
            deployment_mm=self._deployment_mm,
            withdrawn_mm=self._withdrawn_mm,
        )

    def step(self, snapshot: Snapshot, permit: Permit, now_s: float, wired: Wired | None = None) -> Demand:
        """The law's demand for this tick."""
        dt_s, self._last_s = now_s - self._last_s, now_s
        if self._given_up:
            return Demand(0.0, self._given_up)
        demand = self.law.step(self.observe(snapshot, now_s, wired), permit, dt_s)
        if self._told:
            self.asks = self.law.asks
        return demand

    def levelled(self, demand: Demand, snapshot: Snapshot, permit: Permit, now_s: float) -> Demand:
        """``demand`` as forward power: what the generator must be told so that the load gets it."""
        if self._levelling is None:
            return demand
        dt_s, self._levelled_s = now_s - self._levelled_s, now_s
        load_w, forward_w = reading(snapshot, self._power), reading(snapshot, self._forward)
        self._levelling, forward = self._levelling.step(demand, load_w, forward_w, permit, dt_s)
        return forward

    def internals(self) -> Mapping[str, object]:
        """The law's inner state, for the record."""
        return self.law.internals()
