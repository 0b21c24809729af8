"""Conformance by role: generators, pumps, circulators, switches, enable lines.

See :mod:`drivers.testing.conformance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from drivers.contract import Circulator, CoolantPump, ElectrodeSwitch, EnableLine, NoReply, PowerSource, Refused
from drivers.testing.conformance import Desk, DriverConformance, raises
from safety.types import Setpoint


class SourceConformance(DriverConformance):
    """For generators, on top. The device behind ``link_factory`` takes ``power_w``.

    A test file sets ``mint = Setpoint``: outside of tests only the gate makes one, and the kit is shipped.
    """

    power_w: ClassVar[float] = 20.0
    acknowledge: ClassVar[bytes] = b""
    """What the host answers a reply with, in wire formats where it does."""
    mint: ClassVar[Callable[[float, int, float, str], Setpoint]]

    @staticmethod
    def _source(desk: Desk) -> PowerSource:
        assert isinstance(desk.driver, PowerSource)
        return desk.driver

    def _setpoint(
        self, source: PowerSource, power_w: float, *, epoch: int | None = None, for_s: float = 0.15
    ) -> Setpoint:
        expires_at_s = source.port.now() + for_s
        return type(self).mint(power_w, source.epoch if epoch is None else epoch, expires_at_s, "conformance")

    def test_has_a_safe_off_plan(self) -> None:
        """P36: bytes that turn it off exist, and so does a proof."""

        async def test(desk: Desk) -> None:
            plan = desk.driver.safe_off_plan()
            assert plan is not None
            assert plan.off
            assert plan.readbacks
            declared = {spec.name for spec in desk.driver.declaration().channels}
            assert {"forward_power_w", "power_w", "rf_on"} <= declared
            assert all(len(r.prefix) <= r.reply_length and r.offset + r.width <= r.reply_length for r in plan.readbacks)

        self.run(test)

    def test_connect_never_energises(self) -> None:
        """No byte of connecting and polling raises the set-point; the device is off afterwards."""

        async def test(desk: Desk) -> None:
            told = await desk.channels()
            assert told["dut.rf_on"] == 0.0
            assert told["dut.forward_power_w"] <= 1.0

        self.run(test)

    def test_expired_setpoint_is_not_sent(self) -> None:
        """A permission that has run out moves nothing."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            first = len(desk.link.written)
            await raises(Refused, source.apply(self._setpoint(source, self.power_w, for_s=-0.001)))
            assert len(desk.link.written) == first

        self.run(test)

    def test_old_epoch_is_not_sent(self) -> None:
        """A permission of an earlier epoch moves nothing."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            source.revoke(7)
            first = len(desk.link.written)
            await raises(Refused, source.apply(self._setpoint(source, self.power_w, epoch=6)))
            assert len(desk.link.written) == first
            source.revoke(3)
            assert source.epoch == 7

        self.run(test)

    def test_revoked_while_queued(self) -> None:
        """P5: a set-point that waits for the port is dropped when its epoch is revoked, and when off overtakes it."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            for overtaken_by_off in (False, True):
                desk.link.delay_s = 0.01
                first = len(desk.link.written)
                poll = asyncio.ensure_future(source.poll())
                await asyncio.sleep(0.001)
                apply = asyncio.ensure_future(source.apply(self._setpoint(source, self.power_w)))
                await asyncio.sleep(0.001)
                if overtaken_by_off:
                    await source.off()
                else:
                    source.revoke(source.epoch + 1)
                await raises(Refused, apply)
                await poll
                desk.link.delay_s = 0.0
                plan = source.safe_off_plan()
                assert plan is not None
                await desk.poll_until(bool)
                told = await desk.channels()
                assert told["dut.rf_on"] == 0.0
                assert len(desk.link.written) > first

        self.run(test)

    def test_off_goes_ahead_of_the_queue(self) -> None:
        """With requests piled up, off is the very next request that is written."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            plan = source.safe_off_plan()
            assert plan is not None
            desk.link.delay_s = 0.01
            polls = [asyncio.ensure_future(source.poll()) for _ in range(5)]
            await asyncio.sleep(0.001)
            first = len(desk.link.written)
            await source.off()
            written = [w for w in desk.link.written[first:] if not w.further]
            requests = [w.data for w in written if w.data != self.acknowledge]
            assert requests[0] == plan.off[0]
            await asyncio.gather(*polls)

        self.run(test)

    def test_off_is_not_held_up_by_resynchronising(self) -> None:
        """On a port that is out of step, off is written at once."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            plan = source.safe_off_plan()
            assert plan is not None
            desk.link.mute = True
            await source.poll()
            waiting = asyncio.ensure_future(source.poll())
            await asyncio.sleep(0)
            at_s = source.port.now()
            off = asyncio.ensure_future(source.off())
            await asyncio.sleep(0)
            assert desk.link.written[-1].data == plan.off[0]
            assert desk.link.written[-1].t_s - at_s < 0.02
            desk.link.mute = False
            await asyncio.gather(off, waiting, return_exceptions=True)

        self.run(test)

    def test_nothing_but_a_number_energises(self) -> None:
        """NaN, zero and less are off; infinity is refused."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            for power_w in (0.0, -1.0, float("nan")):
                await source.apply(self._setpoint(source, power_w))
            await raises(Refused, source.apply(self._setpoint(source, float("inf"))))
            assert (await desk.channels())["dut.rf_on"] == 0.0

        self.run(test)


class PumpConformance(DriverConformance):
    """For coolant pumps, on top."""

    flow_ml_min: ClassVar[float] = 10.0

    def test_runs_and_stops(self) -> None:
        """Run twice, stop twice."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, CoolantPump)
            for flow_ml_min in (self.flow_ml_min, self.flow_ml_min, 0.0, 0.0):
                await desk.driver.run(flow_ml_min)

        self.run(test)

    def test_impossible_flow_is_refused(self) -> None:
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

    def test_regulates_and_stops(self) -> None:
        """Regulate twice, stop twice; the set-point is what was asked."""

        async def test(desk: Desk) -> None:
            assert isinstance(desk.driver, Circulator)
            for running, bath_c in ((1.0, self.bath_c), (1.0, self.bath_c), (0.0, None), (0.0, None)):
                await desk.driver.regulate(bath_c)
                told = await desk.channels()
                assert told["dut.running_on"] == running
                assert told["dut.setpoint_c"] == self.bath_c
                assert "dut.bath_c" in told

        self.run(test)

    def test_impossible_temperature_is_refused(self) -> None:
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

    def test_selects_and_reads_back(self) -> None:
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

    def test_an_electrode_that_is_not_there_is_refused(self) -> None:
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


class EnableConformance(DriverConformance):
    """For enable lines, on top."""

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
