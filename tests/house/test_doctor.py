"""The doctor's checks, each with the trouble it is there for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sqlite3
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from controller import cli
from controller.checkup import Finding, Verdict, devices, host, ports
from controller.config.loading import load_bench


def one(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


@pytest.mark.parametrize(
    "version, defective",
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((4, 0, 0), False),
    ],
)
def test_the_defect_of_a_database_version_is_named(
    version: tuple[int, int, int], defective: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(sqlite3, "sqlite_version", ".".join(map(str, version)))
    found = one(host.database())
    assert found.verdict is Verdict.OK
    assert ("WAL-reset" in found.text) is defective


def test_a_folder_that_will_be_made_is_fine(tmp_path: Path) -> None:
    assert one(host.records_folder(tmp_path / "not" / "yet")).verdict is Verdict.OK
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = one(host.records_folder(tmp_path / "file"))
    assert found.verdict is Verdict.FAIL
    assert "not writable" in found.text
    assert "--out" in found.remedy


@pytest.mark.parametrize("free_bytes, verdict", [(50e6, Verdict.FAIL), (500e6, Verdict.WARN), (5e9, Verdict.OK)])
def test_space_on_the_disk(
    free_bytes: float, verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": free_bytes}))
    assert one(host.records_folder(tmp_path)).verdict is verdict


def test_a_network_file_system_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_filesystem", lambda _: "nfs4")
    assert one(host.records_folder(tmp_path)).verdict is Verdict.FAIL


def test_a_broker_that_is_not_there_is_a_warning() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    found = one(host.broker("127.0.0.1", port))
    assert found.verdict is Verdict.WARN
    assert "nothing is lost" in found.remedy


def test_a_broker_that_listens_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert one(host.broker(*server.getsockname())).verdict is Verdict.OK


def test_real_time_permission_is_wanted_only_for_fast_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert one(host.real_time(20.0)).verdict is Verdict.OK
    found = one(host.real_time(100.0))
    assert found.verdict is Verdict.WARN
    assert "rtprio" in found.command


def port(**changes: object) -> ports.SerialPort:
    usual = {
        "name": "/dev/serial/by-id/usb-x",
        "device": "/dev/null",
        "description": "x",
        "usb_id": "0403:6001",
        "serial_number": "1",
        "may_open": True,
        "used_by": (),
    }
    return ports.SerialPort(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes, latency_ms, verdict, remedy",
    [
        ({}, 1, Verdict.OK, ""),
        ({"may_open": False}, 1, Verdict.FAIL, "usermod -aG"),
        ({"used_by": ("minicom (pid 7)",)}, 1, Verdict.WARN, "end that process"),
        ({}, 16, Verdict.WARN, "latency_timer"),
    ],
)
def test_a_port_and_its_trouble(
    changes: dict[str, object], latency_ms: int, verdict: Verdict, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "serial_ports", lambda: [port(**changes)])
    monkeypatch.setattr(ports, "_latency_ms", lambda _: latency_ms)
    monkeypatch.setattr(ports, "modem_manager", lambda: False)
    found = one(ports.permissions())
    assert found.verdict is verdict
    assert remedy in f"{found.remedy} {found.command}"


def test_modem_manager_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "serial_ports", lambda: [port()])
    monkeypatch.setattr(ports, "modem_manager", lambda: True)
    assert ports.permissions()[-1].subject == "ModemManager"


def test_a_mistake_in_the_bench_file_is_a_configuration_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.yaml").write_text("bench: x\ndevises: {}\n")
    assert cli.run(["doctor", str(tmp_path / "b.yaml")]) == 3
    assert "b.yaml:2: devises" in capsys.readouterr().err


@pytest.mark.process
def test_every_device_of_the_emulated_bench_is_identified(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--json", str(repository / "examples" / "benches" / "cooled-rf-sim.yaml")]) == 0
    findings = json.loads(capfd.readouterr().out)["findings"]
    devices = {f["subject"]: f["verdict"] for f in findings if f["subject"].startswith("device ")}
    names = ("gen", "pump", "tc", "flow", "inputs", "enable")
    assert devices == {f"device {name}": "OK" for name in names}


@pytest.mark.process
def test_a_missing_port_fails_alone(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    loaded = load_bench(repository / "examples" / "benches" / "cooled-rf-sim.yaml")
    away = loaded.bench.devices["pump"].model_copy(update={"port": "/dev/serial/by-id/usb-not-plugged-in"})
    bench = loaded.bench.model_copy(update={"devices": {**loaded.bench.devices, "pump": away}})  # no file may mix them
    found = asyncio.run(devices.bench_devices(replace(loaded, bench=bench)))
    assert "/dev/pts/" not in capfd.readouterr().err, "where emulated devices answer is nobody's business here"
    failed = [f for f in found if f.verdict is Verdict.FAIL]
    assert [f.subject for f in failed] == ["device pump"]
    assert failed[0].text == "/dev/serial/by-id/usb-not-plugged-in: no such port"
    assert failed[0].remedy


def test_every_extra_may_be_missing():
    requires = re.compile(r"^([\w-]+).*extra == .(?!dev)(\w+)")
    brought = [found for line in metadata.requires("openablate") or () if (found := requires.match(line))]
    assert {found[1].lower(): found[2] for found in brought} == host.OPTIONAL
