"""What a person is shown beside the values: how old the evidence is, the contacts, the watchdog's word, the limits in
force, the kernel's clocks. For people only; nothing decides by it.
"""

from __future__ import annotations

from typing import Any

from controller.config.bench import Roles
from controller.daemon.application import reading
from safety.config import Config
from safety.state import KernelState
from safety.types import Quality, Snapshot, State, WatchdogStatus


def seen(
    roles: Roles,
    config: Config,
    kernel: KernelState,
    snapshot: Snapshot,
    watchdog: WatchdogStatus | None,
    now_s: float,
) -> dict[str, Any]:
    """For status: ``t_s`` (of the record's clock), ``state_s`` (in this state), ``left_s`` (until the kernel ends it by
    itself; None: it does not), ``limits`` (in force, with the layer that sets each), ``evidence`` (each role's channel,
    ``age_s`` and ``oldest_s`` that still counts; ``good`` is None for a channel never read), ``contacts`` (``closed``:
    None when it is not known), ``watchdog`` (None before its first frame).
    """
    return {
        "t_s": round(now_s, 3),
        "state_s": round(now_s - kernel.entered_s, 2),
        "left_s": left_s(kernel, config, now_s),
        "limits": {name: {"value": bound.value, "layer": bound.layer} for name, bound in config.limits.items()},
        "evidence": {
            name: _evidence(channel, config, snapshot, now_s)
            for name, channel in _channels(roles)
            if channel is not None
        },
        "contacts": {
            name: [
                {**_evidence(channel, config, snapshot, now_s), "closed": _closed(snapshot, channel)}
                for channel in pair
            ]
            for name, pair in (
                ("estop", tuple(roles.estop)),
                ("door", (roles.door,) if roles.door is not None else ()),
                ("footswitch", tuple(roles.footswitch or ())),
                ("pad", (roles.pad,) if roles.pad is not None else ()),
                ("leak", tuple(roles.leak)),
            )
            if pair
        },
        "watchdog": None
        if watchdog is None
        else {
            "ready": watchdog.ready,
            "enable_closed": watchdog.enable_closed,
            "enable_commanded": watchdog.enable_commanded,
            "age_s": round(now_s - watchdog.t_s, 3),
        },
    }


def left_s(kernel: KernelState, config: Config, now_s: float) -> float | None:
    """How long until the kernel leaves this state by itself; None where it waits for people or for the law."""
    timing = config.timing
    ends = {
        State.BOOT: kernel.entered_s + timing.boot_proof_s,
        State.PRECHECK: kernel.entered_s + timing.precheck_s,
        State.READY: kernel.entered_s + timing.ready_s,
        State.ARMED: kernel.armed_at_s + timing.arm_s,
        State.COOLDOWN: kernel.entered_s + timing.cooldown_max_s,
    }
    end_s = ends.get(kernel.state)
    return round(max(end_s - now_s, 0.0), 2) if end_s is not None else None


def _channels(roles: Roles) -> list[tuple[str, str | None]]:
    """Names as in ``values``, and the channel that each is read from."""
    return [
        ("power_w", f"{roles.source}.power_w"),
        ("impedance_ohm", roles.impedance),
        ("tip_c", roles.tip),
        *((f"tissue_c[{i}]", channel) for i, channel in enumerate(roles.tissue)),
        *((f"tine_c[{i}]", channel) for i, channel in enumerate(roles.tines)),
        ("shaft_c", roles.shaft),
        ("coolant_c", roles.coolant),
        ("flow_ml_min", roles.flow),
    ]


def _evidence(channel: str, config: Config, snapshot: Snapshot, now_s: float) -> dict[str, Any]:
    sample, at = snapshot.get(channel), config.index.get(channel)
    return {
        "channel": channel,
        "age_s": round(now_s - sample.t_request_s, 3) if sample is not None else None,
        "oldest_s": config.channels[at].age_limit_s if at is not None else None,
        "good": sample.quality is Quality.GOOD if sample is not None else None,
    }


def _closed(snapshot: Snapshot, channel: str) -> bool | None:
    value = reading(snapshot, channel)
    return None if value is None else value >= 0.5
