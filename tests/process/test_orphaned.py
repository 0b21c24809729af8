"""A daemon whose watchdog was killed under power: whoever launched it waits for it, and nobody else takes its bench."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from controller import held
from tests.process.bench import Emulated, protocol, run
from tests.process.ends import Control, Hold, alive, children_of, wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

RUN_ON_S = 4.0


@pytest.fixture
def long(emulated: Emulated) -> Path:
    """A protocol whose coolant runs on for long enough to look at."""
    told = protocol("cooling", "constant-power")
    emulated.forget()
    return emulated.write("cooling.yaml", {**told, "cooling": {**told["cooling"], "run_on_s": RUN_ON_S}})


def fire(emulated: Emulated, path: Path, process: subprocess.Popen[str]) -> Hold:
    wait_for(lambda: emulated.control.exists() or process.poll() is not None, "the control socket", 20.0)
    control = Control(emulated.control)
    try:
        wait_for(lambda: control.ask("status")["state"] == "SAFE", "SAFE")
        assert control.ask("prepare", protocol=str(path))["ok"]
        wait_for(lambda: control.ask("status")["state"] == "READY", "READY")
        assert control.ask("arm")["ok"]
    finally:
        control.close()
    hold = Hold(emulated.control)
    wait_for(lambda: emulated.log.now_w > 10.0, "power", 15.0)
    return hold


def test_serve_waits_for_the_daemon_and_a_second_one_touches_nothing_of_it(emulated: Emulated, long: Path) -> None:
    serve = emulated.ablate("serve", emulated.wired, "--no-panel")
    try:
        hold = fire(emulated, long, serve)
        runtime, pids = emulated.runtime / emulated.name, emulated.pids
        os.kill(pids.watchdog, signal.SIGKILL)
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
        hold.let_go()
        assert serve.stderr is not None
        said: list[str] = []
        while "the watchdog has ended" not in (line := serve.stderr.readline()):
            assert line, said
            said.append(line)
        assert "the daemon is TRIPPED (" in line and "cools and then ends" in line
        code, _, err = run(emulated, "serve", emulated.wired, "--no-panel")
        assert (code, "already being run by another ablate process" in err) == (4, True)
        assert json.loads((runtime / "pids.json").read_text())["daemon"] == pids.daemon
        assert run(emulated, "status", "--json")[0] == 0
        assert alive(pids.daemon) and serve.poll() is None
        _, err = serve.communicate(timeout=60)
        assert not alive(pids.daemon)
    finally:
        if serve.poll() is None:
            serve.kill()
            serve.communicate()
    assert serve.returncode == 5
    assert "the daemon has ended" in err
    assert not held.is_held(runtime)


def test_a_daemon_without_watchdog_and_launcher_keeps_its_bench(emulated: Emulated, long: Path) -> None:
    serve = emulated.ablate("serve", emulated.wired, "--no-panel")
    hold = fire(emulated, long, serve)
    runtime, pids = emulated.runtime / emulated.name, emulated.pids
    for pid in (serve.pid, pids.watchdog):
        os.kill(pid, signal.SIGKILL)
    serve.communicate()
    hold.let_go()
    wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
    code, _, err = run(emulated, "serve", emulated.wired, "--no-panel")
    assert code == 4
    assert f"the daemon of an earlier run (pid {pids.daemon}) is still there" in err
    assert (runtime / "control.sock").exists() and (runtime / "pids.json").exists()
    assert run(emulated, "status", "--json")[0] == 0
    wait_for(lambda: not held.is_held(runtime), "the daemon's end", 60.0)
    wait_for(lambda: children_of(str(emulated.folder)) == [emulated.emulator], "no process left", 20.0)
    emulated.forget()
