"""From a bench file to connected instruments: the only place that knows drivers, ports and providers together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from controller.config.bench import Roles
from controller.config.loading import LoadedBench
from controller.daemon.ways_off import enable_plan, ways_off
from drivers.contract import (
    BadReply,
    Circulator,
    CoolantPump,
    Declaration,
    DeviceError,
    Driver,
    ElectrodeSwitch,
    EnableLine,
    Identity,
    LinkLost,
    NoReply,
    PowerSource,
    Refused,
)
from drivers.opening import OpenLink, open_driver
from drivers.transport.base import Port
from safety.safeoff import EnablePlan, SafeOffPlan

__all__ = ["Instruments", "OpenLink", "connect"]


@dataclass
class Instruments:
    """The connected devices of one bench."""

    source: PowerSource
    pump: CoolantPump | None = None
    enable: EnableLine | None = None
    chiller: Circulator | None = None
    switch: ElectrodeSwitch | None = None
    drivers: dict[str, Driver] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    ways_off: tuple[tuple[SafeOffPlan, Port], ...] = ()  # the source's plans as the watchdog gets them
    enable_plan: EnablePlan | None = None

    @property
    def acquired(self) -> dict[str, Driver]:
        """The devices that the daemon polls: all but the enable line, which is the watchdog's."""
        return {name: driver for name, driver in self.drivers.items() if driver is not self.enable}

    def declarations(self) -> dict[str, Declaration]:
        """By name, of the acquired devices."""
        return {name: driver.declaration() for name, driver in self.acquired.items()}

    async def close(self) -> None:
        """Release every port."""
        for driver in self.drivers.values():
            await driver.close()


async def connect(loaded: LoadedBench, open_link: OpenLink) -> Instruments:
    """Open and identify every device of the bench, all at once; nothing is energised.

    Raises:
        DeviceError: the first device (in the file's order) that cannot be used, with what to do. The others are closed.
    """
    bench = loaded.bench
    drivers: dict[str, Driver] = {}
    try:
        for name, device in bench.devices.items():
            kind = loaded.drivers[name]
            drivers[name] = await open_driver(kind, name, loaded.options[name], device.port, device.baud, open_link)
        found = await asyncio.gather(*(_identify(driver) for driver in drivers.values()), return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result
        identities = {name: result for name, result in zip(drivers, found, strict=True) if isinstance(result, Identity)}
        instruments = _cast(bench.roles, drivers, identities)
        instruments.ways_off = await ways_off(loaded, instruments.source, open_link)
        if instruments.enable is not None:
            instruments.enable_plan = enable_plan(loaded, instruments.enable)
        return instruments
    except BaseException:
        for driver in drivers.values():
            await driver.close()
        raise


async def _identify(driver: Driver) -> Identity:
    try:
        return await driver.connect()
    except (NoReply, BadReply, LinkLost) as error:
        remedy = "check power, cable and port, and that no other program uses it"
        raise DeviceError(
            driver.name, f"{driver.MODEL} does not answer on {driver.port.url} ({error})", remedy
        ) from error
    except Refused as error:
        raise DeviceError(driver.name, f"refused to be set up: {error}", "see the device's own display") from error


def _cast(roles: Roles, drivers: dict[str, Driver], identities: dict[str, Identity]) -> Instruments:
    """Give each device its part; one that cannot play it is a DeviceError."""
    source = drivers[roles.source]
    pump, chiller, switch, enable = (
        drivers[name] if name is not None else None for name in (roles.pump, roles.chiller, roles.switch, roles.enable)
    )
    if not isinstance(source, PowerSource):
        raise _miscast(source, "a power source")
    if pump is not None and not isinstance(pump, CoolantPump):
        raise _miscast(pump, "a coolant pump")
    if chiller is not None and not isinstance(chiller, Circulator):
        raise _miscast(chiller, "a circulator")
    if switch is not None and not isinstance(switch, ElectrodeSwitch):
        raise _miscast(switch, "an electrode switch")
    if enable is not None and not isinstance(enable, EnableLine):
        raise _miscast(enable, "an enable line")
    return Instruments(source, pump, enable, chiller, switch, drivers, identities)


def _miscast(driver: Driver, what: str) -> DeviceError:
    return DeviceError(driver.name, f"{driver.MODEL} is not {what}", "correct roles: in the bench file")
