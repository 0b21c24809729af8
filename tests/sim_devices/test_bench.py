"""Wiring, faults at their time and the power log, on virtual time and real physics' stand-in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sim.bench import SimBench
from sim.devices.resistor import Resistor
from sim.faults import CATALOGUE, FaultError
from sim.links import MemoryLink
from tests.sim_devices.desk import PINS, TC_CHANNELS
from tests.sim_devices.test_tc_cxn import CONTROL, GET_POWER, GET_STATUS, PING, RF_OFF, RF_ON, SET_50W

pytestmark = pytest.mark.virtual

BENCH: dict[str, Any] = {
    "devices": {
        "gen": {"driver": "tc-cxn", "port": "sim://gen", "options": {"power_limit_w": 200}},
        "pump": {"driver": "ismatec-reglo-icc", "port": "sim://pump"},
        "tc": {"driver": "keysight-34970a", "port": "sim://tc", "options": {"channels": TC_CHANNELS}},
        "flow": {"driver": "sensirion-slf3x", "port": "sim://flow"},
        "inputs": {"driver": "numato-gpio", "port": "sim://inputs", "options": {"pins": PINS}},
        "enable": {"driver": "kmtronic-relay", "port": "sim://enable", "options": {"native_timeout_s": 2.0}},
    }
}


class Host:
    """A client on one simulated port."""

    def __init__(self, bench: SimBench, port: str) -> None:
        self.link: MemoryLink = bench.open_link(f"sim://{port}")
        self.got = bytearray()
        self.lost: list[Exception | None] = []
        self.link.start(self.got.extend, self.lost.append)

    async def ask(self, data: bytes | str, seconds: float = 0.1) -> bytes:
        self.got.clear()
        self.link.write(bytes.fromhex(data) if isinstance(data, str) else data)
        await asyncio.sleep(seconds)
        return bytes(self.got)


class Rig:
    def __init__(self, *faults: str, ohm: float = 50.0) -> None:
        self.power: list[tuple[float, str, float]] = []
        self.world = Resistor(ohm)
        self.bench = SimBench(
            BENCH, faults=faults, world=self.world, on_power=lambda *change: self.power.append(change)
        )
        self.loop = asyncio.get_running_loop()
        self.bench.start(self.loop)
        self.t0_s = self.loop.time()

    async def until(self, bench_s: float, keep: Host | None = None) -> None:
        """To bench time ``bench_s``, keeping the generator's control with pings and the relay closed."""
        while (left_s := bench_s - self.bench.now_s()) > 1e-9:
            if keep is not None:
                keep.link.write(bytes.fromhex(PING))
                self.relay.link.write(b"\xff\x01\x01")
            await asyncio.sleep(min(0.25, left_s))

    async def fire(self) -> Host:
        self.relay = Host(self.bench, "enable")
        self.relay.link.write(b"\xff\x01\x01")
        gen = Host(self.bench, "gen")
        for frame in (CONTROL, SET_50W, RF_ON):
            await gen.ask(frame)
        assert self.world.forward_w == 50.0
        return gen


@pytest.fixture
async def rig() -> Any:
    rigs: list[Rig] = []

    def make(*faults: str, ohm: float = 50.0) -> Rig:
        rigs.append(Rig(*faults, ohm=ohm))
        return rigs[-1]

    yield make
    for one in rigs:
        one.bench.stop()


async def test_no_power_while_the_enable_line_is_open(rig: Any) -> None:
    r = rig()
    gen = Host(r.bench, "gen")
    for frame in (CONTROL, SET_50W, RF_ON):
        assert (await gen.ask(frame))[:1] == b"*"
    assert r.world.forward_w == 0.0
    assert (await gen.ask(GET_STATUS))[5:7] == b"\x08\x00"


async def test_an_enable_line_that_is_not_refreshed_takes_the_power_away(rig: Any) -> None:
    r = rig()
    gen = await r.fire()
    for _ in range(30):
        await gen.ask(PING)
    assert r.power[-1][2] == 0.0
    assert r.power[-1][0] - r.t0_s == pytest.approx(2.004, abs=1e-6)


@pytest.mark.parametrize("contact", ["estop_a", "estop_b"])
async def test_either_estop_contact_takes_the_power_away(rig: Any, contact: str) -> None:
    r = rig()
    gen = await r.fire()
    r.bench.set_inputs({contact: False})
    assert r.power[-1] == (r.loop.time(), "gen", 0.0)
    assert (await gen.ask(GET_STATUS))[5:7] == b"\x08\x00"


async def test_power_log_has_zero_at_the_instant_of_the_off_frame(rig: Any) -> None:
    r = rig(ohm=100.0)
    gen = await r.fire()
    await r.until(1.2345, gen)
    gen.link.write(bytes.fromhex(RF_OFF))
    assert r.power[-1] == (r.loop.time(), "gen", 0.0)
    assert r.power[-2][2] == pytest.approx(50.0 * 8 / 9)


async def test_silence_of_the_host(rig: Any) -> None:
    r = rig("enable.weld@1")
    gen = await r.fire()
    gen.link.close()
    await r.until(4.0)
    assert r.power[-1][2] == 0.0
    assert r.power[-1][0] - r.t0_s == pytest.approx(2.2, abs=1e-6)  # RF on was sent at 0.2 s


async def test_faults_begin_and_end_in_time(rig: Any) -> None:
    r = rig("gen.over_deliver=2@1+1", "pump.stall@1.5")
    gen = await r.fire()
    pump = Host(r.bench, "pump")
    for command in (b"1~1\r", b"1M\r", b"1f8000+1\r", b"1H\r"):
        await pump.ask(command, 0.02)
    await r.until(0.99, gen)
    assert (r.world.forward_w, r.world.flow_ml_min) == (50.0, 80.0)
    await r.until(1.2, gen)
    assert r.world.forward_w == 100.0
    await r.until(1.6, gen)
    assert r.world.flow_ml_min == 0.0
    await r.until(2.2, gen)
    assert r.world.forward_w == 50.0
    assert r.bench.first_onset_s == 1.0


async def test_load_faults_change_what_is_absorbed(rig: Any) -> None:
    r = rig("load.open@1+1", ohm=50.0)
    gen = await r.fire()
    await r.until(1.5, gen)
    assert r.world.load_w < 0.2
    await r.until(2.5, gen)
    assert r.world.load_w == 50.0


async def test_contact_faults_lie_over_what_people_do(rig: Any) -> None:
    r = rig("inputs.foot_stuck@1", "inputs.estop_a@2+1")
    inputs = Host(r.bench, "inputs")
    assert await inputs.ask(b"gpio readall\r") == b"gpio readall\n\r1b\n\r>"
    await r.until(1.1)
    r.bench.set_inputs({"foot_no": False, "foot_nc": True})
    assert await inputs.ask(b"gpio readall\r") == b"gpio readall\n\r17\n\r>"
    await r.until(2.1)
    assert await inputs.ask(b"gpio readall\r") == b"gpio readall\n\r16\n\r>"
    await r.until(3.1)
    assert await inputs.ask(b"gpio readall\r") == b"gpio readall\n\r17\n\r>"


async def test_link_drop_and_recovery(rig: Any) -> None:
    r = rig("gen.link.drop@1+1")
    gen = Host(r.bench, "gen")
    assert await gen.ask(PING) == b"*"
    await r.until(1.1)
    assert await gen.ask(PING) == b""
    await r.until(2.1)
    assert await gen.ask(PING) == b"*"


async def test_link_delay(rig: Any) -> None:
    r = rig("gen.link.delay=0.3@1")
    gen = Host(r.bench, "gen")
    await r.until(1.1)
    assert await gen.ask(PING, 0.29) == b""
    await asyncio.sleep(0.02)
    assert bytes(gen.got) == b"*"


async def test_link_late_holds_one_reply_back_and_the_next_queue_behind_it(rig: Any) -> None:
    r = rig("gen.link.late=0.5")
    gen = Host(r.bench, "gen")
    gen.link.write(bytes.fromhex(PING))
    await asyncio.sleep(0.2)
    gen.link.write(bytes.fromhex(GET_POWER))
    await asyncio.sleep(0.2)
    assert bytes(gen.got) == b""
    await asyncio.sleep(0.2)
    assert bytes(gen.got) == bytes.fromhex("2A 2A 52 00 00 06 00 00 00 00 00 00 00 58")


async def test_link_garbage_changes_one_byte(rig: Any) -> None:
    r = rig("gen.link.garbage")
    gen = Host(r.bench, "gen")
    clean = bytes.fromhex("2A 52 00 00 06 00 00 00 00 00 00 00 58")
    for _ in range(20):
        dirty = await gen.ask(GET_POWER)
        assert len(dirty) == len(clean)
        assert sum(a != b for a, b in zip(clean, dirty, strict=True)) == 1


POWER = bytes.fromhex("2A 52 00 00 06 00 00 00 00 00 00 00 58")


async def test_link_replay_gives_the_newest_reply_again_whatever_is_asked(rig: Any) -> None:
    r = rig("gen.link.replay@1+1")
    gen = Host(r.bench, "gen")
    assert await gen.ask(PING) == b"*"
    assert await gen.ask(GET_POWER) == POWER
    await r.until(1.1)
    assert [await gen.ask(PING), await gen.ask(GET_POWER), await gen.ask(PING)] == [POWER] * 3
    await r.until(2.1)
    assert await gen.ask(PING) == b"*"


async def test_link_swap_gives_each_query_the_reply_to_the_one_before_it(rig: Any) -> None:
    r = rig("gen.link.swap@1+1")
    gen = Host(r.bench, "gen")
    assert await gen.ask(PING) == b"*"
    await r.until(1.1)
    assert [await gen.ask(GET_POWER), await gen.ask(PING), await gen.ask(PING)] == [b"*", POWER, b"*"]
    await r.until(2.1)
    assert await gen.ask(GET_POWER) == POWER


async def test_link_double_gives_every_reply_twice(rig: Any) -> None:
    r = rig("gen.link.double")
    assert await Host(r.bench, "gen").ask(PING) == b"**"


async def test_link_flood_comes_unasked_and_between_the_bytes_of_replies(rig: Any) -> None:
    r = rig("gen.link.flood=2000@1+1")
    gen = Host(r.bench, "gen")
    await r.until(1.5)
    assert 900 <= len(gen.got) <= 1100
    assert POWER not in await gen.ask(GET_POWER, 0.05)
    await r.until(2.1)
    assert await gen.ask(GET_POWER) == POWER


async def test_a_scale_multiplies_a_reading(rig: Any) -> None:
    r = rig("flow.flow.scale=10@1")
    flow = r.bench.emulators["flow"]
    r.world.pump(8.0)
    true = flow.sense("flow")
    assert true > 0.0
    await r.until(1.1)
    assert flow.sense("flow") == 10.0 * true


async def test_a_generator_that_restarts_is_off_and_has_forgotten(rig: Any) -> None:
    r = rig("gen.restart@1+1", ohm=50.0)
    gen = await r.fire()
    await r.until(0.9, gen)
    assert r.world.load_w == 50.0
    await r.until(1.2, gen)
    assert (r.world.load_w, r.bench.emulators["gen"].setpoint_w, r.bench.emulators["gen"].control) == (0.0, 0, False)
    await r.until(2.2, gen)
    assert r.world.load_w == 0.0


async def test_a_pulled_cable_loses_the_port_until_it_is_back(rig: Any) -> None:
    r = rig("gen.link.disconnect@1+1")
    gen = Host(r.bench, "gen")
    await r.until(1.1)
    assert len(gen.lost) == 1
    with pytest.raises(OSError, match="gone"):
        gen.link.write(b"x")
    with pytest.raises(OSError, match="pulled"):
        r.bench.open_link("sim://gen")
    await r.until(2.1)
    assert await Host(r.bench, "gen").ask(PING) == b"*"


async def test_two_links_share_a_port_like_two_descriptors(rig: Any) -> None:
    r = rig()
    one, two = Host(r.bench, "gen"), Host(r.bench, "gen")
    assert await one.ask(PING) == b"*"
    assert bytes(two.got) == b""
    assert await two.ask(PING) == b"*"


async def test_faults_by_hand(rig: Any) -> None:
    r = rig()
    gen = await r.fire()
    r.bench.add_fault("gen.over_deliver=2@0.1")
    await r.until(r.bench.now_s() + 0.3, gen)
    assert r.world.forward_w == 100.0
    r.bench.clear_fault("gen.over_deliver")
    await r.until(r.bench.now_s() + 0.2, gen)
    assert r.world.forward_w == 50.0
    with pytest.raises(FaultError, match="not active"):
        r.bench.clear_fault("gen.over_deliver")


@pytest.mark.parametrize("physics", [False, True], ids=["resistor", "tissue"])
async def test_every_fault_of_the_catalogue_comes_and_goes(physics: bool) -> None:
    devices = {
        "generator": "gen",
        "pump": "pump",
        "chiller": "bath",
        "inputs": "inputs",
        "relay": "enable",
        "load": "load",
        "link": "gen.link",
    }
    specs = [f"{devices.get(kind.scope, 'tc.tip')}.{kind.name}" for kind in CATALOGUE]
    applicator = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
    circulator = {"driver": "lauda", "port": "sim://bath"}
    bench = SimBench(
        {"devices": {**BENCH["devices"], "bath": circulator}, "applicator": applicator},
        faults=[f"{spec}@{n}+0.5" for n, spec in enumerate(specs, 1)],
        world=None if physics else Resistor(80.0),
    )
    bench.start(asyncio.get_running_loop())
    failed: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    seen: list[str] = []
    for n in range(1, len(specs) + 1):
        await asyncio.sleep(n + 0.25 - bench.now_s())
        seen += bench.active
        await asyncio.sleep(0.5)
        assert not bench.active
    bench.stop()
    assert seen == specs
    assert not failed


async def test_snapshot(rig: Any) -> None:
    r = rig("inputs.door")
    await r.until(0.5)
    seen = r.bench.snapshot()
    assert seen["faults"] == ["inputs.door"]
    assert seen["inputs"] == {"estop_a": True, "estop_b": True, "foot_no": False, "foot_nc": True, "door": False}


@pytest.mark.parametrize(
    "change, says",
    [
        ({"gen": {"driver": "tc-cnx", "port": "sim://gen"}}, "did you mean tc-cxn?"),
        ({"other": {"driver": "tc-cxn", "port": "sim://gen"}}, "already the port of gen"),
        ({"gen2": {"driver": "tc-cxn", "port": "sim://gen2"}}, "at most one generator"),
        ({"flow": {"driver": "sensirion-slf3x", "port": "sim://flow", "options": {"model": "x"}}}, "devices.flow"),
    ],
)
async def test_a_bench_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:
        SimBench({"devices": {**BENCH["devices"], **change}}, world=Resistor())
    assert says in str(caught.value)


async def test_emulator_options_of_the_simulation_section() -> None:
    bench = SimBench({**BENCH, "simulation": {"devices": {"gen": {"power_max_w": 120}}}}, world=Resistor())
    assert bench.emulators["gen"].output.power_max_w == 120.0  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="unknown \\['watts'\\]"):
        SimBench({**BENCH, "simulation": {"devices": {"gen": {"watts": 1}}}}, world=Resistor())
