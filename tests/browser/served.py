"""A simulated bench as ``ablate serve`` runs it, panel and all, and its judge: the emulated generator's power log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from controller.beside_panel import Where, where
from controller.records.reader import open_session
from safety import latch
from tests.process.bench import POWER_W, STARVED, Emulated
from tests.process.ends import Control, Hold, alive, wait_for

START_S, END_S = 60.0, 30.0


class Served(Emulated):
    """``ablate serve`` of a bench on ``sim://`` ports. A context manager; leaves nothing behind.

    It is the shipped cooled-needle bench, under this ``name``.
    """

    def __init__(self, name: str = "wired") -> None:
        super().__init__(serve=False)
        self.name = name
        self.write(self.simulated.name, {**yaml.safe_load(self.simulated.read_text()), "bench": name})
        self.ports = self.runtime / name
        self.environment["ABLATE_POWER_LOG"] = str(self.memory / "power.jsonl")
        self._process: subprocess.Popen[str] | None = None
        self._lapsed = False

    def __enter__(self) -> Served:
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.end()
        finally:
            super().__exit__()

    def begin(self) -> None:
        """Start, and wait for a panel and a bench in SAFE."""
        with self.stderr.open("wb") as stderr:
            self._process = self.ablate("serve", self.simulated, "--out", self.out, stdout=stderr, stderr=stderr)
        wait_for(lambda: self._up() and self.status()["state"] == "SAFE", "a panel and a bench in SAFE", START_S)

    def _up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.words
        with contextlib.suppress(OSError, ValueError, KeyError):
            return alive(self.panel.pid) and bool(self.status())
        return False

    def end(self) -> int:
        """End it as Ctrl-C does; the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        assert process.poll() is None, f"ablate serve ended by itself with {process.returncode}: {self.words}"
        with contextlib.suppress(ProcessLookupError, OSError, ValueError, KeyError):
            os.kill(self.panel.pid, signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(END_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    @property
    def words(self) -> str:
        """What it has printed."""
        return self.stderr.read_text()

    @property
    def panel(self) -> Where:
        """The panel that runs now. Raises OSError while there is none."""
        found = where(self.runtime / self.name)
        if found is None:
            raise FileNotFoundError(f"{self.runtime / self.name}: no panel")
        return found

    @property
    def link(self) -> str:
        """For whoever may control."""
        return self.panel.link()

    @property
    def viewer_link(self) -> str:
        """For whoever may look and stop."""
        return self.panel.link(viewer=True)

    @property
    def session(self) -> Path:
        """The open session file."""
        return Path(self.status()["session_file"])

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        """One request to the daemon, past the panel."""
        control = Control(self.control)
        try:
            return control.ask(verb, **fields)
        finally:
            control.close()

    def reach(self, *wanted: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """The daemon's status once it is in one of these states."""
        wait_for(lambda: self.status()["state"] in wanted, f"{wanted}, not {self.status()['state']}", timeout_s)
        return self.status()

    def arm(self, protocol: Path | None = None) -> None:
        """Up to ARMED, past the panel; READY that ends before it is seen, on a busy machine, is tried again."""
        for attempt in range(3):
            self.reach("SAFE")
            answer = self.ask("prepare", protocol=str(protocol or self.steady))
            assert answer["ok"], answer
            self.reach("READY")
            answer = self.ask("arm")
            if answer["ok"]:
                return
            assert attempt < 2, answer

    @contextlib.contextmanager
    def firing(self, protocol: Path | None = None) -> Iterator[None]:
        """Power in the tissue, held by this process past the panel; let go at the end, and back in SAFE,
        or TRIPPED.
        """
        self.arm(protocol)
        before = len(self._ends())
        hold = Hold(self.control)
        try:
            assert hold.answer["ok"], hold.answer
            self.power()
            yield
        finally:
            self._lapsed |= "foreground let go" in self._ends()[before:]
            hold.let_go()
        self.reach("SAFE", "TRIPPED")

    def _ends(self) -> list[str]:
        """Why each application of the open session has left FIRING."""
        with contextlib.suppress(OSError):
            return [str(told["reason"]) for told in self.events("state") if told["from"] == "FIRING"]
        return []

    def power(self, timeout_s: float = 15.0) -> None:
        """Wait for power in the tissue."""
        wait_for(lambda: self.log.now_w > 0.8 * POWER_W, "power in the tissue", timeout_s)

    def off_s(self, since_s: float, within_s: float = 5.0) -> float:
        """When, after ``since_s``, the power that flowed then ended, on CLOCK_MONOTONIC."""
        wait_for(lambda: self.log.now_w == 0.0, "0 W", within_s)
        off_s = self.log.off_s(since_s)
        assert off_s is not None
        return off_s

    @property
    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def cut(self, within_s: float = 20.0) -> None:
        """Wait until its watchdog, which was frozen too long, has ended it."""
        assert self._process is not None
        self._process.wait(within_s)

    def settle(self) -> None:
        """Back to SAFE with a panel, past the panel, whatever the last test left behind."""
        if self._ended:
            self._renew()
        wait_for(lambda: self._ended or self._up(), "a panel", START_S)
        if self._ended:
            self._renew()
        os.kill(self.panel.pid, signal.SIGCONT)
        with contextlib.suppress(AssertionError):
            self.backdoor(clear="pump.stall")
        if self.status()["state"] != "SAFE":
            self.ask("stop", reason="between tests")
            wait_for(lambda: self.status()["state"] in ("SAFE", "TRIPPED", "LOCKOUT"), "the end of it", 20.0)
        if self.status()["state"] == "TRIPPED":
            self.ask("ack")
            wait_for(lambda: not set(self.status()["blocked_by"]) - {"ack"}, "a reset that is permitted", 20.0)
            if not self.ask("reset", reason="between tests")["ok"]:
                self._renew()
        if self.status()["state"] == "LOCKOUT":
            self._renew()
        self.reach("SAFE")
        self._lapsed = False

    def _renew(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end()
        self._process = None
        self.forget()
        self.begin()

    def overloaded(self) -> str:
        """What has ended it, where that was the load of this machine and nothing that a test did; else nothing."""
        with contextlib.suppress(AssertionError):  # a watchdog that cuts proves off before it says why
            wait_for(lambda: self._ended or self._answers(), "an answer, or the end", END_S)
        if self._lapsed:
            self._lapsed = False
            return "H24 this process could not renew its hold in time"
        with contextlib.suppress(OSError, ValueError):
            trip = latch.parse(self.latch.read_text(), self.name)
            if trip is not None and trip.hazard in STARVED:
                return f"{trip.hazard} {trip.text}"
        return ""

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return bool(self.status())
        return False

    def last_words(self) -> str:
        """For whoever looks at a failure."""
        with contextlib.suppress(OSError):
            told = self.status()
            return f"{told['state']}, blocked by {told['blocked_by']}, trip {told['trip']}, late {told['late_ticks']}"
        latched = self.latch.read_text() if self.latch.exists() else ""
        with contextlib.suppress(OSError):
            latched += "\n".join((self.ports / "daemon.log").read_text().splitlines()[-20:])
        return f"ended: {self.words} {latched}"

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the open session file has of this kind."""
        with open_session(self.session) as session:
            return [event.data for event in session.events(kind)]
