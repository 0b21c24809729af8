"""The MQTT publisher: one thread with its own loop, which follows the session file and never touches the control loop.
A daemon keeps it in a process of its own (:mod:`controller.mqtt.beside`).

What is durable in the file is what is published: rows beyond a cursor are read through a read-only connection, sent
with QoS 1, at most ten in flight, and the cursor moves once the broker has acknowledged them. An outage therefore loses
nothing and costs the bench nothing. There is no command that acts on the bench but STOP (P17).
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import random
import re
import sqlite3
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from controller.mqtt.catchup import CatchUp
from controller.mqtt.config import Backfill, MqttConfig, topic_level
from controller.mqtt.earlier import CURSOR
from controller.mqtt.post import Followed, Post
from controller.mqtt.troubles import Forbidden, explain
from controller.mqtt.watch import Watch
from controller.outputs.contract import Output, load_output
from controller.records.ids import utc_now
from controller.records.store import RecordError
from drivers.plain import plain

log = logging.getLogger("controller.mqtt")

BACKOFF_S = (0.2, 5.0)
GIVE_UP_S = 1.0  # a session that ends while the broker is away waits no longer for it
LOOK_S = 1.0  # how often lag and newest readings are looked at


class MqttProblem(Exception):
    """MQTT is configured and cannot be used; the text says what to do."""


class PublisherStatus(NamedTuple):
    """How far behind the broker is.

    ``text`` says why it is not connected, with what to do. ``lag_batches``, ``lag_rows``, ``lag_s``: what is durable in
    the session file and not acknowledged: commits, ticks with samples and events, and the time that they span.
    ``earlier_sessions``: of earlier runs, still to be sent. ``notes``: what works only in part.
    """

    connected: bool
    lag_batches: int
    text: str
    lag_rows: int = 0
    lag_s: float = 0.0
    earlier_sessions: int = 0
    notes: tuple[str, ...] = ()


def secrets_of(config: MqttConfig) -> tuple[str | None, ssl.SSLContext | None]:
    """Password and TLS context.

    Raises:
        MqttProblem: a file cannot be read, or everybody on this machine may read it.
    """
    try:
        for secret in (config.password_file, config.tls.key_file if config.tls is not None else None):
            if secret is not None and secret.stat().st_mode & 0o007:
                raise ValueError(f"everybody on this machine may read {secret}: chmod 640 it")
        password = config.password_file.read_text().strip() if config.password_file else None
        return password, config.tls.context() if config.tls else None
    except (OSError, ValueError) as error:
        raise MqttProblem(f"mqtt: {error}; check the bench file's mqtt section") from error


def check(config: MqttConfig, bench: str) -> tuple[dict[str, type[Output]], str | None, ssl.SSLContext | None]:
    """What publishing needs: outputs by name, password and TLS context.

    Raises:
        MqttProblem: aiomqtt is not installed, a file cannot be read, the bench's name cannot be part of a topic, or
            an output does not load.
    """
    if importlib.util.find_spec("aiomqtt") is None:
        raise MqttProblem("mqtt is configured, but aiomqtt is not installed: pip install 'openablate[mqtt]'")
    try:
        topic_level("bench", bench)
        outputs = {name: load_output(name) for name in config.outputs}
    except ValueError as error:
        raise MqttProblem(f"mqtt: {error}; check the bench file's mqtt section") from error
    return outputs, *secrets_of(config)


def left_behind(recorder: Followed, acknowledged: int) -> int:
    """How many batches of a session that is over no broker has; some are worth a line in the log."""
    left = recorder.head - acknowledged
    if left:
        log.warning("session %s ended with %d batches that no broker has acknowledged", recorder.session_id, left)
    return left


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
        boot_id: str | None = None,
        connections: int = 0,
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
            boot_id: Of the bench's start; default: a new one.
            connections: How many this start has had already, where this publisher takes over from another.

        Raises:
            MqttProblem: see :func:`check`.
        """
        self._outputs, password, tls = check(config, bench)
        boot_id = boot_id or uuid.uuid4().hex
        self._post = Post(config, bench, simulated, boot_id, dict(birth or {}), on_stop, utc, password, tls)
        self._post.bd_seq = connections
        self.root = self._post.root
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # -- the daemon's side

    def start(self) -> None:
        """Begin to connect, and go on for ever."""
        self._thread.start()

    def set_state(self, state: Mapping[str, object]) -> None:
        """Publish what the daemon is doing, retained. Hand over a fresh mapping at each change."""
        self._post.state = state

    def set_alarm(self, monitor: str, alarm: Mapping[str, object] | None) -> None:
        """Publish an alarm, retained; None clears it."""
        self._post.alarms[re.sub(r"[/+#$\s]", "_", monitor)] = alarm

    def attach(self, recorder: Followed, acknowledged: int = -1) -> None:
        """Follow this session from its first batch on, or behind the newest one that a broker has ``acknowledged``.
        Behind it, what earlier runs left unpublished is sent."""
        post = self._post
        post.flushing = False
        post.flushed.clear()
        post.cursor = acknowledged
        recorder.cursor(CURSOR, acknowledged)  # from now on the file says that it is to be published
        post.watch = Watch(recorder.path)
        bounds = post.config.backfill or Backfill()
        post.catch_up = CatchUp(bounds, post.bench, recorder.path, recorder.session_id, post.waiting)
        post.recorder = recorder

    def detach(self, timeout_s: float | None = None) -> int:
        """Send what is left, for at most ``timeout_s`` (default: ``mqtt.flush_s``), and let go of the session.

        Call it between ``recorder.finish()`` and ``recorder.close()``, off the control loop: it blocks.

        Returns:
            How many batches the broker has not acknowledged. They stay in the file, beyond its cursor, and are sent
            after the next start.
        """
        post, recorder = self._post, self._post.recorder
        if recorder is None:
            return 0
        wait_s = post.config.flush_s if timeout_s is None else timeout_s
        post.flushing = True
        post.poke()
        deadline_s = time.monotonic() + wait_s
        away_by_s = time.monotonic() + GIVE_UP_S
        while self._thread.is_alive() and (now_s := time.monotonic()) < min(deadline_s, away_by_s):
            if post.flushed.wait(0.05):
                break
            if post.connected:
                away_by_s = now_s + GIVE_UP_S
        post.recorder = None
        post.watch = None
        return left_behind(recorder, post.cursor)

    def status(self) -> PublisherStatus:
        """How far behind the broker is."""
        post = self._post
        recorder, lag = post.recorder, post.lag
        batches = 0 if recorder is None else recorder.head - post.cursor
        earlier = post.catch_up.sessions if post.catch_up is not None else 0
        rows, seconds = (lag.rows, lag.seconds) if batches else (0, 0.0)
        notes = tuple(post.notes.values())
        return PublisherStatus(post.connected, batches, post.text, rows, seconds, earlier, notes)

    @property
    def connections(self) -> int:
        """How many there were since the bench's start."""
        return self._post.bd_seq

    def close(self, timeout_s: float = 2.0) -> None:
        """Say farewell and end the thread; waits at most ``timeout_s``."""
        self._post.closing = True
        self._post.poke()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    # -- the thread's side

    def _run(self) -> None:
        post = self._post
        try:
            # A selector loop: the other kind of Windows cannot watch paho's socket.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._main())
        except Exception:
            post.connected, post.text = False, "the publisher has failed; see the log"
            log.exception("the MQTT publisher has failed; the bench goes on without it")

    async def _main(self) -> None:
        from controller.mqtt.output_link import OutputLink

        post = self._post
        post.loop, post.wake = asyncio.get_running_loop(), asyncio.Event()
        # aiomqtt leaves futures behind whose errors were told otherwise; they are not worth a line each in the log.
        post.loop.set_exception_handler(lambda _, context: log.debug("%s", context.get("exception")))
        beside = [asyncio.create_task(self._look())]
        beside += [asyncio.create_task(OutputLink(post, name, kind).run()) for name, kind in self._outputs.items()]
        try:
            await self._connect_for_ever()
        finally:
            # Outputs say their own farewell; whoever cannot is not waited for.
            _, late = await asyncio.wait(beside[1:], timeout=1.0) if beside[1:] else (set(), set())
            for task in (beside[0], *late):
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if post.catch_up is not None:
                post.catch_up.save()

    async def _connect_for_ever(self) -> None:
        import aiomqtt

        from controller.mqtt.broker import client_for
        from controller.mqtt.messages import status
        from controller.mqtt.talk import Talk
        from controller.outputs.contract import Publication

        post = self._post
        delay_s = BACKOFF_S[0]
        while not post.closing:
            post.bd_seq += 1
            will = status(post.stamp(), online=False)
            heard = ""
            try:
                leave = Publication(f"{post.root}/{will.topic}", will.payload, retain=True)
                client = client_for(post.config, post.password, post.tls, leave)
                try:
                    async with client:
                        await Talk(post, client).run()
                finally:
                    heard = client.heard
                post.text = "closed"
            except (aiomqtt.MqttError, Forbidden, OSError, ValueError) as error:
                self._complain(explain(error, post.config, heard=heard))
            except (RecordError, sqlite3.Error) as error:
                self._complain(f"the session file cannot be read: {error}")
            except Exception as error:  # a message that nobody thought of must not end the telemetry
                self._complain(f"the connection failed unexpectedly: {error!r}")
            finally:
                if post.connected:
                    delay_s = BACKOFF_S[0]
                post.connected = False
            if not post.closing:
                await post.pause(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(2 * delay_s, BACKOFF_S[1])

    def _complain(self, text: str) -> None:
        text = plain(text, 500)
        if text != self._post.text:
            log.warning("%s; trying again, and nothing is lost: what is not sent waits in the session file", text)
        self._post.text = text

    async def _look(self) -> None:
        """Keep lag and newest readings fresh, connected or not."""
        while True:
            post = self._post
            if (watch := post.watch) is not None:
                try:
                    watch.look(post.cursor)
                except (RecordError, sqlite3.Error) as error:
                    post.note("watch", f"the newest readings cannot be read: {error}")
                except Exception:
                    log.exception("the newest readings cannot be told")
                else:
                    post.note("watch", "")
            await asyncio.sleep(LOOK_S)
