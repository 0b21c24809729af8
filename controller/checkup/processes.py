"""Can the processes of a bench be started here? Each is tried, or its place looked at; no device is touched."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from controller.checkup import Finding, fail, ok, warn
from controller.client import Unreachable, runtime_root, state_root
from controller.launch import PYTHON
from controller.names import foreign

SOCKET_NAME = 107
"""Bytes of a Unix socket's path, at most."""
WATCHDOG_S = 10.0


def watchdog() -> list[Finding]:
    """The watchdog is started over a daemon that ends at once, in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        places = ["--runtime-dir", f"{folder}/run", "--state-dir", f"{folder}/state", "--bench", "doctor"]
        argv = [*PYTHON, "safety.watchdog", *places, "--", sys.executable, "-c", ""]
        try:
            ended = subprocess.run(argv, capture_output=True, text=True, timeout=WATCHDOG_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return [_dead(str(error))]
    if ended.returncode != 0:
        return [_dead(ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else f"exit {ended.returncode}")]
    return [ok("watchdog", "starts and ends")]


def _dead(why: str) -> Finding:
    remedy = "without it no bench starts: install openablate anew, alone in its environment (Linux 5.3 or newer)"
    return fail("watchdog", f"cannot be started: {why}", remedy, "pip install --force-reinstall openablate")


def packages() -> list[Finding]:
    """``controller``, ``drivers``, ``safety`` and ``sim`` are ours."""
    root = Path(__file__).resolve().parents[2]
    remedy = "install openablate alone, start it elsewhere, unset PYTHONPATH"
    found = [fail("names", problem, remedy, "pipx install openablate") for problem in foreign(root)]
    return found or [ok("names", f"all four packages are those in {root}")]


def folders(bench: str = "bench") -> list[Finding]:
    """Where running benches keep sockets, and where latches outlive reboots."""
    try:
        runtime = runtime_root()
    except Unreachable as error:
        return [fail("runtime folder", str(error), "name a folder of yours", "export ABLATE_RUNTIME_DIR=~/.ablate-run")]
    name = str(runtime / bench / "control.sock")
    if len(name.encode()) > SOCKET_NAME:
        text = f"{name} is too long for a socket's name"
        command = f"export ABLATE_RUNTIME_DIR=/tmp/ablate-{Path.home().name}"
        return [fail("runtime folder", text, "choose a shorter one", command)]
    findings = []
    for what, folder in (("runtime folder", runtime), ("state folder", state_root())):
        problem = _unwritable(folder)
        if problem:
            variable = "ABLATE_RUNTIME_DIR" if folder is runtime else "ABLATE_STATE_DIR"
            remedy = "name another one: without it a trip would be forgotten, so no bench starts"
            findings.append(fail(what, f"{folder}: {problem}", remedy, f"export {variable}=FOLDER"))
        else:
            findings.append(ok(what, str(folder)))
    return findings


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there, or where it would be made; empty when it can."""
    at = folder
    while not at.exists() and at != at.parent:
        at = at.parent
    try:
        with tempfile.TemporaryFile(dir=at):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def extra_missing(extra: str, what: str, *, needed: bool) -> Finding:
    """An extra that is not installed; ``needed``: the bench cannot be used without it."""
    command = f"pip install 'openablate[{extra}]'"
    made = fail if needed else warn
    return made(f"extra {extra}", f"not installed: {what}", "install it", command)
