"""Conformance of generators: when power may come, and that it goes."""

from __future__ import annotations

import asyncio
import contextlib

from drivers.contract import BadReply, NoReply, Refused
from drivers.testing.conformance import DriverConformance
from drivers.testing.desk import Desk, raises
from drivers.testing.following import SETPOINT_S
from drivers.testing.offs import OffBounds
from drivers.testing.plans import PlanRoom

UNGUARDED = "hand allowed, as before_send, to every exchange that apply makes, and let polling order nothing"


class SourceConformance(PlanRoom, OffBounds, DriverConformance):
    """For generators, on top. The device behind ``link_factory`` takes ``power_w``.

    A test file sets ``mint = Setpoint``: outside of tests only the gate makes one, and the kit is shipped.
    """

    def off_bytes(self, desk: Desk) -> bytes:
        """See :class:`OffBounds`."""
        plan = self._source(desk).safe_off_plan()
        assert plan is not None
        return plan.off[0]

    # ---- what it says

    def test_set_readback_within_tolerance(self) -> None:
        """The set-point that the device tells is the one that was applied, down to one step; a source without such a
        channel has its forward power within 5 % and 1 W."""

        async def test(desk: Desk) -> None:
            declaration = desk.driver.declaration()
            told = await self._follow(desk)
            if any(spec.name == "setpoint_w" for spec in declaration.channels):
                step_w = declaration.power_step_w or 1.0
                assert self.power_w - step_w <= told["dut.setpoint_w"] <= self.power_w * 1.001
            else:
                assert abs(told["dut.forward_power_w"] - self.power_w) <= 0.05 * self.power_w + 1.0

        self.run(test)

    def test_unit_scaling(self) -> None:
        """Watts asked for are watts measured: forward power within 10 % and 1 W of ``power_w``, and nothing after
        off."""

        async def test(desk: Desk) -> None:
            told = await self._follow(desk)
            assert abs(told["dut.forward_power_w"] - self.power_w) <= 0.1 * self.power_w + 1.0
            await desk.driver.off()
            await asyncio.sleep(0.5)
            assert (await desk.channels())["dut.forward_power_w"] <= 1.0

        self.run(test)

    def test_native_deadman_is_true(self) -> None:
        """A declared dead-man turns the output off within that time of host silence, and a second more."""

        async def test(desk: Desk) -> None:
            await self._follow(desk)
            deadman_s = desk.driver.declaration().native_deadman_s
            if deadman_s is not None:
                await asyncio.sleep(deadman_s + 1.0)
                assert (await desk.channels())["dut.rf_on"] == 0.0

        self.run(test)

    def test_keeps_up_with_the_tick(self) -> None:
        """Behind a poll that has just begun, every ``apply`` ends within one tick of a bench: where two in a row do
        not, the permit's lease runs out (H25)."""

        async def test(desk: Desk) -> None:
            source, tick_s = self._source(desk), 1.0 / self.tick_hz
            await self._follow(desk)
            poll, took_s = asyncio.ensure_future(source.poll()), list[float]()
            for _ in range(round(3.0 * self.tick_hz)):
                poll = asyncio.ensure_future(source.poll()) if poll.done() else poll
                await asyncio.sleep(0.001)
                begin_s = source.port.now()
                await source.apply(self._setpoint(source, self.power_w, for_s=max(SETPOINT_S, 3.0 * tick_s)))
                took_s.append(source.port.now() - begin_s)
                await asyncio.sleep(max(0.0, tick_s - took_s[-1]))
            await poll
            told = f"an apply took {max(took_s) * 1e3:.0f} ms behind a poll, a tick is {tick_s * 1e3:.0f} ms"
            remedy = "fewer or shorter exchanges in one apply and poll, or a lower tick_hz here and in the bench files"
            assert max(took_s) <= tick_s, f"{told}: {remedy}"

        self.run(test)

    # ---- what it must not do

    def test_nothing_but_a_setpoint_keeps_it_on(self) -> None:
        """Polling, and a permission that has run out, write nothing of what following a set-point writes: a keep-alive
        that went with each poll would hold the output on for nobody."""

        async def test(desk: Desk) -> None:
            source, orders = self._source(desk), set[bytes]()
            until_s = source.port.now() + source.declaration().response_s + 1.5
            while source.port.now() < until_s:
                first = len(desk.link.written)
                await source.apply(self._setpoint(source, self.power_w))
                orders |= {w.data for w in desk.link.written[first:]} - {self.acknowledge}
                await source.poll()
                await asyncio.sleep(0.05)
            first = len(desk.link.written)
            for _ in range(20):
                await source.poll()
                with contextlib.suppress(NoReply, BadReply, Refused):
                    await source.apply(self._setpoint(source, self.power_w, for_s=-0.001))
                await asyncio.sleep(0.05)
            again = orders & {w.data for w in desk.link.written[first:]}
            assert not again, f"written without a valid set-point: {again}; {UNGUARDED}"

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
            await raises(Refused, source.apply(self._setpoint(source, self.power_w, for_s=-0.001)), UNGUARDED)
            assert len(desk.link.written) == first

        self.run(test)

    def test_old_epoch_is_not_sent(self) -> None:
        """A permission of an earlier epoch moves nothing."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            source.revoke(7)
            first = len(desk.link.written)
            await raises(Refused, source.apply(self._setpoint(source, self.power_w, epoch=6)), UNGUARDED)
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
                await raises(Refused, apply, UNGUARDED)
                await poll
                desk.link.delay_s = 0.0
                await desk.poll_until(bool)
                told = await desk.channels()
                assert told["dut.rf_on"] == 0.0
                assert len(desk.link.written) > first

        self.run(test)

    def test_off_goes_ahead_of_the_queue(self) -> None:
        """With requests piled up, off is the very next request that is written."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            desk.link.delay_s = 0.01
            polls = [asyncio.ensure_future(source.poll()) for _ in range(5)]
            await asyncio.sleep(0.001)
            first = len(desk.link.written)
            await source.off()
            await asyncio.gather(*polls)
            why = "off waits for its turn: make its exchanges urgent, and the first of them that of the plan"
            assert self._requests(desk, first)[0] == self.off_bytes(desk), why

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

    def test_range_refused_by_driver(self) -> None:
        """P32: more than the declared maximum is refused and not clamped; nothing is written."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            most_w = source.declaration().power_max_w
            assert most_w is not None
            first = len(desk.link.written)
            await raises(Refused, source.apply(self._setpoint(source, most_w * 1.01 + 1.0)))
            assert len(desk.link.written) == first

        self.run(test)

    def test_range_refused_by_device(self) -> None:
        """The device does not take the set-point (see ``refusal``): the driver says so, believes nothing of it, and
        tells it again when it is asked again."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            desk.link.deaf, desk.link.answer_as = True, lambda request, _: self.refusal(request)
            says_no = Refused if self.refusal(self.off_bytes(desk)) else (NoReply, BadReply, Refused)
            first = len(desk.link.written)
            await raises(says_no, source.apply(self._setpoint(source, self.power_w)))
            desk.link.deaf, desk.link.answer_as = False, None
            told = await desk.channels()
            assert (told["dut.rf_on"], told.get("dut.setpoint_w", 0.0) >= self.power_w) == (0.0, False)
            first = len(desk.link.written)
            with contextlib.suppress(Refused):
                await source.apply(self._setpoint(source, self.power_w))
            assert self._requests(desk, first)

        self.run(test)

    def test_power_is_never_retried(self) -> None:
        """P6: one ``apply`` writes each of its bytes once, whatever is answered; an "on" whose acknowledgement was lost
        is not written again before a status has told what became of it."""

        async def once(desk: Desk) -> None:
            source = self._source(desk)
            for answers in range(4):
                desk.link.answers_left = answers
                first = len(desk.link.written)
                with contextlib.suppress(NoReply, BadReply, Refused):
                    await source.apply(self._setpoint(source, self.power_w, for_s=2.0))
                sent = self._requests(desk, first)
                assert len(sent) == len(set(sent)), sent
                desk.link.answers_left = None
                await desk.poll_until(bool)
                await source.off()

        orders: list[bytes] = []

        async def undisturbed(desk: Desk) -> None:
            await self._follow(desk, orders)

        async def acknowledgement_lost(desk: Desk) -> None:
            source, on = self._source(desk), orders[-1]
            desk.link.answer_as = lambda request, answer: b"" if request == on else answer
            first = len(desk.link.written)
            with contextlib.suppress(NoReply):
                await self._follow(desk, for_s=2.0)
            await raises(Refused, source.apply(self._setpoint(source, self.power_w)))
            assert self._requests(desk, first).count(on) == 1

        for test in (once, undisturbed, acknowledgement_lost):
            self.run(test)

    def test_power_cycle_detected(self) -> None:
        """The generator was switched off and on under power: it stays off until an off, and then either what was
        declared of its dead-man holds still, or it is refused until it was connected anew."""

        async def test(desk: Desk) -> None:
            source = self._source(desk)
            await self._follow(desk)
            desk.link.swap(self.link_factory())
            for _ in range(8):
                await source.poll()
            await raises(Refused, source.apply(self._setpoint(source, self.power_w)))
            assert (await desk.channels())["dut.rf_on"] == 0.0
            with contextlib.suppress(NoReply, BadReply, Refused):
                await source.off()
            await desk.poll_until(bool)
            deadman_s = source.declaration().native_deadman_s
            try:
                await self._follow(desk)
            except (Refused, AssertionError):
                assert (await desk.channels())["dut.rf_on"] == 0.0
            else:
                await asyncio.sleep(deadman_s + 1.0 if deadman_s is not None else 0.0)
                on = (await desk.channels())["dut.rf_on"]
                assert on == 0.0 or deadman_s is None, "its dead-man is not what was declared any more"
            with contextlib.suppress(NoReply, BadReply, Refused):
                await source.off()

        self.run(test)
