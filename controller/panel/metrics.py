"""``GET /metrics``: the bench for Prometheus.

The daemon is asked when somebody scrapes, and what it does not know now is not told: an old reading has no line, and a
daemon that does not answer leaves ``openablate_up 0`` and what is known without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from controller.client import Unreachable
from controller.panel.api import METRICS, Told, api
from controller.panel.context import CONTEXT, Context
from controller.panel.exposition import CONTENT_TYPE, Distribution, Exposition
from controller.panel.facts import QUIET, QUIET_S
from controller.panel.link import ANSWER_S
from controller.records.schema import unit_of
from controller.versions import installed
from safety.types import State

SHARED_S = 0.5
"""Whoever asks within this time gets the same page: the daemon is asked twice a second at most."""
MEASURED = {
    "W": ("openablate_power_watts", "Power as a device tells it."),
    "ohm": ("openablate_impedance_ohms", "Impedance of the load, where it can be read."),
    "degC": ("openablate_temperature_celsius", "Temperature."),
    "ml/min": ("openablate_flow_milliliters_per_minute", "Flow of coolant."),
}
"""By the unit of a channel. The flow keeps the unit in which pumps are set."""
PRIORITIES = ("high", "medium", "low")


class Scrape:
    """The newest page, and since when it is that."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._text, self._since_s = "", float("-inf")

    async def text(self, context: Context) -> str:
        """Raises nothing: a daemon that does not answer is an answer."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if loop.time() - self._since_s >= SHARED_S:
                self._text, self._since_s = page(context, await _look(context)), loop.time()
            return self._text


SCRAPE = web.AppKey("scrape", Scrape)


async def _look(context: Context) -> dict[str, Any] | None:
    try:
        return await context.link.act("look", "metrics", limit_s=ANSWER_S)
    except Unreachable:
        return None


@api(
    Told(
        "What the bench does now, in Prometheus' text format 0.0.4; see docs/panel-api.md",
        errors=(401, 403),
        answer_type="text/plain",
    )
)
async def metrics(request: web.Request) -> web.StreamResponse:
    text = await request.app[SCRAPE].text(request.app[CONTEXT])
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def routes() -> list[web.RouteDef]:
    """The only one."""
    return [web.get(METRICS, metrics, allow_head=False)]


def page(context: Context, look: Mapping[str, Any] | None) -> str:
    """Of the newest status and of ``look``, which is of this moment; None: the daemon does not answer."""
    status = context.status if look is not None else None
    out = Exposition()
    out.gauge("openablate_up", "1 while the daemon of this bench answers.", ({}, status is not None))
    _build(out, context)
    if status is None or look is None:
        return out.text()
    states = [({"state": state.value}, float(state.value == status["state"])) for state in State]
    out.gauge("openablate_state", "1 for the state that the bench is in, 0 for every other.", *states)
    _energy(out, status)
    _channels(out, context, look.get("channels") or {})
    _record(out, context, status)
    _times(out, status, look.get("times") or {})
    return out.text()


def _build(out: Exposition, context: Context) -> None:
    software = context.follower.header.get("software") or {}
    labels = {
        "bench": context.loaded.bench.bench,
        "version": str(software.get("openablate") or installed("openablate") or ""),
        "revision": str(software.get("revision", "")),
        "simulated": str(context.providers.simulated).lower(),
    }
    out.gauge("openablate_build_info", "Always 1; the labels say which bench and software.", (labels, 1))


def _energy(out: Exposition, status: Mapping[str, Any]) -> None:
    """What is asked, allowed and delivered. Nothing of it is known in BOOT."""
    out.gauge("openablate_setpoint_watts", "Power that the source was told.", ({}, status.get("setpoint_w")))
    out.gauge("openablate_permit_watts", "Power that the interlocks allow now.", ({}, status.get("permit_w")))
    told = "Energy of the application under way, or else of the one before; begins anew with the next."
    out.gauge("openablate_energy_joules", told, ({}, status.get("energy_j")))
    if "trip" not in status:
        return
    out.gauge("openablate_trip_latched", "1 while a safety trip waits for its reset.", ({}, status["trip"] is not None))
    listed = [alarm.get("priority") for alarm in (status.get("alarms") or {}).get("list", ())]
    counts = [({"priority": priority}, float(listed.count(priority))) for priority in PRIORITIES]
    out.gauge("openablate_alarms", "Alarms that stand.", *counts)


def _channels(out: Exposition, context: Context, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Fresh and good ones have a value; all have an age."""
    period_s = {
        f"{device}.{spec.name}": spec.period_s
        for device, declaration in context.loaded.declarations.items()
        for spec in declaration.channels
    }
    for unit, (name, told) in MEASURED.items():
        fresh = [
            ({"channel": channel}, sample["value"])
            for channel, sample in found.items()
            if unit_of(channel) == unit
            and sample["good"]
            and sample["age_s"] <= max(QUIET_S, QUIET * period_s.get(channel, 0.0))
        ]
        out.gauge(name, told, *fresh)
    ages = [({"channel": channel}, max(0.0, sample["age_s"])) for channel, sample in found.items()]
    out.gauge("openablate_sample_age_seconds", "Since the newest sample was asked for.", *ages)


def _record(out: Exposition, context: Context, status: Mapping[str, Any]) -> None:
    record, mqtt, watchdog = (status.get(key) or {} for key in ("record", "mqtt", "watchdog"))
    out.gauge(
        "openablate_record_healthy", "1 while the session file takes what it is given.", ({}, record.get("healthy"))
    )
    told = "Since the newest tick that is safe on disk."
    out.gauge("openablate_record_age_seconds", told, ({}, record.get("age_s")))
    rows = context.follower.rows if context.follower.header and not context.follower.trouble else None
    out.gauge("openablate_record_rows", "Ticks, samples and events in the open session's file.", ({}, rows))
    out.gauge("openablate_mqtt_connected", "1 while the broker is connected.", ({}, mqtt.get("connected")))
    out.gauge("openablate_mqtt_lag_seconds", "Time that the broker is behind the file.", ({}, mqtt.get("lag_s")))
    out.gauge("openablate_mqtt_lag_rows", "Rows that the broker is behind the file.", ({}, mqtt.get("lag_rows")))
    age_s = watchdog.get("age_s")
    out.gauge("openablate_watchdog_age_seconds", "Since the watchdog's newest word.", ({}, age_s))


def _times(out: Exposition, status: Mapping[str, Any], times: Mapping[str, Any]) -> None:
    out.counter("openablate_ticks_total", "Turns of the control loop.", ({}, status.get("ticks")))
    told = "Deadlines of the control loop that were missed, or met more than half a period late."
    out.counter("openablate_late_ticks_total", told, ({}, status.get("late_ticks")))
    if claim := status.get("loop"):
        told = "Real-time priority (SCHED_FIFO) of the control loop; 0: an ordinary process."
        out.gauge("openablate_realtime_priority", told, ({}, claim["fifo_priority"] or 0))
        told = "1 while no memory of the daemon can be swapped out."
        out.gauge("openablate_memory_locked", told, ({}, claim["memory_locked"]))
    found = {name: Distribution(each["buckets"], each["count"], each["sum_s"]) for name, each in times.items()}
    told = "How late the control loop woke after its deadline."
    out.histogram("openablate_tick_lateness_seconds", told, [({}, found[n]) for n in found if n == "lateness"])
    told = "What a turn of the control loop took, the set-point's way to the source included."
    out.histogram("openablate_tick_cost_seconds", told, [({}, found[n]) for n in found if n == "tick"])
    told = "What asking a device for all its channels took."
    polls = [({"device": n.removeprefix("poll ")}, found[n]) for n in found if n.startswith("poll ")]
    out.histogram("openablate_poll_seconds", told, polls)
