"""What is sent behind live data: batches that somebody asked for again, and what earlier runs left unpublished.

One window at a time, in turns, so that neither holds up the other, nor live data by more than that window.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.mqtt import backfill, messages
from controller.mqtt.backfill import Answer, Waiting
from controller.mqtt.config import Backfill
from controller.mqtt.earlier import Ledger, Old, folder_of, followed, look
from controller.mqtt.messages import MOST_SESSIONS, WINDOW, Message, Stamp
from controller.mqtt.troubles import Forbidden
from controller.records.opening import connect
from controller.records.store import RecordError

log = logging.getLogger("controller.mqtt")

Say = Callable[[list[Message]], Awaitable[None]]
SAVE_EVERY = 50  # windows


class CatchUp:
    """Belongs to the publisher's thread; lives as long as a session, over any number of connections.

    Attributes:
        announced: The newest sessions, as they are announced; None until all files were looked at. A new list at each
            change.
    """

    def __init__(self, bounds: Backfill, bench: str, session_file: Path, session: str, waiting: Waiting) -> None:
        self._bounds, self._bench, self._waiting = bounds, bench, waiting
        self._file, self._folder = session_file, folder_of(session_file)
        self._ledger = Ledger(self._folder, bench)
        self._scan: Iterator[Old | None] | None = followed(self._folder, bench, self._ledger, self._oldest(), session)
        self._old: list[Old] = []
        self._found: list[Old] = []
        self.announced: list[dict[str, object]] | None = None
        self._told: str = ""  # the earlier session whose meta the broker holds now
        self._answer: tuple[Answer, int, int] | None = None  # with the next batch and how many were sent
        self._windows = 0
        self._mine = True  # whose turn it is: the earlier sessions', or the askers'

    def _oldest(self) -> datetime:
        return datetime.now(UTC) - timedelta(days=self._bounds.max_age_days)

    @property
    def sessions(self) -> int:
        """Earlier sessions that were found, and that the broker lacks something of."""
        return len(self._old)

    def new_connection(self) -> None:
        """What a broker was told before, it may have forgotten."""
        self._told = ""

    async def step(self, stamp: Stamp, say: Say, live: tuple[Path, int] | None) -> bool:
        """Send one window. ``live``: file and newest batch of the session that is being written. False: nothing is
        left to do.

        Raises what ``say`` raises.
        """
        if self._scan is not None:
            self._search(self._scan)
            if self._answer is None and not self._waiting:
                return True
        self._mine = not self._mine
        if self._mine and self._scan is None and self._old:
            await self._send_earlier(stamp, say)
            return True
        if self._answer is not None or self._waiting:
            await self._send_answer(stamp, say, live)
            return True
        return self._scan is not None or bool(self._old)

    def _search(self, scan: Iterator[Old | None]) -> None:
        """Look at one more file."""
        try:
            found = next(scan)
        except StopIteration:
            self._scan = None
            self._old.sort(key=_when)
            self.announce()
        else:
            if found is not None:
                self._found = sorted([*self._found, found], key=_when)[-MOST_SESSIONS:]
                if self._ledger.lacks(found):
                    self._old.append(found)

    def announce(self) -> None:
        """Look at the session that runs, or has just ended, and make the announcement anew. What no broker has had yet
        is left out: it comes by itself."""
        if self._scan is not None:
            return  # it will be looked at in the end
        found = [old._replace(acknowledged=self._ledger.reached(old)) for old in self._found]
        if (newest := look(self._file, self._bench)) is not None:
            found.append(newest._replace(acknowledged=newest.head) if newest.closed else newest)
        self.announced = [
            {
                "session": old.about.session,
                "utc": old.about.label(old.about.t_start_s),
                "last_batch": old.acknowledged,
                "closed": old.closed,
            }
            for old in reversed(found[-MOST_SESSIONS:])
            if old.acknowledged >= 0
        ]

    def save(self) -> None:
        """Make what was acknowledged last."""
        if self._windows:
            self._ledger.save(self._oldest())

    # -- earlier sessions

    async def _send_earlier(self, stamp: Stamp, say: Say) -> None:
        old, session = self._old[0], self._old[0].about.session
        first, outgoing = old.acknowledged + 1, []
        topic = f"session/{session}"
        try:
            with contextlib.closing(connect(old.path, may_copy=False)) as db:
                if self._told != session:
                    outgoing.append(Message(f"{topic}/meta", messages.session_meta(db, stamp), retain=True))
                last, found = _window(db, stamp, old, first, old.head, topic, {})
        except (RecordError, sqlite3.Error) as error:
            log.warning("mqtt: %s is not published any further: %s", old.path, error)
            del self._old[0]
            return
        outgoing += found
        if last == old.head:
            outgoing.append(Message(f"{topic}/meta", "", retain=True))
        await say(outgoing)
        self._told = session
        self._ledger.reach(session, last)
        self._old[0] = old._replace(acknowledged=last)
        self._windows += 1
        if last == old.head:
            del self._old[0]
            log.info("mqtt: session %s of an earlier run is published", session)
            self.announce()
        if last == old.head or self._windows % SAVE_EVERY == 0:
            self._ledger.save(self._oldest())

    # -- backfill on request

    async def _send_answer(self, stamp: Stamp, say: Say, live: tuple[Path, int] | None) -> None:
        outgoing: list[Message] = []
        if self._answer is None:
            request = self._waiting.take()
            assert request is not None
            given = backfill.answer(request, self._bounds, self._folder, self._bench, live, backfill.now_utc())
            self._answer = (given, given.first, 0)
        given, first, sent = self._answer
        topic, more = f"backfill/{given.request.reply_to}", {"request": given.request.request}
        last = given.last
        if given.old is not None and first <= given.last:
            try:
                with contextlib.closing(connect(given.old.path, may_copy=False)) as db:
                    if first == given.first:
                        outgoing.append(Message(f"{topic}/meta", messages.session_meta(db, stamp, more)))
                    last, found = _window(db, stamp, given.old, first, given.last, topic, more)
                outgoing += found
                sent += last - first + 1
            except (RecordError, sqlite3.Error) as error:
                log.warning("mqtt: %s cannot be read for a request: %s", given.old.path, error)
                given = given._replace(refused="no such session")
                last = given.last
        done = last >= given.last
        if done:
            outgoing.append(messages.backfilled(stamp, given.request.reply_to, backfill.facts(given, sent)))
        try:
            await say(outgoing)
        except Forbidden:
            self._answer = None  # who asked cannot be answered here; others can
            raise
        self._answer = None if done else (given, last + 1, sent)


def _when(old: Old) -> tuple[datetime, str]:
    return old.about.utc, old.about.session


def _window(
    db: sqlite3.Connection, stamp: Stamp, old: Old, first: int, last: int, topic: str, more: Mapping[str, object]
) -> tuple[int, list[Message]]:
    """The messages of a window of batches from ``first`` on, and the last batch that they hold."""
    outgoing: list[Message] = []
    n = first
    while n <= last and len(outgoing) < WINDOW:
        for where, body in messages.batch_messages(db, stamp, old.about, n, historical=True, more=more):
            outgoing.append(Message(f"{topic}/{where}", body))
        n += 1
    return n - 1, outgoing
