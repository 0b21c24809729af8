"""The interlocks. :func:`build` lists those that a bench can feed, in the order in which causes take precedence.

Within one tick the first finding is the first cause: host and links before plausibility, plausibility before physics,
so that a consequence does not mask its cause (P27).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safety.monitors.base import Monitor
from safety.monitors.bounds import Bounds, Doses
from safety.monitors.contacts import EStop, Flags, Footswitch
from safety.monitors.coolant import Air, Flow
from safety.monitors.host import Budget, Cadence, ConfigHash, Daemon, Record, Watchdog
from safety.monitors.power import ForeignSetpoint, OverPower, Spontaneous, UnderPower, source_bounds
from safety.monitors.sensors import Frozen, Range, Rate, Staleness
from safety.monitors.stopped import Stopped
from safety.monitors.tissue import Heating, agreements, doses, impedances, temperatures
from safety.rules import FlagRule

if TYPE_CHECKING:
    from safety.config import Config

ITEMS = (
    "clock", "daemon", "watchdog", "enable", "estop", "config", "record", "stale", "range", "flags", "footswitch",
    "rate", "frozen", "power", "readback", "flow", "air", "temperature", "agree", "frequency", "reflected", "impedance",
    "pads", "heating", "budget",
)  # fmt: skip
"""Permit items that monitors can withhold, in their fixed order."""

_DOOR = ("the door is open", "close the door")


def build(config: Config) -> tuple[Monitor, ...]:
    """Every monitor that this bench can feed, in order of precedence."""
    roles, timing, levels, index, limits = config.roles, config.timing, config.thresholds, config.index, config.limits
    rules = tuple(enumerate(config.channels))
    regulated = config.regulated
    source = tuple((i, config.names[i], off) for i, off in config.source)
    flags = [(index[f.channel], f) for f in config.flags]
    if roles.door is not None:
        flags.append((index[roles.door], FlagRule(roles.door, 1.0, "H70", *_DOOR)))
    tissue = frozenset((*roles.tissue, *roles.critical))
    thermometers = tissue | {roles.tip, roles.shaft, roles.coolant, *roles.cable}
    unknown = tuple((i, r) for i, r in rules if r.channel in thermometers and r.noise_floor is None)
    estop = (roles.estop[0], roles.estop[1])
    over = tuple((index[c], c) for c in dict.fromkeys((regulated, roles.power)))

    monitors: list[Monitor] = [
        Cadence(timing.dt_max_s, timing.tick_s),
        Daemon(),
        Watchdog(timing, config.enable_line),
        EStop((index[estop[0]], index[estop[1]]), estop, timing.pair_s),
        ConfigHash(config.config_hash),
        Record(timing.record_age_s, timing.record_trip_s),
        Staleness(rules, frozenset(name for _, name, _ in source)),
        Range(rules),
        Flags(tuple(flags)),
    ]
    if roles.footswitch is not None:
        no, nc = roles.footswitch
        monitors.append(Footswitch((index[no], index[nc]), (no, nc), timing.pair_s))
    monitors.append(Frozen(rules, timing.frozen_s))
    if unknown:
        monitors.append(Stopped(unknown, tissue, index[regulated]))
    monitors += [
        Spontaneous(source),
        OverPower(over, config.power_cap_w, timing.response_s, levels.power_ratio, levels.power_margin_w),
        UnderPower(index[regulated], regulated, timing.response_s, levels.low_power_w, timing.low_power_s),
    ]
    if roles.setpoint is not None:
        readback = index[roles.setpoint], roles.setpoint
        monitors.append(ForeignSetpoint(*readback, timing.response_s, levels.setpoint_margin_w))
    if roles.flow is not None:
        gas = index[roles.air] if roles.air is not None else None
        monitors.append(Flow(index[roles.flow], roles.flow, limits["flow_min_ml_min"].value, gas))
    if roles.air is not None:
        monitors.append(Air(index[roles.air], roles.air))
    monitors += [
        Bounds((*temperatures(config), *agreements(config), *source_bounds(config), *impedances(config))),
        Rate(rules),  # behind the limits: what is too hot and impossible is told as too hot
        Doses(doses(config)),
        Heating(tuple((index[h.channel], h) for h in config.heating)),
        Budget(limits["energy_j"], limits["on_time_s"], config.power_cap_w),
    ]
    return tuple(monitors)
