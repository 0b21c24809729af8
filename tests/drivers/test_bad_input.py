"""Bad input, for every driver of the registry: another driver's device on its port, and another dialect of its own.

What any other device may answer, wrong framing, a second controller, wrong lengths and wrong notations are in the kit
(``drivers.testing.strangers``), and so under test for plug-ins too.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drivers.contract import DeviceError
from drivers.registry import load_driver
from drivers.testing.desk import Desk, Kit, raises
from drivers.testing.strangers import lacks_of
from sim.devices import MODELS
from tests.drivers.emulated import alone
from tests.support.virtual_loop import VirtualLoop

NEEDED: dict[str, dict[str, Any]] = {  # options without which a device cannot be in a bench file
    "keysight-34970a": {"channels": {101: "tip_c", 102: "tissue_c"}},
    "omega-fob": {"channels": {1: "tip_c"}},
    "sensirion-slf3x": {"model": "slf3s-4000b"},
    "numato-gpio": {"pins": {"estop_a_closed": 0}},
    "moxa-iologik": {"pins": {"estop_a_closed": 0}},
    "electrode-switch": {"needles": {0: 1, 1: 2}},
    "watson-marlow-du": {"ml_per_rev": 0.8},
}
DRIVERS = sorted(set(MODELS) - {"ar-amplifier", "infiniivision"})  # these two have a driver only within a chain
SAME_WIRES = {
    frozenset({"kmtronic-relay", "electrode-switch"}),  # one board, two uses
}


def kit_of(driver: str, device: str, options: dict[str, Any], emulator: dict[str, Any]) -> Kit:
    """``driver`` with ``options`` before an emulated ``device`` with ``emulator`` options."""

    class Before(Kit):
        loop_factory = VirtualLoop

        def link_factory(self) -> Any:
            needed = NEEDED.get(device, {})
            return alone(device, {**needed, **emulator}).open_link("sim://dut", self.driver.BAUD)

    Before.driver, Before.options = load_driver(driver), {**NEEDED.get(driver, {}), **options}
    return Before()


def refusal(kit: Kit) -> str:
    """What ``connect`` says; it must say where, what was heard, and what to do."""
    said: list[str] = []

    async def test(desk: Desk) -> None:
        async with asyncio.timeout(60.0):
            error = await raises(DeviceError, desk.driver.connect())
        lacks = lacks_of(desk, error)
        assert not lacks, f"{error} -- lacks {lacks}; heard {desk.link.heard[:8]}"
        said.append(str(error))

    kit.run(test, connected=False)
    return said[0]


@pytest.mark.parametrize("driver", DRIVERS)
def test_another_drivers_device_is_named(driver: str) -> None:
    for device in sorted(MODELS):
        if device != driver and frozenset({driver, device}) not in SAME_WIRES:
            try:
                refusal(kit_of(driver, device, {}, {}))
            except AssertionError as failure:
                raise AssertionError(f"{driver} before a {device}: {failure}") from failure


@pytest.mark.parametrize(
    "driver, options, emulator, says",
    [
        ("ae-bus", {"address": 2}, {"address": 1}, "no AE Bus generator"),
        ("sairem-gms", {"framing": "tcp"}, {"framing": "rtu"}, "no Sairem GMS generator"),
        ("sairem-gms", {"framing": "rtu"}, {"framing": "tcp"}, "no Sairem GMS generator"),
        ("sairem-gms", {"unit": 2}, {"unit": 1}, "no Sairem GMS generator"),
        ("keysight-33500b", {"dialect": "33500b"}, {"dialect": "33220a"}, "expected a generator of the 33500b dialect"),
        ("keysight-33500b", {"dialect": "33220a"}, {"dialect": "33500b"}, "expected a generator of the 33220a dialect"),
        ("lauda", {"family": "pro"}, {"family": "ecoline-re"}, "speaks another dialect"),
        ("lauda", {"family": "ecoline-re", "timeout_s": None}, {"family": "pro"}, "speaks another dialect"),
        ("lauda", {"address": 15}, {}, "no Lauda thermostat"),
        ("julabo", {"address": 32}, {}, "no Julabo circulator"),
        ("julabo", {"unit_query": "in_sp_11"}, {"unit_query": "in_sp_06"}, "options.unit_query"),
        ("numato-gpio", {"ports": 8}, {"ports": 16}, "correct options.ports"),
        ("numato-gpio", {"ports": 32}, {"ports": 8}, "correct options.ports"),
        ("omega-fob", {"inputs": 2}, {"inputs": 4}, "3 readings where 1 were asked for"),
        ("omega-fob", {"inputs": 4}, {"inputs": 2}, "correct options.inputs"),
        ("moxa-iologik", {"inputs": 16}, {"inputs": 8}, "16 inputs"),
        ("sensirion-slf3x", {"model": "slf3s-1300f"}, {"model": "slf3s-4000b"}, "write model: slf3s-4000b"),
        ("electrode-switch", {"needles": {0: 7}}, {"relays": 4}, "has 4 relays (00 00 00 00), and relay 7"),
        ("kmtronic-relay", {"relay": 7}, {"relays": 4}, "has 4 relays (00 00 00 00), and relay 7"),
        ("watson-marlow-du", {"pump_number": 2}, {"pump_number": 1}, "no Watson-Marlow Du pump"),
    ],
)
def test_another_dialect_is_named(driver: str, options: dict[str, Any], emulator: dict[str, Any], says: str) -> None:
    assert says in refusal(kit_of(driver, driver, options, emulator))
