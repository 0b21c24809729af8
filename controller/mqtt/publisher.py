"""The MQTT publisher: one thread with its own loop, which follows the session file and never touches the control loop.

What is durable in the file is what is published: rows beyond a cursor are read through a read-only connection, sent
with QoS 1, at most ten in flight, and the cursor moves once the broker has acknowledged them. An outage therefore loses
nothing and costs the bench nothing. There is no command but STOP (P17).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from controller.mqtt import messages
from controller.mqtt.broker import WINDOW, client_for, publish
from controller.mqtt.config import MqttConfig, topic_level
from controller.mqtt.messages import Message, Stamp
from controller.mqtt.stop import TOPIC, Crowd, judge
from controller.records.ids import utc_now
from controller.records.reader import connect
from controller.records.session import Recorder
from controller.records.store import RecordError
from drivers.plain import plain

if TYPE_CHECKING:
    import aiomqtt

log = logging.getLogger("controller.mqtt")

ROOT = "abl/v1"
PERIOD_S = 0.1  # how often the file is asked for news
BACKOFF_S = (0.2, 5.0)
GIVE_UP_S = 1.0  # a session that ends while the broker is away waits no longer for it
CURSOR = "mqtt"


class MqttProblem(Exception):
    """MQTT is configured and cannot be used; the text says what to do."""


class PublisherStatus(NamedTuple):
    """``lag_batches``: committed batches that the broker has not acknowledged; ``text`` says why it is not
    connected."""

    connected: bool
    lag_batches: int
    text: str


def _secrets(config: MqttConfig) -> list[Path]:
    """Files that nobody else should read."""
    files = [config.password_file, config.tls.key_file if config.tls is not None else None]
    return [path for path in files if path is not None]


class Publisher:
    """Publishes one bench. Methods are called from any thread and return at once, but for :meth:`detach` and
    :meth:`close`."""

    def __init__(
        self,
        config: MqttConfig,
        bench: str,
        *,
        simulated: bool,
        birth: Mapping[str, object] | None = None,
        on_stop: Callable[[str, str], object] | None = None,
        utc: Callable[[], str] = utc_now,
    ) -> None:
        """Check the configuration; nothing is sent before :meth:`start`.

        Args:
            config: The bench file's ``mqtt:``.
            bench: Its name, one level of the topics.
            simulated: Copied into every message.
            birth: What the bench is: software, devices, hash of the configuration.
            on_stop: ``on_stop(who, reason)`` is called in the publisher's thread when a STOP arrives and
                ``accept_stop`` is set; hand in something like ``lambda who, why: loop.call_soon_threadsafe(daemon.stop,
                who, why)``.
            utc: Wall-clock label.

        Raises:
            MqttProblem: aiomqtt is not installed, a file cannot be read, or the bench's name cannot be part of a topic.
        """
        if importlib.util.find_spec("aiomqtt") is None:
            raise MqttProblem("mqtt is configured, but aiomqtt is not installed: pip install 'openablate[mqtt]'")
        try:
            topic_level("bench", bench)
            for secret in _secrets(config):
                if secret.stat().st_mode & 0o007:
                    raise ValueError(f"everybody on this machine may read {secret}: chmod 640 it")
            self._password = config.password_file.read_text().strip() if config.password_file else None
            self._tls = config.tls.context() if config.tls else None
        except (OSError, ValueError) as error:
            raise MqttProblem(f"mqtt: {error}; check the bench file's mqtt section") from error
        self.root = f"{ROOT}/{config.site}/{bench}"
        self._config, self._bench, self._simulated = config, bench, simulated
        self._birth, self._on_stop, self._utc = dict(birth or {}), on_stop, utc
        self._boot_id, self._bd_seq = uuid.uuid4().hex, 0
        self._state: Mapping[str, object] | None = None
        self._alarms: dict[str, Mapping[str, object] | None] = {}
        self._sent: dict[str, object] = {}  # what the retained topics hold since this connection
        self._recorder: Recorder | None = None
        self._cursor = -1  # newest acknowledged batch of the attached session
        self._born_head = -1  # newest batch when this connection was made: up to it, what is sent is historical
        self._flushing = False
        self._flushed = threading.Event()
        self._connected, self._text = False, "not started"
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # -- the daemon's side

    def start(self) -> None:
        """Begin to connect, and go on for ever."""
        self._thread.start()

    def set_state(self, state: Mapping[str, object]) -> None:
        """Publish what the daemon is doing, retained. Hand over a fresh mapping at each change."""
        self._state = state

    def set_alarm(self, monitor: str, alarm: Mapping[str, object] | None) -> None:
        """Publish an alarm, retained; None clears it."""
        self._alarms[re.sub(r"[/+#$\s]", "_", monitor)] = alarm

    def attach(self, recorder: Recorder) -> None:
        """Follow this session from its first batch on."""
        self._flushing = False
        self._flushed.clear()
        self._cursor = -1
        self._born_head = recorder.head
        self._recorder = recorder

    def detach(self, timeout_s: float | None = None) -> int:
        """Send what is left, for at most ``timeout_s`` (default: ``mqtt.flush_s``), and let go of the session.

        Call it between ``recorder.finish()`` and ``recorder.close()``, off the control loop: it blocks.

        Returns:
            How many batches the broker has not acknowledged. They stay in the file, beyond its cursor.
        """
        recorder = self._recorder
        if recorder is None:
            return 0
        wait_s = self._config.flush_s if timeout_s is None else timeout_s
        self._flushing = True
        self._poke()
        deadline_s = time.monotonic() + wait_s
        away_by_s = time.monotonic() + GIVE_UP_S
        while self._thread.is_alive() and (now_s := time.monotonic()) < min(deadline_s, away_by_s):
            if self._flushed.wait(0.05):
                break
            if self._connected:
                away_by_s = now_s + GIVE_UP_S
        self._recorder = None
        left = recorder.head - self._cursor
        if left:
            log.warning("session %s ended with %d batches that no broker has acknowledged", recorder.session_id, left)
        return left

    def status(self) -> PublisherStatus:
        """How far behind the broker is."""
        recorder = self._recorder
        lag = 0 if recorder is None else recorder.head - self._cursor
        return PublisherStatus(self._connected, lag, self._text)

    def close(self, timeout_s: float = 2.0) -> None:
        """Say farewell and end the thread; waits at most ``timeout_s``."""
        self._closing = True
        self._poke()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _poke(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(wake.set)

    # -- the thread's side

    def _run(self) -> None:
        try:
            # A selector loop: the other kind of Windows cannot watch paho's socket.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._main())
        except Exception:
            self._connected, self._text = False, "the publisher has failed; see the log"
            log.exception("the MQTT publisher has failed; the bench goes on without it")

    async def _main(self) -> None:
        import aiomqtt

        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        delay_s = BACKOFF_S[0]
        while not self._closing:
            self._bd_seq += 1
            try:
                client = client_for(self._config, self._password, self._tls, self.root, self._stamp())
                async with client:
                    delay_s = BACKOFF_S[0]
                    await self._converse(client)
                self._text = "closed"
            except (aiomqtt.MqttError, OSError, RecordError) as error:
                self._complain(f"broker {self._config.host}:{self._config.port}: {error}")
            except Exception as error:  # a message that nobody thought of must not end the telemetry
                self._complain(f"the connection failed unexpectedly: {error!r}")
            finally:
                self._connected = False
            if not self._closing:
                await self._pause(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(2 * delay_s, BACKOFF_S[1])

    def _complain(self, text: str) -> None:
        text = plain(text)
        if text != self._text:
            log.warning("%s; trying again", text)
        self._text = text

    def _stamp(self) -> Stamp:
        return Stamp(self._bench, self._boot_id, self._bd_seq, self._simulated)

    async def _converse(self, client: aiomqtt.Client) -> None:
        """One connection, from birth to farewell. Raises :class:`aiomqtt.MqttError` when it breaks."""
        self._sent.clear()
        if self._config.accept_stop:
            await client.subscribe(f"{self.root}/{TOPIC}", qos=1)
        # The listener ends with the connection, long before an acknowledgement that cannot come any more times out.
        tasks = [asyncio.create_task(self._listen(client)), asyncio.create_task(self._tell(client))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _tell(self, client: aiomqtt.Client) -> None:
        stamp, since, meta_of = self._stamp(), self._utc(), ""
        await publish(client, self.root, [messages.birth(stamp, self._birth)])
        if self._recorder is not None:
            self._born_head = self._recorder.head
        self._connected, self._text = True, "connected"
        beat, next_beat_s = 0, 0.0
        while True:
            if time.monotonic() >= next_beat_s:
                lag = self.status().lag_batches
                online = messages.status(stamp, True, since=since, utc=self._utc(), beat=beat, lag_batches=lag)
                await publish(client, self.root, [online])
                beat, next_beat_s = beat + 1, time.monotonic() + self._config.heartbeat_s
            await publish(client, self.root, self._changed(stamp))
            recorder, sent = self._recorder, 0
            if recorder is not None:
                meta = f"session/{recorder.session_id}/meta"
                if recorder.session_id != meta_of:
                    with contextlib.closing(connect(recorder.path, may_copy=False)) as db:
                        facts = messages.session_meta(db, stamp, recorder.session_id)
                    await publish(client, self.root, [Message(meta, facts, retain=True)])
                    meta_of = recorder.session_id
                sent = await self._send_batches(client, stamp, recorder)
                if not sent and self._flushing:
                    await publish(client, self.root, [Message(meta, "", retain=True)])
                    self._flushing = False
                    self._flushed.set()
            if self._closing and not sent:
                await publish(client, self.root, [messages.status(stamp, online=False, since=self._utc())])
                return
            if not sent:
                await self._pause(PERIOD_S)

    def _changed(self, stamp: Stamp) -> list[Message]:
        """The retained facts that the broker does not hold yet."""
        news: list[Message] = []
        state = self._state
        if state is not None and self._sent.get("state") is not state:
            self._sent["state"] = state
            news.append(messages.state(stamp, state))
        for monitor, facts in list(self._alarms.items()):
            if self._sent.get(f"alarm/{monitor}", self) is not facts:
                self._sent[f"alarm/{monitor}"] = facts
                news.append(messages.alarm(stamp, monitor, facts))
        return news

    async def _send_batches(self, client: aiomqtt.Client, stamp: Stamp, recorder: Recorder) -> int:
        """Send a window of batches beyond the cursor and move the cursor. Returns how many batches that were."""
        head, first = recorder.head, self._cursor + 1
        if first > head:
            return 0
        outgoing: list[Message] = []
        n = first
        # The connection lives for this window only: a reader that stays would keep the file from being closed cleanly.
        with contextlib.closing(connect(recorder.path, may_copy=False)) as db:
            while n <= head and len(outgoing) < WINDOW:
                outgoing += messages.batch_messages(db, stamp, recorder.session_id, n, historical=n <= self._born_head)
                n += 1
        await publish(client, self.root, outgoing)
        if self._recorder is recorder:
            self._cursor = n - 1
            recorder.cursor(CURSOR, self._cursor)
        return n - first

    async def _pause(self, seconds: float) -> None:
        assert self._wake is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    async def _listen(self, client: aiomqtt.Client) -> None:
        noise, stops = Crowd(), Crowd()
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
            wanted = f"{self.root}/{TOPIC}" if self._config.accept_stop else None
            stop = judge(wanted, str(message.topic), payload, bool(message.retain), datetime.now(UTC))
            crowd = noise if stop.ignored else stops  # noise holds back no STOP
            if held_back := crowd.holds_back(time.monotonic()):
                if held_back == 1:
                    log.warning("messages on %r come too fast: some are left out", str(message.topic)[:200])
            elif stop.ignored:
                log.warning("message on %r ignored: %s", str(message.topic)[:200], stop.ignored)
            elif self._on_stop is not None:
                log.warning("STOP over MQTT from %s: %s", stop.who, stop.reason)
                try:
                    self._on_stop(stop.who, stop.reason)
                except Exception:
                    log.exception("STOP over MQTT could not be handed over")
