"""What the panel tells of a bench that does not change from tick to tick: ``GET bench``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from controller.config.layers import effective
from controller.config.loading import LoadedBench
from controller.panel.following import Follower, series_of
from controller.providers import BANNERS
from controller.records.schema import unit_of

QUIET = 5
"""Periods without a sample after which a device counts as silent; at least :data:`QUIET_S`."""
QUIET_S = 1.0


def bench(loaded: LoadedBench, follower: Follower, simulated: bool, foot: bool) -> dict[str, Any]:
    """Name, modality, applicator, limits with their layers, roles, channels, and devices with the health of their
    links, as far as the session file tells it. Texts that come from devices are passed on as they are."""
    header, file = follower.header, loaded.bench
    declared = loaded.declarations
    return {
        "bench": file.bench,
        "modality": loaded.source.modality or "rf",
        "applicator": file.applicator.model_dump(mode="json", exclude_none=True),
        "tick_hz": file.tick_hz,
        "simulated": simulated,
        "banner": BANNERS[simulated],
        "foot": foot,
        "roles": file.roles.model_dump(mode="json"),
        "series": series_of(file.roles.model_dump(mode="json")),
        "limits": {
            name: {"value": bound.value, "layer": bound.layer} for name, bound in effective(loaded.layers).items()
        },
        "devices": [
            {
                "name": name,
                "driver": device.driver,
                "port": device.port,
                **(header.get("devices") or {}).get(name, {}),
                "roles": _roles(file.roles.model_dump(mode="json"), name),
                "link": _link(name, follower, min((spec.period_s for spec in declared[name].channels), default=None)),
            }
            for name, device in file.devices.items()
        ],
        "channels": [
            {
                "name": f"{name}.{spec.name}",
                "unit": unit_of(spec.name),
                "low": spec.low,
                "high": spec.high,
                "period_s": spec.period_s,
                **_reading(f"{name}.{spec.name}", follower),
            }
            for name, declaration in declared.items()
            for spec in declaration.channels
        ],
        "versions": header.get("software") or {"openablate": version("openablate")},
        "session": {key: header.get(key) for key in ("id", "utc", "t_start_s")} if header else None,
        "record_trouble": follower.trouble,
    }


def _roles(roles: dict[str, Any], device: str) -> list[str]:
    def has(value: Any) -> bool:
        return any(map(has, value)) if isinstance(value, list) else str(value).split(".")[0] == device

    return [role for role, value in roles.items() if value is not None and has(value)]


def _link(device: str, follower: Follower, period_s: float | None) -> dict[str, Any]:
    """``age_s``: of its newest sample when the newest tick was taken; ``health``: ok, bad (it answers, and what it says
    counts for nothing), silent, or none (nothing is read from it)."""
    seen = [told for name, told in follower.channels.items() if name.split(".")[0] == device]
    times = [told["t_s"] for told in seen if told["t_s"] is not None]
    if not times:
        return {"health": "none" if period_s is None else "silent", "age_s": None, "period_s": period_s}
    age_s = max(0.0, follower.t_s - max(times))
    silent = age_s > max(QUIET_S, QUIET * (period_s or 0.0))
    bad = any(told["quality"] != 0 for told in seen)
    return {"health": "silent" if silent else "bad" if bad else "ok", "age_s": round(age_s, 3), "period_s": period_s}


def _reading(channel: str, follower: Follower) -> dict[str, Any]:
    told = follower.channels.get(channel)
    if told is None:
        return {"value": None, "quality": None, "age_s": None}
    age_s = None if told["t_s"] is None else round(max(0.0, follower.t_s - told["t_s"]), 3)
    return {"value": told["value"], "quality": told["quality"], "age_s": age_s}
