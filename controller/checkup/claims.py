"""What a bench file claims of the machine for its loop (``loop:``), and whether this account is granted it."""

from __future__ import annotations

import os
import resource
import threading
from importlib.util import find_spec
from pathlib import Path

from controller.checkup import Finding, ok, warn
from controller.checkup.processes import extra_missing
from controller.config.bench import Loop
from controller.daemon.claim import PRIORITY, memory_limit, priority_limit
from safety.watchdog.hardening import FIFO_PRIORITY

_LIMITS = f"@dialout - rtprio {FIFO_PRIORITY}\\n@dialout - memlock unlimited\\n"
GRANT = f"printf '{_LIMITS}' | sudo tee /etc/security/limits.d/ablate.conf"
REMEDY = "permit it and log in again (a service has limits of its own); until then the loop is an ordinary process"
THROTTLE = Path("/proc/sys/kernel/sched_rt_runtime_us")


def claims(wish: Loop) -> list[Finding]:
    """Only what is asked for. A refusal is a warning: the bench runs without it."""
    findings = []
    if wish.realtime:
        findings += [_priority(), *_throttle(), _memory()]
    if wish.uvloop:
        there = find_spec("uvloop") is not None
        findings.append(
            ok("uvloop", "installed")
            if there
            else extra_missing("fast", "the bench file asks for uvloop; the loop is asyncio's", needed=False)
        )
    return findings


def _priority() -> Finding:
    """Tried, by a thread that ends at once."""
    refused: list[str] = []

    def attempt() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(FIFO_PRIORITY))
        except OSError as error:
            refused.append(error.strerror or str(error))

    thread = threading.Thread(target=attempt, name="may it")
    thread.start()
    thread.join()
    if refused:
        return warn("real time", f"asked for and refused ({refused[0]}): {priority_limit()}", REMEDY, GRANT)
    return ok("real time", f"granted: the loop at priority {PRIORITY}, below the watchdog's {FIFO_PRIORITY}")


def _throttle(setting: Path = THROTTLE) -> list[Finding]:
    """The kernel's own bound for all real-time processes together, as a rule 95 % of each second."""
    try:
        bound_us = int(setting.read_text())
    except (OSError, ValueError):
        return []
    if bound_us >= 0:
        return []
    text = "the kernel's own bound for real-time processes is switched off: what hangs at a priority keeps its core"
    command = "sudo sysctl kernel.sched_rt_runtime_us=950000"
    return [warn("real-time bound", text, "switch it on, unless this machine needs it so", command)]


def _memory() -> Finding:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit != resource.RLIM_INFINITY and os.geteuid() != 0:
        return warn("locked memory", f"asked for and not granted for good: {memory_limit(limit)}", REMEDY, GRANT)
    return ok("locked memory", "granted")
