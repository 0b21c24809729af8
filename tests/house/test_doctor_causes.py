"""What a newcomer may be stuck on: each condition is made, and the doctor names it with what to do."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from controller import cli
from controller.checkup import Finding, Verdict, bench_state, certificates, fail, machine, ok, ports, processes
from controller.config.loading import LoadedBench, load_bench
from controller.daemon.latch import LatchFile
from controller.mqtt.config import MqttConfig, Tls
from controller.records import past
from safety.types import Fault
from tests.records.recording import write

TRIPPED = Fault("H38", "coolant_flow", "flow", "flow.flow_ml_min is 3.0 ml/min", "pump and tubing", 1.0).trip()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path / "r"))
    monkeypatch.setenv("ABLATE_STATE_DIR", str(tmp_path / "s"))
    return tmp_path


@pytest.fixture
def loaded() -> LoadedBench:
    return load_bench("cooled-rf-sim")


def one(findings: list[Finding], subject: str = "") -> Finding:
    meant = [finding for finding in findings if finding.subject.startswith(subject)]
    assert len(meant) == 1, findings
    found = meant[0]
    assert (found.verdict is Verdict.OK) is (not found.remedy)
    return found


# ---- what an earlier run left behind


def latched(name: str, *, lockout: bool) -> None:
    trip = Fault(*TRIPPED_FIELDS, lockout).trip()
    LatchFile(Path(os.environ["ABLATE_STATE_DIR"]) / name / "latch.json", name).follow((trip,), ())


TRIPPED_FIELDS = ("H38", "coolant_flow", "flow", "flow is 3.0 ml/min", "pump and tubing", 1.0)


def test_a_trip_and_a_lockout_that_were_left_behind() -> None:
    assert one(bench_state.latches()).verdict is Verdict.OK
    latched("a", lockout=False)
    latched("b", lockout=True)
    first, second = bench_state.latches()
    assert (first.verdict, first.subject, first.text) == (Verdict.WARN, "latch of a", "TRIPPED: flow is 3.0 ml/min")
    assert "pump and tubing" in first.remedy
    assert first.command == 'ablate run BENCH PROTOCOL --reset-latch "WHAT WAS FOUND"'
    assert (second.verdict, second.text) == (Verdict.FAIL, "LOCKOUT: flow is 3.0 ml/min")
    assert second.command == 'ablate reset "WHAT WAS FOUND" --bench b --lockout'
    assert one(bench_state.latches("a", "a.yaml")).command.startswith("ablate run a.yaml ")


def test_a_latch_that_was_deleted_is_not_forgotten(folders: Path) -> None:
    latched("a", lockout=False)
    (folders / "s" / "a" / "latch.json").unlink()
    assert one(bench_state.latches("a")).verdict is Verdict.FAIL


def test_a_daemon_that_runs_is_named(folders: Path) -> None:
    (folders / "r" / "lab").mkdir(parents=True)
    lock = os.open(folders / "r" / "lab" / "lock", os.O_RDWR | os.O_CREAT)
    assert one(bench_state.running()).text == "none is running"
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert one(bench_state.running()).text == "running: lab"
    os.close(lock)


def test_a_record_that_somebody_changed_keeps_the_bench_from_starting(folders: Path, loaded: LoadedBench) -> None:
    assert bench_state.earlier_records(loaded) == []  # nothing was ever recorded
    path = write(folders / "sessions", ticks=5).path
    assert one(bench_state.earlier_records(loaded)).verdict is Verdict.OK
    data = path.read_bytes()
    path.write_bytes(data.replace(b"FIRING", b"COOLED", 1))
    found = one(bench_state.earlier_records(loaded))
    assert found.verdict is Verdict.FAIL
    assert found.command == f"ablate sessions verify {path.resolve()}"
    past.accept(path, "it was me", folders / "s" / past.ACCEPTED)
    assert one(bench_state.earlier_records(loaded)).verdict is Verdict.OK


# ---- processes, packages, folders


def test_a_watchdog_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PYTHON", ("/nowhere/python",))
    found = one(processes.watchdog())
    assert found.verdict is Verdict.FAIL
    assert "/nowhere/python" in found.text
    assert found.command == "pip install --force-reinstall openablate"


@pytest.mark.parametrize(
    "ended, told",
    [
        (subprocess.CompletedProcess([], 1, "", "Traceback\nImportError: no module"), "ImportError: no module"),
        (subprocess.CompletedProcess([], 7, "", ""), "exit 7"),
        (subprocess.TimeoutExpired("watchdog", 10.0), "timed out"),
    ],
)
def test_a_watchdog_that_does_not_end_well(ended: object, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> object:
        if isinstance(ended, Exception):
            raise ended
        return ended

    monkeypatch.setattr(subprocess, "run", run)
    assert told in one(processes.watchdog()).text


def test_the_watchdog_of_this_machine_starts() -> None:
    assert one(processes.watchdog()).verdict is Verdict.OK


def test_packages_of_others_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "foreign", lambda root: ["somebody else's `safety` is in the way: /x"])
    found = one(processes.packages())
    assert (found.verdict, found.command) == (Verdict.FAIL, "pipx install openablate")
    monkeypatch.undo()
    assert one(processes.packages()).verdict is Verdict.OK


def test_a_runtime_folder_that_is_too_deep_or_somebody_elses(
    folders: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [finding.verdict for finding in processes.folders("lab")] == [Verdict.OK, Verdict.OK]
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", "/tmp/" + "d" * 100)
    found = one(processes.folders("lab"))
    assert "too long for a socket's name" in found.text
    assert found.command.startswith("export ABLATE_RUNTIME_DIR=/tmp/")
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(folders / "r"))
    (folders / "file").write_text("")
    monkeypatch.setenv("ABLATE_STATE_DIR", str(folders / "file"))
    state = one(processes.folders("lab"), "state folder")
    assert (state.verdict, state.command) == (Verdict.FAIL, "export ABLATE_STATE_DIR=FOLDER")


def test_extras_that_a_bench_needs(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.setattr(bench_state, "find_spec", lambda name: None)
    chain = bench_state.extras(load_bench(repository / "examples" / "benches" / "rf-chain.yaml"))
    assert one(chain, "extra visa").verdict is Verdict.FAIL
    sairem = bench_state.extras(load_bench(repository / "examples" / "benches" / "microwave-sairem.yaml"))
    found = one(sairem, "extra modbus")
    assert (found.verdict, found.command) == (Verdict.FAIL, "pip install 'openablate[modbus]'")
    assert [(f.subject, f.verdict) for f in bench_state.extras()] == [
        ("extra panel", Verdict.WARN),
        ("extra report", Verdict.WARN),
    ]


# ---- the machine


def test_a_clock_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 100.55, 200.0, 200.55])
    monkeypatch.setattr(time, "time", lambda: next(times))
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    found = one(machine.wall_clock(), "wall clock")
    assert found.verdict is Verdict.WARN
    assert "moved by 550 ms" in found.text


@pytest.mark.parametrize("synchronised, verdict", [(True, Verdict.OK), (None, Verdict.OK), (False, Verdict.WARN)])
def test_a_clock_that_nobody_sets(synchronised: bool | None, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "jump_s", lambda: 0.0)
    monkeypatch.setattr(machine, "is_synchronised", lambda: synchronised)
    found = one(machine.wall_clock(), "time service")
    assert found.verdict is verdict
    assert found.command == ("sudo timedatectl set-ntp true" if verdict is Verdict.WARN else "")


def test_what_the_kernel_says_of_its_clock_is_read() -> None:
    assert machine.is_synchronised() in (True, False, None)


def test_the_time_zone_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "jump_s", lambda: 0.0)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        found = one(machine.wall_clock(), "time zone")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert (found.verdict, found.text) == (Verdict.OK, "+14; records are in UTC")


@pytest.mark.parametrize(
    "free, total, swap_free, verdict, command",
    [
        (8_000_000, 2_000_000, 2_000_000, Verdict.OK, ""),
        (300_000, 0, 0, Verdict.WARN, "top -o %MEM"),
        (8_000_000, 2_000_000, 1_000_000, Verdict.WARN, "sudo swapoff -a && sudo swapon -a"),
    ],
)
def test_memory(free: int, total: int, swap_free: int, verdict: Verdict, command: str, tmp_path: Path) -> None:
    text = f"MemTotal: 9 kB\nMemAvailable: {free} kB\nSwapTotal: {total} kB\nSwapFree: {swap_free} kB\nHuge: 0\n"
    (tmp_path / "meminfo").write_text(text)
    found = one(machine.memory(tmp_path / "meminfo"))
    assert (found.verdict, found.command) == (verdict, command)


def supply(sys: Path, name: str, **values: str) -> None:
    folder = sys / "class" / "power_supply" / name
    folder.mkdir(parents=True)
    for key, value in values.items():
        (folder / key).write_text(f"{value}\n")


def test_a_laptop_may_suspend_and_may_be_unplugged(tmp_path: Path) -> None:
    assert one(machine.sleeps("b.yaml", sys=tmp_path)).verdict is Verdict.OK
    supply(tmp_path, "BAT0", type="Battery")
    supply(tmp_path, "AC", type="Mains", online="1")
    found = one(machine.sleeps("b.yaml", sys=tmp_path))
    assert "may suspend" in found.text
    assert found.command == "systemd-inhibit --what=sleep:idle:handle-lid-switch ablate serve b.yaml"
    (tmp_path / "class" / "power_supply" / "AC" / "online").write_text("0\n")
    assert one(machine.sleeps("b.yaml", sys=tmp_path)).text == "runs on its battery"


def test_power_saving_matters_to_fast_benches_only(tmp_path: Path) -> None:
    folder = tmp_path / "devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    (folder / "scaling_governor").write_text("powersave\n")
    assert one(machine.sleeps("b", 20.0, tmp_path)).verdict is Verdict.OK
    found = one(machine.sleeps("b", 100.0, tmp_path))
    assert (found.subject, found.verdict) == ("power saving", Verdict.WARN)


def test_the_panels_port_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(machine, "PANEL_PORT", taken)
        monkeypatch.setattr(machine, "PANEL_PORTS", 0)
        found = one(machine.panel_port())
        assert (found.verdict, found.remedy) == (Verdict.WARN, "see who has them")
    monkeypatch.setattr(machine, "_is_free", lambda port: port != taken)
    monkeypatch.setattr(machine, "PANEL_PORTS", 20)
    assert one(machine.panel_port()).text.endswith(f"it will take {taken + 1}")


# ---- ports


def test_an_adapter_that_is_put_to_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = ports.SerialPort("/dev/x", "/dev/null", "x", "0403:6001", "1", True, ())
    monkeypatch.setattr(ports, "serial_ports", lambda: [port])
    monkeypatch.setattr(ports, "modem_manager", lambda: False)
    monkeypatch.setattr(ports, "autosuspends", lambda device: Path("/sys/bus/usb/devices/1-2/power/control"))
    found = one(ports.permissions())
    assert found.command == "echo on | sudo tee /sys/bus/usb/devices/1-2/power/control"
    assert ports._is_wired("/dev/no-such-port") is False


def test_a_port_in_use_says_whom_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    users = ("minicom (pid 7)", "screen (pid 12)")
    port = ports.SerialPort("/dev/x", "/dev/null", "x", "", "", True, users)
    monkeypatch.setattr(ports, "serial_ports", lambda: [port])
    monkeypatch.setattr(ports, "modem_manager", lambda: False)
    assert one(ports.permissions()).command == "kill 7 12"


def test_two_devices_on_each_others_port(loaded: LoadedBench, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("")
    text = loaded.document.text.replace("sim://gen", str(tmp_path / "a")).replace("sim://pump", str(tmp_path / "b"))
    text = text.replace("sim://", "/dev/serial/by-id/")
    (tmp_path / "bench.yaml").write_text(text)
    bench = load_bench(tmp_path / "bench.yaml")
    no = "does not answer as it should"
    both = [fail("device gen", no, "x"), fail("device pump", no, "x"), ok("device tc", "fine")]
    found = one(bench_state.swapped(both, bench))
    assert found.text.startswith("gen and pump all fail on ports that are there")
    assert found.command == "ablate devices probe"
    assert bench_state.swapped(both[1:], bench) == []
    (tmp_path / "a").unlink()
    assert bench_state.swapped(both, bench) == []


# ---- certificates


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=lab"]
    subprocess.run([*argv, "30", *files], check=True, capture_output=True, timeout=20)
    return tmp_path / "cert.pem"


@pytest.mark.parametrize("days, verdict", [(0, Verdict.OK), (20, Verdict.WARN), (40, Verdict.FAIL)])
def test_a_certificate_that_ends(days: int, verdict: Verdict, pem: Path) -> None:
    config = MqttConfig(host="localhost", tls=Tls(ca_file=pem))
    found = one(certificates.certificates(config, time.time() + days * 86400))
    assert found.verdict is verdict
    assert found.command == ("" if verdict is Verdict.OK else f"openssl x509 -in {pem} -noout -dates -subject")


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        config = MqttConfig(host="localhost", tls=Tls(ca_file=path))
        assert one(certificates.certificates(config)).verdict is Verdict.FAIL
    assert certificates.certificates(MqttConfig(host="localhost")) == []


# ---- the whole report


def test_every_line_that_is_not_ok_has_a_remedy_and_json_has_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    latched("lab", lockout=True)
    assert cli.run(["doctor", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    for finding in told["findings"]:
        assert finding["verdict"] == "OK" or finding["remedy"], finding
    (locked,) = [finding for finding in told["findings"] if finding["subject"] == "latch of lab"]
    assert locked["command"].startswith("ablate reset ")
    cli.run(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if "latch of lab" in line)
    assert lines[at + 1].startswith("     -> find the generator off")
    assert lines[at + 2] == f"        {locked['command']}"
