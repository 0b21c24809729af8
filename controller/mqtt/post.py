"""What the daemon has handed over, and how far its publishing has come: shared by the daemon's threads, which write the
first, and the publisher's, which writes the second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controller.mqtt.backfill import Waiting
from controller.mqtt.catchup import CatchUp
from controller.mqtt.config import MqttConfig
from controller.mqtt.messages import ROOT, Stamp
from controller.mqtt.watch import Lag, Watch
from controller.outputs.contract import View
from drivers.plain import plain

log = logging.getLogger("controller.mqtt")


class Followed(Protocol):
    """A session that is being written: its :class:`~controller.records.session.Recorder`, or its file seen from
    another process."""

    @property
    def path(self) -> Path: ...
    @property
    def session_id(self) -> str: ...
    @property
    def head(self) -> int:
        """Number of the newest durable batch."""

    def cursor(self, name: str, batch: int) -> None: ...


@dataclass
class Post:
    """See the module's text."""

    config: MqttConfig
    bench: str
    simulated: bool
    boot_id: str
    birth: dict[str, object]
    on_stop: Callable[[str, str], object] | None
    utc: Callable[[], str]
    password: str | None
    tls: ssl.SSLContext | None

    # the daemon's
    state: Mapping[str, object] | None = None
    alarms: dict[str, Mapping[str, object] | None] = field(default_factory=dict)
    recorder: Followed | None = None
    flushing: bool = False  # the session is over: send what is left
    closing: bool = False

    # the publisher's
    bd_seq: int = 0
    connected: bool = False
    text: str = "not started"
    cursor: int = -1  # newest acknowledged batch of the recorder's session
    flushed: threading.Event = field(default_factory=threading.Event)
    watch: Watch | None = None
    catch_up: CatchUp | None = None
    waiting: Waiting = field(default_factory=Waiting)
    notes: dict[str, str] = field(default_factory=dict)  # what works only in part, by what it is about
    loop: asyncio.AbstractEventLoop | None = None
    wake: asyncio.Event | None = None

    @property
    def root(self) -> str:
        """All topics of the bench are below it."""
        return f"{ROOT}/{self.config.site}/{self.bench}"

    def stamp(self) -> Stamp:
        """For the messages of this connection."""
        return Stamp(self.bench, self.boot_id, self.bd_seq, self.simulated)

    @property
    def lag(self) -> Lag:
        """As it was at most a second ago."""
        return self.watch.lag if self.watch is not None else Lag()

    def view(self) -> View:
        """For outputs."""
        software = self.birth.get("software")
        return View(
            site=self.config.site,
            bench=self.bench,
            root=self.root,
            simulated=self.simulated,
            software=software if isinstance(software, Mapping) else {},
            state=self.state or {},
            latest=self.watch.facts if self.watch is not None else None,
            utc_ms=time.time_ns() // 1_000_000,
        )

    def poke(self) -> None:
        """Wake the publisher, from any thread."""
        loop, wake = self.loop, self.wake
        if loop is not None and wake is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(wake.set)

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until poked."""
        assert self.wake is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), seconds)
        self.wake.clear()

    def note(self, about: str, text: str) -> None:
        """Keep what works only in part, and log it when it is new; an empty text takes it back."""
        text = plain(text, 500)
        if not text:
            self.notes.pop(about, None)
        elif self.notes.get(about) != text:
            self.notes[about] = text
            log.warning("%s", text)
