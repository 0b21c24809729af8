"""One run of the campaign: the whole stack on virtual time, one fault, and what tissue and record saw of it.

The operator here has a time-table: he arms and fires half a second after he may, ends the run once the fault has had
its time, and does nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import math
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from controller.records.session import MIN_FREE_BYTES
from controller.records.store import free_bytes
from drivers.contract import DeviceError
from safety.types import State
from sim.campaign import causes, ways
from sim.campaign.benches import setup_of
from sim.campaign.expected import Expected, expected, find
from sim.campaign.plan import Case
from sim.campaign.verdict import Seen, Verdict, judge
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal

DWELL_S = 0.5
"""Between READY and ARM, and between ARM and FIRE."""
WATCH_S = 1.0
"""How much longer than its bound a fault is waited for."""
NOMINAL_S = 12.0
STOP_AFTER_S = 1.5
"""When the operator stops a run whose fault begins in STOPPING or COOLDOWN."""
GIVE_UP_S = 120.0
SEEN_ABOVE_W = 10.0
"""Power below which meters say little: monitors of power, impedance and response look above it."""
AFTER_FIRE_S = {"fire": 0.0, "ramp": 0.5, "steady": 4.0}
MEMORY = "/dev/shm"
"""Where records go that nobody keeps, if it is there: a disk would be waited for."""
SWEEP_RUNS = 64
"""Runs between two collections of all garbage, which take 90 ms each."""
_runs = itertools.count(1)
ENDED = (State.TRIPPED, State.LOCKOUT)


class Trial:
    """Make and use it inside a :class:`~sim.clock.VirtualLoop`."""

    def __init__(self, case: Case, out: Path) -> None:
        self._case = case
        self._row = find(case.fault, case.modality) if case.fault else None
        self._expected = _expected(case)
        self._setup = setup_of(case.modality)
        latent = (case.latent,) if case.latent else ()
        drawn = case.warp.simulation(self._setup.bench.bench.simulation or {})
        self._rehearsal = Rehearsal(self._setup, seed=case.seed, faults=latent, out=out, drawn=drawn)
        case.warp.devices(self._rehearsal.sim)
        self._loop = asyncio.get_running_loop()
        self._onset_s = math.nan
        self._stopped_s = math.nan
        self._demanded_s = math.nan
        self._refused = ""
        self._masked = ""
        self._ways: ways.Ways | None = None
        self._confirmed_s = math.nan

    @property
    def _state(self) -> State:
        out = self._rehearsal.daemon.control.outputs
        return State.BOOT if out is None else out.state

    # ---- the fault

    async def _inject(self) -> None:
        """Wait for the phase, then set the fault at its part of a tick."""
        case = self._case
        assert self._row is not None
        if case.phase == "fire":  # within two ticks before or after: the operator fires DWELL_S after ARMED
            await self._until(lambda: self._state is State.ARMED)
            await asyncio.sleep(DWELL_S - 0.1 + 4.0 * case.offset_s)
        else:
            await self._until(self._in_phase)
            await asyncio.sleep(AFTER_FIRE_S.get(case.phase, 0.0) + case.offset_s)
        trip = self._trip()
        if trip is not None or self._refused:
            self._masked = trip.hazard if trip is not None else self._refused
            return
        self._onset_s = self._loop.time()
        self._rehearsal.sim.add_fault(self._row.spec(case.value))

    def _in_phase(self) -> bool:
        state, phase = self._state, self._case.phase
        if phase == "rolloff":
            application = self._rehearsal.daemon.control.application
            return state is State.FIRING and application is not None and application.law.rolloffs > 0
        if phase in AFTER_FIRE_S:
            return state is State.FIRING
        return state.value == phase.upper() or (phase == "boot" and state is State.BOOT)

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self._rehearsal.daemon.judged()

    # ---- the operator

    async def _operate(self) -> None:
        desk = self._rehearsal.daemon.desk
        await self._ended_or(lambda: self._state is not State.BOOT)
        await self._act(desk.prepare(str(self._setup.protocol.path), "campaign"))
        await self._ended_or(lambda: self._state in (State.READY, State.SAFE, State.STOPPING) or bool(self._refused))
        if self._state is not State.READY:
            self._refused = self._refused or "; ".join(self._rehearsal.daemon.unready) or "not ready"
        await asyncio.sleep(DWELL_S)
        await self._act(desk.arm("campaign"))
        await asyncio.sleep(DWELL_S)
        await self._act(desk.fire("campaign"))
        if not self._refused:
            await self._hold()

    async def _act(self, asked: Awaitable[dict[str, Any]]) -> None:
        answer = await asked
        if not answer["ok"] and not self._refused and self._state not in ENDED:
            self._refused = "; ".join(answer.get("blocked_by") or [str(answer.get("error"))])

    async def _ended_or(self, true: Callable[[], bool]) -> None:
        await self._until(lambda: true() or self._state in ENDED)

    async def _hold(self) -> None:
        """Renew the hold until the fault has had its time, then stop; wait until off is proven."""
        desk, fired_s = self._rehearsal.daemon.desk, self._loop.time()
        while self._state is State.FIRING:
            now_s = self._loop.time()
            if now_s >= self._end_s(fired_s) and math.isnan(self._stopped_s):
                self._stopped_s = now_s
                await desk.stop("campaign", "the time is over")
                break
            await desk.renew()
            await asyncio.sleep(0.1)
        else:
            return
        await self._ended_or(lambda: self._state is State.COOLDOWN)

    def _end_s(self, fired_s: float) -> float:
        """When the operator stops, as far as is known now."""
        if self._case.phase in ("stopping", "cooldown"):
            return fired_s + STOP_AFTER_S
        if self._expected is None:
            return fired_s + NOMINAL_S
        if math.isnan(self._onset_s):
            return fired_s + GIVE_UP_S / 2.0
        if self._expected.shows == "stop":
            return max(fired_s, self._onset_s) + DWELL_S
        shown_s = self._shown_s()
        if math.isnan(shown_s):
            return fired_s + GIVE_UP_S / 2.0
        return max(fired_s, shown_s) + self._expected.within_s + WATCH_S

    # ---- the run

    async def run(self) -> Seen:
        """From connecting to the verdict's material."""
        rehearsal, loop = self._rehearsal, self._loop
        daemon = rehearsal.daemon
        tasks: list[asyncio.Task[Any]] = []
        try:
            await daemon.start()
            self._ways = ways.Ways(rehearsal)
            if self._row is not None:
                tasks.append(loop.create_task(self._inject(), name="fault"))
            tasks.append(loop.create_task(daemon.run(), name="daemon"))
            tasks.append(loop.create_task(self._confirm(), name="confirmation"))
            operating = loop.create_task(self._operate(), name="operator")
            tasks.append(operating)
            try:
                async with asyncio.timeout(GIVE_UP_S):
                    await operating
                    await self._aftermath()
            except TimeoutError:
                self._refused = self._refused or f"nothing happened in {self._state.value}"
        except DeviceError as error:
            self._refused = str(error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            seen = self._seen()
            await daemon.close()
            rehearsal.sim.stop()
        return seen

    async def _aftermath(self) -> None:
        """A fault that began when nothing was left to do gets its time, and so does what takes power away behind a
        trip: a generator's own dead-man."""
        if self._expected is None:
            return
        until_s = self._loop.time() + max(self._expected.within_s, DWELL_S)
        power = self._rehearsal.power
        while self._loop.time() < until_s and (self._state not in ENDED or power.now_w() > 0.0):
            await self._rehearsal.daemon.judged()
        self._confirmed()  # at this very tick

    def _stop_s(self) -> float:
        return math.inf if math.isnan(self._stopped_s) else self._stopped_s

    def _told(self, since_s: float) -> dict[str, Any]:
        ways = self._ways
        if ways is None:
            return {}
        return {"off_told_s": ways.off_s(since_s), "open_told_s": ways.open_s(since_s), "line": ways.line}

    async def _confirm(self) -> None:
        """Look for when off counts as proven behind the first trip."""
        while not self._confirmed():
            await self._rehearsal.daemon.judged()

    def _confirmed(self) -> bool:
        out = self._rehearsal.daemon.control.outputs
        if math.isnan(self._confirmed_s) and out is not None and out.first_trip is not None and not out.command_off:
            self._confirmed_s = self._loop.time()
        return not math.isnan(self._confirmed_s)

    def _trip(self) -> Any:
        control = getattr(self._rehearsal.daemon, "control", None)
        return control.outputs.first_trip if control is not None and control.outputs is not None else None

    def _shown_s(self) -> float:
        """From when on the fault could be seen; NaN: not so far."""
        expected, onset_s = self._expected, self._onset_s
        if expected is None or math.isnan(onset_s) or expected.shows == "always":
            return onset_s
        if expected.shows == "stop":
            return max(onset_s, self._stopped_s)
        power = self._rehearsal.power
        if power.level_w(onset_s) > SEEN_ABOVE_W:
            return onset_s
        return next((t_s for t_s, _, w in power.steps if t_s >= onset_s and w > SEEN_ABOVE_W), math.nan)

    def _seen(self) -> Seen:
        trip, power = self._trip(), self._rehearsal.power
        onset_s = self._onset_s
        shown_s = self._shown_s()
        off_s = power.off_since_s()
        after_j = 0.0
        if not math.isnan(shown_s):
            after_j = power.energy_j(shown_s)
            if self._row is not None and self._row.duration_s is not None and trip is None:
                after_j -= power.energy_j(max(shown_s, onset_s + self._row.duration_s))  # it was over by then
        masked = self._masked
        if trip is not None and not masked and not math.isnan(onset_s) and trip.t_s < onset_s:
            masked = trip.hazard
        return Seen(
            reached=not math.isnan(onset_s) if self._row is not None else True,
            masked=masked,
            onset_s=onset_s,
            shown_s=shown_s,
            trip=trip.hazard if trip is not None else "",
            trip_s=trip.t_s if trip is not None else math.nan,
            refused=self._refused,
            off_s=math.nan if off_s is None else max(off_s, shown_s),
            off_asked_s=self._stopped_s,
            energy_after_j=after_j,
            power_w=max((w for _, _, w in power.steps), default=0.0),
            passing=self._row is not None and self._row.duration_s is not None,
            confirmed_s=self._confirmed_s,
            **self._told(min(trip.t_s, self._stop_s()) if trip is not None else math.inf),
            state=self._state.value if hasattr(self._rehearsal.daemon, "control") else "BOOT",
        )


def run(case: Case, folder: Path | None = None) -> tuple[Verdict, str, Seen]:
    """Run ``case`` and judge it. Its record goes to ``folder``; None: it is thrown away."""

    async def main(out: Path) -> Seen:
        return await Trial(case, out).run()

    scratch = tempfile.TemporaryDirectory(prefix="ablate-campaign-", dir=_memory())
    with _of_this_run(), scratch as path, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        seen = runner.run(main(folder or Path(path)))
    verdict, why = judge(_expected(case), seen)
    if verdict is Verdict.OK and case.fault and (odd := causes.odd(case, seen)):
        verdict, why = Verdict.WRONG_CAUSE, odd
    if verdict is Verdict.OK and case.fault and (idle := ways.idle(case.fault, case.warp, seen)):
        verdict, why = Verdict.LATE, idle
    return verdict, why, seen


def _memory() -> str | None:
    """:data:`MEMORY`, where it has the room that a record wants; in a container it is often a few megabytes."""
    return MEMORY if os.access(MEMORY, os.W_OK) and free_bytes(Path(MEMORY)) > MIN_FREE_BYTES else None


@contextlib.contextmanager
def _of_this_run() -> Iterator[None]:
    """The daemon collects all garbage before it starts ticking, of which most of a run's time would go into modules:
    while this lasts, only what the run makes is looked at; what runs leave behind goes every ``SWEEP_RUNS``.
    """
    if next(_runs) % SWEEP_RUNS == 0:
        gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _expected(case: Case) -> Expected | None:
    if not case.fault:
        return None
    return expected(case.fault, case.modality, case.phase, case.latent, case.warp)
