"""Serial ports: which are there, under which lasting name, and whether we may open them. Opens none of them."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.checkup import Finding, fail, ok, warn
from drivers.plain import NAME_LENGTH, plain
from drivers.transport.serial import owners_of

SLOW_LATENCY_MS = 2  # FTDI adapters wait 16 ms by default before they hand over a short reply


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port. ``name`` is the one to write into a bench file: it stays the same when cables are moved."""

    name: str
    device: str
    description: str
    usb_id: str  # vendor:product, empty for a port that is not USB
    serial_number: str
    may_open: bool
    used_by: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return asdict(self)


def serial_ports() -> list[SerialPort]:
    """Every serial port of this machine, sorted by name."""
    from serial.tools import list_ports

    lasting = {os.path.realpath(path): path for path in glob.glob("/dev/serial/by-id/*")}
    found = []
    for port in list_ports.comports():
        device = port.device
        if port.vid is None and device.startswith("/dev/ttyS") and not _is_wired(device):
            continue
        found.append(
            SerialPort(
                name=lasting.get(os.path.realpath(device), device),
                device=device,
                description=plain(port.description, NAME_LENGTH) if port.description != "n/a" else "",
                usb_id=f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None else "",
                serial_number=plain(port.serial_number or "", NAME_LENGTH),
                may_open=os.access(device, os.R_OK | os.W_OK),
                used_by=tuple(f"{name} (pid {pid})" for pid, name in owners_of(device)),
            )
        )
    return sorted(found, key=lambda port: port.name)


def permissions() -> list[Finding]:
    """Findings about every port that is there."""
    ports = serial_ports()
    if not ports:
        return [ok("serial ports", "none is there; fine for an emulated bench or devices on the network")]
    findings = []
    for port in ports:
        subject = f"port {port.name}"
        if not port.may_open:
            group = _group(port.device)
            remedy = f"add yourself to the group `{group}`, log out and in again"
            findings.append(fail(subject, "you may not open it", remedy, f"sudo usermod -aG {group} $USER"))
        elif port.used_by:
            remedy = "end that process before you run a bench on this port"
            pids = " ".join(re.findall(r"pid (\d+)", " ".join(port.used_by)))
            findings.append(warn(subject, f"in use by {', '.join(port.used_by)}", remedy, f"kill {pids}"))
        elif (latency_ms := _latency_ms(port.device)) > SLOW_LATENCY_MS:
            file = f"/sys/bus/usb-serial/devices/{Path(port.device).name}/latency_timer"
            text = f"its adapter holds replies back for {latency_ms} ms"
            findings.append(warn(subject, text, "let it hand them over at once", f"echo 1 | sudo tee {file}"))
        elif (power := autosuspends(port.device)) is not None:
            text = "the system puts its adapter to sleep when it is quiet"
            findings.append(warn(subject, text, "keep it awake", f"echo on | sudo tee {power}"))
        else:
            findings.append(ok(subject, port.description or port.device))
    if modem_manager():
        text, remedy = "is running: it opens serial ports and writes to them", "end it, or see deploy/ for a udev rule"
        findings.append(warn("ModemManager", text, remedy, "sudo systemctl disable --now ModemManager"))
    return findings


def modem_manager() -> bool:
    """Is the service running that probes every serial port with modem commands?"""
    for path in glob.iglob("/proc/[0-9]*/comm"):
        try:
            if Path(path).read_text(encoding="utf-8", errors="replace").strip() == "ModemManager":
                return True
        except OSError:
            continue
    return False


def autosuspends(device: str) -> Path | None:
    """The file that lets the system put the USB adapter of ``device`` to sleep; None: it does not."""
    at = Path(f"/sys/class/tty/{Path(device).name}/device").resolve()
    for folder in (at, *at.parents):
        if (folder / "idVendor").exists():  # the USB device itself
            try:
                asleep = (folder / "power" / "control").read_text().strip() == "auto"
                delay_ms = int((folder / "power" / "autosuspend_delay_ms").read_text())
            except (OSError, ValueError):
                return None
            return folder / "power" / "control" if asleep and delay_ms >= 0 else None
    return None


def _is_wired(device: str) -> bool:
    """Is there hardware behind a /dev/ttyS? Linux makes these nodes for UARTs that do not exist."""
    kind = Path(f"/sys/class/tty/{Path(device).name}/type")
    try:
        return kind.read_text().strip() != "0"
    except OSError:
        return False


def _latency_ms(device: str) -> int:
    try:
        return int(Path(f"/sys/bus/usb-serial/devices/{Path(device).name}/latency_timer").read_text())
    except (OSError, ValueError):
        return 0


def _group(device: str) -> str:
    try:
        import grp

        return grp.getgrgid(os.stat(device).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return "dialout"
