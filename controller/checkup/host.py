"""The machine: versions, clock, real-time permission, database, disk, broker."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from controller.checkup import Finding, fail, ok, warn
from controller.versions import dependencies, installed, source_revision

OPTIONAL = {
    "aiohttp": "panel", "aiomqtt": "mqtt", "dask": "cluster", "h5py": "export", "matplotlib": "report",
    "openpyxl": "export", "psycopg": "collect", "pyarrow": "export", "pymodbus": "modbus", "pyvisa": "visa",
    "pyvisa-py": "visa", "textual": "watch", "uplot-python": "panel", "uvloop": "fast",
}  # fmt: skip
"""Dependencies that may be missing, with the extra that brings them."""

DISK_LEAST_MB, DISK_ENOUGH_MB = 100, 1000  # an hour at 20 Hz is about 30 MB
PIP = "pip install 'openablate[{}]'"
NTP = "sudo timedatectl set-ntp true"
FAST_TICK_HZ = 50.0  # above it a loaded machine without real-time permission misses deadlines
NETWORK_FILESYSTEMS = frozenset({"9p", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"})


def versions() -> list[Finding]:
    """Python, Openablate and its dependencies."""
    revision = source_revision()
    own = installed("openablate")
    findings = [ok("python", f"{platform.python_version()} ({sys.executable})")]
    if own and revision is not None and revision.endswith("-dirty"):
        problem = f"{own}, revision {revision}: a source with changes that no revision holds; every record says so"
        findings.append(warn("openablate", problem, "commit the changes, or undo them, before a real bench is driven"))
    elif own:
        findings.append(ok("openablate", f"{own}{f', revision {revision}' if revision else ''}"))
    else:
        problem = "runs from source, not installed: plug-ins are not found"
        findings.append(fail("openablate", problem, "install it", "pip install --editable ."))
    found = dependencies()
    missing = [name for name, version in found.items() if version is None and name not in OPTIONAL]
    if missing:
        findings.append(
            fail("packages", f"missing: {', '.join(missing)}", "install them", f"pip install {' '.join(missing)}")
        )
    absent = sorted({extra for name, extra in OPTIONAL.items() if name in found and found[name] is None})
    there = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    findings.append(ok("packages", there + (f"; extras not installed: {', '.join(absent)}" if absent else "")))
    return findings


def clock() -> list[Finding]:
    """The clock that everything is timed by, and the timer that wakes the control loop."""
    info = time.get_clock_info("monotonic")
    subject = "clock"
    if not info.monotonic or info.resolution > 1e-4:
        return [fail(subject, f"monotonic clock resolves {info.resolution:g} s only", "use another machine")]
    findings = [ok(subject, f"monotonic, resolves {info.resolution * 1e9:.0f} ns")]
    if hasattr(os, "timerfd_create") or Path("/proc/self/timerslack_ns").exists():
        findings.append(ok("timer", "absolute kernel deadlines (timerfd)"))
    else:
        findings.append(warn("timer", "no timerfd: deadlines come from the event loop, some ms late", "prefer Linux"))
    if time.gmtime().tm_year < 2025:
        findings.append(warn("date", time.strftime("%Y-%m-%d"), "set the date: records are labelled with it", NTP))
    return findings


def real_time(tick_hz: float = 20.0) -> list[Finding]:
    """May the loop ask for real-time priority? Wanted only for fast loops."""
    subject = "real time"
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    except (ImportError, AttributeError, ValueError, OSError):
        return [warn(subject, "this system does not say", "keep the tick rate at 50 Hz or below")]
    if limit != 0 or os.geteuid() == 0:
        return [ok(subject, "permitted")]
    if tick_hz > FAST_TICK_HZ:
        remedy = "permit it and log in again, or lower tick_hz"
        command = "echo '@dialout - rtprio 20' | sudo tee /etc/security/limits.d/ablate.conf"
        return [warn(subject, f"not permitted, and the bench ticks at {tick_hz:g} Hz", remedy, command)]
    return [ok(subject, f"not permitted; not needed at {tick_hz:g} Hz")]


def database() -> list[Finding]:
    """SQLite, with a note where it has the WAL-reset defect.

    Versions 3.7.0 to 3.51.2, but for the repaired 3.44.6 and 3.50.7, may lose commits when two connections write or
    checkpoint at the same instant (sqlite.org/wal.html). A session file has one writer, so this is no reason to warn.
    """
    version, number = sqlite3.sqlite_version, sqlite3.sqlite_version_info
    backported = {(3, 44): 6, (3, 50): 7}
    if number >= (3, 51, 3) or number[2] >= backported.get(number[:2], sys.maxsize):
        return [ok("sqlite", version)]
    note = "has the WAL-reset defect, which needs two writers; a session file has one: open live files read-only"
    return [ok("sqlite", f"{version}: {note}")]


def records_folder(folder: Path) -> list[Finding]:
    """Can a session be written there? No healthy record, no energy."""
    subject = f"records in {folder}"
    at = folder
    while not at.exists() and at != at.parent:
        at = at.parent
    try:
        with tempfile.TemporaryFile(dir=at) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        free_mb = shutil.disk_usage(at).free / 1e6
    except OSError as error:
        remedy = "name another folder in records: or with --out, or free space"
        return [fail(subject, f"not writable: {error.strerror or error}", remedy)]
    kind = _filesystem(at)
    if kind in NETWORK_FILESYSTEMS:
        return [fail(subject, f"on a network file system ({kind}), where a database is not safe", "use a local disk")]
    if free_mb < DISK_LEAST_MB:
        return [fail(subject, f"{free_mb:.0f} MB free", f"free at least {DISK_LEAST_MB} MB, or name another folder")]
    if free_mb < DISK_ENOUGH_MB:
        remedy = "enough for some hours; export and remove old sessions"
        return [warn(subject, f"{free_mb:.0f} MB free", remedy, f"ablate sessions prune --help; du -sh {at}")]
    return [ok(subject, f"writable, {free_mb / 1000:.0f} GB free")]


def broker(host: str, port: int) -> list[Finding]:
    """Does the MQTT broker answer? A bench without one works: its records wait in the session file."""
    subject = f"broker {host}:{port}"
    if installed("aiomqtt") is None:
        return [
            fail(subject, "the bench names a broker, but the extra `mqtt` is missing", "install it", PIP.format("mqtt"))
        ]
    try:
        with socket.create_connection((host, port), timeout=2.0):
            return [ok(subject, "answers")]
    except OSError as error:
        remedy = "check its address and that it runs; nothing is lost, samples wait in the session file"
        return [warn(subject, f"does not answer ({error.strerror or error})", remedy)]


def _filesystem(path: Path) -> str:
    """The type of the file system that holds ``path`` (Linux); empty where that cannot be known."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    real = str(path.resolve())
    for line in mounts:
        _, where, what, *_ = line.split(" ")
        where = re.sub(r"\\040", " ", where)
        if (real == where or real.startswith(where.rstrip("/") + "/")) and len(where) >= len(best):
            best, kind = where, what
    return kind
