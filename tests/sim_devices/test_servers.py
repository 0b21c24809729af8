"""Emulators on real PTYs and sockets, with pyserial as the host, and the process that serves a whole bench."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
import serial

from sim.provider import PROVIDER

PING = bytes.fromhex("43 00 42 50 00 00 00 00 00 D5")
CONTROL = bytes.fromhex("43 00 42 43 55 55 00 00 01 72")
SET_50W = bytes.fromhex("43 00 53 41 00 32 00 00 01 09")
RF_ON = bytes.fromhex("43 00 42 52 55 55 00 00 01 81")
RF_OFF = bytes.fromhex("43 00 42 52 00 00 00 00 00 D7")

BENCH = """
devices:
  gen: {driver: tc-cxn, port: "sim://gen"}
  inputs: {driver: numato-gpio, port: "sim://inputs", options: {pins: {estop_a_closed: 0, door_closed: 4}}}
  enable: {driver: kmtronic-relay, port: "sim://line", options: {native_timeout_s: 2.0}}
applicator: {kind: cooled-needle, gauge: 17, active_tip_mm: 30}
simulation: {tissue: exvivo_bovine, seed: 1, mesh: fast}
"""

pytestmark = pytest.mark.process


class Served:
    """``python -m sim.serve`` with these arguments, after its READY."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim.serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()

    def told(self) -> str:
        """The first line on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(10.0)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture
def serve() -> Iterator[Any]:
    running: list[Served] = []

    def start(*arguments: str) -> Served:
        running.append(Served(*arguments))
        return running[-1]

    yield start
    for one in running:
        if not one.process.stdout.closed:  # type: ignore[union-attr]
            one.end(signal.SIGKILL)


def test_pty_round_trip_with_pyserial(serve: Any, short_dir: Path) -> None:
    link = short_dir / "gen"
    served = serve("--device", "tc-cxn", "--pty", str(link), "--load", "80")
    assert served.ready == "READY"
    for _ in range(3):  # one client after the other
        with serial.Serial(str(link), 38400, timeout=2.0, exclusive=True) as port:
            port.write(PING)
            assert port.read(1) == b"*"
            port.write(CONTROL[:4])
            time.sleep(0.02)
            port.write(CONTROL[4:] + PING)
            assert port.read(10).hex(" ") == "2a 52 00 00 02 00 01 00 55 2a"
    assert served.end() == 0
    assert not os.path.lexists(link)


def test_tcp_with_pyserial_url(serve: Any) -> None:
    served = serve("--device", "numato-gpio", "--tcp", "0")
    url = served.told().split()[-1]
    assert url.startswith("socket://127.0.0.1:")
    with serial.serial_for_url(url, timeout=2.0) as port:
        port.write(b"gpio readall\r")
        assert port.read(19) == b"gpio readall\n\r1b\n\r>"
    assert served.end(signal.SIGINT) == 0


def test_a_fault_may_leave_out_the_device(serve: Any, short_dir: Path) -> None:
    link = short_dir / "gen"
    serve("--device", "tc-cxn", "--pty", str(link), "--fault", "link.drop@0")
    with serial.Serial(str(link), 38400, timeout=0.2) as port:
        port.write(PING)
        assert port.read(1) == b""


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        (["--device", "tc-cnx", "--tcp", "0"], 3, "did you mean tc-cxn?"),
        (["--device", "tc-cxn", "--tcp", "0", "--fault", "ignore_of"], 3, "did you mean 'ignore_off'?"),
        (["--device", "tc-cxn", "--tcp", "0", "--load", "0"], 3, "give a resistance above 0"),
        (["--device", "tc-cxn", "--pty", "/proc/x/gen"], 4, "emulator:"),
        (["--bench", "/nonexistent.yaml", "--runtime-dir", "/tmp/x"], 4, "nonexistent.yaml"),
        (["--device", "tc-cxn"], 2, "needs either"),
    ],
)
def test_refusals(arguments: list[str], code: int, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim.serve", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    "old, new, who",
    [
        ('port: "sim://gen"', "port: /dev/serial/by-id/gen", "gen (/dev/serial/by-id/gen)"),
        ("native_timeout_s: 2.0", 'native_timeout_s: 2.0, aux_port: "tcp://10.0.0.7:1"', "enable (tcp://10.0.0.7:1)"),
    ],
)
def test_no_back_door_is_opened_beside_a_real_port(old: str, new: str, who: str, short_dir: Path) -> None:
    assert BENCH.count(old) == 1
    (short_dir / "bench.yaml").write_text(BENCH.replace(old, new))
    argv = ["--bench", str(short_dir / "bench.yaml"), "--runtime-dir", str(short_dir / "run")]
    done = subprocess.run(
        [sys.executable, "-m", "sim.serve", *argv], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert f"a bench with real ports is not emulated, nor a part of it: {who}; " in done.stderr
    assert not (short_dir / "run").exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link to a file", "dangling link"])
def test_what_is_not_a_port_is_not_replaced(kind: str, short_dir: Path) -> None:
    """A path given by mistake (an interpreter is a link, too) is refused and stays as it was."""
    target, path = short_dir / "target", short_dir / "path"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
        if kind == "link to a file":
            target.write_text("precious")
    before = path.lstat()
    done = subprocess.run(
        [sys.executable, "-m", "sim.serve", "--device", "tc-cxn", "--pty", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 4
    assert "in the way" in done.stderr
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_the_link_of_an_emulator_that_was_killed_is_replaced(serve: Any, short_dir: Path) -> None:
    link = short_dir / "gen"
    serve("--device", "tc-cxn", "--pty", str(link)).end(signal.SIGKILL)
    assert link.is_symlink()
    assert serve("--device", "tc-cxn", "--pty", str(link)).ready == "READY"
    with serial.Serial(str(link), 38400, timeout=2.0) as port:
        port.write(PING)
        assert port.read(1) == b"*"


class Backdoor:
    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._file: TextIO = self._socket.makefile("rw")

    def ask(self, what: object) -> dict[str, Any]:
        self._file.write(json.dumps(what) + "\n")
        self._file.flush()
        answer: dict[str, Any] = json.loads(self._file.readline())
        return answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def powers(log: Path) -> list[tuple[float, float]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(line["device"] == "gen" for line in lines)
    return [(line["t_mono_s"], line["power_w"]) for line in lines]


def wait_for_off(log: Path) -> float:
    for _ in range(300):
        seen = powers(log)
        if seen and seen[-1][1] == 0.0:
            return seen[-1][0]
        time.sleep(0.01)
    raise AssertionError("still on")


def test_a_bench_on_the_wire(serve: Any, short_dir: Path) -> None:
    bench, log = short_dir / "bench.yaml", short_dir / "power.jsonl"
    bench.write_text(BENCH)
    run = short_dir / "run"
    served = serve("--bench", str(bench), "--runtime-dir", str(run), "--power-log", str(log))
    assert served.ready == "READY"
    assert sorted(p.name for p in (run / "ports").iterdir()) == ["gen", "inputs", "line"]
    assert PROVIDER.resolve("sim://line", str(run)) == str(run / "ports" / "line")
    door = Backdoor(run / "sim.sock")
    with (
        serial.Serial(str(run / "ports/gen"), 38400, timeout=2.0) as gen,
        serial.Serial(str(run / "ports/line")) as line,
    ):

        def fire() -> None:
            line.write(b"\xff\x01\x01")
            time.sleep(0.02)
            for frame, length in ((CONTROL, 9), (SET_50W, 1), (RF_ON, 1)):
                gen.write(frame)
                assert len(gen.read(length)) == length
            time.sleep(0.1)

        fire()
        assert powers(log)[-1][1] > 30.0
        seen = door.ask({"snapshot": True})
        assert seen["load_w"] > 30.0
        assert len(seen["picture"]["temperature_c"]) == len(seen["picture"]["r_mm"])
        sent_s = time.monotonic()
        gen.write(RF_OFF)
        assert 0.0 <= wait_for_off(log) - sent_s < 0.1
        fire()
        sent_s = time.monotonic()
        assert door.ask({"input": {"estop_a": False}})["ok"]
        assert 0.0 <= wait_for_off(log) - sent_s < 0.1
        assert door.ask({"input": {"estop_a": True}})["ok"]
        assert door.ask({"fault": "enable.weld"})["ok"]
        fire()
        sent_s = time.monotonic()
        assert 1.5 < wait_for_off(log) - sent_s < 2.5  # nobody speaks: the generator's own dead-man
        assert door.ask({"clear": "enable.weld"})["ok"]
        assert "did you mean" in door.ask({"fault": "gen.ignore_of"})["error"]
        assert door.ask({"reboot": True}) == {
            "ok": False,
            "error": "expected one of fault, clear, input, foot, hand, snapshot in a JSON object",
        }
        assert door.ask({"fault": "gen.link.disconnect+0.2"})["ok"]
        time.sleep(0.05)
        assert not (run / "ports/gen").exists()
        time.sleep(0.3)
    with serial.Serial(str(run / "ports/gen"), 38400, timeout=2.0) as gen:
        gen.write(PING)
        assert gen.read(1) == b"*"
    door.close()
    assert served.end() == 0
    assert list((run / "ports").iterdir()) == []


@pytest.mark.parametrize("url", ["tcp://gen", "sim://", "sim://../x", "sim://a/b"])
def test_provider_refuses(url: str) -> None:
    with pytest.raises(ValueError, match="write sim://<name>"):
        PROVIDER.resolve(url, "/run/x")


def test_provider_neighbour() -> None:
    command = PROVIDER.neighbour("bench.yaml", "/run/x")
    assert command is not None
    assert command[0] == sys.executable
    assert " ".join(command).endswith("-m sim.serve --bench bench.yaml --runtime-dir /run/x --exit-with-parent")
