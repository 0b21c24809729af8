"""The kernel's whole knowledge of one bench and one protocol, checked once and frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from safety.limits import CEILINGS, ENERGY_AFTER_LOSS_J, Bound, Limits, effective, power_for_age_w
from safety.monitors import build
from safety.monitors.base import Monitor
from safety.rules import ChannelRule, FlagRule, HeatingRule, Judged, PairRule, Roles, Thresholds, Timing

__all__ = [
    "ChannelRule", "Config", "FlagRule", "HeatingRule", "Judged", "Limits", "PairRule", "Roles", "Thresholds", "Timing",
]  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Everything :func:`safety.kernel.step` needs besides state and inputs.

    ``layers`` are (name, Limits) from the generator inwards: generator, applicator, bench, protocol, operator; the
    compiled ceiling of ``modality`` is put before them and the data-age rule behind them. ``config_hash`` is the hash
    of bench and protocol as loaded; :attr:`safety.types.Inputs.config_hash` must stay equal to it. ``enable_line``
    says that the bench has one, which must then be read back open before READY and closed before power. ``band_hz`` is
    where the source's frequency must be under power; ``pads`` how many return electrodes share the current.

    Derived: ``limits`` (effective bounds by name), ``power_cap_w``, ``names`` (channels in order), ``monitors``.

    Raises:
        ValueError: the bench cannot be guarded as described; the message says what to do.
    """

    channels: tuple[ChannelRule, ...]
    roles: Roles
    layers: tuple[tuple[str, Limits], ...] = ()
    config_hash: str = ""
    modality: str = "rf"
    enable_line: bool = True
    flags: tuple[FlagRule, ...] = ()
    heating: tuple[HeatingRule, ...] = ()
    pairs: tuple[PairRule, ...] = ()
    band_hz: tuple[float, float] = (0.0, math.inf)
    pads: int = 0
    timing: Timing = field(default_factory=Timing)
    thresholds: Thresholds = field(default_factory=Thresholds)
    energy_after_loss_j: float = ENERGY_AFTER_LOSS_J

    limits: Mapping[str, Bound] = field(init=False)
    power_cap_w: float = field(init=False)
    power_why: tuple[str, ...] = field(init=False)
    regulated: str = field(init=False)
    source: tuple[tuple[int, float], ...] = field(init=False)  # (index, highest that is off) of what proves off
    source_age_s: float = field(init=False)
    meters: tuple[int, ...] = field(init=False)  # what the load absorbs, then the regulated power
    history_s: float = field(init=False)  # how far back set-points are remembered
    foot: tuple[int, int] | None = field(init=False)
    names: tuple[str, ...] = field(init=False)
    index: Mapping[str, int] = field(init=False)
    monitors: tuple[Monitor, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(rule.channel for rule in self.channels)
        self._check(names)

        def put(name: str, value: object) -> None:  # derived fields of a class that is frozen to everybody else
            object.__setattr__(self, name, value)

        roles = self.roles
        put("names", names)
        index = {name: i for i, name in enumerate(names)}
        put("index", index)
        source = dict.fromkeys(c for c in (roles.power, roles.forward, roles.rf_on) if c is not None)
        put("source", tuple((index[c], 0.0 if c == roles.rf_on else self.thresholds.off_w) for c in source))
        put("source_age_s", max(self.channels[index[c]].age_limit_s for c in source))
        put("regulated", roles.regulated or roles.forward or roles.power)
        put("meters", tuple(dict.fromkeys((index[roles.power], index[self.regulated]))))
        put("history_s", self.timing.response_s + max(rule.age_limit_s for rule in self.channels) + 0.5)
        put("foot", tuple(index[c] for c in roles.footswitch) if roles.footswitch is not None else None)
        blind = {roles.power, roles.forward, self.regulated, roles.impedance}
        age_s = max(rule.age_limit_s for rule in self.channels if rule.channel in blind)
        data_age = Limits(power_w=power_for_age_w(age_s, self.energy_after_loss_j))
        bounds = effective((("ceiling", CEILINGS[self.modality]), *self.layers, ("data-age", data_age)))
        put("limits", bounds)
        put("power_cap_w", bounds["power_w"].value)
        put("power_why", (f"power: {bounds['power_w'].layer}",))
        ohm = roles.impedance
        bounded = ((roles.flow, "flow_min_ml_min"), (ohm, "impedance_low_ohm"), (ohm, "impedance_high_ohm"))
        for role, name in bounded:
            if role is not None and name not in bounds:
                raise ValueError(f"{role} is measured but {name} is not limited; add it to limits: in the bench file")
        put("monitors", build(self))

    def _check(self, names: tuple[str, ...]) -> None:
        roles, known = self.roles, set(names)
        if len(known) != len(names):
            raise ValueError("a channel is listed twice; give each channel one rule")
        if self.modality not in CEILINGS:
            raise ValueError(f"no compiled ceiling for modality {self.modality!r}; use one of {', '.join(CEILINGS)}")
        if len(roles.estop) != 2 or roles.estop[0] == roles.estop[1]:
            raise ValueError(
                "the E-stop is not wired: name two normally-closed contacts, each on its own input, as roles.estop"
            )
        used = [c for f in fields(roles) for c in _listed(getattr(roles, f.name))]
        used += [*(flag.channel for flag in self.flags), *(rule.channel for rule in self.heating)]
        used += [c for pair in self.pairs for c in pair.channels]
        for name in used:
            if name not in known:
                raise ValueError(
                    f"{name} has a role but no device measures it; correct the role or the device's options"
                )
        needed = {roles.power, roles.rf_on, *roles.estop, *(roles.footswitch or ())}
        for rule in self.channels:
            if not (rule.low <= rule.high and 0.0 < rule.age_limit_s < math.inf):
                raise ValueError(
                    f"{rule.channel}: low {rule.low:g} must not exceed high {rule.high:g}, and age be positive"
                )
            if rule.channel in needed and rule.judged is not Judged.ALWAYS:
                raise ValueError(f"{rule.channel} guards the bench and must be judged always")
        for group in (self.timing, self.thresholds):
            for f in fields(group):
                if not 0.0 <= getattr(group, f.name) < math.inf:
                    raise ValueError(f"{f.name} must be a finite number of at least 0")
        if not 0.0 < self.energy_after_loss_j <= 100.0:
            raise ValueError("energy_after_loss_j must be above 0 and at most 100 J")
        if not self.timing.permit_lease_s > self.timing.tick_s:
            raise ValueError("permit_lease_s must be longer than tick_s, or no permit outlives its tick")


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The channels of a role."""
    return (value,) if isinstance(value, str) else value or ()
