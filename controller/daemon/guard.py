"""What the kernel is told about this bench: declarations, roles and limits of the files, as
:class:`safety.config.Config`.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.config.bench import Bench
from controller.config.protocol import Cooling, Protocol
from drivers.contract import ChannelSpec, Declaration
from safety.config import ChannelRule, Config, FlagRule, Judged, Limits, Roles, Thresholds, Timing
from safety.types import State

FLOW_SHARE = 0.7
"""Part of the asked coolant flow below which the pump or the line has failed (H38)."""
PRECHECK_S = 10.0
"""For everything that must be proven before READY, besides the priming of the coolant line."""
COOLDOWN_MAX_S = 120.0
"""After so long a tip that is not cold yet is not waited for any more; a longer run-on of the coolant is."""
HEATED_S = 3600.0
"""So long after energy tissue is not of one temperature, and H62 has nothing to compare: it judges tissue at rest, that
is before the first application of a day. A zone of 3 cm needs half an hour and more to be within 10 K."""
HEATED_SPREAD_C = 150.0
"""Between sensors in tissue that was heated: from a coolant's temperature to beyond the limit of every tissue."""
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
    heated: bool = False,
) -> Config:
    """The kernel's configuration for ``protocol`` on ``bench`` (None: nothing is loaded yet).

    Args:
        declarations: by device name, of every device whose samples the daemon acquires.
        layers: the limit lattice of the files, outermost first; what the connected generator declares is added here.
        config_hash: of bench and protocol as loaded.
        heated: energy was given within :data:`HEATED_S`: sensors in tissue then differ because the tissue does.

    Raises:
        ValueError: the bench cannot be guarded as described; the text says what to do.
    """
    roles = bench.roles
    source = roles.source
    declared = {spec.name for spec in declarations[source].channels}

    def of_source(name: str) -> str | None:
        return f"{source}.{name}" if name in declared else None

    needed = {f"{source}.power_w", f"{source}.forward_power_w", f"{source}.rf_on", f"{source}.setpoint_w"}
    needed |= {c for c in (roles.flow, roles.tip, roles.shaft, roles.coolant, roles.air, roles.door) if c is not None}
    needed |= {*roles.tissue, *roles.estop, *roles.footswitch}
    flags = []
    for name, (good, hazard, text, check) in SOURCE_SIGNS.items():
        if (channel := of_source(name)) is not None:
            flags.append(FlagRule(channel, good, hazard, text, check, 1.0, frozenset({State.FIRING}), frozenset()))
    pair = roles.footswitch
    tick_s = 1.0 / bench.tick_hz
    cooling = protocol.cooling if protocol is not None else None
    return Config(
        channels=tuple(
            _rule(f"{device}.{spec.name}", spec, needed, roles.impedance, bench.sample_age_s)
            for device, declaration in declarations.items()
            for spec in declaration.channels
        ),
        roles=Roles(
            power=f"{source}.power_w",
            rf_on=f"{source}.rf_on",
            forward=of_source("forward_power_w"),
            setpoint=of_source("setpoint_w"),
            impedance=roles.impedance,
            tip=roles.tip,
            # A tine measures tissue; one that fails is left to the law, which leaves it out of its mean.
            tissue=(*roles.tissue, *roles.tines),
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
        modality=declarations[source].modality or "rf",
        enable_line=roles.enable is not None,
        flags=tuple(flags),
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
            agree_c=HEATED_SPREAD_C if heated else Thresholds().agree_c,
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
