"""A recorded session as the live view sees a bench: a status for each tick, made of what was recorded and nothing else.

What the record does not hold (why safety allowed no more, the daemon's own timing) is empty in these statuses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from controller.panel.library_index import stamp
from controller.panel.library_models import FrameList, FrameTold, PlayTold
from controller.panel.library_samples import Course
from controller.panel.library_story import Story
from safety.types import Quality, Sample

BACK = 100_000  # samples looked back for the newest reading of a channel
MOST = 2_000  # frames at once
COLUMNS = "seq, t_s, state, permit_w, setpoint_w, epoch, energy_j, law"
KEPT = 4  # sessions whose events are kept


class Frames:
    """Reads stretches of sessions. No connection is left open: a reader that stays would keep a log from its end."""

    def __init__(self) -> None:
        self._stories: dict[tuple[Path, str], Story] = {}

    def begin(self, path: Path, session: str) -> PlayTold:
        """What is known before the first frame. Raises RecordError."""
        with Course(path) as opened:
            span = opened.numbers("SELECT min(t_s), max(t_s), count(*) FROM ticks", (), 3)[0]
            story = self._story(path, opened)
            start_s, end_s = (float(span[0]), float(span[1])) if span[2] else (0.0, 0.0)
            return PlayTold(
                session=session,
                start_s=start_s,
                end_s=end_s,
                zero_s=next((e["t_s"] for e in story.events if e["kind"] == "fire"), start_s),
                ticks=int(span[2]),
                closed=opened.closed,
                bench=story.bench(),
                events=story.events,
            )

    def between(self, path: Path, after_s: float, until_s: float, spacing_s: float) -> FrameList:
        """Ticks with ``after_s`` < t <= ``until_s``, the first and then each that is ``spacing_s`` later, and always
        the last. Raises RecordError."""
        with Course(path) as opened:
            story = self._story(path, opened)
            first, last = _upto(opened, "ticks", "seq", "t_s", after_s), _upto(opened, "ticks", "seq", "t_s", until_s)
            if last is None or last == first:
                return FrameList(frames=[], ended=_ended(opened, last))
            rows = opened.rows(
                f"SELECT {COLUMNS} FROM ticks WHERE seq>? AND seq<=? ORDER BY seq",
                (first if first is not None else -1, last),
            )
            chosen = _spaced([row[1] for row in rows], spacing_s)
            seen = _Readings(opened, story.channels, rows[0][0])
            frames = []
            for i in chosen:
                seen.upto(rows[i][0])
                frames.append(story.frame(rows[i], seen.newest))
            return FrameList(frames=frames, ended=_ended(opened, last))

    def at(self, path: Path, t_s: float) -> FrameTold:
        """The last tick up to ``t_s``, or the first of all. Raises RecordError."""
        with Course(path) as opened:
            story, seq = self._story(path, opened), _upto(opened, "ticks", "seq", "t_s", t_s)
            query = f"SELECT {COLUMNS} FROM ticks WHERE seq>=? ORDER BY seq LIMIT 1"
            row = opened.rows(query, (seq if seq is not None else -1,))[0]
            seen = _Readings(opened, story.channels, row[0])
            seen.upto(row[0])
            return story.frame(row, seen.newest)

    def _story(self, path: Path, opened: Course) -> Story:
        key = (path, stamp(path))
        found = self._stories.pop(key, None) or Story(opened)
        self._stories[key] = found
        while len(self._stories) > KEPT:
            del self._stories[next(iter(self._stories))]
        return found


class _Readings:
    """The newest sample of each channel, tick by tick."""

    def __init__(self, opened: Course, channels: Sequence[str], first_seq: int) -> None:
        """As before the tick ``first_seq``."""
        self._names, self._opened = {opened.number_of(channel): channel for channel in channels}, opened
        self.newest: dict[str, Sample] = {}
        self._last = _upto(opened, "samples", "id", "tick", first_seq - 1) or 0
        for number in self._names:
            where = "WHERE id<=? AND id>? AND channel=? ORDER BY id DESC LIMIT 1"
            self._take(where, self._last, self._last - BACK, number)

    def upto(self, seq: int) -> None:
        """With everything that the tick ``seq`` saw."""
        last = _upto(self._opened, "samples", "id", "tick", seq) or 0
        self._take("WHERE id>? AND id<=? ORDER BY id", self._last, last)
        self._last = max(last, self._last)

    def _take(self, where: str, *values: int) -> None:
        query = f"SELECT channel, value, t_request_s, quality FROM samples {where}"
        for number, value, t_request_s, quality in self._opened.rows(query, values):
            if (name := self._names.get(number)) is not None:
                read = value if value is not None else math.nan
                at_s = t_request_s if t_request_s is not None else math.nan
                self.newest[name] = Sample(name, read, at_s, Quality(quality))


def _upto(opened: Course, table: str, key: str, by: str, limit: float) -> int | None:
    """The last row of ``table`` whose ``by`` is at most ``limit``, found by halves: both rise together. None: none."""
    first, last = (opened.rows(f"SELECT {end}({key}) FROM {table}", ())[0][0] for end in ("min", "max"))
    if first is None:  # both in one query would read the whole table
        return None
    query = f"SELECT {key}, {by} FROM {table} WHERE {key}<=? ORDER BY {key} DESC LIMIT 1"
    low, high = first - 1, last
    while low < high:
        middle = (low + high + 1) // 2
        row = opened.rows(query, (middle,))
        if not row or row[0][1] <= limit:
            low = middle
        else:
            high = row[0][0] - 1
    found = opened.rows(query, (low,))
    return found[0][0] if found and found[0][1] <= limit else None


def _spaced(t_s: Sequence[float], spacing_s: float) -> list[int]:
    chosen: list[int] = []
    free_s = -math.inf
    for i, at_s in enumerate(t_s):
        if at_s >= free_s and len(chosen) < MOST - 1:
            chosen.append(i)
            free_s = at_s + spacing_s
    if chosen and chosen[-1] != len(t_s) - 1:
        chosen.append(len(t_s) - 1)
    return chosen


def _ended(opened: Course, last: int | None) -> bool:
    newest = opened.rows("SELECT max(seq) FROM ticks", ())[0][0]
    return newest is None or last == newest
