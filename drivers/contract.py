"""What a driver is: a sans-IO codec, an async driver over a port, a declaration, and a SafeOffPlan.

A driver never decides; it says what it can do (:class:`Declaration`), what it sees (:meth:`Driver.poll`), and does
what a :class:`safety.types.Setpoint` allows. Generic interlocks are built from the declaration alone.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from drivers.plain import NAME_LENGTH, plain
from drivers.transport.base import SerialSettings
from safety.safeoff import EnablePlan, SafeOffPlan
from safety.types import Sample, Setpoint

if TYPE_CHECKING:
    from drivers.transport.base import Port

API_VERSION = 1


class Plain(Exception):
    """An error whose text may hold what a device said: it is shown on one line, without control characters."""

    def __str__(self) -> str:
        return plain(super().__str__())


class DeviceError(Plain):
    """A device cannot be used: absent, wrong model, in a state it must not be in. ``remedy``: what a person can do."""

    def __init__(self, device: str, problem: str, remedy: str) -> None:
        super().__init__(f"{device}: {problem}; {remedy}")
        self.device, self.problem, self.remedy = device, plain(problem), plain(remedy)


class LinkLost(Plain):
    """The port is gone (cable pulled, peer closed). The port object is dead afterwards."""


class NoReply(Plain):
    """No whole, matching reply within the time-out. The port has resynchronised or marked itself dirty."""


class BadReply(Plain):
    """A reply that cannot be right: wrong checksum, length, echo or range. Carries the bytes seen."""

    def __init__(self, problem: str, seen: bytes = b"") -> None:
        super().__init__(f"{problem}: {seen.hex(' ')}" if seen else problem)
        self.seen = seen


class Refused(Plain):
    """The device answered, and the answer was no."""


class Options(BaseModel):
    """Base of a driver's ``options:`` in the bench file. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One measured quantity, without its device prefix (``forward_power_w``).

    ``low``/``high`` bound what the instrument can truthfully report (outside: H59). ``period_s`` is how often a
    sample is expected (staleness). ``noise_floor`` is the standard deviation below which a moving quantity counts as
    frozen (H58); None switches that rule off (two-valued channels, channels that may rightly stand still).
    ``max_rate`` bounds \\|d/dt\\| per s (H60); None: unbounded.
    """

    name: str
    low: float
    high: float
    period_s: float
    noise_floor: float | None = None
    max_rate: float | None = None
    two_valued: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a device is and can do, as data."""

    model: str
    role: str  # "source" | "coolant_pump" | "chiller" | "thermometer" | "flow" | "inputs" | "enable" | "switch"
    channels: tuple[ChannelSpec, ...]
    native_deadman_s: float | None = None  # host silence after which the device itself turns off; None: it has none
    power_max_w: float | None = None
    power_step_w: float | None = None
    response_s: float = 0.3  # within which measured power must have followed the set-point
    impedance_under_power: bool = False  # impedance can be read only while power flows (P46)
    modality: str | None = None  # "rf" | "microwave"
    frequency_hz: float | None = None
    flow_max_ml_min: float | None = None
    bath_c: tuple[float, float] | None = None  # coldest and warmest that a circulator is allowed to hold
    electrodes: int = 0  # that a switch connects, from 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What the device says it is; bound into the session's header and checked at each reconnect (H12). Whatever it
    says, these are short and printable."""

    model: str
    serial: str = ""
    firmware: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("model", "serial", "firmware"):
            object.__setattr__(self, name, plain(getattr(self, name), NAME_LENGTH))
        extra = {plain(key, NAME_LENGTH): plain(value, NAME_LENGTH) for key, value in self.extra.items()}
        object.__setattr__(self, "extra", extra)


class Driver(abc.ABC):
    """One instrument on one port.

    ``connect`` identifies the device and reads its state back, and raises :class:`DeviceError` with a remedy when it
    is not what the bench file says. ``poll`` makes one acquisition cycle and returns its samples, each dated by its
    request; a reading that failed is simply absent, or present with a quality other than GOOD where the device said
    "no reading". ``poll`` raises only :class:`LinkLost`. ``off`` may be called at any time, in any state, from any
    task, any number of times; it jumps the port's queue.

    A device made of several instruments names in ``MORE_PORTS`` the options that hold their ports; these names end in
    ``_port``. They are opened as ``port:`` is, and are in ``ports``, by option, before ``connect``.
    """

    MODEL: ClassVar[str]
    OPTIONS: ClassVar[type[Options]] = Options
    BAUD: ClassVar[int] = 9600
    SERIAL: ClassVar[SerialSettings] = SerialSettings()
    MORE_PORTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, port: Port, options: Options) -> None:
        self.name, self.port, self.options = name, port, options
        self.ports: Mapping[str, Port] = {}

    @abc.abstractmethod
    def declaration(self) -> Declaration:
        """What this device can do with these options; complete before ``connect``."""

    @abc.abstractmethod
    async def connect(self) -> Identity:
        """Identify, verify, bring to a known quiet state. Never energises."""

    @abc.abstractmethod
    async def poll(self) -> list[Sample]:
        """One acquisition cycle."""

    async def off(self) -> None:  # noqa: B027 - sensors have nothing to turn off
        """Turn energy off; idempotent; returns once the bytes were accepted. Default: nothing to turn off."""

    def safe_off_plan(self) -> SafeOffPlan | None:
        """The bytes that turn this device off, or None for a device that carries no energy."""
        return None

    async def close(self) -> None:
        """Release the ports. Raises no device's output."""
        for port in (self.port, *self.ports.values()):
            await port.close()


class PowerSource(Driver):
    """A generator. Must provide ``forward_power_w`` and ``power_w`` channels (watts) and ``rf_on`` (two-valued:
    output on)."""

    @abc.abstractmethod
    async def apply(self, setpoint: Setpoint) -> None:
        """Make the output follow ``setpoint``.

        Re-checks at the last moment, with the port held, that the set-point has not expired and that its epoch is
        ``self.epoch`` (see :meth:`revoke`). Above 0 W it turns the output on if need be; at 0 W it turns it off.
        Never retries upwards (P6).

        Raises:
            NoReply, BadReply, Refused, LinkLost: what was sent may or may not have taken effect (UNCERTAIN).
        """

    def safe_off_plans(self) -> tuple[tuple[SafeOffPlan, Port], ...]:
        """A plan, and the port it is for, of everything that can stop the energy; the device's own comes first."""
        plan = self.safe_off_plan()
        return ((plan, self.port),) if plan is not None else ()

    epoch: int = 0

    def revoke(self, epoch: int) -> None:
        """Every set-point older than ``epoch`` is void from now on, those already queued on the port included."""
        self.epoch = max(self.epoch, epoch)


class CoolantPump(Driver):
    """A pump that cools the applicator."""

    @abc.abstractmethod
    async def run(self, flow_ml_min: float) -> None:
        """Run at ``flow_ml_min``; 0 stops the pump.

        Raises:
            Refused: the flow is outside what the pump can do.
        """


class Circulator(Driver):
    """A thermostat or chiller that holds the coolant's bath at a temperature. Must provide a ``bath_c`` channel."""

    @abc.abstractmethod
    async def regulate(self, temperature_c: float | None) -> None:
        """Regulate the bath to ``temperature_c``, verified by reading back; None stops the circulator.

        Raises:
            Refused: the temperature is outside what the options allow, or the circulator does not take it.
            NoReply, BadReply, LinkLost: it may or may not have taken effect.
        """


class ElectrodeSwitch(Driver):
    """Contacts between one generator and several electrodes; :attr:`Declaration.electrodes` says how many.

    Must provide a two-valued channel ``electrode_<n>_on`` for each, n counted from 0. ``connect`` moves no contact:
    whether power flows is not the driver's to know. Neither is it ``select``'s: whoever calls it has proven 0 W.
    """

    @abc.abstractmethod
    async def select(self, channels: tuple[int, ...]) -> None:
        """Connect these electrodes and no others, break before make; returns once the read-back shows it. An empty
        tuple disconnects all.

        Raises:
            Refused: there is no such electrode, or the read-back shows something else.
            NoReply, BadReply, LinkLost: any of the contacts may be in any position.
        """


class EnableLine(Driver):
    """A contact in the generator's enable or interlock input. After ``connect`` its port is handed to the watchdog,
    which alone closes, opens and reads it; the driver's ``poll`` is not used on a live bench."""

    @abc.abstractmethod
    def enable_plan(self) -> EnablePlan:
        """How to close, open and read the contact."""
