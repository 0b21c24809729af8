"""The publisher's process, as the daemon keeps it beside itself. Its end is said and mended, and loses nothing.

Between the two runs a socket pair with one JSON object a line. Down (:mod:`controller.mqtt.__main__` reads it): what to
publish, what to follow, state, alarms, that the session is over. Up: how far the broker has come, what is to be logged,
and STOP. A thread of the daemon does nothing but pass these lines on: whatever is read, encoded or awaited for MQTT
takes its time from another interpreter.
"""

from __future__ import annotations

import contextlib
import json
import logging
import select
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from controller.mqtt.config import MqttConfig
from controller.mqtt.earlier import CURSOR
from controller.mqtt.post import Followed
from controller.mqtt.publisher import GIVE_UP_S, PublisherStatus, check, left_behind

log = logging.getLogger("controller.mqtt")

FIRST_WORD_S = 30.0
SILENT_S = 10.0
"""It says how it is twice a second. One that has said nothing for so long is frozen, and is replaced."""
AGAIN_S = (0.5, 30.0)
"""Pause before one that died is started again: doubled from the first to the second, and back when it lived."""
LIVED_S = 60.0
MOST_UNREAD = 5_000
"""Lines that may wait for it. State changes a few times a second at most, so beyond that it is frozen."""
MARGIN_S = 2.0
STARTING = PublisherStatus(False, 0, "the publisher is starting")


class BesidePublisher:
    """A :class:`~controller.mqtt.publisher.Publisher` in a process of its own. Methods are called from any thread and
    return at once, but for :meth:`detach` and :meth:`close`."""

    def __init__(
        self,
        config: MqttConfig,
        bench: str,
        *,
        simulated: bool,
        birth: Mapping[str, object] | None = None,
        on_stop: Callable[[str, str], object] | None = None,
    ) -> None:
        """Check the configuration; nothing is started before :meth:`start`. Arguments and errors are Publisher's; here
        ``on_stop`` is called in the thread that passes lines on."""
        check(config, bench)
        self._who = {"config": config.model_dump(mode="json"), "bench": bench, "simulated": simulated}
        self._who |= {"birth": dict(birth or {}), "boot_id": uuid.uuid4().hex}
        self._flush_s, self._on_stop = config.flush_s, on_stop
        self._state: Mapping[str, object] | None = None
        self._alarms: dict[str, Mapping[str, object] | None] = {}
        self._recorder: Followed | None = None
        self._cursor = -1
        self._connections = 0
        self._told = STARTING
        self._trouble = ""
        self._detached = threading.Event()
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: deque[str] = deque()
        self._lock = threading.Lock()  # of the lines, and of what a new process is told at its beginning
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._keep, name="mqtt", daemon=True)

    # -- the daemon's side

    def start(self) -> None:
        """Start the process, and keep it."""
        self._thread.start()

    def set_state(self, state: Mapping[str, object]) -> None:
        """Publish what the daemon is doing, retained."""
        with self._lock:
            self._state = state
            self._say(state=state)

    def set_alarm(self, monitor: str, alarm: Mapping[str, object] | None) -> None:
        """Publish an alarm, retained; None clears it."""
        with self._lock:
            self._alarms[monitor] = alarm
            self._say(alarm=[monitor, alarm])

    def attach(self, recorder: Followed) -> None:
        """Follow this session from its first batch on. Behind it, what earlier runs left unpublished is sent."""
        with self._lock:
            self._cursor = -1
            recorder.cursor(CURSOR, -1)  # from now on the file says that it is to be published
            self._recorder = recorder
            self._detached.clear()
            self._say(**self._session(recorder))

    def detach(self, timeout_s: float | None = None) -> int:
        """Send what is left, for at most ``timeout_s`` (default: ``mqtt.flush_s``), and let go of the session: see
        :meth:`Publisher.detach <controller.mqtt.publisher.Publisher.detach>`."""
        recorder = self._recorder
        if recorder is None:
            return 0
        wait_s = self._flush_s if timeout_s is None else timeout_s
        with self._lock:
            self._say(detach=wait_s, head=recorder.head)
        deadline_s = time.monotonic() + wait_s + MARGIN_S
        away_by_s = time.monotonic() + GIVE_UP_S
        while self._thread.is_alive() and (now_s := time.monotonic()) < min(deadline_s, away_by_s):
            if self._detached.wait(0.02):
                break
            if not self._trouble:
                away_by_s = now_s + GIVE_UP_S
        with self._lock:
            self._recorder = None
        return left_behind(recorder, self._cursor)

    def status(self) -> PublisherStatus:
        """How far behind the broker is."""
        recorder = self._recorder
        batches = 0 if recorder is None else recorder.head - self._cursor
        told = self._told._replace(lag_batches=batches)
        if not batches:
            told = told._replace(lag_rows=0, lag_s=0.0)
        return told._replace(connected=False, text=self._trouble) if self._trouble else told

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def close(self, timeout_s: float = 2.0) -> None:
        """Say farewell and end the process; waits at most ``timeout_s`` for it."""
        with self._lock:
            self._closing.set()
            self._say(close=0.8 * timeout_s)
        until_s = time.monotonic() + timeout_s
        while self._thread.is_alive():
            self._thread.join(max(0.05, until_s - time.monotonic()))
            if (process := self._process) is not None and self._thread.is_alive():
                process.kill()  # also one that was begun only now; nothing happens to one that has ended
        for end in (self._wake, self._woken):
            end.close()

    def _say(self, **words: object) -> None:
        """Have a line passed on. The caller holds the lock."""
        self._lines.append(json.dumps(words) + "\n")
        with contextlib.suppress(OSError):  # it has been woken often enough, or has gone
            self._wake.send(b"\0")

    @staticmethod
    def _session(recorder: Followed, acknowledged: int = -1) -> dict[str, object]:
        return {"path": str(recorder.path), "session": recorder.session_id, "acknowledged": acknowledged}

    # -- the thread's side

    def _keep(self) -> None:
        pause_s = AGAIN_S[0]
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                end = self._live()
            except Exception as error:  # whatever it says, or however the system refuses, must not end the telemetry
                end = f"cannot be kept ({type(error).__name__}: {error})"
            if self._closing.is_set():
                return
            if time.monotonic() - began_s > LIVED_S:
                pause_s = AGAIN_S[0]
            self._trouble = f"the publisher {end}; it is started again, and nothing is lost: what is not sent waits"
            log.warning("mqtt: %s in the session file", self._trouble)
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, AGAIN_S[1])

    def _live(self) -> str:
        """The life of one process; returns how it ended."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                argv = [sys.executable, "-P", "-m", "controller.mqtt", str(theirs.fileno())]
                process = subprocess.Popen(
                    argv,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is the daemon's, which says when it is over
                )
            self._process = process
            try:
                with self._lock:
                    self._lines.clear()
                    self._say(**self._who, connections=self._connections)
                    self._connections += 1  # should it end before it has told of its first
                    if self._state is not None:
                        self._say(state=self._state)
                    for monitor, alarm in self._alarms.items():
                        self._say(alarm=[monitor, alarm])
                    if self._recorder is not None:
                        self._say(**self._session(self._recorder, self._cursor))
                    if self._closing.is_set():
                        self._say(close=0.0)
                silent = self._pass_on(ours)
            finally:
                if process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(MARGIN_S if self._closing.is_set() else 0.1)
                if process.poll() is None:
                    process.kill()
                process.wait()
        return silent or f"has died (exit code {process.returncode})"

    def _pass_on(self, ours: socket.socket) -> str:
        """Pass lines both ways until it hangs up, or is silent for too long; returns why it is given up."""
        ours.setblocking(False)
        down, up = b"", b""
        until_s = time.monotonic() + FIRST_WORD_S
        while True:
            wants = [ours] if down or self._lines else []
            left_s = max(0.0, until_s - time.monotonic())
            readable, writable, _ = select.select([ours, self._woken], wants, [], left_s)
            if self._woken in readable:
                self._woken.recv(4096)
            if ours in readable:
                try:
                    news = ours.recv(65536)
                except ConnectionError:
                    news = b""
                if not news:
                    return ""
                *whole, up = (up + news).split(b"\n")
                for line in whole:
                    self._hear(json.loads(line))
                until_s, self._trouble = time.monotonic() + SILENT_S, ""
            if writable:
                if not down:
                    with self._lock:
                        down = "".join(self._lines).encode()
                        self._lines.clear()
                with contextlib.suppress(BlockingIOError):
                    try:
                        down = down[ours.send(down) :]
                    except ConnectionError:
                        return ""
            if len(self._lines) > MOST_UNREAD or time.monotonic() >= until_s:
                return "was frozen, and has been killed"

    def _hear(self, words: dict[str, Any]) -> None:
        """Take one line of the process."""
        if (line := words.get("log")) is not None:
            log.log(int(line[0]), "%s", line[1])
        if (stop := words.get("stop")) is not None and self._on_stop is not None:
            try:
                self._on_stop(str(stop[0]), str(stop[1]))
            except Exception:
                log.exception("STOP over MQTT could not be handed over")
        recorder = self._recorder
        if recorder is not None and words.get("session") == recorder.session_id:
            self._cursor = int(words["acknowledged"])
            recorder.cursor(CURSOR, self._cursor)
            if "detached" in words:
                self._detached.set()
        self._connections = max(self._connections, int(words.get("connections", 0)))
        if (told := words.get("status")) is not None:
            self._told = PublisherStatus(**{**told, "notes": tuple(told["notes"])})


__all__ = ["BesidePublisher"]
