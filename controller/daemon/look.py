"""Every channel's newest sample and every device's word on who it is: for whoever checks a bench by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drivers.contract import Identity
from safety.config import Config
from safety.state import KernelState
from safety.types import Outputs, Quality, Snapshot, WatchdogStatus


def look(
    config: Config,
    kernel: KernelState,
    out: Outputs,
    snapshot: Snapshot,
    identities: Mapping[str, Identity],
    watchdog: WatchdogStatus | None,
    now_s: float,
) -> dict[str, Any]:
    """``channels``: by name, ``value`` (None: not a number), ``t_s`` (asked for at), ``age_s``, ``good``;
    ``identities``: by device; ``off_w``: at most this is off; ``watchdog``: what it reads of the enable line.
    """
    return {
        "ok": True,
        "state": out.state.value,
        "state_s": round(now_s - kernel.entered_s, 3),
        "blocked_by": list(out.blocked_by),
        "off_w": config.thresholds.off_w,
        "channels": {
            name: {
                "value": sample.value if math.isfinite(sample.value) else None,
                "t_s": round(sample.t_request_s, 6),
                "age_s": round(now_s - sample.t_request_s, 3),
                "good": sample.quality is Quality.GOOD and math.isfinite(sample.value),
            }
            for name, sample in sorted(snapshot.items())
        },
        "identities": {
            name: {"model": who.model, "serial": who.serial, "firmware": who.firmware, **who.extra}
            for name, who in identities.items()
        },
        "watchdog": None
        if watchdog is None
        else {"enable_closed": watchdog.enable_closed, "enable_commanded": watchdog.enable_commanded},
    }
