"""What every emulator is: a device's state and wire format, without I/O and without a clock.

An emulator is written from its manual, never from a driver, so that one misreading cannot hide on both sides (P22). It
never raises on anything a host may send, and time is always an argument: seconds of bench time, monotone.
"""

from __future__ import annotations

import abc
import math
import random
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Protocol

Replies = list[tuple[float, bytes]]
"""(seconds after the request arrived, bytes): when the last byte of a reply has left the device."""

NEVER = math.inf
ROOM_C, INSTRUMENT_NOISE_C = 22.0, 0.1


class World(Protocol):
    """What emulators need of the simulated world (``sim.world.bench.World``; a resistor in unit tests)."""

    inputs: dict[str, bool]

    @property
    def forward_w(self) -> float: ...
    @property
    def reverse_w(self) -> float: ...
    @property
    def load_w(self) -> float: ...
    @property
    def flow_ml_min(self) -> float: ...
    @property
    def coolant_c(self) -> float: ...
    @property
    def air_in_line(self) -> bool: ...
    def advance(self, t_s: float) -> None: ...
    def drive(self, forward_w: float) -> None: ...
    def pump(self, flow_ml_min: float) -> None: ...
    def chill(self, bath_c: float) -> None: ...
    def connect(self, channels: Collection[int]) -> None: ...
    def temperature_c(self, name: str) -> float: ...


class Emulator(abc.ABC):
    """One emulated device.

    ``receive`` takes whatever bytes arrived, in whatever pieces, and returns the replies. ``poll_due`` does everything
    the device does by itself up to ``t_s`` (dead-man, settling, scans) and returns when it next wants to be called;
    ``due_s`` is that time, and ``on_due`` is called when it moves closer. ``send`` carries bytes that answer no
    request.
    """

    MODEL: ClassVar[str]
    ROLE: ClassVar[str]
    """Which faults of the catalogue apply: generator, pump, chiller, sensor, inputs or relay."""
    BAUD: ClassVar[int]
    LATENCY_S: ClassVar[float]
    CHANNELS: ClassVar[tuple[str, ...]] = ()  # quantities a sensor fault can name
    OPTIONS: ClassVar[frozenset[str]] = frozenset()  # option names this emulator reads; others belong to the driver

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        self.world = world
        self.name = name
        self.options = options
        self.baud = int(options.get("baud") or self.BAUD)
        self.latency_s = float(options.get("latency_s", self.LATENCY_S))
        self.due_s = NEVER
        self.on_due: Callable[[float], None] | None = None
        self.send: Callable[[float, bytes], None] | None = None
        self.on_power: Callable[[float, str, float], None] | None = None
        self.faults: dict[str, dict[str, float]] = {}  # fault -> {channel or "": value}
        self._held: dict[str, float] = {}  # channel -> value at the onset of a freeze
        self._noise_c = random.Random(f"sensors of {name}")
        self._char_s = 10.0 / self.baud  # start bit, 8 data bits, stop bit

    @abc.abstractmethod
    def receive(self, data: bytes, t_s: float) -> Replies:
        """Bytes from the host at ``t_s``; the replies they cause. Never raises."""

    def poll_due(self, t_s: float) -> float | None:
        """Do what is due at ``t_s``; the next due time, or None when there is nothing to wait for."""
        return None if self.due_s == NEVER else self.due_s

    def wake(self, at_s: float) -> None:
        """Ask for ``poll_due`` at ``at_s`` at the latest."""
        if at_s < self.due_s:
            self.due_s = at_s
            if self.on_due is not None:
                self.on_due(at_s)

    def line_s(self, length: int) -> float:
        """Time that ``length`` bytes occupy the line."""
        return length * self._char_s

    # faults ---------------------------------------------------------------------------------------------------------

    def set_fault(self, kind: str, channel: str, value: float, t_s: float) -> None:
        """Begin a fault of the catalogue (``sim.faults``) on ``channel`` ('' = the whole device)."""
        self.faults.setdefault(kind, {})[channel] = value
        if kind == "freeze":
            for one in (channel,) if channel else self.channels():
                self._held[one] = self.truth(one)
        self.faults_changed(t_s)

    def clear_fault(self, kind: str, channel: str, t_s: float) -> None:
        """End a fault; unknown ones are ignored."""
        on = self.faults.get(kind, {})
        on.pop(channel, None)
        if not on:
            self.faults.pop(kind, None)
        self.faults_changed(t_s)

    def faults_changed(self, t_s: float) -> None:  # noqa: B027 - most devices have nothing to do
        """For devices whose output depends on a fault at once (a generator that comes on by itself)."""

    def channels(self) -> tuple[str, ...]:
        """Quantities a sensor fault can name on this device."""
        return self.CHANNELS

    def truth(self, channel: str) -> float:
        """The world's value behind ``channel``, before sensor faults."""
        return 0.0

    def sense(self, channel: str) -> float | None:
        """What the sensor of ``channel`` says now; None: the device sees an open sensor."""
        if not self.faults:
            return self.truth(channel)
        if self._on("open", channel) is not None:
            return None
        sentinel = self._on("sentinel", channel)
        if sentinel is not None:
            return sentinel
        value = self._held[channel] if self._on("freeze", channel) is not None else self.truth(channel)
        box_c, share = self._on("short", channel), self._on("detach", channel)
        if box_c is not None or share is not None:
            value = box_c if box_c is not None else ROOM_C + (share or 0.0) * (value - ROOM_C)
            value = round(value + self._noise_c.gauss(0.0, INSTRUMENT_NOISE_C), 1)  # the instrument is alive
        scale = self._on("scale", channel)
        return (value if scale is None else value * scale) + (self._on("bias", channel) or 0.0)

    def _on(self, kind: str, channel: str) -> float | None:
        on = self.faults.get(kind)
        if on is None:
            return None
        value = on.get(channel)
        return on.get("") if value is None else value


class InputModule(Emulator):
    """Reads contacts of the bench. ``contacts``: pin -> contact, as in ``World.inputs``."""

    ROLE = "inputs"
    contacts: dict[int, str]

    def inputs_changed(self, t_s: float) -> None:
        """A contact moved; modules that tell so unasked do it here."""
