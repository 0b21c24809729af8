"""The bench chain with each of its instruments on another kind of VISA resource, under power."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.opening import open_driver
from drivers.rf_chain.driver import RfChain, RfChainOptions
from drivers.transport.base import Link, SerialSettings
from drivers.transport.open import open_link
from tests.drivers.chained import Run, chain
from tests.drivers.visas import Instrument

pytest.importorskip("pyvisa")


async def opened_link(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
    return await open_link(url, baud, settings=settings), url


@pytest.mark.parametrize("kinds", [("hislip", "serial", "vxi11"), ("vxi11", "vxi11", "hislip")])
async def test_a_chain_on_visa_resources(kinds: tuple[str, str, str], tmp_path: Path) -> None:
    """Generator, amplifier (which answers its orders with lines of its own) and oscilloscope."""
    bench = chain(emulators={"gen-amplifier": {"lag_s": 0.1}})
    parts = ("gen", "gen-amplifier", "gen-meter")
    gen, amplifier, meter = (Instrument(kind, bench, tmp_path, part) for kind, part in zip(kinds, parts, strict=True))
    for one in (gen, amplifier, meter):
        await one.start()
    options = RfChainOptions(amplifier_port=amplifier.url, meter_port=meter.url)
    driver = await open_driver(RfChain, "gen", options, gen.url, None, opened_link)
    assert isinstance(driver, RfChain)
    try:
        await driver.connect()
        run = Run(bench, driver)
        await run.follow(40.0, 3.0)
        assert run.forward_w[-1] == pytest.approx(40.0, rel=0.05)
        assert max(run.forward_w) <= 40.0 * 1.03
        await run.poll()
        assert {spec.name for spec in driver.declaration().channels} <= set(run.told)
        before_s = driver.port.now()
        await driver.off()
        assert driver.port.now() - before_s < 0.2
        assert bench.world.forward_w == 0.0
    finally:
        await driver.close()
        for one in (gen, amplifier, meter):
            one.kill()
        bench.stop()
        await asyncio.sleep(0.3)
