"""A session file without names and secrets: a copy, whose chain of hashes rightly no longer verifies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from controller.bundle.secrets import Secrets
from controller.records.opening import connect

TEXTS = {
    "header": ("key", "value"),
    "summary": ("key", "value"),
    "events": ("seq", "data"),
    "ticks": ("seq", "law"),
    "annotations": ("n", "value"),
}
"""Table -> (its key, the column of JSON in it)."""


def texts(path: Path) -> dict[str, str]:
    """The bench file and every protocol as that session used them, by a name for each. Raises RecordError."""
    import json

    with closing(connect(path)) as db:
        header = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header")}
        events = [json.loads(d) for (d,) in db.execute("SELECT data FROM events WHERE kind='protocol' ORDER BY seq")]
    found = {"bench.yaml": str(header.get("bench_text") or "")}
    for event in events:
        found[f"{event.get('name')}.yaml"] = str(event.get("text") or "")
    return {name: text for name, text in found.items() if text}


def copied(path: Path, to: Path, secrets: Secrets) -> None:
    """Write ``path`` without secrets to ``to``. Raises RecordError, sqlite3.Error."""
    with closing(connect(path)) as source, closing(sqlite3.connect(to, isolation_level=None)) as db:
        source.backup(db)
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("BEGIN")
        for table, (key, column) in TEXTS.items():
            if not db.execute("SELECT count(*) FROM sqlite_schema WHERE name=?", (table,)).fetchone()[0]:
                continue  # an older version has no annotations
            for at, text in db.execute(f"SELECT {key}, {column} FROM {table}").fetchall():
                if table in ("header", "summary"):
                    clean = _keyed(str(at), text, secrets)
                else:
                    clean = secrets.json(text)
                if clean != text:
                    db.execute(f"UPDATE {table} SET {column}=? WHERE {key}=?", (clean, at))
        if db.execute("SELECT count(*) FROM sqlite_schema WHERE name='annotations'").fetchone()[0]:
            db.execute("UPDATE annotations SET who='<name>'")
        db.execute("COMMIT")
        db.execute("VACUUM")  # what was overwritten must not stay behind in free pages


def _keyed(key: str, text: str, secrets: Secrets) -> str:
    """A header's entry: its key counts as the key of its value."""
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return secrets.text(text)
    clean = secrets.value(value, key)
    return json.dumps(clean, sort_keys=True, separators=(",", ":")) if clean != value else text
