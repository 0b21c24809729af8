"""Conformance by role: generators, pumps, circulators, switches, enable lines.

See :mod:`drivers.testing.conformance`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

from drivers.contract import BadReply, Circulator, CoolantPump, ElectrodeSwitch, EnableLine, NoReply, Refused
from drivers.testing.conformance import DriverConformance
from drivers.testing.desk import Desk, raises
from drivers.testing.offs import OffBounds
from drivers.testing.sources import SourceConformance


class PumpConformance(DriverConformance):
    """For coolant pumps, on top."""

    flow_ml_min: ClassVar[float] = 10.0

    async def at_work(self, desk: Desk) -> None:
        """It runs at ``flow_ml_min``."""
        assert isinstance(desk.driver, CoolantPump)
        await desk.driver.run(self.flow_ml_min)

    def test_runs_and_stops(self) -> None:
        """Run twice, stop twice."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, CoolantPump)
            for flow_ml_min in (self.flow_ml_min, self.flow_ml_min, 0.0, 0.0):
                await desk.driver.run(flow_ml_min)

        self.run(test)

    def test_set_readback_within_tolerance(self) -> None:
        """The flow that the pump tells is the one that was asked for, within 1 %, in mL/min."""

        async def test(desk: Desk) -> None:
            await self.at_work(desk)
            told = await desk.channels()
            assert told["dut.running_on"] == 1.0
            assert abs(told["dut.flow_set_ml_min"] - self.flow_ml_min) <= 0.01 * self.flow_ml_min

        self.run(test)

    def test_range_refused_by_device(self) -> None:
        """The pump does not take the flow (see ``refusal``): an exception of the contract, and the next call tells it
        again."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, CoolantPump)
            desk.link.deaf, desk.link.answer_as = True, lambda request, _: self.refusal(request)
            await raises((Refused, NoReply, BadReply), desk.driver.run(self.flow_ml_min))
            desk.link.deaf, desk.link.answer_as = False, None
            for _ in range(3):
                with contextlib.suppress(NoReply, BadReply):
                    await desk.driver.run(self.flow_ml_min)
                    break
            told = await desk.channels()
            assert abs(told["dut.flow_set_ml_min"] - self.flow_ml_min) <= 0.01 * self.flow_ml_min

        self.run(test)

    def test_range_refused_by_driver(self) -> None:
        """Nothing that is not a flow, or too much of it, reaches the pump."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, CoolantPump)
            most = desk.driver.declaration().flow_max_ml_min
            assert most is not None
            first = len(desk.link.written)
            for flow_ml_min in (-1.0, float("nan"), float("inf"), most * 1.01):
                await raises(Refused, desk.driver.run(flow_ml_min))
            assert len(desk.link.written) == first

        self.run(test)


class CirculatorConformance(DriverConformance):
    """For circulators, on top."""

    bath_c: ClassVar[float] = 12.5
    too_cold_c: ClassVar[float] = -300.0
    """A temperature that the options must not allow."""

    async def at_work(self, desk: Desk) -> None:
        """It was told ``bath_c``, and stands still again: the bath is elsewhere, and stays there."""
        assert isinstance(desk.driver, Circulator)
        for bath_c in (self.bath_c, None):
            await desk.driver.regulate(bath_c)

    def test_set_readback_within_tolerance(self) -> None:
        """Regulate twice, stop twice; the set-point that the circulator tells is what was asked for, in degC."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, Circulator)
            for running, bath_c in ((1.0, self.bath_c), (1.0, self.bath_c), (0.0, None), (0.0, None)):
                await desk.driver.regulate(bath_c)
                told = await desk.channels()
                assert told["dut.running_on"] == running
                assert told["dut.setpoint_c"] == self.bath_c
                assert "dut.bath_c" in told

        self.run(test)

    def test_range_refused_by_device(self) -> None:
        """The circulator does not take the temperature (see ``refusal``): an exception of the contract, and the next
        call tells it again."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, Circulator)
            desk.link.deaf, desk.link.answer_as = True, lambda request, _: self.refusal(request)
            await raises((Refused, NoReply, BadReply), desk.driver.regulate(self.bath_c))
            desk.link.deaf, desk.link.answer_as = False, None
            for _ in range(3):
                with contextlib.suppress(NoReply, BadReply):
                    await desk.driver.regulate(self.bath_c)
                    break
            assert (await desk.channels())["dut.setpoint_c"] == self.bath_c

        self.run(test)

    def test_range_refused_by_driver(self) -> None:
        """Nothing that is not a temperature, or is outside the options, reaches the circulator."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, Circulator)
            first = len(desk.link.written)
            for bath_c in (float("nan"), float("inf"), self.too_cold_c):
                await raises(Refused, desk.driver.regulate(bath_c))
            assert len(desk.link.written) == first

        self.run(test)


class SwitchConformance(DriverConformance):
    """For electrode switches, on top. The device behind ``link_factory`` has every contact open."""

    async def at_work(self, desk: Desk) -> None:
        """The first electrode is connected."""
        assert isinstance(desk.driver, ElectrodeSwitch)
        await desk.driver.select((0,))

    def test_set_readback_within_tolerance(self) -> None:
        """Connecting moves nothing; then none, each alone, all, none again, as the channels tell."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, ElectrodeSwitch)
            count = desk.driver.declaration().electrodes
            assert count >= 1
            everyone = tuple(range(count))
            for wanted in ((), *((n,) for n in everyone), everyone, everyone, (), ()):
                if wanted or desk.link.written:
                    await desk.driver.select(wanted)
                told = await desk.channels()
                assert {f"dut.electrode_{n}_on": float(n in wanted) for n in everyone} == told

        self.run(test)

    def test_range_refused_by_driver(self) -> None:
        """Nothing is written for it."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, ElectrodeSwitch)
            count = desk.driver.declaration().electrodes
            first = len(desk.link.written)
            for wanted in ((count,), (0, count), (-1,)):
                await raises(Refused, desk.driver.select(wanted))
            assert len(desk.link.written) == first

        self.run(test)

    def test_a_switch_that_does_not_answer_is_told(self) -> None:
        """No read-back: an exception of the contract, within half a second."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, ElectrodeSwitch)
            desk.link.mute = True
            async with asyncio.timeout(0.5):
                await raises(NoReply, desk.driver.select((0,)))

        self.run(test)


class EnableConformance(OffBounds, DriverConformance):
    """For enable lines, on top."""

    def off_bytes(self, desk: Desk) -> bytes:
        """See :class:`OffBounds`."""
        assert isinstance(desk.driver, EnableLine)
        return desk.driver.enable_plan().open

    async def at_work(self, desk: Desk) -> None:
        """The contact is closed, as the watchdog does it."""
        assert isinstance(desk.driver, EnableLine)
        await desk.driver.port.send(desk.driver.enable_plan().close, quiet_s=0.05)

    def test_connects_open_with_a_plan(self) -> None:
        """Open after ``connect``, proven by reading; the plan can move and read it."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, EnableLine)
            assert (await desk.channels())["dut.closed_on"] == 0.0
            plan = desk.driver.enable_plan()
            assert plan.close
            assert plan.open
            assert plan.open != plan.close
            assert len(plan.prefix) <= plan.offset < plan.reply_length
            assert all(w.data != plan.close for w in desk.link.written)

        self.run(test)


__all__ = [
    "CirculatorConformance",
    "EnableConformance",
    "PumpConformance",
    "SourceConformance",
    "SwitchConformance",
]
