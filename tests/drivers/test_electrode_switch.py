"""Electrode switch: bytes of the relay board's manual, break before make, what does not obey."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.contract import BadReply, DeviceError, NoReply, Refused
from drivers.electrode_switch.driver import RelaySwitch, SwitchOptions
from drivers.testing.links import ScriptedLink
from drivers.testing.roles import SwitchConformance
from drivers.transport.port import LinkPort
from sim.bench import SimBench
from sim.devices.resistor import Resistor
from tests.drivers.emulated import Alone, alone

THREE: dict[str, Any] = {"needles": {0: 1, 1: 2, 2: 4}}


class TestFour(Alone, SwitchConformance):
    driver, options, bare_bytes = RelaySwitch, THREE, True


class TestEightBehindAPrefix(Alone, SwitchConformance):
    driver, options, emulator = RelaySwitch, {"needles": {0: 8, 1: 5}}, {"status_prefix": True}
    bare_bytes = True


def h(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.virtual
async def test_the_others_open_before_the_wanted_closes() -> None:
    link = ScriptedLink(
        [
            (h("FF 09 00"), h("01 00 00 00")),
            (h("FF 01 00 FF 04 00"), None),
            (h("FF 09 00"), h("00 00 00 00")),
            (h("FF 02 01"), None),
            (h("FF 09 00"), h("00 01 00 00")),
        ]
    )
    switch = RelaySwitch("switch", LinkPort(link, "memory"), SwitchOptions.model_validate(THREE))
    await switch.connect()
    await switch.select((1,))
    link.done()


class Electrodes(Resistor):
    """Notes what the generator is connected to."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def connect(self, channels: Any) -> None:
        self.seen.append(tuple(channels))


def on(bench: SimBench, **options: Any) -> RelaySwitch:
    settings = SwitchOptions.model_validate({**THREE, **options})
    return RelaySwitch("switch", LinkPort(bench.open_link("sim://dut"), "sim://dut"), settings)


@pytest.mark.virtual
async def test_contacts_reach_the_world_and_none_is_an_open_load() -> None:
    world = Electrodes()
    bench = alone("electrode-switch", THREE, world=world)
    assert world.load_ohm == 1e5
    switch = on(bench)
    await switch.connect()
    world.seen.clear()
    for channels in ((0,), (2,), (1, 2), ()):
        await switch.select(channels)
        await asyncio.sleep(0.02)
    assert world.seen == [(0,), (2,), (1, 2)]
    assert world.load_ohm == 1e5
    await switch.select((0,))
    await asyncio.sleep(0.02)
    assert world.load_ohm == 50.0
    bench.add_fault("load.open")
    await switch.select((1,))
    await asyncio.sleep(0.02)
    assert world.load_ohm == 1e5
    bench.clear_fault("load.open")
    assert world.load_ohm == 50.0


@pytest.mark.virtual
@pytest.mark.parametrize("kept, told", [("01 00 00 00", "told to open electrode 0, its relay reads closed")])
async def test_a_relay_that_stays_is_named_and_nothing_is_closed_upon_it(kept: str, told: str) -> None:
    link = ScriptedLink([(h("FF 09 00"), h(kept)), (h("FF 01 00 FF 04 00"), None), (h("FF 09 00"), h(kept))])
    switch = RelaySwitch("switch", LinkPort(link, "memory"), SwitchOptions.model_validate(THREE))
    await switch.connect()
    with pytest.raises(Refused, match=told):
        await switch.select((1,))
    link.done()


@pytest.mark.virtual
async def test_a_board_that_loses_its_supply_is_told() -> None:
    bench = alone("electrode-switch", THREE)
    switch = on(bench)
    await switch.connect()
    bench.add_fault("dut.link.drop")
    with pytest.raises(NoReply):
        await switch.select((1,))
    bench.clear_fault("dut.link.drop")
    bench.add_fault("dut.link.garbage")
    with pytest.raises((BadReply, NoReply)):
        await switch.select((1,))


@pytest.mark.virtual
async def test_a_board_with_fewer_relays() -> None:
    with pytest.raises(
        DeviceError, match=r"has 4 relays \(00 00 00 00\), and relay 7 is asked for; correct options\.needles"
    ):
        await on(alone("electrode-switch", THREE), needles={0: 1, 1: 7}).connect()


@pytest.mark.virtual
async def test_connecting_moves_no_contact() -> None:
    bench = alone("electrode-switch", THREE)
    bench.emulators["dut"].receive(h("FF 02 01"), 0.0)
    await asyncio.sleep(0.02)
    switch = on(bench)
    await switch.connect()
    assert {s.channel: s.value for s in await switch.poll()} == {
        "switch.electrode_0_on": 0.0, "switch.electrode_1_on": 1.0, "switch.electrode_2_on": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("needles", [{}, {1: 1}, {0: 9}, {0: 0}, {0: 1, 1: 1}, {0: 1, 2: 2}])
def test_bad_options(needles: dict[int, int]) -> None:
    with pytest.raises(ValidationError):
        SwitchOptions.model_validate({"needles": needles})


@pytest.mark.virtual
async def test_a_simulated_bench_has_no_more_needles_than_its_applicator() -> None:
    devices = {"dut": {"driver": "electrode-switch", "port": "sim://dut", "options": {"needles": {0: 1, 1: 2}}}}
    needle = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
    with pytest.raises(ValueError, match=r"devices\.dut\.options\.needles: .*a single probe has channel 0 only"):
        SimBench({"devices": devices, "applicator": needle, "simulation": {"mesh": "fast"}})
