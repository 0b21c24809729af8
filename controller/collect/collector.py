"""The collector at work: receive, keep, acknowledge; look for gaps and ask; let the sinks follow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import aiomqtt

from controller.collect import wire
from controller.collect.asking import Asking, Bench
from controller.collect.config import CollectConfig
from controller.collect.journal import Arrived, Journal, JournalError
from controller.collect.ledger import Ledger
from controller.collect.link import Link, link_for
from controller.collect.sink import Sink, SinkThread
from controller.mqtt.messages import ROOT
from controller.mqtt.publisher import BACKOFF_S, secrets_of
from controller.mqtt.troubles import Forbidden, explain
from controller.together import until_one_ends
from drivers.plain import plain

log = logging.getLogger("controller.collect")

MOST = 500  # messages in one commit
LOOK_S = 0.5  # how often gaps are looked for
BEHIND = "taking what the broker has kept meanwhile"


class BenchStatus(NamedTuple):
    """Of one bench: whether it is there, and how far behind it the collector is."""

    site: str
    bench: str
    online: bool
    sessions: int
    missing_batches: int
    lost_batches: int
    duplicates: int
    backfilled: int
    quiet_s: float | None  # since its last message; None: none came since the collector's start


class Status(NamedTuple):
    """How the collector fares. ``waiting``: messages that each sink has still to take; ``text``: why not connected."""

    connected: bool
    text: str
    messages: int
    refused: int
    benches: list[BenchStatus]
    waiting: dict[str, int]
    sinks: dict[str, str]  # what is wrong with each; empty: nothing


class Collector:
    """See the module's text. :meth:`run` until ``stop`` is set."""

    def __init__(self, config: CollectConfig, sinks: Sequence[Sink]) -> None:
        """Open the journal; nothing is connected yet.

        Raises:
            JournalError: the journal cannot be used.
            MqttProblem: password or certificates cannot be used.
        """
        self.config = config
        self._password, self._tls = secrets_of(config.broker)
        self.journal = Journal(config.journal, [sink.name for sink in sinks])
        self._sinks = [SinkThread(sink, self.journal) for sink in sinks]
        self._asking = Asking(config.patience, config.name)
        self._turn = asyncio.Lock()  # ledgers are looked at, or changed in another thread, never both
        self._connected, self._text = False, "not connected yet"
        self._up = False  # the broker has let us in; connected: and has said that it sends what we asked for
        self._messages = self._refused = 0
        self._heard_s: dict[Bench, float] = {}
        self._settled = {name for name, ledger in self.journal.ledgers.items() if ledger.settled}

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until ``stop`` is set; then let the sinks take what has arrived."""
        for sink in self._sinks:
            sink.start()
        delay_s = BACKOFF_S[0]
        try:
            while not stop.is_set():
                link = link_for(self.config.broker, self.config.name, self._password, self._tls)
                try:
                    async with link:
                        delay_s = BACKOFF_S[0]
                        await self._converse(link, stop)
                except (aiomqtt.MqttError, OSError, ValueError, Forbidden) as error:
                    self._complain(explain(error, self.config.broker, heard=link.heard))
                except JournalError as error:
                    self._complain(str(error))
                finally:
                    self._up = self._connected = False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), delay_s * random.uniform(0.8, 1.2))
                delay_s = min(2 * delay_s, BACKOFF_S[1])
        finally:
            for sink in self._sinks:
                await asyncio.to_thread(sink.close)
            self.journal.close()

    def _complain(self, text: str) -> None:
        text = plain(text)
        if text != self._text:
            log.warning("%s; trying again", text)
        self._text = text

    async def _converse(self, link: Link, stop: asyncio.Event) -> None:
        """One connection. Raises :class:`aiomqtt.MqttError` when it breaks, :class:`JournalError` on a full disk."""
        self._up = True
        await until_one_ends(self._receive(link), self._ask(link), stop.wait())

    async def _receive(self, link: Link) -> None:
        while True:
            messages = await link.gather(MOST)
            kept: list[Arrived] = []
            now_s = time.monotonic()
            for message in messages:
                told = self._read(message)
                if isinstance(told, Arrived):
                    kept.append(told)
                    self._heard_s[told.site, told.bench] = now_s
                    if "request" in told.data:
                        self._asking.heard((told.site, told.bench), now_s)
            if kept:
                await self._keep(kept)
            # Only now: a status or the end of an answer speaks of what came before it.
            for message in messages:
                told = self._read(message, again=True)
                if isinstance(told, wire.Told):
                    self._heed(told)
            link.acknowledge(messages)

    def _read(self, message: aiomqtt.Message, again: bool = False) -> Arrived | wire.Told | None:
        payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
        if again and message.topic.value.split("/")[-1] not in ("status", "sessions", "done"):
            return None
        try:
            return wire.read(message.topic.value, payload)
        except wire.Refused as error:
            if not again:
                self._refused += 1
                if self._refused <= 10:
                    log.warning("message on %r refused: %s", message.topic.value[:200], plain(str(error)))
            return None

    async def _keep(self, kept: list[Arrived]) -> None:
        async with self._turn:
            await asyncio.to_thread(self.journal.take, kept)
        self._messages += len(kept)
        self._poke()
        for session in {one.session for one in kept}:
            self._tell_if_settled(session)

    def _poke(self) -> None:
        for sink in self._sinks:
            sink.poke()

    def _heed(self, told: wire.Told) -> None:
        bench = (told.site, told.bench)
        ledgers = self.journal.ledgers
        if told.what == "sessions":
            changed = self._asking.sessions(bench, told.data, ledgers)
        else:
            one = (self._asking.status if told.what == "status" else self._asking.done)(bench, told.data, ledgers)
            changed = [one] if one is not None else []
        if changed:
            self.journal.change(*changed)
            self._poke()
        for ledger in changed:
            self._tell_if_settled(ledger.session)

    def _tell_if_settled(self, session: str) -> None:
        ledger = self.journal.ledgers[session]
        if session not in self._settled and ledger.settled:
            self._settled.add(session)
            verdict = ledger.verdict()
            say = log.info if verdict.startswith("complete") else log.warning
            say("%s/%s: session %s: %s", ledger.site, ledger.bench, session, verdict)

    async def _ask(self, link: Link) -> None:
        for site in self.config.sites:
            for bench in self.config.benches:
                for topic in wire.topics(site, bench, self.config.name):
                    await link.subscribed(topic)
        self._connected, self._text = True, "connected"
        log.info("connected to %s:%d", self.config.broker.host, self.config.broker.port)
        while True:
            if self.journal.size_mb() <= self.config.journal_mb:  # what is asked for must have a place
                async with self._turn:
                    open_ = [ledger for name, ledger in self.journal.ledgers.items() if name not in self._settled]
                    requests = self._asking.next(open_, time.monotonic())
                for (site, bench), body in requests:
                    await link.publish(f"{ROOT}/{site}/{bench}/cmd/backfill", json.dumps(body), qos=1)
            await asyncio.sleep(min(LOOK_S, self.config.patience.gap_s / 2))

    async def status(self) -> Status:
        """As things are now."""
        now_s = time.monotonic()
        async with self._turn:
            benches: dict[Bench, list[Ledger]] = {}
            for ledger in self.journal.ledgers.values():
                benches.setdefault((ledger.site, ledger.bench), []).append(ledger)
            told = [self._bench(bench, ledgers, now_s) for bench, ledgers in sorted(benches.items())]
        sinks = {sink.sink.name: sink.problem for sink in self._sinks}
        waiting = await asyncio.to_thread(self.journal.waiting)
        text = BEHIND if self._up and not self._connected else self._text
        return Status(self._connected, text, self._messages, self._refused, told, waiting, sinks)

    def _bench(self, bench: Bench, ledgers: list[Ledger], now_s: float) -> BenchStatus:
        line, heard_s = self._asking.lines.get(bench), self._heard_s.get(bench)
        return BenchStatus(
            *bench,
            online=line is not None and line.online,
            sessions=len(ledgers),
            missing_batches=sum(last - first + 1 for ledger in ledgers for first, last in ledger.missing()),
            lost_batches=sum(1 for ledger in ledgers for _ in ledger.lost_now()),
            duplicates=sum(ledger.duplicates for ledger in ledgers),
            backfilled=sum(ledger.backfilled for ledger in ledgers),
            quiet_s=None if heard_s is None else round(now_s - heard_s, 3),
        )
