"""What makes the watchdog hard to starve, where the system permits it; silently skipped elsewhere.

Done after the daemon was spawned, so that the daemon inherits none of it.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
from contextlib import suppress
from pathlib import Path

MCL_CURRENT, MCL_FUTURE = 1, 2
FIFO_PRIORITY = 10


def harden() -> None:
    """Lock memory, take a real-time priority, be the last that the out-of-memory killer chooses."""
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
        # Future pages are locked only without a limit: at a limit, the next allocation would fail instead of paging.
        libc.mlockall(MCL_CURRENT | MCL_FUTURE if unlimited else MCL_CURRENT)
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("-1000")


def soften() -> None:
    """An ordinary process again."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
