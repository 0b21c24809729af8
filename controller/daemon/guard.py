"""What the kernel is told about this bench: declarations, roles and limits of the files, as
:class:`safety.config.Config`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.config.bench import Bench
from controller.config.protocol import Cooling, Protocol
from controller.daemon.coolant import holding_back
from drivers.contract import ChannelSpec, Declaration
from safety.config import (
    ChannelRule,
    Config,
    FlagRule,
    HeatingRule,
    Judged,
    Limits,
    PairRule,
    Roles,
    Thresholds,
    Timing,
)
from safety.types import State

FLOW_SHARE = 0.7
"""Part of the asked coolant flow below which the pump or the line has failed (H38): of ``flow_ml_min`` always, and of a
flow that follows a temperature also of what was asked of late."""
PRECHECK_S = 10.0
"""For everything that must be proven before READY, besides the priming of the coolant line."""
COOLDOWN_MAX_S = 120.0
"""After so long a tip that is not cold yet is not waited for any more; a longer run-on of the coolant is."""
SOURCE_SIGNS = {
    "interlock_open_flag": (
        0.0,
        "H66",
        "the generator's interlock input is open",
        "E-stop, enable line and its wiring",
    ),
    "control_on": (
        1.0,
        "H11",
        "the generator is no longer under this program's control",
        "another program, the front panel",
    ),
}
"""Generator channels with one healthy value: (good, hazard, what a bad one means, what to check)."""
LEAK = ("a contact for leak, smoke or fire is open", "the floor, the coolant and the bench; mains off before you touch")
AUX = (
    "the enable line is open by its own word, and closed by that of its second contact",
    "the enable relay: a welded contact; the wire of its second contact",
)
PAD_S = 0.1
PAD = ("the monitor of the return electrode alarms", "the return electrode: its contact, its cable, its gel")
RF_BAND_SHARE = 0.02
MICROWAVE_BAND_HZ = 10e6
ISM_BAND_HZ = (2.40e9, 2.50e9)
"""Where a generator's frequency must be under power (H13): RF within a share of its own, 2.45 GHz within so much of it
and within the band that is free for it."""


def age_limit_s(spec: ChannelSpec, floor_s: float) -> float:
    """The oldest request that still counts, or ``floor_s`` where the device is faster.

    A slow instrument's newest sample is up to two periods old when all is well (it answers one period after the
    request), so half a period more is what jitter may take.
    """
    return max(floor_s, 2.5 * spec.period_s)


def guard(
    bench: Bench,
    protocol: Protocol | None,
    declarations: Mapping[str, Declaration],
    layers: tuple[tuple[str, Limits], ...],
    config_hash: str,
    heated_c: float | None = None,
) -> Config:
    """The kernel's configuration for ``protocol`` on ``bench`` (None: nothing is loaded yet).

    Args:
        declarations: by device name, of every device whose samples the daemon acquires.
        layers: the limit lattice of the files, outermost first; what the connected generator declares is added here.
        config_hash: of bench and protocol as loaded.
        heated_c: how much further than at rest sensors in tissue may be apart because the tissue is (H62); None: 0.

    Raises:
        ValueError: the bench cannot be guarded as described; the text says what to do.
    """
    roles = bench.roles
    source = roles.source
    declared = {spec.name for spec in declarations[source].channels}

    def of_source(name: str) -> str | None:
        return f"{source}.{name}" if name in declared else None

    needed = {f"{source}.power_w", f"{source}.forward_power_w", f"{source}.rf_on", f"{source}.setpoint_w"}
    singles = (roles.flow, roles.tip, roles.shaft, roles.coolant, roles.air, roles.door, roles.pad, roles.enable_aux)
    needed |= {channel for channel in singles if channel is not None}
    needed |= {*roles.tissue, *roles.estop, *roles.footswitch, *roles.critical, *roles.cable, *roles.leak}
    needed |= {*(rule.channel for rule in bench.heating), *(c for pair in bench.pairs for c in pair.channels)}
    modality = declarations[source].modality or "rf"
    if modality == "microwave" or bench.limits.reflected_share is not None or bench.limits.reflected_w is not None:
        needed.add(f"{source}.reverse_power_w")
    flags = [FlagRule(channel, 1.0, "H82", *LEAK, pump_off=True) for channel in roles.leak]
    if roles.pad is not None:
        flags.append(FlagRule(roles.pad, 1.0, "H51", *PAD, PAD_S))
    for name, (good, hazard, text, check) in SOURCE_SIGNS.items():
        if (channel := of_source(name)) is not None:
            flags.append(FlagRule(channel, good, hazard, text, check, 1.0, frozenset({State.FIRING}), frozenset()))
    if roles.enable_aux is not None:
        before = frozenset({State.PRECHECK, State.READY, State.ARMED})
        flags.append(FlagRule(roles.enable_aux, 1.0, "H06", *AUX, trips_in=frozenset(), inhibits_in=before))
    pair = roles.footswitch
    tick_s = 1.0 / bench.tick_hz
    cooling = protocol.cooling if protocol is not None else None
    channels = [
        _rule(f"{device}.{spec.name}", spec, needed, roles.impedance, bench.sample_age_s)
        for device, declaration in declarations.items()
        for spec in declaration.channels
    ]
    if roles.chiller is not None and cooling is not None and cooling.coolant_c is not None:
        own, held = holding_back(roles.chiller, declarations[roles.chiller])
        channels.append(own)
        flags += held
    return Config(
        channels=tuple(channels),
        roles=Roles(
            power=f"{source}.power_w",
            rf_on=f"{source}.rf_on",
            forward=of_source("forward_power_w"),
            reverse=of_source("reverse_power_w"),
            frequency=of_source("frequency_hz"),
            setpoint=of_source("setpoint_w"),
            impedance=roles.impedance,
            tip=roles.tip,
            # A tine measures tissue; one that fails is left to the law, which leaves it out of its mean.
            tissue=(*roles.tissue, *roles.tines),
            shaft=roles.shaft,
            critical=roles.critical,
            cable=roles.cable,
            coolant=roles.coolant,
            # Without a protocol the pump has no wish to follow, and nothing can be fired: dry coolant is no finding.
            flow=roles.flow if protocol is not None else None,
            air=roles.air if protocol is not None else None,
            estop=roles.estop,
            footswitch=(pair[0], pair[1]) if len(pair) == 2 else None,
            door=roles.door,
        ),
        layers=(*layers, *_found(declarations[source], cooling, chilled=roles.chiller is not None)),
        config_hash=config_hash,
        modality=modality,
        enable_line=roles.enable is not None,
        flags=tuple(flags),
        heating=tuple(HeatingRule(rule.channel, rule.energy_j, rule.rise_c) for rule in bench.heating),
        pairs=tuple(PairRule(pair.channels, pair.rest_c, pair.trip_c) for pair in bench.pairs),
        band_hz=_band_hz(declarations[source].frequency_hz, modality),
        pads=bench.pads or 0,
        timing=Timing(
            tick_s=tick_s,
            dt_max_s=max(0.2, 4 * tick_s),
            permit_lease_s=max(0.15, 3 * tick_s),
            precheck_s=PRECHECK_S + (cooling.prime_s if cooling is not None else 0.0),
            prime_s=cooling.prime_s if cooling is not None else 0.0,
            run_on_s=cooling.run_on_s if cooling is not None else 0.0,
            cooldown_max_s=max(COOLDOWN_MAX_S, cooling.run_on_s if cooling is not None else 0.0),
            response_s=declarations[source].response_s,
        ),
        thresholds=Thresholds(
            off_w=max(1.0, 0.01 * (declarations[source].power_max_w or 0.0)),
            agree_c=Thresholds().agree_c + (heated_c or 0.0),
        ),
    )


def _found(source: Declaration, cooling: Cooling | None, *, chilled: bool) -> list[tuple[str, Limits]]:
    """Layers that no file writes: what the connected generator can do, the flow below which cooling has failed, and
    the temperature above which coolant from a circulator is not cold yet, or no longer (H43)."""
    found = [("generator as connected", Limits(power_w=source.power_max_w))]
    if cooling is not None:
        found.append(("cooling", Limits(flow_min_ml_min=FLOW_SHARE * cooling.flow_ml_min)))
        if chilled and cooling.coolant_c is not None:
            found.append(("chiller", Limits(coolant_c=cooling.coolant_c + cooling.coolant_margin_c)))
    return found


def _band_hz(frequency_hz: float | None, modality: str) -> tuple[float, float]:
    """Where the frequency must be under power; a generator that has not told its own one may be anywhere."""
    if frequency_hz is None:
        return 0.0, math.inf
    if modality != "microwave":
        return (1.0 - RF_BAND_SHARE) * frequency_hz, (1.0 + RF_BAND_SHARE) * frequency_hz
    low_hz, high_hz = frequency_hz - MICROWAVE_BAND_HZ, frequency_hz + MICROWAVE_BAND_HZ
    free = ISM_BAND_HZ[0] <= frequency_hz <= ISM_BAND_HZ[1]
    return (max(low_hz, ISM_BAND_HZ[0]), min(high_hz, ISM_BAND_HZ[1])) if free else (low_hz, high_hz)


def _rule(channel: str, spec: ChannelSpec, needed: set[str], impedance: str | None, floor_s: float) -> ChannelRule:
    if channel == impedance:
        judged = Judged.POWERED
    else:
        judged = Judged.ALWAYS if channel in needed else Judged.SEEN
    return ChannelRule(
        channel,
        spec.low,
        spec.high,
        age_limit_s=age_limit_s(spec, floor_s),
        noise_floor=spec.noise_floor,
        max_rate=spec.max_rate,
        judged=judged,
        check=f"{channel.split('.')[0]}: sensor, cable and connector",
    )
