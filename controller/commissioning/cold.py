"""Checks without energy. Each returns what was seen; none arms or fires anything."""

from __future__ import annotations

import asyncio
from typing import Any

from controller.commissioning.job import Act, Job, Seen, Skipped, value, verdict
from controller.commissioning.table import Step

REST_S = 3.0
BASELINE_S = 1.0
RISE_K = 2.0
NEIGHBOUR_SHARE = 0.5
"""Another sensor that rises by this part of what the warmed one rises by is near it, or is the one that was warmed."""
STALL_S = 4.0
"""How long a pump runs against a shut tube before the want of flow is believed."""


async def identity(job: Job, step: Step) -> Seen:
    """Who every device says it is; whether it is the right one, only a person can see."""
    told = (await job.look())["identities"]
    seen, missing = [], []
    for name, device in job.loaded.bench.devices.items():
        who = told.get(name)
        if who is None:
            missing.append(f"{name}: has not said who it is")
            continue
        said = ", ".join(f"{key} {who[key]}" for key in ("model", "serial", "firmware") if who.get(key))
        seen.append(f"{name} on {device.port}: {said}")
    listed = "\n     ".join(["Is each of these the instrument on this bench?", *seen])
    right = not missing and await job.hands.word(listed)
    return verdict(right, [*seen, *missing, f"somebody's word: {'they are' if right else 'they are not'}"])


async def rest(job: Job, step: Step) -> Seen:
    """No power at rest, for some seconds."""
    source, loop = job.loaded.bench.roles.source, asyncio.get_running_loop()
    most, times, end_s = 0.0, set[float](), loop.time() + REST_S
    on = False
    while loop.time() < end_s:
        look = await job.look()
        power_w, rf_on = value(look, f"{source}.power_w"), value(look, f"{source}.rf_on")
        if power_w is not None:
            most = max(most, abs(power_w))
            times.add(look["channels"][f"{source}.power_w"]["t_s"])
        on = on or rf_on != 0.0
        await asyncio.sleep(0.1)
    off_w = look["off_w"]
    seen = [
        f"{source}.power_w at most {most:.2f} W in {len(times)} readings ({off_w:g} W counts as off)",
        f"{source}.rf_on {'was not 0' if on else '0'}",
    ]
    return verdict(len(times) >= 3 and most <= off_w and not on, seen)


async def contacts(job: Job, step: Step) -> Seen:
    """Every contact of the step leaves its place when it is acted on, and comes back."""
    resting = _at_rest(job, step)
    if not await job.until(lambda look: all(value(look, c) == at for c, at in resting.items()), 2.0):
        look = await job.look()
        wrong = [c for c, at in resting.items() if value(look, c) != at]
        return verdict(False, [f"{c} is {_shown(value(look, c))} at rest, {resting[c]:g} expected" for c in wrong])
    away = [Act(channel, "close" if at == 0.0 else "open") for channel, at in resting.items()]
    back = [Act(channel, "open" if at == 0.0 else "close") for channel, at in resting.items()]
    moved: dict[str, float | None] = {}
    blocked: list[str] = []

    def gone(look: dict[str, Any]) -> bool:
        moved.update({channel: value(look, channel) for channel in step.channels})
        blocked[:] = look["blocked_by"]
        return all(moved[channel] not in (None, resting[channel]) for channel in step.channels)

    await job.hands.do(step.do, away)
    left = await job.until(gone)
    seen = [f"{c}: {resting[c]:g} -> {_shown(moved[c])}" for c in step.channels]
    stuck = [c for c in step.channels if moved[c] == resting[c]]
    seen += [f"{c} stayed {'closed' if resting[c] else 'open'}: its contact or its wiring does not do" for c in stuck]
    withheld = True
    if step.step == "estop" and left:
        withheld = await job.until(lambda look: "estop" in look["blocked_by"], 2.0)
        seen.append("preparing is withheld" if withheld else f"preparing is NOT withheld ({', '.join(blocked)})")
    await job.hands.do(step.undo, back)
    returned = await job.until(lambda look: all(value(look, c) == at for c, at in resting.items()))
    seen.append("all back at rest" if returned else "did not come back to rest")
    return verdict(left and withheld and returned, seen)


def _at_rest(job: Job, step: Step) -> dict[str, float]:
    """All contacts are closed when nothing is wrong, but for the pedal's normally-open one."""
    foot = job.loaded.bench.roles.footswitch
    return {channel: 0.0 if foot and channel == foot[0] else 1.0 for channel in step.channels}


async def line_open(job: Job, step: Step) -> Seen:
    """The enable line reads open by every means there is."""
    look, roles = await job.look(), job.loaded.bench.roles
    closed = (look["watchdog"] or {}).get("enable_closed")
    seen = [f"{roles.enable}: the watchdog reads it {'closed' if closed else 'open' if closed is False else 'not'}"]
    good = closed is False
    if roles.enable_aux is not None:
        aux = value(look, roles.enable_aux)
        seen.append(f"{roles.enable_aux}: {_shown(aux)} (1 while the line is open)")
        good = good and aux == 1.0
    return verdict(good, seen)


async def warms(job: Job, step: Step) -> Seen:
    """The sensor that is warmed rises, and it alone."""
    (channel,) = step.channels
    roles = job.loaded.bench.roles
    singles = (roles.tip, roles.shaft, roles.coolant)
    lists = (roles.tissue, roles.tines, roles.critical, roles.cable)
    every = dict.fromkeys([*(c for c in singles if c), *(c for some in lists for c in some), channel])
    before = await _means(job, list(every))
    if before.get(channel) is None:
        return verdict(False, [f"{channel} has no reading"])
    now: dict[str, float] = {}

    def risen(look: dict[str, Any]) -> bool:
        now.update({c: at - before[c] for c in before if (at := value(look, c)) is not None})
        return max(now.values(), default=0.0) >= RISE_K

    await job.hands.do(step.do, [Act(channel, "warm")])
    try:
        await job.until(risen)
        if now.get(channel, 0.0) < RISE_K:  # another was quicker; a moment more for the right one
            await job.until(lambda look: risen(look) and now[channel] >= RISE_K, 3.0)
    finally:
        await job.hands.do(step.undo, [Act(channel, "leave")])
    rise = now.get(channel, 0.0)
    others = {c: up for c, up in now.items() if c != channel and up >= RISE_K and up > NEIGHBOUR_SHARE * rise}
    seen = [f"{channel}: {before[channel]:.1f} -> {before[channel] + rise:.1f} degrees Celsius, +{rise:.1f}"]
    seen += [f"{c} rose by {up:.1f}: wires or names are swapped, or the two lie together" for c, up in others.items()]
    seen += ["it did not rise"] if rise < RISE_K else []
    return verdict(rise >= RISE_K and not others, seen)


async def coolant(job: Job, step: Step) -> Seen:
    """Against a shut tube the bench does not become ready; with a free one it does."""
    operator, roles = job.plant.operator, job.loaded.bench.roles
    assert roles.pump is not None
    least = job.loaded.bench.limits.flow_min_ml_min or 0.0
    await job.hands.do(step.do, [Act(roles.pump, "stall")])
    if not await job.hands.word("Is the tube shut?"):
        raise Skipped("the tube was not shut")
    flows: dict[str, float | None] = {}

    def withheld(look: dict[str, Any]) -> bool:
        flows["shut"] = value(look, str(roles.flow))
        return look["state"] == "PRECHECK" and look["state_s"] > STALL_S and "flow" in look["blocked_by"]

    answer = await operator.prepare(job.protocols["short"], "")
    if not answer["ok"]:
        return verdict(False, [f"prepare refused: {answer.get('error')}", *answer.get("blocked_by", [])])
    noticed = await job.until(withheld, STALL_S + 4.0)
    seen = [f"shut: {_shown(flows.get('shut'))} mL/min, {'not ready for want of flow' if noticed else 'NOT NOTICED'}"]
    await operator.stop("", "commissioning: the stall was to be seen")
    await job.hands.do(step.undo, [Act(roles.pump, "turn")])
    await job.until(lambda look: look["state"] == "SAFE")
    if not await job.hands.word("Is the tube free?"):
        raise Skipped("the tube was not freed")

    def ready(look: dict[str, Any]) -> bool:
        flows["free"] = value(look, str(roles.flow))
        return str(look["state"]) == "READY"

    answer = await operator.prepare(job.protocols["short"], "")
    flowed = bool(answer["ok"]) and await job.until(ready, 30.0)
    seen.append(f"free: {_shown(flows.get('free'))} mL/min, at least {least:g} needed, {'' if flowed else 'NOT '}ready")
    await operator.stop("", "commissioning: nothing was armed")
    await job.until(lambda look: look["state"] == "SAFE")
    return verdict(noticed and flowed, seen)


async def _means(job: Job, channels: list[str]) -> dict[str, float]:
    """Means over :data:`BASELINE_S`."""
    readings: dict[str, list[float]] = {}
    for _ in range(10):
        look = await job.look()
        for channel in channels:
            if (at := value(look, channel)) is not None:
                readings.setdefault(channel, []).append(at)
        await asyncio.sleep(BASELINE_S / 10)
    return {channel: sum(values) / len(values) for channel, values in readings.items()}


def _shown(reading: float | None) -> str:
    return "not read" if reading is None else f"{reading:.3g}"
