"""The files of deploy/: they say what docs/deploy.md says, and other people's tools take them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

UNIT = "openablate@.service"


def run(*words: str | Path) -> tuple[int, str]:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


# ---- systemd


def settings(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_keeps_the_watchdog_alive_and_starts_nothing_by_itself(repository: Path) -> None:
    text = (repository / "deploy" / UNIT).read_text()
    told = settings(text)
    wanted = {
        "Restart": ["no"],
        "KillMode": ["process"],
        "OOMPolicy": ["continue"],
        "CPUSchedulingPolicy": ["other"],
        "LimitRTPRIO": ["10"],
        "NoNewPrivileges": ["yes"],
        "CapabilityBoundingSet": [""],
        "ProtectSystem": ["strict"],
        "DevicePolicy": ["closed"],
        "DeviceAllow": ["char-ttyUSB rw", "char-ttyACM rw"],
        "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6"],
        "IPAddressDeny": ["any"],
        "User": ["openablate"],
        "MemoryMax": ["1G"],
        "MemorySwapMax": ["0"],
        "TasksMax": ["128"],
        "LimitNOFILE": ["1024"],
    }
    assert {key: told.get(key) for key in wanted} == wanted
    assert "[Install]" not in text.splitlines()
    assert not {"WatchdogSec", "PrivateDevices", "RestrictRealtime", "ExecStop"} & set(told)
    assert int(told["TimeoutStopSec"][0]) > 15 + 120  # controller.launch.LEAVE_S, and the longest cooling afterwards


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_unit(repository: Path, tmp_path: Path) -> None:
    text = (repository / "deploy" / UNIT).read_text()
    assert text.count("ExecStart=/opt/openablate/bin/ablate ") == 1
    unit = tmp_path / "openablate@bench.service"
    unit.write_text(text.replace("/opt/openablate/bin/ablate", "/bin/true"))
    code, told = run("systemd-analyze", "verify", unit)
    assert code == 0 and "openablate" not in told, told
    unit.write_text(text.replace("/opt/openablate/bin/ablate", "/bin/true") + "NoSuchKey=1\n")
    assert "NoSuchKey" in run("systemd-analyze", "verify", unit)[1]  # it does look
    unit.write_text(text)
    code, told = run("systemd-analyze", "security", "--offline=yes", unit)
    if code == 0:  # older ones cannot look at a file
        assert float(re.findall(r"exposure level for \S+: ([\d.]+)", told)[0]) <= 2.5


# ---- udev


RULE = re.compile(
    r'(?P<key>[A-Z_]+)(?:\{(?P<attribute>[^}]+)\})?(?P<operator>==|!=|\+=|-=|:=|=)"(?P<value>(?:[^"\\]|\\.)*)"'
)
MATCHES = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "DRIVER", "ENV", "ATTR", "ATTRS", "KERNEL"}
ASSIGNMENTS = {"GOTO", "LABEL", "IMPORT", "ATTR", "ENV", "SYMLINK", "GROUP", "MODE"}


def rules(text: str) -> Iterator[list[re.Match[str]]]:
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            found = [RULE.fullmatch(part.strip()) for part in line.split(", ")]
            assert all(found), line
            yield [match for match in found if match is not None]


def test_the_udev_rules_are_rules(repository: Path) -> None:
    text = (repository / "deploy" / "60-openablate.rules").read_text()
    found = list(rules(text))
    parts = [part for rule in found for part in rule]
    for part in parts:
        known = MATCHES if part["operator"] in ("==", "!=") else ASSIGNMENTS
        assert part["key"] in known, part[0]
    labels = [part["value"] for part in parts if part["key"] == "LABEL"]
    assert {part["value"] for part in parts if part["key"] == "GOTO"} == set(labels)
    assert len(labels) == 1 and found[-1][0]["key"] == "LABEL"
    assert [part[0] for part in found[1]] == [
        'SUBSYSTEM=="usb-serial"',
        'DRIVER=="ftdi_sio"',
        'ATTR{latency_timer}="1"',
    ]
    given = {part[0] for part in parts}
    assert {'GROUP="openablate"', 'MODE="0660"', 'ENV{ID_MM_PORT_IGNORE}="1"'} <= given
    example = next(line for line in text.splitlines() if line.startswith("#ENV"))
    assert [part["key"] for part in next(rules(example.removeprefix("#")))] == ["ENV", "ENV"]


def test_udev_takes_the_rules(repository: Path) -> None:
    if shutil.which("udevadm") is None or "verify" not in run("udevadm", "--help")[1]:
        pytest.skip("no udevadm that verifies (systemd 254 and later)")
    code, told = run("udevadm", "verify", "--resolve-names=never", repository / "deploy" / "60-openablate.rules")
    assert code == 0, told
