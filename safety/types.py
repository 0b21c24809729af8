"""The words that every room shares: Sample, Snapshot, Demand, Permit, Setpoint, Trip, Request.

All times are seconds of the daemon's one clock (``loop.time()``, i.e. CLOCK_MONOTONIC on a live bench, virtual time in
a rehearsal). Wall-clock time is a label and never takes part in a decision (P29).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple


class Quality(enum.IntEnum):
    """What a driver says of a reading. Anything but GOOD is absence of evidence."""

    GOOD = 0
    BAD = 1  # a sentinel, an open sensor, a reply that says "no reading"
    UNCERTAIN = 2  # a command was sent and its acknowledgement was lost


class Sample(NamedTuple):
    """One measurement.

    ``channel`` is ``device.quantity_unit`` (``gen.forward_power_w``, ``tc.tip_c``, ``inputs.estop_a_closed``);
    two-valued channels hold 0.0 or 1.0. ``t_request_s`` is the time at which the *request* left, not the time of the
    reply, so that a late answer is old by construction (H16, H18).
    """

    channel: str
    value: float
    t_request_s: float
    quality: Quality = Quality.GOOD


Snapshot = Mapping[str, Sample]
"""The newest sample of each channel at a tick. A channel that was never read is absent."""


class State(enum.Enum):
    """The daemon's states. PAUSE, the pulse-off of a roll-off, is inside FIRING with a demand of 0 W."""

    BOOT = "BOOT"
    SAFE = "SAFE"
    PRECHECK = "PRECHECK"
    READY = "READY"
    ARMED = "ARMED"
    FIRING = "FIRING"
    STOPPING = "STOPPING"
    COOLDOWN = "COOLDOWN"
    TRIPPED = "TRIPPED"
    LOCKOUT = "LOCKOUT"

    __hash__ = object.__hash__  # Enum's own is Python and is asked 25 times a tick; equality is identity anyway


class Verb(enum.Enum):
    """What may be asked of the kernel. Only STOP may come from the network."""

    PREPARE = "prepare"
    ARM = "arm"
    FIRE = "fire"
    STOP = "stop"
    COMPLETE = "complete"  # the protocol has reached its end: a normal stop
    ACK = "ack"
    RESET = "reset"


class Origin(enum.Enum):
    """Where a request was made; FOREGROUND is a local ``ablate run`` or ``ablate start`` that holds a lease."""

    LOCAL = "local"
    FOREGROUND = "foreground"
    NETWORK = "network"
    PROTOCOL = "protocol"
    SIGNAL = "signal"


class Request(NamedTuple):
    """An operator's act, or the protocol's end, as seen since the last tick."""

    verb: Verb
    origin: Origin
    t_s: float
    who: str = ""
    reason: str = ""


class Demand(NamedTuple):
    """What a law wants. ``power_w`` may be anything a faulty law can produce, NaN included; the gate copes."""

    power_w: float
    reason: str = ""
    channels: tuple[int, ...] | None = None  # electrodes or antennas to connect, from 0; None: leave them as they are


class Permit(NamedTuple):
    """What safety allows now: at most ``max_w`` until ``expires_at_s``; ``why`` says what limits it, most limiting
    first.
    """

    max_w: float
    expires_at_s: float
    epoch: int
    state: State
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setpoint:
    """What may be sent to a source. Minted only by :mod:`safety.gate` (an AST test holds this).

    A driver refuses a set-point above 0 W that has expired or whose epoch is not the gate's current one (P5).
    """

    power_w: float
    epoch: int
    expires_at_s: float
    reason: str = ""

    @property
    def is_off(self) -> bool:
        """True unless the set-point is a finite power above zero: NaN is off."""
        return not self.power_w > 0.0


@dataclass(frozen=True, slots=True)
class Trip:
    """A fired interlock. ``check`` tells a person what to look at; ``age_s`` is the sample's age when it fired."""

    hazard: str  # "H15"
    monitor: str  # "staleness"
    device: str
    channel: str
    value: float
    limit: float
    age_s: float
    t_s: float
    text: str
    check: str
    lockout: bool = False
    pump_off: bool = False  # a leak: cooling would make it worse (SS3)

    def as_dict(self) -> dict[str, object]:
        """The ``trip`` object of ``run --json`` and of the session file; non-finite numbers become None (JSON has
        none).
        """
        told = asdict(self)
        del told["pump_off"]
        return {name: None if isinstance(x, float) and not math.isfinite(x) else x for name, x in told.items()}


class Fault(NamedTuple):
    """Something that the daemon itself saw go wrong since the last tick: a dead acquisition task, an exception on the
    energy path, a device that changed identity. Every fault trips.
    """

    hazard: str
    monitor: str
    device: str
    text: str
    check: str
    t_s: float
    lockout: bool = False

    def trip(self) -> Trip:
        """This fault as a fired interlock; there is no reading to show."""
        reading = ("", math.nan, math.nan, 0.0, self.t_s)
        return Trip(self.hazard, self.monitor, self.device, *reading, self.text, self.check, self.lockout)


class WatchdogStatus(NamedTuple):
    """The watchdog's newest frame as the daemon received it. ``t_s`` is the daemon's time of reception."""

    t_s: float
    ready: bool  # three good frames seen, no latch, plans held
    enable_closed: bool | None  # read back from the enable line; None where the bench has none
    enable_commanded: bool


class RecordStatus(NamedTuple):
    """Health of the session file: no healthy record, no energy."""

    t_durable_s: float  # when the newest durable commit was made
    healthy: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything the kernel may know at one tick. Built by the daemon, never by a driver."""

    snapshot: Snapshot
    requests: tuple[Request, ...] = ()
    faults: tuple[Fault, ...] = ()
    foreground_lease_s: float | None = None  # when the foreground process last renewed its hold, None: there is none
    watchdog: WatchdogStatus | None = None
    record: RecordStatus | None = None
    applied_w: float = 0.0  # the newest set-point that may have reached the source (UNCERTAIN counts as reached)
    applied_t_s: float = -math.inf
    config_hash: str = ""  # of bench + protocol as loaded now; must equal the hash at ARM
    flow_due_ml_min: float = 0.0  # the least that must flow by now of what the pump was asked for; it only tightens


Event = tuple[str, dict[str, object]]
"""(kind, data) for the record."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the kernel decides at one tick. ``first_trip`` stays the first cause until a reset."""

    state: State
    permit: Permit
    pump_on: bool
    enable: bool  # the enable line may be closed
    command_off: bool  # off must be sent (again) this tick; set until off is proven
    first_trip: Trip | None
    new_trips: tuple[Trip, ...] = ()
    events: tuple[Event, ...] = ()
    energy_j: float = 0.0  # worst case, max(measured, permitted), since FIRE
    on_time_s: float = 0.0
    blocked_by: tuple[str, ...] = ()  # permit items that are not met, in fixed order: why READY/ARM/FIRE is refused
