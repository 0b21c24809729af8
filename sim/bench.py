"""The simulated bench: one world, the emulators of a bench file, the wiring between them, and faults at their time.

Wiring: the enable relay's contact and both E-stop contacts are in series in the generator's interlock input; the
generator's output goes to the applicator, in an RF chain through its amplifier; the pump's head feeds the coolant
line; contacts reach the input module's pins.

Time here is bench time: seconds since :meth:`SimBench.start`, on whatever clock the loop has.
"""

# mypy: disable-error-code="type-abstract"
# Emulators are looked up by what they are: an abstract class is as good as a concrete one for that.

from __future__ import annotations

import asyncio
import bisect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from sim.devices import CHAINS, emulator_class
from sim.devices.ar_amplifier import ArAmplifier
from sim.devices.base import Emulator, InputModule, World
from sim.devices.generator import Generator
from sim.devices.keysight_33500b import Keysight33500B
from sim.devices.relay_switch import RelaySwitch
from sim.devices.relays import RelayBoard
from sim.electrodes import Electrodes
from sim.faults import LOAD, Fault, FaultError, Target, parse
from sim.links import MemoryLink, Wire

SCHEME = "sim://"
SMALLEST_LOGGED_W = 0.01
CONTACTS: Mapping[str, Mapping[str, bool]] = {  # what a contact fault does to the contacts
    "estop": {"estop_a": False, "estop_b": False},
    "estop_a": {"estop_a": False},
    "estop_b": {"estop_b": False},
    "door": {"door": False},
    "foot_stuck": {"foot_no": True, "foot_nc": False},
}

E = TypeVar("E", bound=Emulator)
PowerLog = Callable[[float, str, float], None]
"""(the loop's time, device, watts absorbed by the load): called at every change."""


class SimBench:
    """World, emulators and wiring of one bench file.

    ``bench`` is the parsed bench file; devices whose port is ``sim://<name>`` are emulated. Its ``simulation:`` goes
    to the world, but for
    ``seed``, ``faults`` (a list of SPECs) and ``devices`` (device -> options of its emulator, see the emulators'
    docstrings).
    ``faults`` are further SPECs, whose onset is bench time. ``world`` replaces the physics (unit tests, single
    devices).

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
        self.emulators: dict[str, Emulator] = {}
        self.ports: dict[str, str] = {}  # name in sim://name -> device
        self.wires: dict[str, Wire] = {}
        self.on_power = on_power
        for name, device in (bench.get("devices") or {}).items():
            for part, model, url in _instruments(name, device):
                if url.startswith(SCHEME):
                    self._add_device(part, model, url.removeprefix(SCHEME).strip("/"), device, extra.get(part) or {})
        if unknown := set(extra) - set(self.emulators):
            raise ValueError(
                f"simulation.devices: {sorted(unknown)} are not emulated; emulated are {sorted(self.emulators)}"
            )
        if not self.emulators:
            raise ValueError(f"no device of this bench has a port {SCHEME}<name>: there is nothing to emulate")
        self.active: dict[str, Fault] = {}
        self._targets = {name: Target(e.ROLE, e.channels()) for name, e in self.emulators.items()}
        self._operator = dict(self.world.inputs)  # contacts as people left them; faults are laid over them
        self._pending: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._t0_s = 0.0
        self._now_s = 0.0
        self._period_s = 0.1
        self._ticks = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._logged_w = 0.0
        self._chain()
        self.generator = self._only_generator()
        self.electrodes = Electrodes(self.world, self._all(RelaySwitch), self._load_moved)
        self._relays = [board for board in self._all(RelayBoard) if not isinstance(board, RelaySwitch)]
        self._connect()
        self.first_onset_s: float | None = None
        for spec in specs:
            self._plan(parse(spec, self._targets), 0.0)

    # building -------------------------------------------------------------------------------------------------------

    def _add_device(
        self, name: str, model: str, port: str, device: Mapping[str, Any], extra: Mapping[str, Any]
    ) -> None:
        kind = emulator_class(model)
        if port in self.ports:
            raise ValueError(f"devices.{name}.port: {SCHEME}{port} is already the port of {self.ports[port]}")
        if name in self.emulators:
            raise ValueError(f"devices.{name}: another device needs this name for one of its instruments; rename it")
        if unknown := set(extra) - kind.OPTIONS:
            raise ValueError(f"simulation.devices.{name}: unknown {sorted(unknown)}; there are {sorted(kind.OPTIONS)}")
        options = {**(device.get("options") or {}), **extra}
        if device.get("baud"):
            options.setdefault("baud", device["baud"])
        try:
            emulator = kind(self.world, options, name)
            if emulator.ROLE == "sensor" and "channels" in options:
                for probe in emulator.channels():
                    self.world.temperature_c(probe)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ValueError(f"devices.{name} cannot be emulated with these options: {error}") from error
        emulator.on_power = self._power
        self.emulators[name] = emulator
        self.ports[port] = name

    def _all(self, kind: type[E]) -> list[E]:
        return [e for e in self.emulators.values() if isinstance(e, kind)]

    def _chain(self) -> None:
        """The function generator of each chain goes into its amplifier."""
        for name, generator in self.emulators.items():
            amplifier = self.emulators.get(f"{name}-amplifier")
            if isinstance(generator, Keysight33500B) and isinstance(amplifier, ArAmplifier):
                generator.feeds(amplifier.input)

    def _connect(self) -> None:
        for board in self._relays:
            board.on_contact = self._contacts_moved
        for module in self._all(InputModule):
            for contact in module.contacts.values():
                self.world.inputs.setdefault(contact, False)
                self._operator.setdefault(contact, False)
        for role, what in (("pump", "coolant pump"), ("chiller", "circulator")):
            if sum(role == e.ROLE for e in self.emulators.values()) > 1:
                raise ValueError(f"devices: a simulated bench has one applicator and so at most one {what}")
        self._contacts_moved(0.0)

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
        device = self.ports.get(url.removeprefix(SCHEME).strip("/"))
        if device is None:
            raise FileNotFoundError(
                f"no simulated port {url}; there are {', '.join(SCHEME + port for port in self.ports)}"
            )
        return MemoryLink(self.wires[device])

    def advance(self, t_s: float) -> None:
        """Bring world and faults to ``t_s``. Emulators follow by their own timers; without a loop, here."""
        self._now_s = t_s
        while self._pending and self._pending[0][0] <= t_s:
            at_s, _, act = self._pending.pop(0)
            act(max(at_s, 0.0) if self._loop is None else t_s)
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

    # contacts -------------------------------------------------------------------------------------------------------

    def set_inputs(self, closed: Mapping[str, bool]) -> None:
        """People act on contacts: ``{"estop_a": False}`` opens contact A. Raises ValueError for an unknown contact."""
        for name in closed:
            if name not in self._operator:
                raise ValueError(f"no contact {name!r}; there are {', '.join(sorted(self._operator))}")
        self._operator.update({name: bool(state) for name, state in closed.items()})
        self._contacts_moved(self.now_s())

    def _contacts_moved(self, t_s: float) -> None:
        inputs = self.world.inputs
        inputs.update(self._operator)
        for fault in self.active.values():
            inputs.update(CONTACTS.get(fault.kind.name, {}) if fault.kind.scope == "inputs" else {})
        if self.generator is not None:
            relays = all(board.line_closed for board in self._relays)
            self.generator.set_interlock(relays and inputs.get("estop_a", True) and inputs.get("estop_b", True), t_s)
        for module in self._all(InputModule):
            module.inputs_changed(t_s)

    # faults ---------------------------------------------------------------------------------------------------------

    def add_fault(self, spec: str) -> None:
        """Add a fault whose onset counts from now. Raises FaultError."""
        self._plan(parse(spec, self._targets), self.now_s())
        if self._loop is not None:
            self.advance(self.now_s())
            self._arm_faults()

    def clear_fault(self, spec: str) -> None:
        """End an active fault, named by its SPEC or by ``device[.channel].fault``. Raises FaultError when it is not
        active."""
        for key, fault in tuple(self.active.items()):
            if spec in (key, fault.spec):
                self._end(fault, self.now_s())
                return
        raise FaultError(f"fault {spec!r} is not active; active are: {', '.join(self.active) or 'none'}")

    def _plan(self, fault: Fault, from_s: float) -> None:
        onset_s = from_s + fault.onset_s
        self.first_onset_s = onset_s if self.first_onset_s is None else min(self.first_onset_s, onset_s)
        self._at(onset_s, lambda t_s: self._begin(fault, t_s))
        if fault.duration_s < math.inf:
            self._at(onset_s + fault.duration_s, lambda t_s: self._end(fault, t_s))

    def _at(self, at_s: float, act: Callable[[float], None]) -> None:
        self._order += 1
        bisect.insort(self._pending, (at_s, self._order, act))

    def _arm_faults(self) -> None:
        old = self._timers.pop("faults", None)
        if old is not None:
            old.cancel()
        if self._loop is not None and self._pending:
            due_s = self._pending[0][0]
            self._timers["faults"] = self._loop.call_at(self._t0_s + due_s, self._fault_due, due_s)

    def _fault_due(self, due_s: float) -> None:
        # As Wire._ring: rounding may put the loop's time a hair before the due time, which would then be due for ever.
        self.advance(max(self.now_s(), due_s))
        self._arm_faults()

    def _begin(self, fault: Fault, t_s: float) -> None:
        self.active[fault.key] = fault
        self._apply(fault, True, t_s)

    def _end(self, fault: Fault, t_s: float) -> None:
        if self.active.get(fault.key) is fault:
            del self.active[fault.key]
            self._apply(fault, False, t_s)

    def _apply(self, fault: Fault, on: bool, t_s: float) -> None:
        kind = fault.kind
        if kind.scope == "inputs":
            self._contacts_moved(t_s)
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
        """Everything a test or a report may ask of the simulated bench; ``zone`` and ``picture`` are absent without
        physics."""
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
        return seen

    def _only_generator(self) -> Generator | None:
        found = [generator for generator in self._all(Generator) if generator.output.world is self.world]
        if len(found) > 1:
            raise ValueError("devices: a simulated bench has one applicator and so at most one generator")
        return found[0] if found else None


def _instruments(name: str, device: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, model, port URL) of each instrument that a device of the bench file is made of; most are one."""
    driver, options = str(device.get("driver")), device.get("options") or {}
    chain = CHAINS.get(driver, {"port": driver})
    found = []
    for port, model in chain.items():
        own = port == "port"
        part = name if own else f"{name}-{port.removesuffix('_port')}"
        found.append((part, model, str((device if own else options).get(port, ""))))
    return found


def _physics(bench: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> World:
    from sim.world.bench import World as Physics  # compiled on first use; a bench with its own world needs none of it

    return Physics(bench.get("applicator") or {}, simulation, seed)
