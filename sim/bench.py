"""The simulated bench: one world, the emulators of a bench file, the wiring between them, and faults at their time.

Wiring: contacts as ``contacts`` says; the generator's output goes to the applicator, in an RF chain through its
amplifier, past the electrode switch where there is one (``electrodes``); the pump's head feeds the coolant line.

Time here is bench time: seconds since :meth:`SimBench.start`, on whatever clock the loop has.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from sim.assembly import SCHEME, Assembly
from sim.contacts import Contacts
from sim.devices.base import World
from sim.devices.relay_switch import RelaySwitch
from sim.electrodes import Electrodes
from sim.faults import LOAD, Fault, Target, parse
from sim.hands import Hands
from sim.links import MemoryLink, Wire
from sim.timeline import Timeline

SMALLEST_LOGGED_W = 0.01
FOOT_S = 0.3
"""How long a foot rests on the switch that nobody keeps there."""

PowerLog = Callable[[float, str, float], None]
"""(the loop's time, device, watts absorbed by the load): called at every change."""


class SimBench:
    """World, emulators and wiring of one bench file.

    ``bench`` is the parsed bench file; devices whose port is ``sim://<name>`` are emulated. Its ``simulation:`` goes
    to the world, but for ``seed``, ``faults`` (a list of SPECs) and ``devices`` (device -> options of its emulator,
    see the emulators' docstrings). ``faults`` are further SPECs, whose onset is bench time. ``world`` replaces the
    physics (unit tests, single devices).

    Raises ValueError (FaultError for a SPEC) saying what is wrong and where.
    """

    def __init__(
        self,
        bench: Mapping[str, Any],
        *,
        seed: int | None = None,
        faults: Iterable[str] = (),
        on_power: PowerLog | None = None,
        world: World | None = None,
    ) -> None:
        simulation = dict(bench.get("simulation") or {})
        extra = simulation.pop("devices", None) or {}
        specs = [*(simulation.pop("faults", None) or ()), *faults]
        self.seed = int(seed if seed is not None else simulation.get("seed", 1))
        self.world = world if world is not None else _physics(bench, simulation, self.seed)
        self.on_power = on_power
        self._logged_w = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._t0_s = self._now_s = 0.0
        self._period_s = 0.1
        self._ticks = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        parts = Assembly(bench, self.world, extra, self._power)
        self.emulators, self.ports, self.generator = parts.emulators, parts.ports, parts.generator
        self.wires: dict[str, Wire] = {}
        self._faults = Timeline(self._apply)
        self.electrodes = Electrodes(self.world, parts.all(RelaySwitch), self._load_moved)
        self._hands = Hands(self.world, _applicator(bench), lambda: self.advance(self.now_s()))
        self._contacts = Contacts(parts, self._contact_faults)
        self._footswitch = _footswitch(bench)
        self._targets = {name: Target(e.ROLE, e.channels()) for name, e in self.emulators.items()}
        for spec in specs:
            self._faults.plan(parse(spec, self._targets), 0.0)

    # running --------------------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop, *, advance_period_s: float = 0.1) -> None:
        """Bench time 0 is now: from here timers run, faults happen, and the world advances every
        ``advance_period_s``."""
        self._loop, self._t0_s, self._period_s = loop, loop.time(), advance_period_s
        self.wires = {
            name: Wire(emulator, loop, t0_s=self._t0_s, seed=self.seed) for name, emulator in self.emulators.items()
        }
        self.advance(0.0)
        self._arm_faults()
        self._tick()

    def stop(self) -> None:
        """Stop all timers. The world keeps its state, to be read."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._hands.rest()
        for wire in self.wires.values():
            wire.close()

    def now_s(self) -> float:
        """Bench time."""
        return self._now_s if self._loop is None else self._loop.time() - self._t0_s

    @property
    def t0_s(self) -> float:
        """The loop's time at bench time 0."""
        return self._t0_s

    def open_link(self, url: str, baud: int = 0) -> MemoryLink:
        """A host's end of the cable behind ``sim://name``. Any number may be open, like duplicates of a descriptor.

        Raises:
            OSError: no such port, or its cable is pulled.
        """
        return MemoryLink(self.wires[self.device_at(url)])

    def device_at(self, url: str) -> str:
        """The name of the emulated device behind ``sim://name``. Raises FileNotFoundError: no such port."""
        device = self.ports.get(url.removeprefix(SCHEME).strip("/"))
        if device is None:
            raise FileNotFoundError(
                f"no simulated port {url}; there are {', '.join(SCHEME + port for port in self.ports)}"
            )
        return device

    def advance(self, t_s: float) -> None:
        """Bring world and faults to ``t_s``. Emulators follow by their own timers; without a loop, here."""
        self._now_s = t_s
        self._faults.advance(t_s, late=self._loop is not None)
        if self._loop is None:
            for emulator in self.emulators.values():
                if emulator.due_s <= t_s:
                    emulator.poll_due(t_s)
        self.world.advance(t_s)
        self._load_moved(t_s)

    def _tick(self) -> None:
        assert self._loop is not None
        self.advance(self._loop.time() - self._t0_s)
        self._ticks += 1
        at_s = self._t0_s + self._ticks * self._period_s
        now_s = self._loop.time()
        if at_s <= now_s:  # a stopped machine: skip, never replay
            self._ticks = math.floor((now_s - self._t0_s) / self._period_s) + 1
            at_s = self._t0_s + self._ticks * self._period_s
        self._timers["tick"] = self._loop.call_at(at_s, self._tick)

    # power ----------------------------------------------------------------------------------------------------------

    def _load_moved(self, t_s: float) -> None:
        if self.generator is not None and self.world.forward_w > 0.0:
            self.generator.load_moved(t_s)

    def _power(self, t_s: float, device: str, power_w: float) -> None:
        moved = abs(power_w - self._logged_w) >= SMALLEST_LOGGED_W
        if moved or (power_w == 0.0) != (self._logged_w == 0.0):
            self._logged_w = power_w
            if self.on_power is not None:
                self.on_power(self._t0_s + t_s, device, power_w)

    # contacts and faults ---------------------------------------------------------------------------------------------

    def set_inputs(self, closed: Mapping[str, bool]) -> None:
        """People act on contacts: ``{"estop_a": False}`` opens contact A. Raises ValueError for an unknown contact."""
        self._contacts.act(closed, self.now_s())

    def foot(self, pressed: bool) -> None:
        """A foot presses the footswitch for ``FOOT_S``, anew with every call, or lets go. Raises ValueError: none."""
        if not self._footswitch:
            raise ValueError("this bench has no footswitch")
        if (resting := self._timers.pop("foot", None)) is not None:
            resting.cancel()
        self.set_inputs({name: closed is pressed for name, closed in self._footswitch.items()})
        if pressed and self._loop is not None:
            self._timers["foot"] = self._loop.call_later(FOOT_S, self.foot, False)

    def hand(self, kind: str, value: float | None) -> None:
        """People act on the probe: see :meth:`sim.hands.Hands.act`. Raises ValueError."""
        self._hands.act(kind, value, self._loop)

    @property
    def active(self) -> Mapping[str, Fault]:
        """Faults that are active now, by ``device[.channel].fault``."""
        return self._faults.active

    @property
    def first_onset_s(self) -> float | None:
        """When the first fault begins or began; None without faults."""
        return self._faults.first_onset_s

    def _contact_faults(self) -> list[str]:
        return [fault.kind.name for fault in self.active.values() if fault.kind.scope == "inputs"]

    def add_fault(self, spec: str) -> None:
        """Add a fault whose onset counts from now. Raises FaultError."""
        self._faults.plan(parse(spec, self._targets), self.now_s())
        if self._loop is not None:
            self.advance(self.now_s())
            self._arm_faults()

    def clear_fault(self, spec: str) -> None:
        """End an active fault, named by its SPEC or by ``device[.channel].fault``. Raises FaultError when it is not
        active."""
        self._faults.clear(spec, self.now_s())

    def _arm_faults(self) -> None:
        old = self._timers.pop("faults", None)
        if old is not None:
            old.cancel()
        due_s = self._faults.next_s
        if self._loop is not None and due_s < math.inf:
            self._timers["faults"] = self._loop.call_at(self._t0_s + due_s, self._fault_due, due_s)

    def _fault_due(self, due_s: float) -> None:
        # As Wire._ring: rounding may put the loop's time a hair before the due time, which would then be due for ever.
        self.advance(max(self.now_s(), due_s))
        self._arm_faults()

    def _apply(self, fault: Fault, on: bool, t_s: float) -> None:
        kind = fault.kind
        if kind.scope == "inputs":
            self._contacts.moved(t_s)
        elif kind.scope == LOAD:
            self.world.advance(t_s)
            if kind.name == "open":
                self.electrodes.lead_off(on)
            else:
                cast(Any, self.world).fault(kind.name, (True if kind.value is None else fault.value) if on else None)
            self._load_moved(t_s)
        elif kind.scope == "link":
            wire = self.wires.get(fault.device)
            if wire is None:
                return  # a bench without a loop has no cables
            if on:
                wire.set_fault(kind.name, fault.value)
            else:
                wire.clear_fault(kind.name)
        elif on:
            self.emulators[fault.device].set_fault(kind.name, fault.channel, fault.value, t_s)
        else:
            self.emulators[fault.device].clear_fault(kind.name, fault.channel, t_s)

    # looking --------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything a test or a report may ask of the simulated bench; ``zone``, ``picture`` and ``metal`` are absent
        without physics."""
        world = cast(Any, self.world)
        seen: dict[str, Any] = {
            "t_s": self.now_s(),
            "seed": self.seed,
            "forward_w": world.forward_w,
            "load_w": world.load_w,
            "inputs": dict(world.inputs),
            "faults": sorted(self.active),
            "exchanges": {name: wire.exchanges for name, wire in self.wires.items()},
        }
        for name in ("load_ohm", "tissue_w", "energy_j", "tissue_j", "pops"):
            if hasattr(world, name):
                value = getattr(world, name)
                seen[name] = value if math.isfinite(value) else None  # an antenna has no ohms
        if hasattr(world, "zone"):
            seen["zone"] = dict(world.zone())
            seen["picture"] = world.picture_data()
            seen["metal"] = world.metal()
        return seen


def _physics(bench: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> World:
    from sim.world.bench import World as Physics  # compiled on first use; a bench with its own world needs none of it

    return Physics(_applicator(bench), simulation, seed)


def _footswitch(bench: Mapping[str, Any]) -> dict[str, bool]:
    """Contacts of the footswitch, and whether a pressed one is closed: the role names the normally open one first."""
    channels = (bench.get("roles") or {}).get("footswitch") or ()
    names = [str(channel).rpartition(".")[2].removesuffix("_closed") for channel in channels]
    return dict(zip(names, (True, False), strict=False))


def _applicator(bench: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where nobody has chosen among several, the first is in the tissue."""
    owned = bench.get("applicator") or {}
    found: Mapping[str, Any] = owned[0] if isinstance(owned, list) else owned
    return found
