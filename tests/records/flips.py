"""Is a changed byte found, wherever it is? ``python -m tests.records.flips [--flips N] [--seed S]``.

A session of some hundred pages is written; one random byte of a page of its samples or events is changed in one
random bit at a time, and the file is verified. Pages of a table are found by walking its b-tree
(sqlite.org/fileformat2.html, section 1.6), so that it is also known whether a byte holds anything: what is between the
cell pointers and the cells of a page, or beyond the end of a row's last overflow page, is no data. Nor is, within a
row, the type of its number: SQLite takes the number from the key and passes over that byte. A change there is no
change of the record; that every row still reads the same, types included, is checked for each.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from controller.records.schema import TABLES
from controller.records.session import Recorder, RecordError
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, UTC, row

TREES = ("samples", "events")


class Page(NamedTuple):
    """A page of a table: its first byte in the file, its length, and the offsets in it that hold something."""

    start: int
    length: int
    used: frozenset[int]


def session(folder: Path, ticks: int = 1500) -> Path:
    """A closed session with samples on many pages, and events of which one overflows its page."""
    recorder = Recorder.create(folder, HEADER, CHANNELS, utc=lambda: UTC, threaded=False)
    for seq in range(ticks):
        recorder.tick(row(seq))
        if seq % 5 == 0:
            recorder.event(seq * 0.05, "alarms", {"list": [f"alarm {seq}"]})
    recorder.event(ticks * 0.05, "protocol", {"text": "law: {}\n" * 1500})
    recorder.close({"result": "completed"})
    return recorder.path


def pages(path: Path, table: str) -> Iterator[Page]:
    """Every page of a table: interior, leaf and overflow."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name=?", (table,)).fetchone()
        (length,) = db.execute("PRAGMA page_size").fetchone()
    whole = path.read_bytes()
    waiting = [root]
    while waiting:
        start = (waiting.pop() - 1) * length
        page = whole[start : start + length]
        head = 12 if (interior := page[0] == 5) else 8
        cells = int.from_bytes(page[3:5], "big")
        used = set(range(head + 2 * cells))
        for i in range(cells):
            at = int.from_bytes(page[head + 2 * i : head + 2 * i + 2], "big")
            end, onward, left = _cell(page, at, length, interior)
            used |= set(range(at, end))
            if interior:
                waiting.append(onward)
            elif left:
                yield from _overflow(whole, length, onward, left)
        if interior:
            waiting.append(int.from_bytes(page[8:12], "big"))
        yield Page(start, length, frozenset(used))


def _cell(page: bytes, at: int, length: int, interior: bool) -> tuple[int, int, int]:
    """End of a cell in its page; the page that it leads to (0: none); bytes of the row that lie there."""
    if interior:
        return _varint(page, at + 4)[1], int.from_bytes(page[at : at + 4], "big"), 0
    payload, at = _varint(page, at)
    _, at = _varint(page, at)
    if payload <= length - 35:
        return at + payload, 0, 0
    least = (length - 12) * 32 // 255 - 23
    local = least + (payload - least) % (length - 4)
    local = local if local <= length - 35 else least
    return at + local + 4, int.from_bytes(page[at + local : at + local + 4], "big"), payload - local


def _overflow(whole: bytes, length: int, number: int, left: int) -> Iterator[Page]:
    while number:
        start = (number - 1) * length
        here = min(left, length - 4)
        yield Page(start, length, frozenset(range(4 + here)))
        number, left = int.from_bytes(whole[start : start + 4], "big"), left - here


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(9):
        byte = page[at + i]
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    raise AssertionError


def rows(path: Path) -> list[object]:
    """Everything that the file says, with its types."""
    told: list[object] = []
    with closing(sqlite3.connect(path)) as db:
        for table, columns in TABLES.items():
            names = [part.split()[0] for part in columns.split(", ")]
            told += db.execute(f"SELECT {', '.join(f'{n}, typeof({n})' for n in names)} FROM {table}").fetchall()
    return told


def flip(path: Path, flips: int, seed: int) -> Counter[str]:
    """Change one bit of one byte at a time. Counts for each table: ``found``; ``no data``, in a place that holds
    nothing; ``not read``, in one that SQLite passes over; ``missed``, a change of any row that ``verify`` did not
    see."""
    whole, before, chance = path.read_bytes(), rows(path), random.Random(seed)
    places = {table: list(pages(path, table)) for table in TREES}
    copy = path.with_name("flipped.ablate")
    counts: Counter[str] = Counter()
    for trial in range(flips):
        table = TREES[trial % len(TREES)]
        page = chance.choice(places[table])
        offset, bit = chance.randrange(page.length), 1 << chance.randrange(8)
        place = page.start + offset
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            found = not verify(copy).ok
        except RecordError:
            found = True
        if found:
            counts[f"{table}: found"] += 1
        elif rows(copy) == before:
            counts[f"{table}: {'not read' if offset in page.used else 'no data'}"] += 1
        else:
            counts[f"{table}: missed"] += 1
            print(f"missed: {table}, page at {page.start}, byte {offset}, bit {bit:#04x}")
    return counts


def main() -> int:
    """Print the counts; 1 when a change was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        path = session(Path(folder))
        for table in TREES:
            found = list(pages(path, table))
            used = sum(len(page.used) for page in found)
            print(f"{table}: {len(found)} pages, {used} of {sum(p.length for p in found)} bytes hold something")
        counts = flip(path, args.flips, args.seed)
    for what, count in sorted(counts.items()):
        print(f"{what:20} {count}")
    return 1 if any(what.endswith("missed") for what in counts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
