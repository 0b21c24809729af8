"""``python -P -m controller.mqtt FD``: the publisher's process. :mod:`controller.mqtt.beside` starts it, and is at the
other end of the socket FD.

It ends when told to, with a farewell; and at once when the daemon has gone, without one, so that the broker tells the
will.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from controller.mqtt.config import MqttConfig
from controller.mqtt.follow import FileFollowed
from controller.mqtt.publisher import MqttProblem, Publisher
from controller.records.store import RecordError
from controller.step_back import step_back

STATUS_S = 0.5


class Upward:
    """Lines to the daemon, from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._lock = sock, threading.Lock()

    def say(self, **words: object) -> None:
        """Send one. Where nobody is left to hear it, this process has nothing more to do."""
        try:
            with self._lock:
                self._sock.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            os._exit(1)


class _Log(logging.Handler):
    """What is logged here is logged by the daemon, with its time and place."""

    def __init__(self, upward: Upward) -> None:
        super().__init__(logging.INFO)
        self._upward = upward
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._upward.say(log=[record.levelno, self.format(record)])


class Served:
    """A publisher that does what the daemon says."""

    def __init__(self, who: dict[str, Any], upward: Upward) -> None:
        self._upward = upward
        self._session: FileFollowed | None = None
        self._ended = threading.Event()
        self._publisher = Publisher(
            MqttConfig.model_validate(who["config"]),
            who["bench"],
            simulated=who["simulated"],
            birth=who["birth"],
            on_stop=lambda name, reason: upward.say(stop=[name, reason]),
            boot_id=who["boot_id"],
            connections=who["connections"],
        )
        self._publisher.start()
        threading.Thread(target=self._report, name="status", daemon=True).start()

    def _report(self) -> None:
        while True:
            self._tell()
            if self._ended.wait(STATUS_S):
                return

    def _tell(self, **more: object) -> None:
        """How far it is. The newest batch is the daemon's to know, should the file be unreadable at the moment."""
        words: dict[str, object] = {"connections": self._publisher.connections}
        with contextlib.suppress(RecordError, sqlite3.Error):
            words["status"] = self._publisher.status()._asdict()
        if (session := self._session) is not None:
            words |= {"session": session.session_id, "acknowledged": session.acknowledged}
        self._upward.say(**words, **more)

    def follows(self, lines: Iterable[bytes]) -> bool:
        """Do what they say; False: they ended before it was to end."""
        for line in lines:
            words = json.loads(line)
            if "state" in words:
                self._publisher.set_state(words["state"])
            if "alarm" in words:
                self._publisher.set_alarm(*words["alarm"])
            if "session" in words:
                acknowledged = int(words["acknowledged"])
                self._session = FileFollowed(Path(words["path"]), words["session"], acknowledged, self._tell)
                self._publisher.attach(self._session, acknowledged)
            if "detach" in words and self._session is not None:
                self._session.ends_at(words["head"])
                self._publisher.detach(words["detach"])
                self._tell(detached=True)
                self._session = None
            if "close" in words:
                self._ended.set()
                self._publisher.close(words["close"])
                return True
        return False


def main(descriptor: int) -> int:
    """See the module's text."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    step_back()
    with socket.socket(fileno=descriptor) as sock, sock.makefile("rb") as lines:
        upward = Upward(sock)
        logging.basicConfig(level=logging.INFO, handlers=[_Log(upward)])
        for line in lines:  # the first says who publishes
            try:
                served = Served(json.loads(line), upward)
            except (MqttProblem, ValueError) as error:
                upward.say(log=[logging.ERROR, str(error)])
                return 3
            if served.follows(lines):
                return 0
    os._exit(1)  # the daemon has gone: its publisher says no farewell


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
