"""What the daemon knows of the watchdog, whether that is a process or, in a rehearsal, the same rules in this one."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Protocol

from safety.types import State, WatchdogStatus
from safety.watchdog.frames import Heartbeat, Hello, StatusFrame


class WatchdogError(Exception):
    """The watchdog is absent, gone, or refused the plans. The text is a sentence for a person."""


class Watchdog(Protocol):
    """What the daemon uses.

    ``status`` is what the kernel needs, ``frame`` the newest status frame whole (with the age of the enable line's
    read-back), ``pid`` the watchdog's process, None in a rehearsal.
    """

    status: WatchdogStatus | None
    frame: StatusFrame | None
    pid: int | None

    async def hello(self, hello: Hello) -> None:
        """Hand over plans and descriptors and wait until the watchdog holds them.

        Raises:
            WatchdogError: it is gone, does not answer, or cannot guard these plans.
        """

    def beat(
        self,
        *,
        state: State,
        epoch: int,
        grant_w: float,
        enable_request: bool,
        config_hash: str,
        progress: tuple[int, ...],
        oldest_sample_age_s: float,
    ) -> bool:
        """Send the claim of a completed tick, dated ``loop.time()``; never blocks. False: it could not be sent."""

    async def bye(self) -> None:
        """Say that the daemon ends on purpose, and close. Only when SAFE, COOLDOWN or TRIPPED and granting 0 W."""

    def close(self) -> None:
        """Close the link. Without :meth:`bye` before, a watchdog that has seen one frame cuts."""


@functools.lru_cache(maxsize=8)
def hash8(config_hash: str) -> bytes:
    """The eight bytes that stand for a configuration in a heartbeat."""
    return hashlib.sha256(config_hash.encode()).digest()[:8]


def _whole(value: float, scale: float) -> int:
    """``value * scale`` rounded up; what is not finite becomes the largest number, which no rule lets pass."""
    return math.ceil(value * scale) if math.isfinite(value) else 1 << 62


class Beats:
    """Numbers the heartbeats of one link. ``seq`` is that of the last frame sent; the sender counts it up."""

    def __init__(self) -> None:
        self.seq = 0

    def next(
        self,
        t_s: float,
        state: State,
        epoch: int,
        grant_w: float,
        enable_request: bool,
        config_hash: str,
        progress: tuple[int, ...],
        oldest_sample_age_s: float,
    ) -> Heartbeat:
        """The next heartbeat, dated ``t_s``, from the daemon's units."""
        grant_mw, age_ms = _whole(grant_w, 1e3), _whole(oldest_sample_age_s, 1e3)
        t_ns, config_hash8 = round(t_s * 1e9), hash8(config_hash)
        return Heartbeat(self.seq + 1, t_ns, state, epoch, grant_mw, enable_request, config_hash8, progress, age_ms)
