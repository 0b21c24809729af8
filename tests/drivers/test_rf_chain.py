"""The bench chain: generator, amplifier and oscilloscope as one source; conformance, power, and off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drivers.contract import BadReply, Refused
from drivers.keysight_33500b.driver import Keysight33500b
from drivers.rf_chain.driver import RfChain
from drivers.testing.roles import SourceConformance
from drivers.transport.base import Link
from safety.types import Quality, Setpoint
from sim.devices.resistor import Resistor
from tests.drivers.chained import PORTS, Run, chain, connected
from tests.drivers.emulated import Alone
from tests.support.virtual_loop import VirtualLoop


class Generator(SourceConformance):
    def refusal(self, request: bytes) -> bytes:
        return b'+1.00000E-01;-222,"Data out of range"\n'


class TestChain(Generator):
    driver, options, mint, loop_factory = RfChain, {**PORTS}, Setpoint, VirtualLoop

    def link_factory(self) -> Link:
        self.bench = chain()
        return self.link_again()

    def link_again(self) -> Link:
        return self.bench.open_link("sim://gen")

    def more_links(self) -> dict[str, Link]:
        return {option: self.bench.open_link(url) for option, url in PORTS.items()}


class TestGeneratorAlone(Alone, Generator):
    driver, mint, power_w = Keysight33500b, Setpoint, 5.0


class TestForerunnerAlone(Alone, Generator):
    driver, mint, power_w = Keysight33500b, Setpoint, 5.0
    options, emulator = {"dialect": "33220a"}, {"dialect": "33220a"}


# ---- the source as a whole


@pytest.mark.virtual
@pytest.mark.parametrize("gain_db", [47.5, 49.0, 50.0])
async def test_forward_power_comes_to_the_set_point_from_below(gain_db: float) -> None:
    """The gain in the bench file is the most that the amplifier has; what it really has is measured."""
    bench = chain(emulators={"gen-amplifier": {"gain_db": gain_db}})
    run = Run(bench, await connected(bench))
    await run.follow(60.0, 4.0)
    assert run.forward_w[-1] == pytest.approx(60.0, rel=0.03)
    assert max(run.forward_w) <= 60.0 * 1.02
    assert run.told["forward_power_w"] == pytest.approx(60.0, abs=3.0)
    assert run.told["power_w"] == pytest.approx(60.0, rel=0.04)
    assert (run.told["rf_on"], run.told["amplifier_on"], run.told["amplifier_fault_flag"]) == (1.0, 1.0, 0.0)


@pytest.mark.virtual
async def test_an_amplifier_with_less_gain_than_bounds_allow_stays_below() -> None:
    """Never more than 3 dB above the nominal amplitude: 6 dB too little gain is half the power, and H03's to find."""
    bench = chain(emulators={"gen-amplifier": {"gain_db": 44.0}})
    run = Run(bench, await connected(bench, amplitude_max_vpp=2.0))
    await run.follow(40.0, 4.0)
    assert run.forward_w[-1] == pytest.approx(20.0, rel=0.03)


@pytest.mark.virtual
async def test_a_load_that_jumps_never_makes_it_overshoot() -> None:
    """50 to 200 ohm and back, at 47 dB where 50 were promised: the load never gets more than the set-point."""
    bench = chain(emulators={"gen-amplifier": {"gain_db": 48.0}})
    world = bench.world
    assert isinstance(world, Resistor)
    run = Run(bench, await connected(bench))
    await run.follow(60.0, 4.0)
    for ohm in (200.0, 50.0, 12.5, 50.0, 200.0):
        world.ohm = ohm
        world.drive(world.forward_w)
        await run.follow(60.0, 1.0)
        told = run.told
        assert told["impedance_ohm"] == pytest.approx(ohm, rel=0.03)
        assert told["power_w"] == pytest.approx(world.load_w, rel=0.04)
        assert told["reverse_power_w"] == pytest.approx(world.reverse_w, abs=2.0)
    assert max(run.load_w) <= max(run.forward_w) <= 60.0 * 1.02
    assert run.forward_w[-1] == pytest.approx(60.0, rel=0.03)


@pytest.mark.virtual
async def test_steps_of_the_set_point_rise_by_parts_and_fall_at_once() -> None:
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(10.0, 4.0)
    run.forward_w.clear()
    await run.follow(60.0, 0.9)
    rises = [b / a for a, b in zip(run.forward_w, run.forward_w[1:], strict=False)]
    assert max(rises) <= 1.2**2 * 1.02
    assert run.forward_w[-1] == pytest.approx(60.0, rel=0.03)
    await run.driver.apply(run.set_point(5.0))
    await asyncio.sleep(0.02)
    assert bench.world.forward_w == pytest.approx(5.0, rel=0.03)


@pytest.mark.virtual
async def test_complex_impedance_and_what_is_told_without_power() -> None:
    bench = chain(emulators={"gen-meter": {"phase_deg": -30.0}}, ohm=50.0)
    run = Run(bench, await connected(bench))
    await run.poll()
    assert run.told["power_w"] < 0.1
    assert not run.bad
    assert {"impedance_ohm", "reactance_ohm"}.isdisjoint(run.told)
    await run.follow(40.0, 4.0)
    assert run.told["impedance_ohm"] == pytest.approx(50.0 / 0.8660, rel=0.03)
    assert run.told["reactance_ohm"] == pytest.approx(-50.0 * 0.5774, rel=0.05)
    assert run.told["power_w"] == pytest.approx(bench.world.load_w, rel=0.04)


@pytest.mark.virtual
async def test_no_reading_is_bad_and_never_a_number() -> None:
    """9.9E+37, a stopped oscilloscope, and a current probe the wrong way round."""
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.add_fault("gen-meter.current.open")
    await run.poll()
    assert {"power_w", "current_a"} <= run.bad
    bench.clear_fault("gen-meter.current.open")
    await run.poll()
    assert not run.bad
    bench.emulators["gen-meter"].receive(b":STOP\n", bench.now_s())
    await run.poll()
    assert run.bad == {"voltage_v", "current_a", "power_w"}
    bench.emulators["gen-meter"].receive(b":RUN\n", bench.now_s())
    bench.emulators["gen-meter"].phase_deg = 170.0  # type: ignore[attr-defined]
    await run.poll()
    assert "power_w" in run.bad


@pytest.mark.virtual
async def test_a_late_reply_of_the_oscilloscope_never_becomes_a_number() -> None:
    """Replies that come after their time-out belong to the past: none is told as of now."""
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.add_fault("gen-meter.link.delay=0.6")
    await run.driver.poll()
    bench.clear_fault("gen-meter.link.delay=0.6")
    await run.driver.off()
    off_s = run.driver.port.now()
    for _ in range(40):
        for sample in await run.driver.poll():
            if sample.channel == "gen.power_w" and sample.quality is Quality.GOOD and sample.t_request_s >= off_s:
                assert sample.value < 0.1
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the oscilloscope did not come back")


# ---- off


@pytest.mark.virtual
async def test_off_in_every_state_of_all_three() -> None:
    """Standby, settling, under power, with the amplifier or the oscilloscope mute, with the generator mute."""
    bench = chain()
    run = Run(bench, await connected(bench))
    driver = run.driver
    await driver.off()
    await run.follow(40.0, 0.5)  # the amplifier is still settling
    await driver.off()
    assert bench.world.forward_w == 0.0
    for mute in ("gen-amplifier", "gen-meter"):
        await run.follow(40.0, 3.0)
        assert bench.world.forward_w > 30.0
        bench.add_fault(f"{mute}.link.drop")
        await driver.off()
        assert bench.world.forward_w == 0.0
        bench.clear_fault(f"{mute}.link.drop")
        await asyncio.sleep(1.0)
    await run.follow(40.0, 3.0)
    bench.add_fault("gen.link.drop")
    with pytest.raises(Exception, match="no reply"):
        await driver.off()
    assert bench.world.forward_w == 0.0, "the amplifier went to standby instead"


@pytest.mark.virtual
async def test_a_generator_that_ignores_off_is_overruled_by_the_amplifier() -> None:
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.add_fault("gen.ignore_off")
    with pytest.raises(BadReply, match="stays on"):
        await run.driver.off()
    assert bench.world.forward_w == 0.0


@pytest.mark.virtual
async def test_off_is_written_while_the_others_are_busy() -> None:
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.add_fault("gen-meter.link.delay=2")
    bench.add_fault("gen-amplifier.link.delay=2")
    poll = asyncio.ensure_future(run.driver.poll())
    await asyncio.sleep(0.001)
    await asyncio.wait_for(run.driver.off(), 0.05)
    assert bench.world.forward_w == 0.0
    await poll


@pytest.mark.virtual
async def test_either_plan_alone_stops_the_energy_and_proves_it() -> None:
    for place in (0, 1):
        bench = chain()
        run = Run(bench, await connected(bench))
        plans = run.driver.safe_off_plans()
        assert [plan.device for plan, _ in plans] == ["gen", "gen-amplifier"]
        await run.follow(40.0, 4.0)
        plan, port = plans[place]
        heard = bytearray()
        link = bench.open_link(port.url)
        link.start(heard.extend, lambda _: None)
        link.write(b"SOUR1:VOLT 0.2"[:9])  # half a line of a daemon that died
        for proof in plan.readbacks:
            assert not await answers_off(link, heard, proof), place
        link.write(plan.resync + plan.off[0])
        for data in plan.off[1:]:
            await asyncio.sleep(plan.gap_s)
            link.write(data)
        await asyncio.sleep(0.2)
        assert bench.world.forward_w == 0.0, place
        for proof in plan.readbacks:
            assert await answers_off(link, heard, proof), (place, bytes(heard))


async def answers_off(link: Any, heard: bytearray, proof: Any) -> bool:
    """As the watchdog asks."""
    heard.clear()
    link.write(b"\n" + proof.query)
    await asyncio.sleep(0.1)
    start = heard.find(proof.prefix)
    return start >= 0 and proof.proves_off(bytes(heard[start:]))


@pytest.mark.virtual
async def test_an_interlock_that_opens_keeps_it_off_until_off() -> None:
    """Power must not return by itself when it closes again."""
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.set_inputs({"estop_a": False})
    assert bench.world.forward_w == 0.0
    await asyncio.sleep(1.2)  # the state digits lag
    await run.poll()
    assert run.told["amplifier_fault_flag"] == 1.0
    bench.set_inputs({"estop_a": True})
    with pytest.raises(Refused, match="went off by itself"):
        await run.driver.apply(run.set_point(40.0))
    await run.driver.off()
    await run.follow(40.0, 3.0)
    assert bench.world.forward_w == pytest.approx(40.0, rel=0.03)
