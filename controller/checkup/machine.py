"""The machine under the bench: its wall clock, its sleep, its memory, who else runs on it."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from pathlib import Path

from controller.checkup import Finding, ok, warn
from controller.checkup.host import FAST_TICK_HZ, NTP

STA_UNSYNC, TIME_ERROR = 0x0040, 5  # adjtimex(2)
JUMP_S, WATCHED_S = 0.02, 0.3
MEMORY_LEAST_MB, SWAPPED_MB = 500, 100
PANEL_PORT, PANEL_PORTS = 8480, 20


def wall_clock() -> list[Finding]:
    """Synchronised, and steady while it is looked at. Nothing that guards a bench depends on it: records are labelled
    with it, in UTC whatever the time zone, and certificates are judged by it."""
    zone = time.strftime("%Z")
    findings = [ok("time zone", f"{zone}; records are in UTC")]
    if (jumped_s := jump_s()) > JUMP_S:
        text = f"the wall clock moved by {jumped_s * 1000:.0f} ms against the monotonic one in {WATCHED_S:g} s"
        remedy = "see who sets it (two time services, a virtual machine's tools); only labels of records suffer"
        findings.append(warn("wall clock", text, remedy, "timedatectl show-timesync --all"))
    synchronised = is_synchronised()
    if synchronised is False:
        text = "not synchronised: labels of records drift, a broker's certificate may look expired"
        findings.append(warn("time service", text, "switch one on", NTP))
    else:
        findings.append(ok("time service", "synchronised" if synchronised else "this system does not say"))
    return findings


def jump_s(watched_s: float = WATCHED_S) -> float:
    """How far the wall clock moved against the monotonic one while it was watched, s."""
    before = time.time() - time.monotonic()
    time.sleep(watched_s)
    return abs(time.time() - time.monotonic() - before)


def is_synchronised() -> bool | None:
    """What the kernel says of its clock; None: it does not."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = (ctypes.c_long * 64)()  # struct timex, read only: modes 0 sets nothing
        state = int(libc.adjtimex(ctypes.byref(buffer)))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = ctypes.cast(ctypes.addressof(buffer) + 5 * ctypes.sizeof(ctypes.c_long), ctypes.POINTER(ctypes.c_int))[0]
    return state != TIME_ERROR and not status & STA_UNSYNC


def memory(meminfo: Path = Path("/proc/meminfo")) -> list[Finding]:
    """Room for daemon and watchdog, and none of it on a disk."""
    try:
        rows = (line.split() for line in meminfo.read_text().splitlines())
        kilobytes = {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    except OSError:
        return [ok("memory", "this system does not say")]
    free_mb = kilobytes.get("MemAvailable", 0) // 1000
    swapped_mb = (kilobytes.get("SwapTotal", 0) - kilobytes.get("SwapFree", 0)) // 1000
    if free_mb < MEMORY_LEAST_MB:
        return [warn("memory", f"{free_mb} MB free", "end what needs it; a bench needs some 500 MB", "top -o %MEM")]
    if swapped_mb > SWAPPED_MB:
        text = f"{swapped_mb} MB lie on the disk: a daemon whose memory is fetched from there misses ticks"
        return [warn("memory", text, "end what fills it, then", "sudo swapoff -a && sudo swapon -a")]
    return [ok("memory", f"{free_mb} MB free, {swapped_mb} MB swapped out")]


def sleeps(bench: str, tick_hz: float = 20.0, sys: Path = Path("/sys")) -> list[Finding]:
    """A machine that suspends in the middle of an application trips it."""
    findings = []
    supplies = {folder.name: folder for folder in sorted(sys.glob("class/power_supply/*"))}
    mains = [_read(folder / "online") for folder in supplies.values() if _read(folder / "type") == "Mains"]
    battery = any(_read(folder / "type") == "Battery" for folder in supplies.values())
    awake = f"systemd-inhibit --what=sleep:idle:handle-lid-switch ablate serve {bench}"
    if mains and "1" not in mains:
        findings.append(warn("power", "runs on its battery", "plug it in; the bench trips when it goes off", awake))
    elif battery:
        text = "has a battery, so it may suspend by itself or when its lid is closed"
        findings.append(warn("power", text, "keep it awake while a bench runs", awake))
    governor = _read(sys / "devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor == "powersave" and tick_hz > FAST_TICK_HZ:
        command = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        text = f"the processor saves power, and the bench ticks at {tick_hz:g} Hz"
        findings.append(warn("power saving", text, "let it run at its full speed", command))
    return findings or [ok("power", "mains; nothing here says that it may suspend")]


def panel_port() -> list[Finding]:
    """Is the panel's usual port free? It takes the next free one of twenty."""
    taken = [port for port in range(PANEL_PORT, PANEL_PORT + PANEL_PORTS + 1) if not _is_free(port)]
    if PANEL_PORT not in taken:
        return [ok("panel", f"port {PANEL_PORT} is free")]
    free = next((p for p in range(PANEL_PORT, PANEL_PORT + PANEL_PORTS + 1) if p not in taken), None)
    if free is None:
        text = f"ports {PANEL_PORT} to {PANEL_PORT + PANEL_PORTS} are all in use: there will be no panel"
        return [warn("panel", text, "see who has them", f"ss -ltnp 'sport >= :{PANEL_PORT}'")]
    return [ok("panel", f"port {PANEL_PORT} is in use (another bench?); it will take {free}")]


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def account() -> list[Finding]:
    """Root may do everything, and so may whatever goes wrong."""
    if os.geteuid() == 0:
        remedy = "use an account of your own that may open the ports"
        return [warn("account", "root", remedy, "sudo usermod -aG dialout YOUR-ACCOUNT")]
    return [ok("account", f"uid {os.geteuid()}")]
