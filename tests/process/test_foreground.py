"""What ends `ablate run` from outside, in the middle of FIRING: off, proven, recorded, nobody left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.records.reader import open_session
from controller.records.verify import verify
from tests.process.bench import POWER_W, Emulated, protocol, run, starved
from tests.process.ends import alive, children_of, wait_for
from tests.process.orphan import Orphan

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

OFF_S = 0.6  # the foreground looks every 0.1 s; its lease lasts 0.3 s


def others(emulated: Emulated) -> list[int]:
    """Processes of this bench besides its emulator."""
    return [pid for pid in children_of(str(emulated.folder)) if pid != emulated.emulator]


def all_gone(emulated: Emulated) -> None:
    wait_for(lambda: not others(emulated), "every process of the run to end", 20.0)


@contextlib.contextmanager
def running(
    emulated: Emulated,
    start: Callable[[], subprocess.Popen[str]] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[subprocess.Popen[str]]:
    """`ablate run`, delivering power; a start on an overloaded machine is repeated."""
    emulated.forget()

    def decided() -> bool:
        meanwhile()
        return process.poll() is not None or emulated.log.now_w > 0.8 * POWER_W

    for attempt in range(3):
        if start is not None:
            process = start()
        else:
            process = emulated.ablate("run", emulated.wired, emulated.steady, "--no-report", "--json")
        wait_for(decided, "power", 20.0)
        if process.poll() is None:
            break
        told = process.communicate()
        assert attempt < 2, told
        assert starved(emulated), told
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def session_of(emulated: Emulated) -> Path:
    """The newest session file."""
    return max(emulated.out.rglob("*.ablate"), key=lambda path: path.stat().st_mtime_ns)


def off_within(emulated: Emulated, begin_s: float, bound_s: float) -> None:
    wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
    off_s = emulated.log.off_s(begin_s)
    assert off_s is not None and off_s - begin_s <= bound_s


def test_the_simulated_bench_of_a_killed_foreground_is_off(orphan: Orphan) -> None:
    """Daemon and watchdog end; the emulated neighbour stays for a while: `test_refusals` sees its end."""
    bench = orphan.bench
    wait_for(lambda: children_of(str(bench.folder)) == [orphan.neighbour], "daemon and watchdog to end", 20.0)
    assert bench.backdoor(snapshot="brief")["load_w"] == 0.0
    assert not bench.latch.exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda x: str(x)
)
def test_a_signal_stops_proves_and_records(emulated: Emulated, number: signal.Signals, code: int) -> None:
    with running(emulated) as process:
        begin_s = time.monotonic()
        os.killpg(process.pid, number)  # as a terminal does: to the whole group
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (code, "")
        off_within(emulated, begin_s, OFF_S)
    result = json.loads(out)
    assert (result["result"], result["reason"], result["trip"]) == ("aborted", "interrupted", None)
    path = Path(result["session_file"])
    seen = verify(path)
    assert seen.ok and seen.closed
    with open_session(path) as session:
        states = [event.data["to"] for event in session.events("state")]
        power_w = session.series("gen.power_w")
    assert states[-3:] == ["STOPPING", "COOLDOWN", "SAFE"]  # off was proven, or it would be LOCKOUT
    assert power_w.value[-1] == 0.0
    assert not emulated.latch.exists()
    all_gone(emulated)


def test_a_killed_foreground_loses_its_hold(emulated: Emulated) -> None:
    with running(emulated) as process:
        path = session_of(emulated)
        begin_s = time.monotonic()
        os.killpg(process.pid, signal.SIGKILL)
        off_within(emulated, begin_s, OFF_S)
        assert process.wait(10) == -signal.SIGKILL
        all_gone(emulated)
    seen = verify(path)
    assert seen.ok and seen.closed
    with open_session(path) as session:
        reasons = [event.data["reason"] for event in session.events("state") if event.data["from"] == "FIRING"]
        assert reasons in (["foreground let go"], ["stop: shutdown"])  # the daemon hears of it both ways
        assert session.summary["result"] == "aborted"
    assert not emulated.latch.exists()


def test_a_closed_terminal(emulated: Emulated) -> None:
    """A real terminal that goes away: SIGHUP, and every later word to it fails."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "controller", "run", str(emulated.wired), str(emulated.steady), "--no-report"]
        return subprocess.Popen(
            command,
            cwd=emulated.folder,
            env=emulated.environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            text=True,
            start_new_session=True,
            preexec_fn=take_terminal,
        )

    def read_on() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 4096):
                pass

    with running(emulated, start, read_on) as process:
        path = session_of(emulated)
        begin_s = time.monotonic()
        os.close(slave)
        os.close(master)
        off_within(emulated, begin_s, OFF_S)
        assert process.wait(20) == 129
    all_gone(emulated)
    seen = verify(path)
    assert seen.ok and seen.closed
    with open_session(path) as session:
        assert (session.summary["result"], session.summary["reason"]) == ("aborted", "interrupted")


def test_stop_from_another_process(emulated: Emulated) -> None:
    """`ablate status` names the processes, `ablate stop` ends the application: exit code 6 of `run`."""
    with running(emulated) as process:
        code, out, _ = run(emulated, "status", "--json")
        status = json.loads(out)
        assert (code, status["state"], status["pids"]) == (0, "FIRING", emulated.pids._asdict())
        assert all(alive(pid) for pid in status["pids"].values())
        code, out, _ = run(emulated, "stop", "--reason", "enough")
        assert (code, out) == (0, "stop sent\n")
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (6, "")
    result = json.loads(out)
    assert (result["result"], result["reason"], result["trip"]) == ("aborted", "enough", None)
    assert emulated.log.now_w == 0.0
    all_gone(emulated)


def test_status_and_stop_without_a_daemon(emulated: Emulated) -> None:
    for verb in ("status", "stop"):
        code, _, err = run(emulated, verb)
        assert code == 7
        assert "no daemon is running" in err and "ablate serve BENCH" in err


def test_serve_arm_start(emulated: Emulated) -> None:
    """The two acts from two other terminals, to the protocol's end; then SIGTERM ends `ablate serve`."""
    short = emulated.write("short.yaml", protocol("short", "constant-power", duration_s=0.5))
    emulated.forget()
    serve = emulated.ablate("serve", emulated.wired)
    try:
        wait_for(emulated.control.exists, "the control socket", 20.0)
        code, out, err = run(emulated, "arm", short)
        assert (code, err) == (0, "")
        assert "ARMED for 30 s" in out
        code, out, err = run(emulated, "start", "--json")
        assert (code, json.loads(out)["result"], err) == (0, "completed", "")
        serve.terminate()
        serve.communicate(timeout=20)
        assert serve.returncode == 143
    finally:
        if serve.poll() is None:
            serve.kill()
        serve.communicate()
        all_gone(emulated)


def test_ctrl_c_takes_the_emulated_neighbour_along(emulated: Emulated) -> None:
    with Emulated(serve=False) as bench:
        process = bench.ablate("run", bench.simulated, bench.steady, "--no-report", "--json")
        wait_for(lambda: bench.control.exists() and bench.status()["state"] == "FIRING", "FIRING", 30.0)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
        assert children_of(str(bench.folder)) == []
