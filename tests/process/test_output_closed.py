"""`ablate run` whose output nobody reads any more, and one that is interrupted before it has begun."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from controller.records.reader import open_session
from tests.process.bench import POWER_W, Emulated
from tests.process.ends import children_of, wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


def gone(emulated: Emulated) -> None:
    wait_for(lambda: children_of(str(emulated.folder)) == [emulated.emulator], "every process of the run to end", 20.0)


def test_closed_output_aborts_with_that_reason_on_record(emulated: Emulated) -> None:
    emulated.forget()
    process = emulated.ablate(
        "run", emulated.wired, emulated.steady, "--no-report", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_for(lambda: emulated.log.now_w > 0.8 * POWER_W or process.poll() is not None, "power", 20.0)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 6
    assert emulated.log.now_w == 0.0
    gone(emulated)
    newest = max(emulated.out.rglob("*.ablate"), key=lambda path: path.stat().st_mtime_ns)
    with open_session(newest) as session:
        assert (session.summary["result"], session.summary["reason"]) == ("aborted", "output closed")


def test_an_interrupted_run_names_the_record_that_it_keeps(emulated: Emulated) -> None:
    emulated.forget()
    lock = emulated.runtime / emulated.name / "lock"
    lock.unlink(missing_ok=True)
    process = emulated.ablate("run", emulated.wired, emulated.steady, "--no-report")
    wait_for(lock.exists, "a launcher that listens to signals", 10.0)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=40)
    assert process.returncode == 130
    (told,) = [line for line in out.splitlines() if line.startswith("session: ")]
    assert Path(told.removeprefix("session: ")).is_file()
    gone(emulated)
