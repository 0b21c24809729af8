"""Room of the kit: what a driver says of itself and of its device, and that its samples keep to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import DeviceError
from drivers.testing.desk import Desk, Kit, is_request, raises
from safety.types import Quality

SUFFIXES = ("_w", "_ohm", "_c", "_ml_min", "_s", "_j", "_hz", "_v", "_a", "_kpa", "_mm", "_ml")
TWO_VALUED = ("_on", "_closed", "_flag")

ANOTHER = "sim://dut"
"""A port's URL that says that nothing is real behind it."""


class DeclarationRoom(Kit):
    """Identity, declaration, units, samples."""

    truth: ClassVar[Mapping[str, float]] = {}
    """What the device behind ``link_factory`` measures at rest, by channel, in the channel's unit."""

    def test_identify(self) -> None:
        """It says what it is, twice the same."""

        async def test(desk: Desk) -> None:
            first = await desk.driver.connect()
            assert first.model
            assert await desk.driver.connect() == first

        self.run(test, connected=False)

    def test_units_in_schema(self) -> None:
        """Units are in names, bounds are bounds, and the declaration is complete before ``connect``."""

        async def test(desk: Desk) -> None:
            declaration = desk.driver.declaration()
            names = [spec.name for spec in declaration.channels]
            assert len(set(names)) == len(names)
            assert declaration.model == type(desk.driver).MODEL
            further = self.driver.MORE_PORTS
            assert set(desk.driver.ports) == set(further), "override more_links"
            assert all(option.endswith("_port") and option in self.driver.OPTIONS.model_fields for option in further)
            for spec in declaration.channels:
                assert spec.name.endswith(TWO_VALUED if spec.two_valued else SUFFIXES), spec.name
                assert spec.low < spec.high
                assert spec.period_s > 0.0

        self.run(test, connected=False)

    def test_samples_are_declared_dated_and_in_range(self) -> None:
        """Every sample belongs to a declared channel, lies within its bounds, and is dated by its request."""

        async def test(desk: Desk) -> None:
            specs = {f"dut.{spec.name}": spec for spec in desk.driver.declaration().channels}
            for _ in range(6):
                before_s = desk.driver.port.now()
                first = len(desk.link.written)
                samples = await desk.driver.poll()
                sent = desk.link.written[first:]
                assert samples
                for sample in samples:
                    assert sample.channel in specs, f"{sample}: declaration() has no such channel"
                    spec = specs[sample.channel]
                    assert sample.t_request_s >= before_s
                    assert any(is_request(w, sample) for w in sent), sample
                    if sample.quality is Quality.GOOD:
                        assert spec.low <= sample.value <= spec.high, sample
                        none = spec.name.endswith("_ohm") and sample.value == 0.0
                        assert not none, f"{sample}: 0 ohm is no reading of a load; give it quality BAD"
                    if spec.two_valued:
                        assert sample.value in (0.0, 1.0)

        self.run(test)

    def test_unit_scaling(self) -> None:
        """What the device measures arrives in the unit that the channel's name ends in: within 2 % and 0.5 of the
        ``truth`` that the test file names."""

        async def test(desk: Desk) -> None:
            told = await desk.channels()
            for channel, value in self.truth.items():
                assert abs(told[f"dut.{channel}"] - value) <= 0.02 * abs(value) + 0.5, channel

        self.run(test)

    def test_simulated_flag(self) -> None:
        """The ``simulated`` of records and banners comes from the port's URL alone: the driver keeps the URL as it was
        given and is the same driver behind every URL (P20)."""

        async def test(desk: Desk) -> None:
            real = await desk.driver.connect()
            declared = desk.driver.declaration()
            other = self.desk(url=ANOTHER)
            try:
                assert await other.driver.connect() == real
                assert other.driver.declaration() == declared
                ports = (other.driver.port, *other.driver.ports.values())
                assert all(port.url.startswith(ANOTHER) for port in ports)
            finally:
                await other.driver.close()

        self.run(test, connected=False)

    def test_a_device_that_is_not_there_is_an_error_with_a_remedy(self) -> None:
        """Nothing answers: DeviceError, bounded in time, naming the port."""

        async def test(desk: Desk) -> None:
            desk.link.mute = True
            async with asyncio.timeout(30.0):
                error = await raises(DeviceError, desk.driver.connect())
            assert error.remedy
            assert "memory" in str(error)

        self.run(test, connected=False)
