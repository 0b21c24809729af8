"""The watchdog's process: spawns the daemon, listens, and cuts. Standard library, synchronous, no threads.

Everything that blocks is bounded; everything that can fail is guarded; the last resort of every failure is the cut.
SIGINT and SIGHUP are ignored (a terminal's wish is the launcher's to grant), SIGTERM cuts.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from safety.watchdog.asking import Asking
from safety.watchdog.core import Action, CloseEnable, Core, Cut, Leave, OpenEnable, QueryEnable, Reply
from safety.watchdog.cutoff import Cutoff, Source, cuts_path, is_latched
from safety.watchdog.frames import ENVIRONMENT, MAX_MESSAGE, pack_status, unpack_hello, unpack_message
from safety.watchdog.hardening import harden, soften
from safety.watchdog.line import line_of

EXIT_CUT = 75  # EX_TEMPFAIL of sysexits.h: the watchdog has cut; the latch says why
EXIT_SPAWN = 1
MAX_FDS = 32
LOOK_S = 0.25  # at least this often: the latch file, the clock
ANSWER_LOOK_S = 0.005  # and at the enable line while its answer is awaited, for a terminal is not polled
END_S = 10.0  # how long a daemon that has closed its end of the link may take to end
KILL_S = 0.5  # how long a daemon that was killed may take
UNPROVEN_S = 10.0  # for this long off is asserted, proven or not, before SIGTERM may end the watchdog
ENABLE_WRITE_S = 0.005
DEAF = (
    "its port gives neither a descriptor to share nor a resource to open; name a second way to the same instrument in "
    "the bench file (off_port: tcp://HOST:5025), or connect it by a serial path or tcp://"
)


def say(text: str) -> None:
    """One sentence on stderr, unless that would block or nobody is there."""
    with suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(2, select.POLLOUT)
        if poll.poll(0):
            os.write(2, f"watchdog: {text}\n".encode())


class Process:
    """One watchdog over one daemon."""

    def __init__(self, runtime_dir: Path, state_dir: Path, bench: str, lease_s: float) -> None:
        self.runtime_dir = runtime_dir
        self.core = Core(lease_s=lease_s, latched=is_latched(state_dir))
        self.cutoff = Cutoff(state_dir, bench)
        self.terminated = False
        self.exit_code: int | None = None
        self._asking: tuple[int, Asking] | None = None  # behind how many openings of the line
        self._looked_s = 0.0
        self._poll = select.poll()

    def start(self, argv: Sequence[str]) -> None:
        """Spawn the daemon with its end of the link.

        Raises:
            OSError: the program cannot be started.
        """
        self._wake, wakeup = socket.socketpair()
        self._wake.setblocking(False)
        wakeup.setblocking(False)
        self._wakeup = wakeup
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where that is ignored, nobody could tell how a daemon ended
        for number in (signal.SIGINT, signal.SIGHUP):  # not SIG_IGN, which the daemon would inherit
            signal.signal(number, lambda number, frame: None)
        self.runtime_dir.mkdir(parents=True, exist_ok=True)
        pids = self.runtime_dir / ".pids.json"
        pids.write_text("{}\n")  # a folder that cannot be written is found before there is a daemon
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.setblocking(False)
        with theirs:
            environment = {**os.environ, ENVIRONMENT: str(theirs.fileno())}
            self.daemon = subprocess.Popen(argv, pass_fds=(theirs.fileno(),), env=environment)
        self._pidfd = os.pidfd_open(self.daemon.pid)
        with suppress(OSError):
            pids.write_text(json.dumps({"daemon": self.daemon.pid, "watchdog": os.getpid()}) + "\n")
            pids.replace(self.runtime_dir / "pids.json")
        for fd in (self._link.fileno(), self._pidfd, self._wake.fileno()):
            self._poll.register(fd, select.POLLIN)

    def run(self) -> int:
        """Guard until the daemon has ended or has been ended; the exit code."""
        while self.exit_code is None:
            try:
                self._turn()
            except Exception as error:
                self.terminated = True
                with suppress(Exception):
                    self._do(self.core.on_order(f"the watchdog itself failed: {error!r}"))
                if self.exit_code is None:
                    self._fence()
                    self._leave()
        return self.exit_code

    def _turn(self) -> None:
        """Wait for something, read all of it, see at once what time demands, then look around."""
        now_s = time.monotonic()
        awaited = self._asking is not None and self._asking[1].under_way
        wait_s = max(0.0, min(self.core.next_due_s - now_s, ANSWER_LOOK_S if awaited else LOOK_S))
        ready = dict(self._poll.poll(wait_s * 1e3))
        if self._wake.fileno() in ready:
            with suppress(OSError):
                self._wake.recv(4096)
        if self._link.fileno() in ready or self._pidfd in ready:
            ended = self._receive()
            if self.exit_code is None and (ended or self._pidfd in ready):
                self._do(self.core.on_link_lost(time.monotonic()))
        if self.exit_code is None and self.terminated:
            self._do(self.core.on_order("the watchdog was told to end (SIGTERM)"))
        if self.exit_code is None:
            self._do(self.core.due(time.monotonic()))  # before anything that might take time
        if self.exit_code is None:
            self._hear_enable()
            self._look()

    def _receive(self) -> bool:
        """Take what waits on the link; True when the daemon's end is closed. A reset is told before what was sent
        earlier is read, so reading goes on after it."""
        lost = False
        for _ in range(256):
            if self.exit_code is not None:
                return False
            try:
                data, fds, _, _ = socket.recv_fds(self._link, MAX_MESSAGE, MAX_FDS, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return lost
            except ConnectionResetError:
                lost = True
                continue
            if not data:
                return True
            self._take(data, fds)
        return lost

    def _take(self, data: bytes, fds: list[int]) -> None:
        now_s = time.monotonic()
        message = unpack_message(data)
        if message is not None and message["message"] == "hello":
            self._hello(message, fds, now_s)
        elif message is not None and message["message"] == "bye":
            self._do(self.core.on_bye(now_s))
            if self.exit_code is None:
                self.cutoff.write_off()
                self._send(json.dumps({"message": "bye"}).encode())
        else:
            self._do(self.core.on_frame(data, now_s))

    def _hello(self, message: dict[str, object], fds: list[int], now_s: float) -> None:
        why: str | None
        try:
            hello = unpack_hello(message, fds)
            deaf = [
                plan.device
                for plan, fd in (*hello.plans, *((hello.enable,) if hello.enable else ()))
                if fd is None and plan.reopen is None
            ]
            why = f"no way to reach {deaf[0]}: {DEAF}" if deaf else self.core.refuse(hello)
        except ValueError as error:
            why = str(error)
        if why is not None:
            for fd in fds:
                os.close(fd)
            return self._send(json.dumps({"message": "refused", "why": why}).encode())
        self.cutoff.sources = [Source(plan, fd) for plan, fd in hello.plans]
        if hello.enable is not None:
            line_plan, line_fd = hello.enable
            self.cutoff.enable = (line_plan, line_of(line_plan, line_fd))
        self._do(self.core.on_hello(hello, now_s))
        answer = {"message": "ready", "pid": os.getpid(), "lease_ms": self.core.lease_s * 1e3}
        return self._send(json.dumps(answer).encode())

    def _hear_enable(self) -> None:
        """Read what the enable line answers. One that is dead says nothing: its answers grow old, and the daemon must
        trip."""
        if self.cutoff.enable is None:
            return
        plan, line = self.cutoff.enable
        line.open()
        if self._asking is None or self._asking[0] != line.opened:
            self._asking = line.opened, Asking(plan)
        if (data := line.read()) and (heard := self._asking[1].hear(data, time.monotonic())) is not None:
            self.core.on_enable_read(*heard)

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s, self.core.latched = now_s, is_latched(self.cutoff.state_dir)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Reply):
                self._send(pack_status(action.status))
            elif isinstance(action, OpenEnable):
                self.cutoff.open_enable()
            elif isinstance(action, CloseEnable):
                self._write_enable(close=True)
            elif isinstance(action, QueryEnable):
                self._write_enable(close=False)
            elif isinstance(action, Leave):
                self._leave()
            elif isinstance(action, Cut):
                self._cut(action)

    def _write_enable(self, *, close: bool) -> None:
        if self.cutoff.enable is None:
            return
        plan, line = self.cutoff.enable
        if close:
            line.write(plan.close, ENABLE_WRITE_S)
        elif self._asking is not None:
            line.write(self._asking[1].ask(time.monotonic()), ENABLE_WRITE_S)

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # a daemon that does not listen must not hold us up
            self._link.send(data)

    def _cut(self, cut: Cut) -> None:
        begin_s = time.monotonic()
        proven = self.cutoff.cut(cut, self._fence, lambda: self.terminated and time.monotonic() - begin_s > UNPROVEN_S)
        state = "off is proven" if proven else "OFF IS NOT PROVEN: pull the generator's mains plug"
        latch = (
            ""
            if is_latched(self.cutoff.state_dir)
            else "; NO LATCH could be written: do not restart before a person has looked"
        )
        say(f"{cut.text}; energy cut, daemon killed, {state}; record in {cuts_path(self.cutoff.state_dir)}{latch}")
        self.exit_code = EXIT_CUT

    def _fence(self) -> dict[str, object]:
        """Kill the daemon and see it dead, bounded: a process in uninterruptible I/O does not end (the lines still
        work)."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)  # Popen's own kill would reap it first
        code = self._ended(KILL_S)
        return {"pid": self.daemon.pid, "exit": code, "ended": code is not None}

    def _ended(self, timeout_s: float) -> int | None:
        """How the daemon ended, in Popen's words; None: it has not, within so long. It is not reaped here: at a
        real-time priority that may take a second (docs/adr/0015)."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.poll(timeout_s * 1e3)
        told = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return told and (told.si_status if told.si_code == os.CLD_EXITED else -told.si_status)

    def _leave(self) -> None:
        """Nothing was wrong, or nothing had begun: off once more, wait for the daemon's end, keep its exit code."""
        self.cutoff.open_enable()
        self.cutoff.write_off()
        if self.terminated:
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        code = self._ended(1.0 if self.terminated else END_S)
        if code is None:
            self._fence()
            code = -int(signal.SIGKILL)
            say("the daemon did not end after its leave and was killed")
        self.cutoff.write_off(reopen=True)
        self.cutoff.open_enable()
        self.exit_code = code if code >= 0 else 128 - code

    def _on_term(self, number: int, frame: object) -> None:
        self.terminated = True


def run(argv: Sequence[str], runtime_dir: Path, state_dir: Path, bench: str, lease_s: float) -> int:
    """Spawn ``argv`` as the daemon of ``bench`` and guard it; the exit code: the daemon's own, or 75 after a cut."""
    process = Process(runtime_dir, state_dir, bench, lease_s)
    try:
        process.start(argv)
    except OSError as error:
        say(f"cannot start the daemon {argv[0]!r}: {error}")
        return EXIT_SPAWN
    harden()
    code = process.run()
    soften()
    process.daemon.poll()  # reaped, now that nothing is left to be done in time
    return code
