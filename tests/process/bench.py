"""An emulated bench on PTYs, the real daemon and watchdog over it, and the judge: the emulator's own power log.

The bench file that the daemon gets names the PTYs as its ports, as a real bench would; nothing in it says that they are
emulated.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from controller.daemon.latch import ledger_beside
from safety import latch
from tests.process.ends import Control, Hold, PowerLog, alive, children_of, wait_for

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "controller" / "data" / "benches" / "cooled-rf-sim.yaml"
UNRULY = Path(__file__).parent / "unruly"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
"""For what tells the time of a fault or of its end: who writes it must not wait for a disk."""
POWER_W = 20.0
DEVICES = ("gen", "pump", "tc", "flow", "inputs", "enable")


class Pids(NamedTuple):
    """Of one live bench."""

    daemon: int
    watchdog: int


class Emulated:
    """``ablate emulate --bench`` and the files of one bench. A context manager; leaves nothing behind.

    ``serve`` False: the files alone.
    """

    def __init__(self, *, serve: bool = True) -> None:
        self._serve = serve
        self.folder = Path(tempfile.mkdtemp(prefix="abp-", dir="/tmp"))  # short: sockets' names have 107 bytes
        self.ports, self.runtime, self.state = self.folder / "e", self.folder / "run", self.folder / "state"
        self.memory = Path(tempfile.mkdtemp(prefix="abp-", dir=MEMORY))
        self.out = self.folder / "out"
        self.name = "wired"
        self.log = PowerLog(self.memory / "power.jsonl")
        self.stderr = self.folder / "stderr.txt"
        shipped = yaml.safe_load(SHIPPED.read_text())
        self.simulated = self.write("simulated.yaml", {**shipped, "bench": self.name})
        wired = {**shipped, "bench": self.name, "simulation": None, "records": {"folder": str(self.out)}}
        wired["devices"] = {
            name: {**device, "port": str(self.ports / "ports" / name)} for name, device in shipped["devices"].items()
        }
        self.wired_data = wired
        self.wired = self.write("wired.yaml", wired)
        self.steady = self.write("steady.yaml", protocol("steady", "constant-power"))
        self.unruly_protocol = self.write("unruly.yaml", protocol("unruly", "unruly"))
        info = self.folder / "site" / "unruly_law-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly-law\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[openablate.laws]\nunruly = unruly_law:Unruly\n")
        # The tree that is tested comes first: in a clone, what is installed is another one.
        path = os.pathsep.join([str(ROOT), str(self.folder / "site"), str(UNRULY)])
        self.environment = {
            **os.environ,
            "PYTHONPATH": path,
            "UNRULY_DIR": str(self.memory),
            "ABLATE_RUNTIME_DIR": str(self.runtime),
            "ABLATE_STATE_DIR": str(self.state),
        }
        self._emulator: subprocess.Popen[bytes] | None = None

    def write(self, name: str, data: dict[str, Any]) -> Path:
        """A YAML file of this bench."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    def ablate(self, *argv: str | Path, **options: Any) -> subprocess.Popen[str]:
        """The command, as a user starts it, in a session of its own as a terminal would give it."""
        command = [sys.executable, "-m", "controller", *map(str, argv)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, start_new_session=True, **pipes
        )

    def __enter__(self) -> Emulated:
        if not self._serve:
            return self
        argv = ["emulate", "--bench", self.simulated, "--runtime-dir", self.ports]
        with self.stderr.open("wb") as stderr:
            self._emulator = self.ablate(  # type: ignore[assignment]
                *argv, "--power-log", self.memory / "power.jsonl", stderr=stderr, stdout=subprocess.PIPE
            )
        assert self._emulator is not None and self._emulator.stdout is not None
        if self._emulator.stdout.readline() != "READY\n":
            told = self.stderr.read_text()
            self._emulator.wait(10)
            self._forget_files()
            raise AssertionError(f"the emulator did not start: {told}")
        return self

    def __exit__(self, *_: object) -> None:
        code = 0
        if self._emulator is not None and self._emulator.stdout is not None:
            self._emulator.terminate()
            code = self._emulator.wait(10)
            self._emulator.stdout.close()
        left = children_of(str(self.folder))
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self._forget_files()
        assert code == 0
        assert left == [], "processes were left behind"

    def _forget_files(self) -> None:
        for folder in (self.folder, self.memory):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def emulator(self) -> int:
        """The emulator's pid."""
        assert self._emulator is not None
        return self._emulator.pid

    def backdoor(self, **asked: object) -> dict[str, Any]:
        """Act on the simulated world."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5.0)
            link.connect(str(self.ports / "sim.sock"))
            link.sendall(json.dumps(asked).encode() + b"\n")
            with link.makefile("rb") as file:
                answer: dict[str, Any] = json.loads(file.readline())
        assert answer["ok"], answer
        return answer

    @property
    def control(self) -> Path:
        """The daemon's control socket."""
        return self.runtime / self.name / "control.sock"

    @property
    def latch(self) -> Path:
        """Where a trip survives the daemon."""
        return self.state / self.name / "latch.json"

    @property
    def cuts(self) -> list[dict[str, Any]]:
        """What the watchdog has recorded of its cuts, the oldest first."""
        record = self.state / self.name / "cuts.jsonl"
        return [json.loads(text) for text in record.read_text().splitlines()] if record.exists() else []

    def forget(self) -> None:
        """As if nothing had ever tripped: no latch, no resets, no order that waits, no session without its end."""
        under_way = self.latch.with_name("session.txt")
        for path in (self.latch, ledger_beside(self.latch), under_way, self.memory / "order"):
            path.unlink(missing_ok=True)

    @property
    def pids(self) -> Pids:
        """Of the daemon and the watchdog that run now."""
        told = json.loads((self.runtime / self.name / "pids.json").read_text())
        return Pids(told["daemon"], told["watchdog"])

    def status(self) -> dict[str, Any]:
        """The daemon's status, over a connection of its own."""
        control = Control(self.control)
        try:
            return control.ask("status")
        finally:
            control.close()

    def order(self, name: str) -> float:
        """Tell the unruly law to turn bad; when it did."""
        begun = self.memory / "begun"
        begun.unlink(missing_ok=True)  # of an order that was obeyed when nobody waited for it any more
        (self.memory / "order.new").write_text(name)
        (self.memory / "order.new").replace(self.memory / "order")
        wait_for(begun.exists, f"the law to obey {name}", 2.0)
        begun_s = float(begun.read_text())
        begun.unlink()
        return begun_s


def protocol(name: str, law: str, *, power_w: float = POWER_W, duration_s: float = 60.0) -> dict[str, Any]:
    """A protocol that is quick to start: constant power, primed until the pump has surely come up again, which the
    trial before may just have left running down, and a short run-on."""
    return {
        "protocol": name,
        "source": "no publication: a protocol of the process tests, quick to start",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": {"kind": law, "power_w": power_w, "duration_s": duration_s, "rise_s": 0.0},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 0.1},
    }


class Live:
    """Watchdog and daemon as :mod:`controller.launch` starts them, without a launcher: the test is the foreground."""

    def __init__(self, emulated: Emulated, bench: Path | None = None) -> None:
        self.emulated = emulated
        runtime, state = emulated.runtime / emulated.name, emulated.state / emulated.name
        for folder in (runtime, state):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("control.sock", "daemon.error", "pids.json"):
            (runtime / name).unlink(missing_ok=True)
        common = ["--runtime-dir", str(runtime), "--state-dir", str(state)]
        daemon = [sys.executable, "-m", "controller.daemon", str(bench or emulated.wired), *common]
        daemon += ["--out", str(emulated.out)]
        argv = [sys.executable, "-m", "safety.watchdog", *common, "--bench", emulated.name, "--lease-ms", "200"]
        with (runtime / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*argv, "--", *daemon],
                cwd=emulated.folder,
                env=emulated.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._hold: Hold | None = None
        self.dying_s = -math.inf  # when the daemon was last seen not yet dead, of one that was killed
        self.control: Control
        self.session: Path
        try:
            wait_for(lambda: self._connected() or self.process.poll() is not None, "a daemon that answers", 20.0)
            assert self.process.poll() is None, self.last_words
            self.pids = emulated.pids
        except BaseException:
            self.close()
            raise

    def _connected(self) -> bool:
        try:
            self.control = Control(self.emulated.control)
        except OSError:
            return False
        return True

    @property
    def last_words(self) -> str:
        """What the daemon left behind when it could not start, else its log."""
        runtime = self.emulated.runtime / self.emulated.name
        error = runtime / "daemon.error"
        return error.read_text() if error.exists() else (runtime / "daemon.log").read_text()[-3000:]

    def state(self, *wanted: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """The status once the daemon is in one of the states."""
        last: dict[str, Any] = {}

        def there() -> bool:
            last.update(self.control.ask("status"))
            return last["state"] in wanted

        try:
            wait_for(there, f"{wanted}", timeout_s)
        except AssertionError as error:
            seen = {key: last.get(key) for key in ("state", "blocked_by", "trip")}
            raise AssertionError(f"{error}; last seen {seen}") from None
        return last

    def arm(self, protocol: Path) -> None:
        """Up to ARMED."""
        self.session = Path(self.state("SAFE")["session_file"])
        answer = self.control.ask("prepare", protocol=str(protocol))
        assert answer["ok"], answer
        self.state("READY")
        answer = self.control.ask("arm")
        assert answer["ok"], answer

    def fire(self, protocol: Path) -> None:
        """Up to power in the tissue, held by this process."""
        self.arm(protocol)
        self._hold = Hold(self.emulated.control)
        assert self._hold.answer["ok"], self._hold.answer
        wait_for(lambda: self.emulated.log.now_w > 0.8 * POWER_W, "power in the tissue", 15.0)

    def let_go(self) -> None:
        """End the hold."""
        if self._hold is not None:
            self._hold.let_go()
            self._hold = None

    def ended(self, timeout_s: float = 15.0) -> int:
        """Wait for the watchdog's end; its exit code."""
        return self.process.wait(timeout_s)

    def shut(self) -> int:
        """End it as a launcher does; the watchdog's exit code."""
        with contextlib.suppress(OSError):
            self.control.ask("shutdown")
        return self.ended()

    def close(self) -> None:
        """Whatever is left ends now."""
        self.let_go()
        if hasattr(self, "control"):
            self.control.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        for pid in {self.process.pid, *(self.pids if hasattr(self, "pids") else ())}:
            with contextlib.suppress(ProcessLookupError):
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        if hasattr(self, "pids"):
            wait_for(lambda: not alive(self.pids.daemon), "the daemon's end")

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


STARVED = frozenset({"H15", "H24", "H25", "H29", "H33"})
"""Causes that a machine without a free processor brings about: stale samples, late ticks, a lapsed lease."""
STARTS_REPEATED: list[str] = []


def starved(emulated: Emulated) -> bool:
    """Whether what has just tripped, before anything was injected, was the load of this machine; counted."""
    trip = latch.parse(emulated.latch.read_text(), emulated.name) if emulated.latch.exists() else None
    if trip is None or trip.hazard not in STARVED:
        return False
    STARTS_REPEATED.append(f"{trip.hazard} {trip.text}")
    emulated.forget()
    return True


@contextlib.contextmanager
def _up(emulated: Emulated, begin: Callable[[Live], None], bench: Path | None = None) -> Iterator[Live]:
    emulated.forget()
    with contextlib.ExitStack() as stack:
        for attempt in range(3):
            try:
                live = stack.enter_context(Live(emulated, bench))
                begin(live)
                break
            except (AssertionError, OSError):
                stack.close()
                if attempt == 2 or not starved(emulated):
                    raise
        yield live


def armed(emulated: Emulated) -> contextlib.AbstractContextManager[Live]:
    """A bench in ARMED. A start that fails on an overloaded machine is repeated, twice at most, and counted."""
    return _up(emulated, lambda live: live.arm(emulated.steady))


def firing(
    emulated: Emulated, protocol: Path | None = None, bench: Path | None = None
) -> contextlib.AbstractContextManager[Live]:
    """A bench that delivers power; repeated as :func:`armed`. ``bench``: another file of its ports."""
    return _up(emulated, lambda live: live.fire(protocol or emulated.steady), bench)


def run(emulated: Emulated, *argv: str | Path, timeout_s: float = 60.0) -> tuple[int, str, str]:
    """A command to its end: exit code, standard output, standard error."""
    process = emulated.ablate(*argv)
    try:
        out, err = process.communicate(timeout=timeout_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return process.returncode, out, err


def signals(pids: Sequence[int], number: signal.Signals) -> float:
    """Send ``number`` to each; the moment before the first."""
    begin_s = time.monotonic()
    for pid in pids:
        os.kill(pid, number)
    return begin_s
