"""What a process beside the daemon does first: it steps back behind daemon and watchdog."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NICER = 5
"""Below the daemon and its watchdog: what a browser or a broker wants can wait."""
OOM_FIRST = "500"
"""Where memory runs out, Linux ends this process before the daemon."""


def step_back() -> None:
    """Lower this process's claim to processors and memory, as far as the system lets it."""
    with contextlib.suppress(OSError):
        os.nice(NICER)
        Path("/proc/self/oom_score_adj").write_text(OOM_FIRST)
