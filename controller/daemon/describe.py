"""What the daemon tells of itself: the session's header and the status that people and scripts read."""

from __future__ import annotations

import functools
import platform
import sqlite3
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from controller.config.bench import Bench
from controller.daemon.application import reading
from controller.daemon.compose import Instruments
from controller.daemon.course import Course
from controller.daemon.tick import ControlLoop
from controller.hazards import Hazard, parse
from controller.records.ids import account
from controller.versions import dependencies, plugins, source_revision
from safety.types import Snapshot


@functools.cache
def hazards() -> tuple[Hazard, ...]:
    """The hazard table as it is installed."""
    return parse(files("safety").joinpath("hazards.toml").read_text(encoding="utf-8"))


def header(
    bench: Bench, bench_text: str, instruments: Instruments, simulated: bool, digest: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and channels of a session file."""
    declarations = instruments.declarations()
    head = {
        "bench": bench.bench,
        "bench_text": bench_text,
        "bench_sha256": digest,
        "applicator": bench.applicator.model_dump(),
        "roles": bench.roles.model_dump(mode="json"),
        "limits": bench.limits.model_dump(exclude_none=True),
        "software": {
            "openablate": _version(),
            "python": platform.python_version(),
            "system": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
            **revision(),
        },
        "dependencies": installed(),
        "who": {"user": account(), "host": platform.node()},
        "drivers": {
            name: {"driver": device.driver, "port": device.port, **origin(device.driver)}
            for name, device in bench.devices.items()
        },
        "devices": {
            name: {"model": identity.model, "serial": identity.serial, "firmware": identity.firmware, **identity.extra}
            for name, identity in instruments.identities.items()
        },
        "declarations": {name: _plain(asdict(declaration)) for name, declaration in declarations.items()},
        "metadata": bench.records.metadata.model_dump(mode="json", exclude_defaults=True),
        "calibration": {
            channel: told.model_dump(mode="json", exclude_none=True)
            for channel, told in bench.records.calibration.items()
        },
        "outbox": ["mqtt"] if bench.mqtt is not None else [],
        "simulated": simulated,
        "simulation": bench.simulation,
        "seed": (bench.simulation or {}).get("seed"),
        "no_independent_cutoff_accepted": bench.accept_no_independent_cutoff_i_understand_the_generator_stays_on,
    }
    channels = [
        {"name": f"{device}.{spec.name}", "low": spec.low, "high": spec.high, "period_s": spec.period_s}
        for device, declaration in declarations.items()
        for spec in declaration.channels
    ]
    return head, channels


@functools.cache  # a millisecond each time
def _version() -> str:
    return version("openablate")


@functools.cache
def revision() -> dict[str, str]:
    """Of a source checkout; empty for an installed copy."""
    told = source_revision()
    return {"revision": told} if told is not None else {}


@functools.cache
def installed() -> dict[str, str]:
    """The packages that ours needs and that are there, with their versions."""
    return {name: told for name, told in dependencies().items() if told is not None}


@functools.cache
def _origins() -> dict[str, dict[str, str]]:
    """Of every driver. Looking through all that is installed takes tens of milliseconds: once, not for each device."""
    found: dict[str, dict[str, str]] = {}
    for plugin in plugins():
        if plugin["group"] == "drivers":
            told = {"distribution": plugin["distribution"], "version": plugin["version"]}
            found.setdefault(plugin["name"], told)
    return found


def origin(driver: str) -> dict[str, str]:
    """Which distribution a driver comes from."""
    return _origins().get(driver, {})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "channels"}
    return list(value) if isinstance(value, tuple) else value


def status(bench: Bench, control: ControlLoop, snapshot: Snapshot, course: Course, now_s: float) -> dict[str, Any]:
    """The changing part of ``ablate status --json``."""
    out = control.outputs
    assert out is not None
    roles = bench.roles
    permit, setpoint, application = out.permit, control.setpoint, control.application
    prompt = course.prompts.open
    return {
        "bench": bench.bench,
        "applicator": bench.applicator.name,
        "state": out.state.value,
        "epoch": permit.epoch,
        "elapsed_s": round(course.account.elapsed_s(now_s), 3),
        "permit_w": permit.max_w,
        "limited_by": list(permit.why),
        "blocked_by": list(out.blocked_by),
        "setpoint_w": setpoint.power_w if setpoint is not None else 0.0,
        "energy_j": round(out.energy_j, 1),
        "rolloffs": application.law.rolloffs if application is not None else 0,
        "law": dict(application.internals()) if application is not None else {},
        "trip": out.first_trip.as_dict() if out.first_trip is not None else None,
        "pump_on": out.pump_on,
        "prompt": prompt.as_dict() if prompt is not None else None,
        "answered": course.prompts.answered,
        "waits": course.waits(now_s),
        "attended": course.attendance.status(now_s),
        "readings": list(course.readings.taken),
        "session": course.session(),
        "values": {
            "power_w": reading(snapshot, f"{roles.source}.power_w"),
            "forward_w": reading(snapshot, f"{roles.source}.forward_power_w"),
            "impedance_ohm": reading(snapshot, roles.impedance),
            "tip_c": reading(snapshot, roles.tip),
            "tissue_c": [reading(snapshot, channel) for channel in roles.tissue],
            "tine_c": [reading(snapshot, channel) for channel in roles.tines],
            "shaft_c": reading(snapshot, roles.shaft),
            "coolant_c": reading(snapshot, roles.coolant),
            "flow_ml_min": reading(snapshot, roles.flow),
        },
    }
