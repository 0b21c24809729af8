"""Checks with energy: a little power into a dummy load, by the ordinary prepare, arm and fire of a foreground.

Times are read from the session file: between the last sample in which a contact still was closed and the first power
sample, asked for later, that says off.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from controller.commissioning.job import Act, Job, Seen, Skipped, value, verdict
from controller.commissioning.table import PROVEN_S, Step, dummy_w
from controller.perform import LOCKOUT_REMEDY, NotReady, clear_latch, perform
from controller.records.reader import Series, open_session

POWER_SHARE = 0.3
POWER_SLACK_W = 2.0
"""The meter may be off by this share of what is asked for, or by so much."""
RECORDED_WITHIN_S = 8.0
RESETS_TRIED = 40
"""Each takes some seconds: coolant runs on before a reset is accepted, a hot applicator is cooled."""
RESET_REASON = "commissioning: tripped on purpose"


async def obeys_off(job: Job, step: Step) -> Seen:
    """A short application from beginning to end."""
    await _load(job, step)
    asked_w = dummy_w(job.loaded.bench)
    status, begin_s = await _application(job, "short", None)
    result = status.get("result") or {}
    seen = [f"ended: {result.get('result')} after {result.get('duration_s', 0.0):.1f} s"]
    good = result.get("result") == "completed"
    if trip := status.get("trip"):
        seen.append(f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}")
        await _reset(job)
        if (await job.plant.operator.status())["state"] == "LOCKOUT":
            seen.append(f"LOCKOUT, off was not proven in time; {LOCKOUT_REMEDY}")
    power = await _recorded(
        job, status, f"{job.loaded.bench.roles.source}.power_w", lambda found: _ended(found, begin_s)
    )
    held = [v for t, v in zip(power.t_s, power.value, strict=True) if t > begin_s and v > 0.5 * asked_w]
    mean_w = sum(held) / len(held) if held else 0.0
    seen.append(f"{mean_w:.1f} W in {len(held)} readings, {asked_w:g} W asked for")
    good = good and abs(mean_w - asked_w) <= max(POWER_SHARE * asked_w, POWER_SLACK_W)
    if (enable := job.loaded.bench.roles.enable) is not None:
        line = await _recorded(job, status, f"{enable}.closed_on", lambda found: _ended(found, begin_s))
        closed = [bool(v) for t, v in zip(line.t_s, line.value, strict=True) if t > begin_s]
        did = any(closed) and not closed[-1]
        seen.append(f"{enable}: {'closed for the power, open after it' if did else 'did NOT close and open as told'}")
        good = good and did
    if (aux := job.loaded.bench.roles.enable_aux) is not None:
        opened = await job.until(lambda look: value(look, aux) == 1.0, 2.0)
        seen.append(f"{aux}: the line is {'open' if opened else 'STILL CLOSED'} after it")
        good = good and opened
    return verdict(good, seen)


async def estop_under_power(job: Job, step: Step) -> Seen:
    """The E-stop is pressed while power flows."""
    await _load(job, step)
    pair = job.loaded.bench.roles.estop

    async def press() -> None:
        await job.hands.do("Press the E-stop NOW.", [Act(channel, "open") for channel in pair])

    status, begin_s = await _application(job, "long", press)
    trip = status.get("trip")
    if trip is None:
        return verdict(False, ["no trip: the E-stop was not pressed, or not noticed", *_told(status)])
    seen = [f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}"]
    last_closed_s = math.inf
    for channel in pair:
        found = await _recorded(job, status, channel, lambda s: any(_open(s, begin_s)))
        if (at_s := _last_before_open(found, begin_s)) is not None:
            last_closed_s = min(last_closed_s, at_s)
    proven = await _off_after(job, status, last_closed_s)
    seen.append(_in_words(proven, "the E-stop's contact still was closed"))
    await job.hands.do(step.undo, [Act(channel, "close") for channel in pair])
    released = await job.until(lambda look: all(value(look, channel) == 1.0 for channel in pair))
    seen += [] if released else ["the E-stop was not released"]
    if released:
        await _reset(job)
    return verdict(trip["hazard"] == "H66" and proven is not None and proven <= PROVEN_S and released, seen)


async def watchdog_killed(job: Job, step: Step) -> Seen:
    """The watchdog dies while power flows: the daemon trips, and the relay that nobody refreshes opens."""
    await _load(job, step)
    roles, killed = job.loaded.bench.roles, [math.inf]

    async def kill() -> None:
        job.hands.tell("  the watchdog is killed now")
        killed[0] = await job.plant.kill_watchdog()

    status, _ = await _application(job, "long", kill)
    trip = status.get("trip")
    seen = [f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}" if trip else "NO TRIP"]
    proven = await _off_after(job, status, killed[0])
    seen.append(_in_words(proven, "the watchdog was killed"))
    good = trip is not None and proven is not None and proven <= PROVEN_S
    if roles.enable is not None:
        own_s = job.loaded.declarations[roles.enable].native_deadman_s
        if own_s is None:
            seen.append(f"{roles.enable} declares no time of its own: it stays as it is when nobody speaks to it")
            good = False
        elif roles.enable_aux is not None:
            aux = roles.enable_aux
            opened = await job.until(lambda look: value(look, aux) == 1.0, own_s + 2.0)
            seen.append(f"{aux}: the line {'opened' if opened else 'did NOT open'} within {own_s + 2.0:g} s")
            good = good and opened
        else:
            await asyncio.sleep(own_s)
            opened = await job.hands.word(f"Has the enable relay dropped (its lamp is out), within {own_s:g} s?")
            seen.append(f"somebody's word: the relay has {'' if opened else 'NOT '}dropped within {own_s:g} s")
            good = good and opened
    job.hands.tell("  the bench is started anew")
    await job.plant.restart()
    await job.until(lambda look: look["state"] != "BOOT", 10.0)
    await _reset(job)
    return verdict(good, seen)


async def _load(job: Job, step: Step) -> None:
    """Energy only with somebody's word that a load is there. Raises Skipped."""
    watts = dummy_w(job.loaded.bench)
    if not await job.hands.word(f"{step.title}: is a dummy load for {watts:g} W connected, and may power flow now?"):
        raise Skipped("no dummy load, or nobody wanted power to flow")


async def _application(
    job: Job, which: str, during: Callable[[], Awaitable[None]] | None
) -> tuple[dict[str, Any], float]:
    """Prepare, arm, fire and hold; ``during`` once power has flowed for a second. The last status, and when it began.

    Raises:
        NotReady: the bench refuses.
    """
    loop = asyncio.get_running_loop()
    begin_s, over = loop.time(), asyncio.Event()
    wanted_w, source = 0.5 * dummy_w(job.loaded.bench), job.loaded.bench.roles.source

    async def act() -> None:
        assert during is not None
        power = await job.until(lambda look: over.is_set() or (value(look, f"{source}.power_w") or 0.0) > wanted_w)
        if power and not over.is_set():
            await asyncio.sleep(1.0)
            await during()

    acting = loop.create_task(act(), name="hands") if during is not None else None

    def interrupted() -> bool:
        return job.hands.skipped() is not None

    try:
        protocol = job.protocols[which]
        status = await perform(job.plant.operator, protocol, lambda status: None, interrupted=interrupted)
    finally:
        over.set()
        if acting is not None:
            await asyncio.gather(acting, return_exceptions=True)
    if (reason := job.hands.skipped()) is not None:
        raise Skipped(reason)
    return status, begin_s


async def _reset(job: Job) -> None:
    """Leave the trip behind that was wanted."""
    operator = job.plant.operator
    await job.until(lambda look: look["state"] in ("TRIPPED", "SAFE", "LOCKOUT"), 30.0)
    if (await operator.status())["state"] != "TRIPPED":
        return
    for _ in range(RESETS_TRIED):
        try:
            await clear_latch(operator, RESET_REASON, lambda status: None)
        except NotReady as error:
            refused = error
        else:
            return
    raise refused


async def _recorded(job: Job, status: dict[str, Any], channel: str, enough: Callable[[Series], bool]) -> Series:
    """A channel of the running session, as soon as what is looked for has reached the file."""
    path, loop = Path(status["session_file"]), asyncio.get_running_loop()
    give_up_s = loop.time() + RECORDED_WITHIN_S
    if str(path) not in job.sessions:
        job.sessions.append(str(path))
    while True:
        with open_session(path) as session:
            found = session.series(channel)
        if enough(found) or loop.time() > give_up_s:
            return found
        await asyncio.sleep(0.2)


async def _off_after(job: Job, status: dict[str, Any], since_s: float) -> float | None:
    """How long after ``since_s`` off was proven by a power sample, s; None: it was not."""
    if not math.isfinite(since_s):
        return None
    off_w = (await job.look())["off_w"]

    def off_s(power: Series) -> float | None:
        on = [t for t, v in zip(power.t_s, power.value, strict=True) if t > since_s and not v <= off_w]
        after_s = on[-1] if on else since_s
        return next((float(t) for t in power.t_s if t > after_s), None)

    channel = f"{job.loaded.bench.roles.source}.power_w"
    found = off_s(await _recorded(job, status, channel, lambda power: off_s(power) is not None))
    return None if found is None else found - since_s


def _open(series: Series, since_s: float) -> list[bool]:
    return [bool(t > since_s and v == 0.0) for t, v in zip(series.t_s, series.value, strict=True)]


def _last_before_open(series: Series, since_s: float) -> float | None:
    """When the sample was asked for that last said closed."""
    opened = _open(series, since_s)
    at = opened.index(True) if any(opened) else 0
    return float(series.t_s[at - 1]) if at > 0 else None


def _ended(series: Series, begin_s: float) -> bool:
    """The record reaches to after the power."""
    after = [v for t, v in zip(series.t_s, series.value, strict=True) if t > begin_s]
    return any(v > 0.5 for v in after) and bool(after) and after[-1] <= 0.5


def _in_words(proven_s: float | None, since: str) -> str:
    if proven_s is None:
        return "off was not proven in the record"
    return f"off proven at most {proven_s * 1000:.0f} ms after {since} (at most {PROVEN_S * 1000:g} ms)"


def _told(status: dict[str, Any]) -> list[str]:
    result = status.get("result") or {}
    return [f"ended: {result.get('result')}, {result.get('reason', '')}"]
