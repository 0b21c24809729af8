"""No processor for anybody but the watchdog: it waits for no other process, the kernel's own workers included (H24).
And one for the daemon only now and then, so that its ticks come late again and again (H33).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.process.bench import ROOT, STARVED, Emulated, firing, signals
from tests.process.ends import wait_for
from tests.process.starving import starving
from tests.process.trials import latched

pytestmark = pytest.mark.process

STARVED_S = 0.3
READER = f"""
import os, time, tty
from safety.watchdog.line import Line
from tests.process.starving import starving
device, ours = os.openpty()
tty.setraw(ours)
line = Line(ours, None, 9600)
with starving({STARVED_S}) as begin:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    begin()
    time.sleep(0.03)
    os.write(device, b"answer")  # the kernel's worker would carry it over, and gets no processor
    begin_s = time.monotonic()
    early, taken = line.read(0.01), line.write(b"off", 0.02)
    took_s = time.monotonic() - begin_s
    time.sleep(0.4)
    print(took_s, early, taken, line.read())
"""


def test_a_terminal_is_read_and_written_without_waiting() -> None:
    """A poll or a read of this terminal would take until the others have a processor again: 0.25 s and more."""
    with starving(0.0):
        pass  # is that permitted here at all?
    done = subprocess.run([sys.executable, "-c", READER], cwd=ROOT, capture_output=True, text=True, timeout=30)
    took_s, told = done.stdout.split(" ", 1)
    assert told == "b'' True b'answer'\n"
    assert float(took_s) < 0.1


def test_a_stopped_daemon_is_cut_in_time_while_nobody_else_has_a_processor(emulated: Emulated) -> None:
    """The emulated generator has none either: when the off was handed over stands in the watchdog's record."""
    with firing(emulated) as live, starving(STARVED_S) as begin:
        begin_s = signals([live.pids.daemon], signal.SIGSTOP)
        begin()
        assert live.ended() == 75
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W")
        cut = emulated.cuts[-1]
    assert (cut["hazard"], cut["off_proven"]) == ("H24", True)
    off_s = cut["t_mono_s"] + cut["timings_ms"]["off_written"] / 1e3 - begin_s
    assert off_s <= 0.220


def test_a_daemon_that_gets_a_processor_now_and_then_trips(emulated: Emulated) -> None:
    """5 ms in each 25, and a tick is wanted each 10: most come late, and none so late that it were a host that stood
    (H29), that its lease had lapsed (H24, H25) or that samples were old (H15). Where others want those 5 ms too it may
    be one of these: off in time all the same, and tried again.
    """
    fast = emulated.write("fast.yaml", {**emulated.wired_data, "tick_hz": 100})
    causes = []
    while "H33" not in causes and len(causes) < 3:
        with firing(emulated, bench=fast) as live, starving(5.0, 0.02, 0.025) as begin:
            begin_s = time.monotonic()
            begin()
            causes.append(latched(emulated).hazard)
            live.state("TRIPPED")
        off_s = emulated.log.off_s(begin_s)
        assert off_s is not None and off_s - begin_s <= 1.5
        assert set(causes) <= STARVED
    assert "H33" in causes


def on_one_processor(*processes: int) -> None:
    """All threads of these share one."""
    for process in processes:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {min(os.sched_getaffinity(0))})


def test_a_daemon_that_dies_on_the_watchdogs_processor_holds_up_no_cut(emulated: Emulated) -> None:
    """Somebody has looked at its threads. The one that dies last clears away what the kernel keeps of that; who reaps
    the process at a real-time priority meanwhile takes its processor, and waits for it, for nearly a second.
    """
    with firing(emulated) as live:
        on_one_processor(*live.pids)
        for thread in Path(f"/proc/{live.pids.daemon}/task").iterdir():
            (thread / "stat").read_text()
        signals([live.pids.daemon], signal.SIGSTOP)
        assert live.ended() == 75
        cut = emulated.cuts[-1]
    assert (cut["hazard"], cut["off_proven"]) == ("H24", True)
    assert cut["timings_ms"]["latched"] <= 300.0, cut["timings_ms"]
