"""Versions of the session file, and how an older one is read.

A reader never changes a file: what an older version lacks is put beside it, as an empty temporary table of the
reader's own connection, so that everything above the connection knows the newest schema only. The one who writes into
an older file (:func:`controller.records.annotations.annotate`) first adds what it lacks. Rows that are there are never
touched, so the hash chain of a file verifies for ever.
"""

from __future__ import annotations

import sqlite3

from controller.records.schema import SCHEMA_VERSION, create

ADDED: dict[int, tuple[str, ...]] = {2: ("annotations",)}
"""Tables that came with a version."""

HISTORY = {
    1: "header, channels, ticks, samples, events, arrays, chain, cursor, summary",
    2: "`annotations`: what is said of a session after it has ended, with a chain of its own",
}
"""What a version brought, for the documentation."""


def lacking(version: int) -> frozenset[str]:
    """Names of the tables that a file of ``version`` lacks."""
    return frozenset(table for since, tables in ADDED.items() if since > version for table in tables)


def stand_in(db: sqlite3.Connection, version: int) -> None:
    """Let a read-only connection to a file of ``version`` look as if the file were of the newest one."""
    for table in sorted(lacking(version)):
        db.execute(create(table).replace("CREATE TABLE", "CREATE TEMP TABLE", 1))


def upgrade(db: sqlite3.Connection) -> None:
    """Add to the file what its version lacks. Call it inside a transaction of the file's only writer."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for table in sorted(lacking(version)):
        db.execute(create(table))
    if version < SCHEMA_VERSION:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
