"""Room of the kit: the SafeOffPlan of a generator, written and asked as the watchdog does it."""

from __future__ import annotations

import asyncio
from functools import partial

from drivers.testing.desk import Desk
from drivers.testing.following import Following
from drivers.transport.base import Port
from safety.safeoff import SafeOffPlan

SETTLE_S, ANSWER_S = 0.05, 0.2  # of the watchdog: from off to its first question, and how long it awaits an answer


class PlanRoom(Following):
    """Bytes that a process without a driver can use."""

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

    def test_the_plan_turns_it_off_and_proves_it(self) -> None:
        """The plan's bytes alone, as the watchdog writes and asks them: under power they prove nothing; written behind
        half a command, and once more, they end the power, and then they prove it."""

        async def test(desk: Desk, place: int = 0) -> None:
            orders: list[bytes] = []
            await self._follow(desk, orders)
            plan, port = self._source(desk).safe_off_plans()[place]
            why = f"{plan.device}'s plan"
            assert not await self._proven(desk, plan, port), f"{why}: its readbacks say off while power flows"
            await port.send(orders[0][: len(orders[0]) // 2], urgent=True)
            for _ in ("before", "after it has killed the daemon"):
                for nth, frame in enumerate(plan.off):
                    await port.send(frame if nth else plan.resync + frame, urgent=True, quiet_s=plan.gap_s)
            for _ in range(3):
                await asyncio.sleep(SETTLE_S)
                if await self._proven(desk, plan, port):
                    break
            else:
                heard = b"".join(desk.link.heard)
                raise AssertionError(f"{why}: after its off bytes its readbacks do not say off; heard {heard!r}")
            told = await desk.channels()
            assert told["dut.forward_power_w"] <= 1.0, f"{why}: its readbacks say off, and {told} is told"

        async def count(desk: Desk) -> None:
            plans.extend(range(len(self._source(desk).safe_off_plans())))

        plans: list[int] = []
        self.run(count)
        for place in plans:
            self.run(partial(test, place=place))

    async def _proven(self, desk: Desk, plan: SafeOffPlan, port: Port) -> bool:
        """Every question of the plan is answered with off, in time."""
        for readback in plan.readbacks:
            desk.link.heard.clear()
            await port.send(readback.query, urgent=True)
            until_s, start, seen = port.now() + ANSWER_S, -1, b""
            while start < 0 or len(seen) < start + readback.reply_length:
                if port.now() > until_s:
                    return False
                await asyncio.sleep(0.005)
                seen = b"".join(desk.link.heard)
                start = seen.find(readback.prefix)
            if not readback.proves_off(seen[start:]):
                return False
        return True
