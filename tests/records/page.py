"""``docs/session-file.md`` from the schema and its words: ``python -m tests.records.page``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from controller.records import words
from controller.records.migrations import HISTORY
from controller.records.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES, UNITS

PAGE = Path(__file__).parents[2] / "docs" / "session-file.md"

HEAD = f"""# The session file

One session of a bench is one file, `YYYY/MM/DD/<utc>_<bench>_<id>.ablate`: a SQLite database with `application_id`
`0x{APPLICATION_ID:08X}` ("ABLT") and `user_version` {SCHEMA_VERSION}, the version of what this page describes. It is
record, outbox of [MQTT](mqtt.md), history of the panel, input of [replay](replay.md) and of the [report](reports.md),
and source of every [export](exports.md). Any SQLite tool reads it; open it read-only (`sqlite3 'file:NAME?mode=ro'`),
above all while it is being written: a program that writes or checkpoints keeps the bench from writing, and the bench
then turns its energy off. This page is written from `controller/records/schema.py` and `words.py` by
`python -m tests.records.page`, and a test holds it to them.

```python
from controller.records.reader import open_session

with open_session("my.ablate") as session:
    power = session.series("gen.power_w")                           # power.t_s, power.value, power.quality
    trips = [e for e in session.events() if e.kind == "trip"]
```

## What can be relied on

- **One writer.** One thread of the bench's daemon has the only connection that writes, from the first moment to the
  last, and it alone checkpoints. SQLite 3.7.0 to 3.51.2 can lose commits when two connections write or checkpoint at
  the same instant (sqlite.org/wal.html, "the WAL-reset bug"); here there is no second one. The writer holds an advisory
  lock (`flock`) on its file; whoever would add to the file later (folding in, annotating) must get that lock first.
- **Durable within 100 ms.** A batch is committed every 80 ms with `synchronous=FULL`, at once for a trip or a change
  of state. A process that is killed, or a power cut, costs what came after the last commit and nothing before it. No
  healthy record, no energy: the safety kernel ends an application whose record is not durable for longer than
  its limit allows.
- **One clean file.** On closing, the write-ahead log is folded in. When a writer was killed, its log (`-wal`) stays
  beside the file and belongs to it; the next `ablate sessions list`, `show`, `verify`, ... or the next start of a bench
  folds it in, once no writer lives. Nothing that was committed changes by that, and the session stays *unfinished*.
- **Local disks only.** SQLite's locks are not reliable on network file systems. `ablate doctor BENCH` checks that.

`ablate sessions list`, `show` and `report` call a session by the worst of its applications, and of several they say
how many ended how, with the sums: `3 applications: 2 completed, 1 cut off 44.0 s 6.27 kJ on record`. *Cut off*: the
record has no end of an application, because its daemon was killed or lost its mains; the figures are what is on
record, what it delivered nobody knows (*under way*: its daemon lives). *No application*: the bench was served, and
nothing was fired. `list --json` has `result`, the worst in a word, `verdict`, the line, `applications` and `ended`,
how many, and `whole`, false where an application has no end.

`ablate sessions verify` says one of three things. **OK**: whole, and as recorded. **UNFINISHED**: nothing in it was
changed, but it was not ended: it is being written, its writer was killed, or its end was cut off as a whole; the time
of the newest tick is named (`--finished` makes that exit code 8, too). **FAIL** (exit code 8): a row was changed, is
missing, was added or moved; a batch is gone; a table, index or trigger is there that the writer did not make; or the
broker was sent more than the file holds. Bytes that hold no data, such as free space within a page, are not part of the
record. Whoever can write the file can also compute its hashes anew: the end of the chain that is kept elsewhere is the
anchor against that. The state folder of a bench keeps that of the session it closed last, the report prints it, and
`verify --json` names it (`head`).

## Versions

A reader opens every older version and never changes the file. `ablate sessions annotate` adds to an older file what
its version lacks, and touches no row. A newer version is refused: `pip install --upgrade openablate`.

"""

CHAIN_TEXT = """## The hash chain

Each batch has the hash `SHA-256(hash of the batch before || canonical bytes of the batch)`; before batch 0 come 32
zero bytes. Canonical bytes: integers are 64 bits, signed, little-endian (`q`); numbers are doubles, little-endian
(`d`), NULL is the quiet not-a-number `00 00 00 00 00 00 f8 7f`; text and blobs are their length (`q`) and their bytes,
text as UTF-8. In this order: the batch's row of `chain` as in the program below; the pairs of `header` (kind `open`) or
`summary` (kind `close`), sorted by key; then for each of channels, ticks, samples, events, arrays the number of rows
that belong to the batch and the rows. To a batch belong the rows after the number that the batch before names, up to
the number that it names itself. Annotations are chained in the same way among themselves.

This program needs nothing of ours and says whether a file is as it was recorded. A test runs it.

<!-- run by tests/records/test_page.py -->

```python
"""

PROGRAM = """import hashlib, sqlite3, struct, sys

def q(*numbers): return struct.pack(f"<{len(numbers)}q", *numbers)
def d(*numbers): return struct.pack(f"<{len(numbers)}d", *(float("nan") if x is None else x for x in numbers))
def s(*texts):
    raw = [t if isinstance(t, bytes) else t.encode() for t in texts]
    return b"".join(q(len(r)) + r for r in raw)

TABLES = {  # columns, key, canonical bytes of a row, place in a row of chain
    "channels": ("id, name, unit, low, high, period_s", "id", lambda r: q(r[0]) + s(*r[1:3]) + d(*r[3:]), 3),
    "ticks": ("seq, t_s, demand_w, permit_w, setpoint_w, energy_j, epoch, state, law", "seq",
              lambda r: q(r[0]) + d(*r[1:6]) + q(r[6]) + s(*r[7:]), 4),
    "samples": ("id, tick, channel, t_request_s, value, quality", "id", lambda r: q(*r[:3]) + d(*r[3:5]) + q(r[5]), 5),
    "events": ("seq, t_s, utc, kind, data", "seq", lambda r: q(r[0]) + d(r[1]) + s(*r[2:]), 6),
    "arrays": ("id, t_s, name, part, shape, data", "id", lambda r: q(r[0]) + d(r[1]) + s(*r[2:]), 7),
}
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
before, last = (-1, "", 0.0, 0, -1, 0, 0, 0), bytes(32)
BATCHES = "SELECT n, kind, t_s, channel, tick, sample, event, array, hash FROM chain ORDER BY n"
for *batch, digest in db.execute(BATCHES):
    n, kind, t_s = batch[:3]
    data = q(n) + d(t_s) + q(*batch[3:]) + s(kind)
    if kind != "rows":
        pairs = db.execute(f"SELECT key, value FROM {'header' if kind == 'open' else 'summary'} ORDER BY key")
        data += b"".join(s(*pair) for pair in pairs)
    for table, (columns, key, pack, at) in TABLES.items():
        rows = db.execute(f"SELECT {columns} FROM {table} WHERE {key}>? AND {key}<=? ORDER BY {key}",
                          (before[at], batch[at])).fetchall()
        data += q(len(rows)) + b"".join(map(pack, rows))
    if n != before[0] + 1 or hashlib.sha256(last + data).digest() != digest:
        sys.exit(f"batch {n} is not as it was recorded")
    before, last = batch, digest
print("as recorded," if before[1] == "close" else "unfinished,", before[0] + 1, "batches, the last", last.hex())
"""

AFTER = """```

Of `tests/records/data/version-1.session` it prints:

```text
as recorded, 5 batches, the last 0cc9144c31db3dd9dad02bd6fcefd08f6e302c92293e19531ad66ea9a955ea11
```

## Metadata

What holds for all sessions of a bench stands in its file; it is copied into the header of each:

```yaml
records:
  folder: sessions
  metadata:
    title: Cooled needle in bovine liver
    creators: [{name: A. Miller, orcid: 0000-0002-1825-0097, affiliation: Institute of Tests}]
    organisation: Institute of Tests
    licence: CC-BY-4.0                    # of the data, an SPDX identifier
    project: grant 4711
    keywords: [radiofrequency ablation, ex vivo]
    instruments: {gen: "inventory 0815"}  # device: an identifier that lasts
  calibration:                            # as the certificates say; written down, never applied to a reading
    tc.tip_c: {date: 2026-05-01, certificate: D-K-4711, by: calibration laboratory, uncertainty: 0.2}
```

`ablate sessions show SESSION --json` has them under `metadata`, together with what the devices said of themselves, the
software, who operated, and, where there was a plan, specimen and targets. What was not known then is added later:

    ablate sessions annotate last --who "A. Miller" --text "zone cut at 14:20, 31 x 28 mm"
    ablate sessions annotate last --field licence=CC-BY-4.0 --field 'specimen={"organ": "liver", "label": "bovine 37"}'

A field with the name of a metadatum takes its place there; the record itself stays as it is, and verifies. A session
that is being written cannot be annotated: `ablate sessions annotate` says so.

## Removing sessions

    ablate sessions prune --older-than 90            what began more than 90 days ago; shows what would go
    ablate sessions prune --keep 20GB --yes          the oldest, until the rest fits; deletes

A session that is being written always stays. One that its broker does not have yet stays, unless `--force-unpublished`;
one that is not as it was recorded, or cannot be read, unless `--force-changed`. What was deleted stands, before it is
gone, in `pruned.jsonl` in the folder: file, SHA-256, end of the hash chain, who, when and why. Nothing else deletes
sessions.

## When it cannot be kept

- **The folder cannot be written, or has less than 500 MB free**: no session begins, and so no energy; the message names
  the folder and what to do.
- **The disk fills up, is slow or fails meanwhile**: rows wait in memory. The safety kernel trips as soon as the record
  is not durable in time (H36). What waits is written when the disk takes it again; what memory could not hold is
  counted in `rows_lost` of the summary.
- **The machine's clock is wrong, or is set meanwhile**: nothing is decided by it, and `t_s` never jumps. `verify` says
  it of the labels.
- **Another program made the file, or wrote into it**: a file without our tables is refused, with what to look for;
  `verify` names what was added or changed.
- **The file was half copied**: it is refused, or `verify` says what is missing. A session is complete only with the
  `-wal` beside it, if there is one.
"""


def text() -> str:
    """The page."""
    return HEAD + "".join(_versions()) + "".join(_tables()) + CHAIN_TEXT + PROGRAM + AFTER


def _versions() -> Iterator[str]:
    yield "| Version | Brought |\n|---|---|\n"
    for version, brought in HISTORY.items():
        yield f"| {version} | {brought} |\n"


def _tables() -> Iterator[str]:
    yield "\n## Tables\n\nAll are STRICT: a column holds its type, or NULL.\n"
    for table, (what, columns) in words.TABLES.items():
        yield f"\n### {table}\n\n{what}\n\n| Column | Type | Unit | Meaning |\n|---|---|---|---|\n"
        types = {part.split()[0]: part.split()[1] for part in TABLES[table].split(", ")}
        for name, column in columns.items():
            yield f"| {name} | {types[name]} | {column.unit} | {column.text} |\n"
    yield "\n### Quality codes\n\n| Code | Meaning |\n|---|---|\n"
    for code, what in words.QUALITY.items():
        yield f"| {code} | {what} |\n"
    yield "\nAnything but 0 is absence of evidence: no value is to be taken from it.\n"
    ends = ", ".join(f"`{end}` {unit}" for end, unit in UNITS.items())
    yield f"\n### Units\n\nA channel's name ends in its unit: {ends}.\n"
    yield "\n### Keys of the header\n\n| Key | Meaning |\n|---|---|\n"
    for key, what in words.HEADER.items():
        yield f"| {key} | {what} |\n"
    yield "\nProtocols, plans, specimens, targets and people are events: one session may have several of each.\n"
    yield "\n### Kinds of events\n\n| Kind | Meaning |\n|---|---|\n"
    for kind, what in words.EVENTS.items():
        yield f"| {kind} | {what} |\n"
    yield "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
