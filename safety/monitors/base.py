"""What every interlock sees (:class:`View`) and says (:class:`Finding`), and the debounce they share.

A monitor is a frozen object of parameters with a pure ``update(memory, view) -> (memory, findings)``. Its memory is a
value of its own, kept by the kernel and never changed in place. A finding is repeated at every tick for as long as it
holds.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from safety.state import KernelState
from safety.types import Inputs, Quality, Sample, State, Trip

if TYPE_CHECKING:
    from safety.config import Config

Memory = Any
NOTHING: tuple[Finding, ...] = ()

ACTIVE = frozenset({State.READY, State.ARMED, State.FIRING})
"""States in which a permit, once had, must be kept: losing it trips."""

CHECKED = ACTIVE | {State.PRECHECK, State.TRIPPED}
"""States in which evidence is asked for: to become READY, to stay so, to be reset."""


class Severity(enum.IntEnum):
    """What a finding asks for. INHIBIT: no operator act is accepted; STOP: a controlled stop; TRIP: an interlock
    fired.
    """

    INHIBIT = 0
    STOP = 1
    TRIP = 2


INHIBIT, STOP, TRIP = Severity.INHIBIT, Severity.STOP, Severity.TRIP


def grade(state: State) -> Severity:
    """A lost permit trips where it had been granted; on the way there it only inhibits."""
    return INHIBIT if state is State.PRECHECK else TRIP


class Finding(NamedTuple):
    """One condition that is not as it must be. ``item`` is the permit item that it withholds."""

    item: str
    severity: Severity
    hazard: str
    monitor: str
    channel: str
    value: float
    limit: float
    age_s: float
    text: str
    check: str
    device: str = ""
    lockout: bool = False
    pump_off: bool = False

    def trip(self, t_s: float) -> Trip:
        """This finding as a fired interlock."""
        device = self.device or self.channel.partition(".")[0]
        fields = (self.value, self.limit, self.age_s, t_s, self.text, self.check, self.lockout, self.pump_off)
        return Trip(self.hazard, self.monitor, device, self.channel, *fields)


class View(NamedTuple):
    """One tick, as monitors, permits and transitions see it. ``samples`` are in the order of ``Config.names``."""

    config: Config
    s: KernelState
    inputs: Inputs
    samples: Sequence[Sample | None]
    now_s: float
    dt_s: float | None = None  # since the tick before; None at the first

    @property
    def state(self) -> State:
        """Where the kernel is."""
        return self.s.state

    @property
    def flows(self) -> bool:
        """Power flows, and did at the tick before."""
        return self.s.flowing_from_s is not None and self.now_s > self.s.flowing_since_s

    @property
    def flowing_from_s(self) -> float:
        """Request time of the first sample that showed power; now, where there was none."""
        return self.now_s if self.s.flowing_from_s is None else self.s.flowing_from_s

    def young(self, i: int, age_limit_s: float) -> Sample | None:
        """Sample ``i``, if it is good and was asked for within ``age_limit_s``, and not in the future."""
        sample = self.samples[i]
        if sample is None or sample.quality is not Quality.GOOD:
            return None
        return sample if 0.0 <= self.now_s - sample.t_request_s <= age_limit_s else None


class Monitor(Protocol):
    """One interlock."""

    def start(self) -> Memory:
        """The memory before the first tick: of nothing."""
        return {}

    def update(self, memory: Memory, view: View) -> tuple[Memory, Iterable[Finding]]:
        """Judge one tick."""


class Pending(NamedTuple):
    """Debounce of one condition: verdicts on the newest samples, newest in bit 0, and when the bad spell began."""

    t_sample_s: float
    bits: int
    since_s: float


Debounces = Mapping[Any, Pending]


class Debounce(NamedTuple):
    """Fires when ``n`` of the newest ``m`` distinct samples are bad and the spell has lasted ``hold_s`` (P26)."""

    n: int = 2
    m: int = 3
    hold_s: float = 0.0

    def judge(self, memory: Debounces, key: Any, t_sample_s: float, bad: bool) -> tuple[Debounces, bool]:
        """Count a sample's verdict under ``key`` (once per sample) and say whether the condition holds now."""
        pending = memory.get(key)
        if pending is None:
            if not bad:
                return memory, False
            pending = Pending(t_sample_s, 1, t_sample_s)
        elif pending.t_sample_s != t_sample_s:
            bits = (pending.bits << 1 | bad) & ((1 << self.m) - 1)
            if not bits:
                return {k: v for k, v in memory.items() if k != key}, False
            pending = Pending(t_sample_s, bits, pending.since_s)
        else:
            return memory, self._fires(pending)
        return {**memory, key: pending}, self._fires(pending)

    def _fires(self, pending: Pending) -> bool:
        return pending.bits.bit_count() >= self.n and pending.t_sample_s - pending.since_s >= self.hold_s
