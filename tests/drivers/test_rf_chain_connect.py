"""The bench chain: connecting, ports in the bench file, and real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.config.loading import load_bench
from controller.config.problems import ConfigError
from drivers.contract import DeviceError
from drivers.opening import open_driver
from drivers.rf_chain.driver import RfChain, RfChainOptions
from drivers.transport.base import Link, SerialSettings
from drivers.transport.open import open_link
from sim.servers import TcpServer
from tests.drivers.chained import PORTS, Run, chain, connected

# ---- connecting


@pytest.mark.virtual
@pytest.mark.parametrize(
    ("emulators", "problem"),
    [
        (
            {"gen": {"identity": "Rigol,DG1022,1,2"}},
            r"expected a generator of the 33500b dialect, .*DG1022.* sim://gen",
        ),
        ({"gen-amplifier": {"model": "125A250"}}, r"expected 600A400, found '125A250' on sim://amp"),
        ({"gen-meter": {"identity": "RIGOL,DS1054Z,3,4"}}, r"InfiniiVision.*DS1054Z.* on sim://scope"),
        ({"gen-amplifier": {"remote": False}}, "not in remote; turn its keylock to REMOTE"),
    ],
)
async def test_a_wrong_instrument_is_named_with_its_port(emulators: dict[str, dict[str, Any]], problem: str) -> None:
    with pytest.raises(DeviceError, match=problem):
        await connected(chain(emulators=emulators), amplifier_model="600A400")


@pytest.mark.virtual
@pytest.mark.parametrize("silent", ["gen", "gen-amplifier", "gen-meter"])
async def test_an_instrument_that_is_silent_is_named_with_its_port(silent: str) -> None:
    bench = chain()
    bench.add_fault(f"{silent}.link.drop")
    port = {"gen": "gen", "gen-amplifier": "amp", "gen-meter": "scope"}[silent]
    with pytest.raises(DeviceError, match=f"no .* answers on sim://{port} "):
        await connected(bench)


@pytest.mark.virtual
async def test_a_generator_that_is_on_is_turned_off_and_refused() -> None:
    bench = chain()
    bench.emulators["gen"].receive(b"OUTP ON\n", 0.0)
    with pytest.raises(DeviceError, match="output was on when we connected; it has been turned off"):
        await connected(bench)


@pytest.mark.virtual
async def test_the_wrong_dialect_is_named() -> None:
    with pytest.raises(DeviceError, match=r"expected a generator of the 33220a dialect, found .*33522B"):
        await connected(chain(), dialect="33220a")


@pytest.mark.virtual
async def test_a_hand_that_changes_load_or_amplitude_is_noticed() -> None:
    """A load setting of INF would double every amplitude: nothing is told of the output then."""
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    bench.emulators["gen"].receive(b"VOLT 0.3 VPP\n", bench.now_s())
    await run.follow(40.0, 0.5)
    assert bench.world.forward_w == pytest.approx(40.0, rel=0.03)
    bench.emulators["gen"].receive(b"OUTP:LOAD INF\n", bench.now_s())
    assert "gen.rf_on" not in {sample.channel for sample in await run.driver.poll()}


@pytest.mark.virtual
async def test_close_leaves_the_amplifier_in_standby() -> None:
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(40.0, 4.0)
    await run.driver.off()
    await run.driver.close()
    await run.driver.close()
    assert not bench.emulators["gen-amplifier"].rf_on  # type: ignore[attr-defined]


def test_more_power_than_the_amplitude_can_make_is_refused_in_the_bench_file() -> None:
    with pytest.raises(ValueError, match=r"200 W at 50 dB need 0\.89 Vpp, and amplitude_max_vpp is 0\.7"):
        RfChainOptions.model_validate({**PORTS, "power_limit_w": 200})
    with pytest.raises(ValueError, match="must differ"):
        RfChainOptions.model_validate({**PORTS, "current_channel": 1})


@pytest.mark.virtual
async def test_no_dead_man_is_claimed_and_the_output_stays_on() -> None:
    bench = chain()
    run = Run(bench, await connected(bench))
    declaration = run.driver.declaration()
    assert declaration.native_deadman_s is None
    assert any("stays on" in note for note in declaration.notes)
    await run.follow(40.0, 4.0)
    await asyncio.sleep(60.0)
    assert bench.world.forward_w == pytest.approx(40.0, rel=0.03)


# ---- on real sockets


@pytest.mark.parametrize("scheme", ["tcp", "visa"])
async def test_over_sockets(scheme: str) -> None:
    """The whole chain over TCP and over VISA raw sockets, the amplifier answering its orders with lines of its own."""
    if scheme == "visa":
        pytest.importorskip("pyvisa")
    bench = chain(emulators={"gen-amplifier": {"lag_s": 0.1}})
    servers = {port: TcpServer(bench.wires[device], 0) for port, device in bench.ports.items()}
    form = "tcp://127.0.0.1:{}" if scheme == "tcp" else "visa://TCPIP::127.0.0.1::{}::SOCKET"
    urls = {port: form.format(server.port) for port, server in servers.items()}
    options = RfChainOptions(amplifier_port=urls["amp"], meter_port=urls["scope"])

    async def opened_link(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
        return await open_link(url, baud, settings=settings), url

    driver = await open_driver(RfChain, "gen", options, urls["gen"], None, opened_link)
    assert isinstance(driver, RfChain)
    try:
        await driver.connect()
        assert all(plan.reopen is not None for plan, _ in driver.safe_off_plans())
        run = Run(bench, driver)
        await run.follow(40.0, 2.0)
        assert run.forward_w[-1] == pytest.approx(40.0, rel=0.05)
        assert max(run.forward_w) <= 40.0 * 1.03
        await run.poll()
        assert {spec.name for spec in driver.declaration().channels} <= set(run.told)
        before_s = driver.port.now()
        await driver.off()
        assert driver.port.now() - before_s < 0.1
        assert bench.world.forward_w == 0.0
    finally:
        await driver.close()
        await asyncio.sleep(0.3 if scheme == "visa" else 0.0)  # its threads end
        for server in servers.values():
            server.close()
        bench.stop()


# ---- in the bench file

BENCH = Path(__file__).parents[2] / "examples" / "benches" / "rf-chain-sim.yaml"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("meter_port: sim://scope", "meter_port: sim://amp", "options.meter_port: sim://amp already belongs to gen"),
        ("sim://amp", "tpc://10.0.0.5:1", r"options.amplifier_port: nothing here opens tpc:// ports; did you mean tcp"),
        ("      amplifier_port: sim://amp\n", "", "devices.gen.options.amplifier_port: "),
        ("gain_db: 50", "gain_db: 40", "lower power_limit_w"),
    ],
)
def test_ports_in_options_are_checked_like_ports(before: str, after: str, problem: str, tmp_path: Path) -> None:
    text = BENCH.read_text()
    assert before in text
    path = tmp_path / "bench.yaml"
    path.write_text(text.replace(before, after))
    with pytest.raises(ConfigError, match=problem):
        load_bench(path)


def test_both_example_benches_load() -> None:
    for name in ("rf-chain-sim.yaml", "rf-chain.yaml"):
        loaded = load_bench(BENCH.with_name(name))
        assert len(loaded.bench.devices["gen"].ports()) == 3
        assert loaded.source.native_deadman_s is None
