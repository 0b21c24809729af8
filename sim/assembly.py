"""The emulators of a bench file: one for each instrument whose port is ``sim://<name>``, and who is who among them."""

# mypy: disable-error-code="type-abstract"
# Emulators are looked up by what they are: an abstract class is as good as a concrete one for that.

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sim.devices import CHAINS, emulator_class
from sim.devices.ar_amplifier import ArAmplifier
from sim.devices.base import Emulator, World
from sim.devices.generator import Generator
from sim.devices.keysight_33500b import Keysight33500B

SCHEME = "sim://"

E = TypeVar("E", bound=Emulator)
Power = Callable[[float, str, float], None]
"""(bench time, device, watts absorbed by the load)."""


class Assembly:
    """``emulators`` by name and ``ports`` (name in ``sim://name`` -> device), with amplifiers behind their generators.

    ``bench`` is the parsed bench file, ``extra`` its ``simulation.devices``. ``power`` is told every change of output.
    Raises ValueError saying what is wrong and where.
    """

    def __init__(self, bench: Mapping[str, Any], world: World, extra: Mapping[str, Any], power: Power) -> None:
        self.world = world
        self.emulators: dict[str, Emulator] = {}
        self.ports: dict[str, str] = {}
        for name, device in (bench.get("devices") or {}).items():
            for part, model, url in instruments(name, device):
                if url.startswith(SCHEME):
                    self._add(part, model, url.removeprefix(SCHEME).strip("/"), device, extra.get(part) or {})
        if unknown := set(extra) - set(self.emulators):
            raise ValueError(
                f"simulation.devices: {sorted(unknown)} are not emulated; emulated are {sorted(self.emulators)}"
            )
        if not self.emulators:
            raise ValueError(f"no device of this bench has a port {SCHEME}<name>: there is nothing to emulate")
        for emulator in self.emulators.values():
            emulator.on_power = power
        self._chain()
        self.generator = self._only_generator()
        """What drives the load; None on a bench without a generator."""
        for role, what in (("pump", "coolant pump"), ("chiller", "circulator")):
            if sum(role == emulator.ROLE for emulator in self.emulators.values()) > 1:
                raise ValueError(f"devices: a simulated bench has one applicator and so at most one {what}")

    def all(self, kind: type[E]) -> list[E]:
        """The emulators of this kind, in the bench file's order."""
        return [emulator for emulator in self.emulators.values() if isinstance(emulator, kind)]

    def _add(self, name: str, model: str, port: str, device: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
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
        self.emulators[name] = emulator
        self.ports[port] = name

    def _chain(self) -> None:
        """The function generator of each chain goes into its amplifier."""
        for name, generator in self.emulators.items():
            amplifier = self.emulators.get(f"{name}-amplifier")
            if isinstance(generator, Keysight33500B) and isinstance(amplifier, ArAmplifier):
                generator.feeds(amplifier.input)

    def _only_generator(self) -> Generator | None:
        found = [generator for generator in self.all(Generator) if generator.output.world is self.world]
        if len(found) > 1:
            raise ValueError("devices: a simulated bench has one applicator and so at most one generator")
        return found[0] if found else None


def instruments(name: str, device: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, model, port URL) of each instrument that a device of the bench file is made of; most are one."""
    driver, options = str(device.get("driver")), device.get("options") or {}
    chain = CHAINS.get(driver, {"port": driver})
    found = []
    for port, model in chain.items():
        own = port == "port"
        part = name if own else f"{name}-{port.removesuffix('_port')}"
        found.append((part, model, str((device if own else options).get(port, ""))))
    return found
