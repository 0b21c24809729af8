"""What a bench says of itself in every state, from rehearsals: the daemon's own statuses, on a virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from controller.config import setup as setups
from controller.daemon.desk import Desk
from controller.daemon.prompts import ATTEND
from controller.records.reader import open_session
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import ticking
from tests.process.bench import protocol

LOOK_S, RENEW_S = 0.05, 0.1
PROMPT = "prompt"
WITHIN_S = 60.0
Act = Callable[["Course"], Awaitable[None]]


@dataclass
class Take:
    """``seen``: the newest status of each state and kind of question (``attend``, ``prompt``); ``specimen``: what the
    tissue looks like at the end; ``session``: the file that was recorded meanwhile, up to ``end_s``; ``bench``: what
    was rehearsed.
    """

    bench: str
    session: Path | None = None
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    specimen: dict[str, Any] | None = None
    end_s: float = 0.0


class Course:
    """One rehearsed bench, and what an operator does at it."""

    def __init__(self, run: Rehearsal, desk: Desk, take: Take) -> None:
        self.run, self.desk, self._take = run, desk, take
        self.held = False

    async def follow(self) -> None:
        """Look at every tick, and hold what is to be held, for ever."""
        while True:
            status = await self.desk.status()
            if "t_s" in status:
                asked = status.get("prompt")
                self._take.seen[status["state"] if asked is None else kind(asked)] = status
            if self.held:
                await self.desk.renew()
            await asyncio.sleep(LOOK_S)

    async def until(self, name: str) -> None:
        """Until this state or question has been seen, and is."""
        status: dict[str, Any] = {}
        for _ in range(round(WITHIN_S / LOOK_S)):
            status = await self.desk.status()
            if name in (status["state"], _asked(status)):
                await asyncio.sleep(2 * LOOK_S)
                return
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"not {name} within {WITHIN_S:g} s, but {status['state']}: {status.get('blocked_by')}")

    async def fires(self, protocol: str) -> None:
        """Prepare, arm and fire; what is asked of hands is done."""
        answer = await self.desk.prepare(protocol, "rehearsal")
        assert answer["ok"], answer
        await self.until("READY")
        await asyncio.sleep(1.0)
        while (await self.desk.status())["prompt"] is not None:
            assert (await self.desk.confirm(None, "rehearsal"))["ok"]
        assert (await self.desk.arm("rehearsal"))["ok"]
        await asyncio.sleep(1.0)
        assert (await self.desk.fire("rehearsal"))["ok"]
        self.held = True

    async def lets_go(self) -> None:
        """The application ends."""
        self.held = False
        await self.desk.release()


def kind(prompt: dict[str, Any]) -> str:
    """``attend``, or ``prompt`` for all that hands do."""
    return ATTEND if prompt["kind"] == ATTEND else PROMPT


def _asked(status: dict[str, Any]) -> str:
    return kind(status["prompt"]) if status.get("prompt") else ""


def taken(folder: Path, bench: str, protocol: str, act: Act) -> Take:
    """Rehearse ``act``; ``folder`` gets its session file."""
    setup, take = setups.load(bench, protocol), Take(bench)

    @contextlib.asynccontextmanager
    async def followed(course: Course) -> AsyncIterator[None]:
        following = asyncio.create_task(course.follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def main() -> None:
        run = Rehearsal(setup, seed=1, faults=(), out=folder)
        async with ticking(run) as desk:
            course = Course(run, desk, take)
            async with followed(course):
                await course.until("SAFE")
                await act(course)
            found = run.sim.snapshot()
            picture = (
                {name: array.tolist() for name, array in found["picture"].items()} if found.get("picture") else None
            )
            take.specimen = {"zone": found["zone"], "picture": picture}
        take.session = run.daemon.recorder.path

    def rehearse() -> None:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner:
            runner.run(main())

    with ThreadPoolExecutor(1, thread_name_prefix="take") as apart:  # Playwright has a loop in this thread
        apart.submit(rehearse).result()
    assert take.session is not None
    with open_session(take.session) as session:
        take.end_s = float(session.ticks().t_s[-1])
    return take


def slow(folder: Path) -> str:
    """A protocol that primes and runs on for long enough to be seen, and asks whether somebody is there."""
    told = protocol("slow", "constant-power", duration_s=300.0)
    cooling = {"flow_ml_min": 80, "prime_s": 1.5, "run_on_s": 3.0}
    path = folder / "slow.yaml"
    path.write_text(
        yaml.safe_dump({**told, "cooling": cooling, "attended": {"ask_every_s": 20, "answer_within_s": 60}})
    )
    return str(path)


def every_state(folder: Path) -> Take:
    """An application with the question of attendance, let go; another one that trips; a third one whose generator and
    relay do not obey.
    """
    name = slow(folder)

    async def act(course: Course) -> None:
        await course.fires(name)
        await course.until(ATTEND)
        assert (await course.desk.confirm(None, "rehearsal"))["ok"]
        await asyncio.sleep(1.0)
        firing = course._take.seen["FIRING"]
        await course.lets_go()
        await course.until("SAFE")
        await course.fires(name)
        await asyncio.sleep(3.0)
        course.run.sim.add_fault("pump.stall")
        await course.until("TRIPPED")
        await course.lets_go()
        await asyncio.sleep(1.0)
        course.run.sim.clear_fault("pump.stall")
        await course.desk.ack("rehearsal")
        await asyncio.sleep(15.0)
        tripped = course._take.seen["TRIPPED"]
        assert (await course.desk.reset("rehearsal", "the tube was kinked"))["ok"]
        await course.fires(name)
        await asyncio.sleep(3.0)
        course.run.sim.add_fault("enable.weld")
        course.run.sim.add_fault("gen.ignore_off")
        await course.lets_go()
        await course.until("LOCKOUT")
        await asyncio.sleep(2.0)
        course._take.seen |= {"FIRING": firing, "TRIPPED": tripped}

    return taken(folder, "cooled-rf-sim", name, act)


def under_power(folder: Path, bench: str, protocol: str, for_s: float = 30.0) -> Take:
    """A bench for so long under power, with whatever it asks of hands."""

    async def act(course: Course) -> None:
        await course.fires(protocol)
        end_s = asyncio.get_running_loop().time() + for_s
        while asyncio.get_running_loop().time() < end_s:
            await asyncio.sleep(1.0)
            if (await course.desk.status())["prompt"] is not None:
                await course.desk.confirm(None, "rehearsal")
        await course.lets_go()

    return taken(folder, bench, protocol, act)
