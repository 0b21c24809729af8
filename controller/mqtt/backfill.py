"""Who lacks batches may ask for them again: ``cmd/backfill``. It reads session files, and can do nothing else.

A request is answered from the file with the ordinary messages, below ``backfill/<asker>/``, marked ``historical`` and
with the request's id; ``done`` is the end. Live data always go first (:mod:`controller.mqtt.talk`), and what may be
asked for is bounded in age, size and number.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from controller.mqtt.config import Backfill, topic_level
from controller.mqtt.earlier import Old, began, find, look

TOPIC = "cmd/backfill"
MAX_BYTES = 4096
MAX_TEXT = 64
MOST_WAITING = 64  # requests
MOST_OF_ONE = 16  # of one asker

Refusal = Literal["too old", "too large", "no such session"]


class Request(NamedTuple):
    """Batches ``first_batch`` to ``last_batch`` of ``session``, both included, wanted by ``reply_to``."""

    request: str
    session: str
    first_batch: int
    last_batch: int
    reply_to: str


def parse(payload: bytes, retained: bool) -> Request | str:
    """A request, or why it is none."""
    if retained:
        return "it is retained, so nobody has asked for it now"
    if len(payload) > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    try:
        data = json.loads(payload)
        if data["schema"] != "abl/backfill/1":
            return f"schema {data['schema']!r} is not abl/backfill/1"
        request = Request(*(data[name] for name in Request._fields))
        texts = (request.request, request.session, request.reply_to)
        if not all(isinstance(text, str) and 0 < len(text) <= MAX_TEXT for text in texts):
            return f"request, session and reply_to must be texts of 1 to {MAX_TEXT} characters"
        topic_level("reply_to", request.reply_to)
        numbers = (request.first_batch, request.last_batch)
        if not all(type(n) is int and 0 <= n < 2**53 for n in numbers) or numbers[0] > numbers[1]:
            return "first_batch and last_batch must be whole numbers, 0 or more, in this order"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"it cannot be read ({type(error).__name__}: {str(error)[:80]})"
    return request


class Waiting:
    """Requests that wait, in the order in which their askers take turns."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: Request) -> str:
        """Take a request; the text says why not (empty: taken). The same request again changes nothing."""
        if request in self._waiting:
            return ""
        if sum(other.reply_to == request.reply_to for other in self._waiting) >= MOST_OF_ONE:
            return f"{request.reply_to} waits for {MOST_OF_ONE} others already; ask again when one is done"
        if len(self._waiting) >= MOST_WAITING:
            return f"{MOST_WAITING} others wait; ask again later"
        self._waiting.append(request)
        return ""

    def take(self) -> Request | None:
        """The next one to begin, of the asker who was not served for longest."""
        if not self._waiting:
            return None
        request = self._waiting.popleft()
        mine = [other for other in self._waiting if other.reply_to == request.reply_to]
        others = [other for other in self._waiting if other.reply_to != request.reply_to]
        self._waiting = deque([*others, *mine])
        return request


class Answer(NamedTuple):
    """What a request leads to: batches ``first`` to ``last`` of ``old`` (none when first > last), or a refusal."""

    request: Request
    old: Old | None
    first: int
    last: int
    refused: Refusal | None


def answer(
    request: Request, bounds: Backfill, folder: Path, bench: str, live: tuple[Path, int] | None, now: datetime
) -> Answer:
    """Judge a request by what there is in ``folder``. ``live``: file and newest batch of the session that is being
    written."""

    def no(why: Refusal) -> Answer:
        return Answer(request, None, 0, -1, why)

    when = began(request.session)
    if when is None:
        return no("no such session")
    if now - when > timedelta(days=bounds.max_age_days):
        return no("too old")
    if request.last_batch - request.first_batch >= bounds.max_batches:
        return no("too large")
    path = find(folder, request.session)
    old = look(path, bench) if path is not None else None
    if old is None or old.about.session != request.session:
        return no("no such session")
    head = live[1] if live is not None and live[0] == old.path else old.head
    return Answer(request, old, request.first_batch, min(request.last_batch, head), None)


def facts(given: Answer, sent: int) -> dict[str, Any]:
    """The body of ``done``."""
    asked = given.request
    return {
        "request": asked.request, "session": asked.session, "first_batch": asked.first_batch,
        "last_batch": asked.last_batch, "sent": sent, "refused": given.refused,
    }  # fmt: skip


def now_utc() -> datetime:
    """The calendar, by which a session is too old."""
    return datetime.now(UTC)
