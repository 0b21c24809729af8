"""One connection of a bench to its broker, from birth to farewell.

In this order: that the bench is there, what has changed, live data; what was asked for again and what earlier runs left
come behind. Whoever has much to catch up computes for a third of the time at most: it shares the processors with the
control loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from controller.mqtt import backfill, broker, messages, stop
from controller.mqtt.broker import Client
from controller.mqtt.earlier import CURSOR
from controller.mqtt.messages import WINDOW, Message, Stamp, Subject
from controller.mqtt.post import Followed, Post
from controller.mqtt.stop import Crowd
from controller.mqtt.troubles import Forbidden, explain
from controller.outputs.contract import Publication
from controller.records.opening import connect
from controller.together import until_one_ends

log = logging.getLogger("controller.mqtt")

PERIOD_S = 0.1  # how often the file is asked for news
REST = 2.0  # after catching up: so many times what it computed


class Talk:
    """Talks over ``client``, which is connected."""

    def __init__(self, post: Post, client: Client) -> None:
        self._post, self._client = post, client
        self._stamp: Stamp = post.stamp()
        self._sent: dict[str, object] = {}  # what the retained topics hold since this connection
        self._born_head = -1  # newest batch when this connection was made: up to it, what is sent is historical
        self._about: Subject | None = None  # the session whose meta the broker holds
        self._channels = 0  # of that meta

    async def run(self) -> None:
        """Until the farewell. Raises :class:`aiomqtt.MqttError` when the connection breaks, :class:`Forbidden` when
        the broker does not let the bench publish, :class:`RecordError` when the file cannot be read."""
        await self._subscribe()
        # The listener ends with the connection, long before an acknowledgement that cannot come any more times out.
        await until_one_ends(self._listen(), self._tell())

    # -- telling

    async def _say(self, outgoing: Sequence[Message]) -> None:
        root = self._post.root
        await broker.publish(self._client, [Publication(f"{root}/{m.topic}", m.payload, m.retain) for m in outgoing])

    async def _say_if_allowed(self, message: Message) -> None:
        """For what the record does not depend on: a broker that forbids it is told of, and that is all."""
        about = message.topic.partition("/")[0]
        try:
            await self._say([message])
        except Forbidden as error:
            self._post.note(about, explain(error, self._post.config))
        else:
            self._post.note(about, "")

    async def _tell(self) -> None:
        post, since = self._post, self._post.utc()
        await self._say([messages.birth(self._stamp, post.birth)])
        if post.recorder is not None:
            self._born_head = post.recorder.head
        if post.catch_up is not None:
            post.catch_up.new_connection()
        post.connected, post.text = True, "connected"
        beat, next_beat_s = 0, 0.0
        while True:
            began_s = time.thread_time()
            if time.monotonic() >= next_beat_s:
                await self._say([self._online(since, beat)])
                beat, next_beat_s = beat + 1, time.monotonic() + post.config.heartbeat_s
            for message in self._changed():
                await self._say_if_allowed(message)
            late = post.cursor < self._born_head
            sent = await self._live()
            if post.flushing and not sent:
                await self._let_go()
            if post.closing and not sent:
                await self._say([messages.status(self._stamp, online=False, since=post.utc())])
                return
            behind = not sent and not post.flushing and await self._catch_up()
            if (behind or late) and not post.flushing:
                await asyncio.sleep(REST * (time.thread_time() - began_s))
            elif not sent:
                await post.pause(PERIOD_S)

    def _online(self, since: str, beat: int) -> Message:
        post, recorder = self._post, self._post.recorder
        lag = post.lag
        return messages.status(
            self._stamp,
            True,
            since=since,
            utc=post.utc(),
            beat=beat,
            heartbeat_s=post.config.heartbeat_s,
            session=recorder.session_id if recorder is not None else None,
            acknowledged_batch=post.cursor if recorder is not None else None,
            lag_batches=recorder.head - post.cursor if recorder is not None else 0,
            lag_rows=lag.rows,
            lag_s=round(lag.seconds, 3),
            earlier_sessions=post.catch_up.sessions if post.catch_up is not None else 0,
        )

    def _changed(self) -> list[Message]:
        """The retained facts that the broker does not hold yet."""
        news: list[Message] = []
        state = self._post.state
        if state is not None and self._sent.get("state") is not state:
            self._sent["state"] = state
            news.append(messages.state(self._stamp, state))
        facts = self._post.watch.facts if self._post.watch is not None else None
        if facts is not None and self._sent.get("latest") is not facts:
            self._sent["latest"] = facts
            news.append(messages.latest(self._stamp, facts))
        catch_up = self._post.catch_up if self._post.config.backfill is not None else None
        known = catch_up.announced if catch_up is not None else None
        if known is not None and self._sent.get("sessions") is not known:
            self._sent["sessions"] = known
            news.append(messages.sessions(self._stamp, known))
        for monitor, alarm in list(self._post.alarms.items()):
            if self._sent.get(f"alarm/{monitor}", self) is not alarm:
                self._sent[f"alarm/{monitor}"] = alarm
                news.append(messages.alarm(self._stamp, monitor, alarm))
        return news

    async def _live(self) -> int:
        """Send a window of batches beyond the cursor and move the cursor. Returns how many batches that were."""
        post, recorder = self._post, self._post.recorder
        if recorder is None:
            return 0
        head, first = recorder.head, post.cursor + 1
        if first > head:
            return 0
        outgoing = []
        n = first
        # The connection lives for this window only: a reader that stays would keep the file from being closed cleanly.
        with contextlib.closing(connect(recorder.path, may_copy=False)) as db:
            (channels,) = db.execute("SELECT channel FROM chain WHERE n=?", (head,)).fetchone()
            if self._about is None or self._about.session != recorder.session_id or channels != self._channels:
                self._about, self._channels = messages.subject(messages.header_of(db)), channels
                outgoing.append(Message(_meta(recorder), messages.session_meta(db, self._stamp), retain=True))
            topic = f"session/{recorder.session_id}"
            while n <= head and len(outgoing) < WINDOW:
                old = n <= self._born_head
                for where, body in messages.batch_messages(db, self._stamp, self._about, n, historical=old):
                    outgoing.append(Message(f"{topic}/{where}", body))
                n += 1
        await self._say(outgoing)
        if post.recorder is recorder:
            post.cursor = n - 1
            recorder.cursor(CURSOR, post.cursor)
        return n - first

    async def _let_go(self) -> None:
        """Everything of the session has arrived."""
        post, recorder = self._post, self._post.recorder
        if recorder is not None:
            await self._say([Message(_meta(recorder), "", retain=True)])
        if post.catch_up is not None:
            post.catch_up.announce()
            for message in self._changed():
                await self._say_if_allowed(message)
        post.flushing = False
        post.flushed.set()

    async def _catch_up(self) -> bool:
        post, recorder = self._post, self._post.recorder
        if post.catch_up is None:
            return False
        live = (recorder.path, recorder.head) if recorder is not None else None
        try:
            return await post.catch_up.step(self._stamp, self._say, live)
        except Forbidden as error:
            post.note("catching up", explain(error, post.config))
            return False

    # -- listening

    async def _subscribe(self) -> None:
        config = self._post.config
        topics = [backfill.TOPIC] if config.backfill is not None else []
        topics += [stop.TOPIC] if config.accept_stop else []
        for topic in topics:
            try:
                await broker.subscribe(self._client, f"{self._post.root}/{topic}")
            except Forbidden as error:
                self._post.note(topic, explain(error, config))
            else:
                self._post.note(topic, "")

    async def _listen(self) -> None:
        noise, stops, asked = Crowd(), Crowd(), Crowd()
        post, root = self._post, self._post.root
        async for message in self._client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
            topic, retained = str(message.topic), bool(message.retain)
            if topic == f"{root}/{backfill.TOPIC}" and post.config.backfill is not None:
                trouble = self._ask(payload, retained, asked)
            else:
                wanted = f"{root}/{stop.TOPIC}" if post.config.accept_stop else None
                verdict = stop.judge(wanted, topic, payload, retained, datetime.now(UTC))
                trouble = verdict.ignored
                crowd = noise if trouble else stops  # noise holds back no STOP
                held_back = crowd.holds_back(time.monotonic())
                if held_back == 1:
                    log.warning("messages on %r come too fast: some are left out", topic[:200])
                if held_back:
                    continue
                if not trouble:
                    self._stop(verdict)
            if trouble:
                log.warning("message on %r ignored: %s", topic[:200], trouble)

    def _ask(self, payload: bytes, retained: bool, crowd: Crowd) -> str:
        """Take a request for backfill; the text says why not."""
        if (held_back := crowd.holds_back(time.monotonic())) > 0:
            return "requests come too fast; ask again" if held_back == 1 else ""
        request = backfill.parse(payload, retained)
        if isinstance(request, str):
            return request
        refused = self._post.waiting.add(request)
        self._post.poke()
        return refused

    def _stop(self, verdict: stop.Stop) -> None:
        if self._post.on_stop is not None:
            log.warning("STOP over MQTT from %s: %s", verdict.who, verdict.reason)
            try:
                self._post.on_stop(verdict.who, verdict.reason)
            except Exception:
                log.exception("STOP over MQTT could not be handed over")


def _meta(recorder: Followed) -> str:
    return f"session/{recorder.session_id}/meta"
