"""What is refused before anything is armed: exit code, cause and remedy, and not a joule in the tissue."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.tc_cxn import codec
from tests.process.bench import Emulated, Live, firing, protocol, run
from tests.process.ends import children_of, wait_for
from tests.process.orphan import Orphan

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def not_a_joule(emulated: Emulated) -> Iterator[None]:
    """Each test leaves the bench unlatched, and says itself when power may have flowed."""
    emulated.forget()
    yield
    assert emulated.log.now_w == 0.0
    assert children_of(str(emulated.folder)) == [emulated.emulator]


@pytest.fixture(scope="module")
def short(emulated: Emulated) -> Path:
    """A protocol of half a second."""
    return emulated.write("short.yaml", protocol("short", "constant-power", duration_s=0.5))


def refused(emulated: Emulated, bench: Path, protocol: Path, *more: str | Path) -> tuple[int, str]:
    """`ablate run` to its refusal: exit code and what it says. Power never flowed."""
    steps = len(emulated.log.steps)
    code, out, err = run(emulated, "run", bench, protocol, "--no-report", "--json", *more)
    assert out == ""
    assert [power_w for _, power_w in emulated.log.steps[steps:] if power_w > 0.0] == []
    return code, err


def with_device(emulated: Emulated, name: str, **changes: Any) -> Path:
    """The wired bench, one device changed."""
    devices = emulated.wired_data["devices"]
    data = {**emulated.wired_data, "devices": {**devices, name: {**devices[name], **changes}}}
    return emulated.write(f"changed-{name}.yaml", data)


def test_a_port_that_is_missing(emulated: Emulated, short: Path) -> None:
    bench = with_device(emulated, "gen", port=str(emulated.ports / "ports" / "gem"))
    code, err = refused(emulated, bench, short)
    assert code == 4
    assert "ports/gem: no such port; did you mean" in err and "ports/gen" in err


def test_a_port_that_another_process_owns(emulated: Emulated, short: Path) -> None:
    port = emulated.ports / "ports" / "pump"
    hold = f"import serial; port = serial.Serial({str(port)!r}, exclusive=True); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"open\n"
        code, err = refused(emulated, emulated.wired, short)
        owner.terminate()
    assert code == 4
    assert "it is in use by" in err and f"(pid {owner.pid})" in err and "end that process" in err


def test_a_bench_that_runs_already(emulated: Emulated, short: Path) -> None:
    serve = emulated.ablate("serve", emulated.wired)
    try:
        wait_for(emulated.control.exists, "the control socket", 20.0)
        code, err = refused(emulated, emulated.wired, short)
        assert code == 4
        assert "already being run by another ablate process; stop that one first" in err
        # Under another name the ports are the same, and it is their owner who is named.
        other = emulated.write("other.yaml", {**emulated.wired_data, "bench": "other"})
        daemon = emulated.pids.daemon
        code, err = refused(emulated, other, short)
        assert code == 4
        assert f"(pid {daemon})" in err
    finally:
        serve.send_signal(signal.SIGINT)
        serve.communicate(timeout=20)
    assert serve.returncode == 130


def test_the_wrong_device_behind_a_port(emulated: Emulated, short: Path) -> None:
    devices = emulated.wired_data["devices"]
    swapped = {**devices, "gen": {**devices["gen"], "port": devices["pump"]["port"]}}
    swapped["pump"] = {**devices["pump"], "port": devices["gen"]["port"]}
    bench = emulated.write("swapped.yaml", {**emulated.wired_data, "devices": swapped})
    code, err = refused(emulated, bench, short)
    assert code == 4
    assert "gen" in err and "T&C" in err


def test_a_generator_that_is_found_on_is_turned_off(emulated: Emulated, short: Path) -> None:
    """Somebody left it on, with a relay that is welded and a dead-man that does not work."""
    faults = ("gen.deadman_off", "enable.weld")
    for fault in faults:
        emulated.backdoor(fault=fault)
    try:
        write(emulated, "enable", b"\xff\x01\x01")
        for frame in (
            codec.frame(b"BC", codec.YES, 0, 0),
            codec.frame(b"SA", 20, 0, 0),
            codec.frame(b"BR", codec.YES, 0, 0),
        ):
            write(emulated, "gen", frame)
        wait_for(lambda: emulated.log.now_w > 15.0, "power", 2.0)
        code, out, err = run(emulated, "run", emulated.wired, short, "--no-report")
        assert (code, out) == (4, "")
        assert "the generator's output was on when we connected; it has been turned off" in err
        assert "find out what was driving it" in err
        assert emulated.log.now_w == 0.0
    finally:
        for fault in faults:
            emulated.backdoor(clear=fault)


def write(emulated: Emulated, device: str, data: bytes) -> None:
    """Bytes to a device, as any other program might send them."""
    fd = os.open(emulated.ports / "ports" / device, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(fd, data)
        time.sleep(0.1)
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(fd, False)
            os.read(fd, 4096)
    finally:
        os.close(fd)


def test_a_thermocouple_that_is_open(emulated: Emulated, short: Path) -> None:
    emulated.backdoor(fault="tc.tip.open")
    try:
        begin_s = time.monotonic()
        code, err = refused(emulated, emulated.wired, short)
    finally:
        emulated.backdoor(clear="tc.tip.open")
    assert code == 4
    assert "the bench did not become ready" in err and "tc.tip_c" in err
    assert time.monotonic() - begin_s <= 16.0  # the precheck takes 10 s


def test_an_e_stop_that_is_not_wired(emulated: Emulated, short: Path) -> None:
    roles = {key: value for key, value in emulated.wired_data["roles"].items() if key != "estop"}
    bench = emulated.write("no-estop.yaml", {**emulated.wired_data, "roles": roles})
    code, err = refused(emulated, bench, short)
    assert code == 3
    assert "no-estop.yaml:" in err and "no E-stop is wired" in err and "wire both its contacts" in err


def test_an_e_stop_that_is_pressed(emulated: Emulated, short: Path) -> None:
    emulated.backdoor(input={"estop_a": False, "estop_b": False})
    try:
        code, err = refused(emulated, emulated.wired, short)
    finally:
        emulated.backdoor(input={"estop_a": True, "estop_b": True})
    assert code == 4
    assert "estop" in err.lower() or "E-stop" in err


def test_a_records_folder_that_cannot_be_written(emulated: Emulated, short: Path) -> None:
    in_the_way = emulated.folder / "a-file"
    in_the_way.write_text("")
    data = {**emulated.wired_data, "records": {"folder": str(in_the_way / "sessions")}}
    code, err = refused(emulated, emulated.write("unwritable.yaml", data), short)
    assert code == 4
    assert "session files cannot be written here" in err and "check records.folder" in err


def test_a_disk_that_is_full(emulated: Emulated, short: Path) -> None:
    """A file system of 8 MB, where one may be mounted."""
    small = emulated.folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(small)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        code, err = refused(emulated, emulated.wired, short, "--out", small)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert code == 4
    assert "MB are free" in err and "free some space" in err


def test_a_disk_that_becomes_full_while_firing(emulated: Emulated) -> None:
    """The file may grow no more: a controlled stop within 0.75 s and a tick, then a trip if it stays so."""
    import resource

    with firing(emulated) as live:
        wal = live.session.with_name(live.session.name + "-wal")
        size = max(live.session.stat().st_size, wal.stat().st_size)
        begin_s = time.monotonic()
        resource.prlimit(live.pids.daemon, resource.RLIMIT_FSIZE, (size, size))
        wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
        off_s = emulated.log.off_s(begin_s)
        assert off_s is not None and off_s - begin_s <= 1.0
        status = live.control.ask("status")
        assert status["state"] != "FIRING"
        assert not status["record"]["healthy"]
        assert "cannot be written" in status["record"]["text"]


def test_a_latch_of_an_earlier_run(emulated: Emulated, short: Path) -> None:
    """The daemon is killed while firing; the next start is TRIPPED for that; a person resets it with a reason."""
    with firing(emulated) as live:
        os.kill(live.pids.daemon, signal.SIGKILL)
        assert live.ended() == 75
    with Live(emulated) as live:
        trip = live.state("TRIPPED")["trip"]
        assert (trip["hazard"], trip["monitor"], trip["channel"]) == ("H23", "watchdog", "death")
        assert "nobody knows what application 1 of session" in trip["check"]
        assert not live.control.ask("prepare", protocol=str(short))["ok"]
        assert live.shut() == 0
    assert emulated.latch.exists()
    code, err = refused(emulated, emulated.wired, short)
    assert code == 4
    assert "the daemon died without leave" in err and "--reset-latch" in err
    code, out, err = run(
        emulated, "run", emulated.wired, short, "--no-report", "--json", "--reset-latch", "killed by a test"
    )
    assert (code, err) == (0, "")
    assert '"result": "completed"' in out
    assert not emulated.latch.exists()


def test_an_application_that_lost_its_mains_is_told_at_the_next_start(emulated: Emulated, short: Path) -> None:
    """Nobody was left to latch it: the record lacks its end. It takes a person and a reason, once."""
    with firing(emulated) as live:
        os.kill(live.pids.watchdog, signal.SIGSTOP)
        os.kill(live.pids.daemon, signal.SIGKILL)
        os.kill(live.pids.watchdog, signal.SIGKILL)
        live.process.wait(10)
    wait_for(lambda: emulated.log.now_w == 0.0, "the generator's own dead-man")
    assert not emulated.latch.exists()
    code, err = refused(emulated, emulated.wired, short)
    assert code == 4
    assert "nobody knows what application 1 of session" in err and "(protocol steady) delivered" in err
    assert emulated.latch.exists()
    more = ("--no-report", "--json", "--out", "another-folder")
    code, out, err = run(emulated, "run", emulated.wired, short, *more, "--reset-latch", "the mains came back")
    assert (code, err) == (0, "")
    assert '"result": "completed"' in out
    code, out, err = run(emulated, "run", emulated.wired, short, "--no-report", "--json")
    assert (code, err) == (0, "")


def test_the_orphaned_neighbour_ends_by_itself(orphan: Orphan) -> None:
    orphan.wait_out()
    assert children_of(str(orphan.bench.folder)) == []
