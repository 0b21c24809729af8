"""uvloop as the daemon's event loop (``loop: {uvloop: true}``): a little less processor time, and no more than that: a
timer descriptor wakes both loops, and our ports read their descriptors themselves. docs/adr/0011 has the figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
NOT_INSTALLED = "uvloop is not installed, so the loop is asyncio's: pip install 'openablate[fast]'"


def loop_factory() -> LoopFactory:
    """What makes such a loop. Raises ImportError where it is not installed."""
    uvloop: Any = import_module("uvloop")
    # uvloop's own clock counts whole milliseconds, as libuv's does; this one has the same epoch.
    clock = {"time": lambda loop: time.monotonic(), "__doc__": "uvloop with a clock that resolves nanoseconds."}
    made: LoopFactory = type("FastLoop", (uvloop.Loop,), clock)
    return made
