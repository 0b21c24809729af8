"""What the kernel is told about a bench: channels, roles and timing, as plain values. :mod:`safety.config` checks
them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from safety.types import State


class Judged(enum.Enum):
    """When the absence of a channel matters."""

    ALWAYS = "always"  # a fresh sample is needed to become READY and to stay so
    POWERED = "powered"  # readable only while power flows (impedance, P46): judged only then
    SEEN = "seen"  # never needed; values that do arrive are judged


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What is believable on one channel.

    ``low``..``high`` is what the instrument can truthfully report (H59), ``age_limit_s`` the oldest request that still
    counts (H15), ``noise_floor`` the spread below which a moving quantity is frozen (H58; None: may stand still),
    ``max_rate`` the steepest believable change per second (H60; None: any). ``check`` tells a person what to look at.
    """

    channel: str
    low: float
    high: float
    age_limit_s: float = 0.25
    noise_floor: float | None = None
    max_rate: float | None = None
    judged: Judged = Judged.ALWAYS
    check: str = ""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which channel plays which part. None or empty: the bench has none.

    ``power`` is what the load absorbs; ``regulated`` is the one that the generator makes follow the set-point (default:
    ``forward`` where there is one, else ``power``). ``footswitch`` is the pair (normally open, normally closed); all
    contacts hold 1.0 when closed, and E-stop and door are closed when healthy. ``air`` is 1.0 when air is seen.
    ``critical`` are sensors at what must not be harmed, ``cable`` those at cables and connectors.
    """

    power: str
    rf_on: str
    estop: tuple[str, ...] = ()
    forward: str | None = None
    reverse: str | None = None
    frequency: str | None = None
    regulated: str | None = None
    setpoint: str | None = None
    impedance: str | None = None
    tip: str | None = None
    shaft: str | None = None
    tissue: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    cable: tuple[str, ...] = ()
    coolant: str | None = None
    flow: str | None = None
    air: str | None = None
    footswitch: tuple[str, str] | None = None
    door: str | None = None


@dataclass(frozen=True, slots=True)
class FlagRule:
    """A two-valued channel that must hold ``good`` (a generator's own fault flag, its control authority, a leak
    sensor).

    It trips in ``trips_in`` after ``hold_s`` and inhibits in ``inhibits_in``; elsewhere it is not looked at.
    """

    channel: str
    good: float
    hazard: str
    text: str
    check: str
    hold_s: float = 0.0
    trips_in: frozenset[State] = frozenset({State.ARMED, State.FIRING})
    inhibits_in: frozenset[State] = frozenset({State.PRECHECK, State.READY})
    pump_off: bool = False


@dataclass(frozen=True, slots=True)
class HeatingRule:
    """From ``energy_j`` delivered since FIRE on, ``channel`` must be ``rise_c`` above its start while power flows (H57,
    H64).

    Opt-in: the bench states what its geometry guarantees, because a well-cooled sensor may rightly stay cold.
    """

    channel: str
    energy_j: float
    rise_c: float


@dataclass(frozen=True, slots=True)
class PairRule:
    """Two sensors of one place: at most ``rest_c`` apart in PRECHECK, and ``trip_c`` afterwards (H61)."""

    channels: tuple[str, str]
    rest_c: float
    trip_c: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in seconds; the defaults suit 20 Hz. A slower tick needs a longer ``permit_lease_s`` and ``dt_max_s``."""

    tick_s: float = 0.05
    dt_max_s: float = 0.2  # a longer gap between ticks is a suspended or stalled host (H29)
    permit_lease_s: float = 0.15
    operator_lease_s: float = 0.3  # footswitch or foreground hold-to-run
    watchdog_age_s: float = 0.2
    record_age_s: float = 0.75  # older durable commit: controlled stop (H36)
    record_trip_s: float = 2.0  # ... and a trip if it stays so
    off_c1_s: float = 0.3  # off not proven: alarm, sent again
    off_c2_s: float = 0.5  # off not proven: LOCKOUT
    boot_proof_s: float = 5.0  # off must be proven within this after start
    precheck_s: float = 10.0
    ready_s: float = 300.0
    arm_s: float = 30.0
    request_age_s: float = 1.0  # an older request is a replay
    prime_s: float = 0.0  # coolant must have run this long before READY
    run_on_s: float = 0.0  # coolant runs at least this long after energy
    cooldown_max_s: float = 120.0
    reset_clear_s: float = 2.0
    reset_window_s: float = 600.0
    resets_max: int = 3  # accepted within the window; one more is LOCKOUT
    response_s: float = 0.3  # within which measured power follows the set-point
    pair_s: float = 0.1  # two contacts of one device may disagree this long
    enable_open_s: float = 0.3  # the enable line must read open this long after it was let go
    enable_close_s: float = 1.0  # ... and closed this long after FIRE
    frozen_s: float = 2.0
    low_power_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers of the judgements that are not limits of the lattice."""

    off_w: float = 1.0  # at most this is "off"; 1 W or 1 % of the generator's rating
    flowing_w: float = 5.0  # at least this is "power flows": impedance and flat-line rules apply
    power_ratio: float = 0.2  # measured power may exceed the set-point by this part ...
    power_margin_w: float = 2.0  # ... plus this (H02)
    low_power_w: float = 10.0  # H03 looks only above this set-point
    setpoint_margin_w: float = 1.0  # foreign set-point: readback off by more than this and 2 % (H10)
    cold_c: float = 45.0  # COOLDOWN ends below
    agree_c: float = 10.0  # tissue sensors at zero power, PRECHECK (H62)
    hysteresis_c: float = 2.0
    slew_up_w_per_s: float = 200.0
