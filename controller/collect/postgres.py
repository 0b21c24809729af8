"""The PostgreSQL sink (TimescaleDB is PostgreSQL): ``schema.sql`` beside this file.

One transaction for each handful of messages: the table ``batch`` says which of them are new, and only their rows are
copied. So a crash on either side, and a journal that was lost, lead to nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from controller.collect import binary
from controller.collect.config import Postgres
from controller.collect.journal import Kept
from controller.collect.ledger import Ledger
from controller.collect.rows import Batch, Times, batches, calendar, readings, ticks
from controller.collect.sink import SinkError
from controller.mqtt.publisher import MqttProblem
from controller.records.tables import need

NULL = "\\N"
TICK = "tick (time, bench, session, seq, t_s, state, demand_w, permit_w, setpoint_w, epoch, energy_j)"
EVENT = "event (time, bench, session, seq, t_s, kind, data)"
_ESCAPE = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": "\ufffd"})


def schema() -> str:
    """The tables, as SQL that may be run again."""
    return resources.files("controller.collect").joinpath("schema.sql").read_text(encoding="utf-8")


class PostgresSink:
    """See the module's text."""

    name = "postgres"
    most = 1000
    whole = False
    every_s = 0.0

    def __init__(self, config: Postgres) -> None:
        """Nothing is connected yet.

        Raises:
            Missing: psycopg is not installed.
            MqttProblem: the password cannot be read.
        """
        self._psycopg = need("psycopg", "collect")
        self._conninfo = config.conninfo
        try:
            self._password = config.password_file.read_text().strip() if config.password_file else None
        except OSError as error:
            raise MqttProblem(f"postgres: {error}; check password_file") from error
        self._db: Any = None

    def take(self, messages: Sequence[Kept], ledgers: Sequence[Ledger]) -> None:
        """Add what is new of ``messages``, all or none."""
        try:
            if self._db is None or self._db.closed:
                self._db = self._psycopg.connect(self._conninfo, password=self._password, connect_timeout=5)
            with self._db.transaction(), self._db.cursor() as cursor:
                whole = list(batches(messages))
                _sessions(cursor, whole, ledgers)
                fresh = _new(cursor, [batch for batch in whole if "batch" in batch.data])
                _copy(cursor, TICK, "".join(_tick_rows(fresh)))
                _copy(cursor, f"sample ({binary.COLUMNS})", binary.samples(readings(fresh)), " (FORMAT binary)")
                _copy(cursor, EVENT, "".join(_event_rows(fresh)))
        except self._psycopg.errors.UndefinedTable as error:
            raise SinkError(
                f"the database lacks a table ({_line(error)}); make them: ablate collect --schema | psql …"
            ) from error
        except self._psycopg.Error as error:
            raise SinkError(f"the database does not take it ({_line(error)}); check conninfo and the server") from error

    def close(self) -> None:
        """Disconnect."""
        if self._db is not None:
            self._db.close()


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _sessions(cursor: Any, whole: Iterable[Batch], ledgers: Iterable[Ledger]) -> None:
    """A row for each session, brought up to date."""
    said: dict[str, dict[str, Any]] = {ledger.session: {} for ledger in ledgers}
    for batch in whole:
        mine = said[batch.kept.session]
        mine.update((key, batch.data[key]) for key in batch.data.keys() & {"simulated"})
        if batch.schema == "abl/session/1":
            mine.update(header=batch.data["header"], channels=batch.data["channels"])
        elif batch.schema == "abl/closed/1":
            mine.update(summary=batch.data["summary"])
    for ledger in ledgers:
        mine = said[ledger.session]
        header = mine.get("header") or {}
        texts = [_json(mine.get(key)) for key in ("header", "channels", "summary")]
        cursor.execute(
            "INSERT INTO session AS s (session, site, bench, simulated, began, header, channels, summary, chain_head, "
            "batches, missing, lost, duplicates, backfilled, verdict) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) ON CONFLICT (session) DO UPDATE SET "
            "simulated=coalesce(excluded.simulated, s.simulated), began=coalesce(excluded.began, s.began), "
            "header=coalesce(excluded.header, s.header), channels=coalesce(excluded.channels, s.channels), "
            "summary=coalesce(excluded.summary, s.summary), chain_head=coalesce(excluded.chain_head, s.chain_head), "
            "batches=excluded.batches, missing=excluded.missing, lost=excluded.lost, duplicates=excluded.duplicates, "
            "backfilled=excluded.backfilled, verdict=excluded.verdict, updated=now()",
            (
                ledger.session, ledger.site, ledger.bench, mine.get("simulated"), header.get("utc"), *texts,
                ledger.chain_head or None, len(ledger.have),
                sum(last - first + 1 for first, last in ledger.missing()), sum(1 for _ in ledger.lost_now()),
                ledger.duplicates, ledger.backfilled, ledger.verdict() if ledger.settled else None,
            ),
        )  # fmt: skip


def _new(cursor: Any, whole: Sequence[Batch]) -> list[Batch]:
    """Those that the database has not had before."""
    keys = [(batch.kept.session, batch.data["batch"], batch.data.get("part", 0)) for batch in whole]
    if not keys:
        return []
    cursor.execute(
        "INSERT INTO batch SELECT * FROM unnest(%s::text[], %s::bigint[], %s::int[]) ON CONFLICT DO NOTHING "
        "RETURNING session, batch, part",
        tuple(list(column) for column in zip(*keys, strict=True)),
    )
    fresh = set(cursor.fetchall())
    return [batch for batch, key in zip(whole, keys, strict=True) if key in fresh]


def _copy(cursor: Any, table: str, rows: str | bytes, how: str = "") -> None:
    if rows:
        with cursor.copy(f"COPY {table} FROM STDIN{how}") as copy:
            copy.write(rows)


def _tick_rows(fresh: Iterable[Batch]) -> Iterator[str]:
    some = ticks(fresh)
    times = iter(_times(calendar([(batch.data, batch.data["t_s"]) for batch in some])))
    for batch in some:
        data = batch.data
        who = _who(batch)
        columns = [data[key] for key in ("seq", "t_s", "state")] + [
            [_number(value) for value in data[key]] for key in ("demand_w", "permit_w", "setpoint_w")
        ]
        rows = zip(*columns, data["epoch"], data["energy_j"], strict=True)
        for seq, t_s, state, demand, permit, setpoint, epoch, energy in rows:
            yield (
                f"{next(times)}\t{who}\t{seq}\t{_number(t_s)}\t{_name(state)}\t{demand}\t{permit}\t{setpoint}\t"
                f"{epoch}\t{_number(energy)}\n"
            )


def _who(batch: Batch) -> str:
    return f"{_name(batch.kept.bench)}\t{_name(batch.kept.session)}"


def _event_rows(fresh: Iterable[Batch]) -> Iterable[str]:
    for batch in fresh:
        data = batch.data
        if batch.schema == "abl/events/1":
            body = _text(_json(data["data"]) or "{}")
            yield (
                f"{_text(data['utc'])}\t{_who(batch)}\t{data['seq']}\t{_number(data['t_s'])}\t{_text(data['kind'])}\t{body}\n"
            )


def _times(times: Times) -> list[str]:
    """ISO 8601 with the zone; empty for a time that is not known."""
    return ["" if text == "NaT" else f"{text}Z" for text in np.datetime_as_string(times, unit="us").tolist()]


def _number(value: float | None) -> str:
    return NULL if value is None else repr(value)


def _text(text: str) -> str:
    return text.translate(_ESCAPE)


_name = lru_cache(10_000)(_text)
"""Of what repeats."""


def _json(value: object) -> str | None:
    """JSON that jsonb takes: it has no NUL."""
    return None if value is None else json.dumps(value).replace("\\u0000", "\\ufffd")
