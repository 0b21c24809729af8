"""What an earlier run of a bench has left behind, and what its file needs of this installation."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

from controller.checkup import Finding, Verdict, fail, ok, warn
from controller.checkup.devices import is_running
from controller.checkup.processes import extra_missing
from controller.client import Unreachable, runtime_root, state_root
from controller.config.loading import LoadedBench
from controller.daemon.latch import LatchFile
from controller.records import past

MODBUS = frozenset({"sairem-gms", "moxa-iologik"})


def latches(bench: str | None = None, file: str = "BENCH") -> list[Finding]:
    """Trips and lockouts that outlived their daemon; ``bench`` None: of every bench that ever ran here."""
    names = [bench] if bench is not None else sorted(path.parent.name for path in state_root().glob("*/ledger.json"))
    findings = []
    for name in names:
        trip, _ = LatchFile(state_root() / name / "latch.json", name).read(time.monotonic())
        if trip is None:
            continue
        if trip.lockout:
            remedy = f"find the generator off and the cause ({trip.check}), then"
            command = f'ablate reset "WHAT WAS FOUND" --bench {name} --lockout'
            findings.append(fail(f"latch of {name}", f"LOCKOUT: {trip.text}", remedy, command))
        else:
            remedy = f"look at it ({trip.check}), then"
            command = f'ablate run {file} PROTOCOL --reset-latch "WHAT WAS FOUND"'
            findings.append(warn(f"latch of {name}", f"TRIPPED: {trip.text}", remedy, command))
    return findings or [ok("latch", "no trip is left behind")]


def running() -> list[Finding]:
    """Benches that run now, on this machine and account."""
    try:
        names = sorted(path.parent.name for path in runtime_root().glob("*/lock") if is_running(path.parent.name))
    except Unreachable:
        return []  # said of the folder itself
    if not names:
        return [ok("daemons", "none is running")]
    return [ok("daemons", f"running: {', '.join(names)}")]


def earlier_records(loaded: LoadedBench) -> list[Finding]:
    """The check that is made before every start: is the newest record as its writer left it?"""
    name, folder = loaded.bench.bench, Path(loaded.bench.records.folder)
    if is_running(name) or not folder.is_dir():
        return []
    try:
        past.check(folder, name, state_root() / name, state_root() / past.ACCEPTED)
    except past.VerificationError as error:
        file = str(error).partition(" is not as")[0]
        remedy = "the bench will not start before somebody says that he knows"
        return [fail("earlier record", str(error).partition("; ")[0], remedy, f"ablate sessions verify {file}")]
    except OSError as error:
        return [warn("earlier record", f"cannot be read ({error.strerror})", "mind its permissions", f"ls -l {folder}")]
    return [ok("earlier record", "as it was left, or there is none")]


def extras(loaded: LoadedBench | None = None) -> list[Finding]:
    """Extras that this bench cannot do without, and those whose absence is felt."""
    findings = []
    if loaded is not None:
        urls = loaded.bench.ports()
        if any(url.startswith("visa://") for url in urls) and find_spec("pyvisa") is None:
            findings.append(extra_missing("visa", "the bench has visa:// ports", needed=True))
        if {device.driver for device in loaded.bench.devices.values()} & MODBUS and find_spec("pymodbus") is None:
            findings.append(extra_missing("modbus", "a device of the bench speaks Modbus", needed=True))
    if find_spec("aiohttp") is None or find_spec("uplot") is None:
        findings.append(
            extra_missing("panel", "no panel in the browser; the command line does everything", needed=False)
        )
    if find_spec("matplotlib") is None:
        findings.append(extra_missing("report", "reports have no pictures as files", needed=False))
    return findings


def swapped(findings: list[Finding], loaded: LoadedBench) -> list[Finding]:
    """Two devices that do not answer as they should, each on a port that is there: perhaps each is on the other's."""
    failed = {finding.subject.removeprefix("device ") for finding in findings if finding.verdict is Verdict.FAIL}
    devices = loaded.bench.devices
    there = sorted(name for name in failed & set(devices) if Path(devices[name].port).exists())
    if len(there) < 2:
        return []
    text = f"{' and '.join(there)} all fail on ports that are there: they may be on each other's"
    remedy = "compare serial numbers on the labels, exchange the port: lines, and try again"
    return [warn("ports", text, remedy, "ablate devices probe")]
