"""The Parquet sink: ``bench=…/date=…/session=…/`` with ``ticks-*``, ``samples-*`` and ``events-*`` files and a
``session.json``; the same tables as ``ablate sessions export`` writes, but for the wide form.

A file's name is the number of its first message in the journal. The journal hands out the same messages again after a
crash, so that a file that was half done is written again under the same name, whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from controller.collect.config import Parquet
from controller.collect.journal import Kept
from controller.collect.ledger import Ledger
from controller.collect.rows import Batch, batches, calendar, naive, readings, ticks
from controller.collect.sink import SinkError
from controller.collect.wire import TICK, WHOLE
from controller.exports.parquet import write_table
from controller.mqtt.earlier import began
from controller.records.tables import Missing, need

NUMBERS = tuple(name for name in TICK if name not in WHOLE and name != "state")


class ParquetSink:
    """See the module's text."""

    name = "parquet"
    most = 20_000
    whole = True

    def __init__(self, config: Parquet) -> None:
        """Raises :class:`Missing`: pyarrow is not installed."""
        need("pyarrow.parquet")
        self.every_s, self._folder = config.every_s, config.folder

    def take(self, messages: Sequence[Kept], ledgers: Sequence[Ledger]) -> None:
        """Write one file of each kind for each session."""
        try:
            for ledger in ledgers:
                mine = list(batches(message for message in messages if message.session == ledger.session))
                self._session(ledger, mine)
        except (OSError, Missing) as error:
            raise SinkError(f"{self._folder} cannot be written ({error}); check the folder and its disk") from error

    def _session(self, ledger: Ledger, mine: list[Batch]) -> None:
        date = f"{began(ledger.session):%Y-%m-%d}" if began(ledger.session) else "unknown"
        names = (f"bench={quote(ledger.bench, safe='')}", f"date={date}", f"session={quote(ledger.session, safe='')}")
        folder = self._folder.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        for kind, table in _tables(mine).items():
            new = folder / f".{kind}.new"
            write_table(table, new)
            _into_place(new, folder / f"{kind}-{mine[0].kept.id:012d}.parquet")
        self._tell(folder / "session.json", ledger, mine)

    def _tell(self, path: Path, ledger: Ledger, mine: list[Batch]) -> None:
        """What the session is, and how complete it is here."""
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        told.update(site=ledger.site, bench=ledger.bench, session=ledger.session)
        for batch in mine:
            for key in ("header", "channels", "summary", "chain_head", "simulated"):
                if key in batch.data:
                    told[key] = batch.data[key]
        told["collected"] = {
            "verdict": ledger.verdict() if ledger.settled else "not ended yet",
            "batches": len(ledger.have),
            "missing": ledger.missing(),
            "lost": ledger.lost,
            "duplicates": ledger.duplicates,
            "backfilled": ledger.backfilled,
            "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        new = path.with_name(".session.new")
        new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        _into_place(new, path)

    def close(self) -> None:
        """Nothing is held."""


def _into_place(new: Path, path: Path) -> None:
    """Durable first, then visible."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(new, path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tables(mine: list[Batch]) -> dict[str, Any]:
    """Arrow tables of what came, by kind; kinds that are empty are left out."""
    pa = need("pyarrow")
    stamp = pa.timestamp("us", "UTC")
    word = pa.dictionary(pa.int32(), pa.string())
    found: dict[str, Any] = {}
    some = [batch.data for batch in ticks(mine)]
    if some:
        columns: dict[str, Any] = {
            "seq": pa.array(_joined(some, "seq"), pa.int64()),
            "t_s": pa.array(_joined(some, "t_s"), pa.float64()),
            "utc": pa.array(calendar([(data, data["t_s"]) for data in some])).cast(stamp),
            "state": pa.array(_joined(some, "state"), pa.string()).cast(word),
            "epoch": pa.array(_joined(some, "epoch"), pa.int64()),
        }
        for name in NUMBERS:
            columns.setdefault(name, pa.array(_joined(some, name), pa.float64()))
        columns["batch"] = pa.array([data["batch"] for data in some for _ in range(data["n"])], pa.int64())
        found["ticks"] = pa.table(columns)
    rows = readings(mine)
    if rows.columns:
        counts = [count for _, _, count in rows.columns]
        channels = pa.array([channel for _, channel, _ in rows.columns], pa.string()).dictionary_encode()
        batch = np.array([batch.data["batch"] for batch, _, _ in rows.columns], np.int64)
        found["samples"] = pa.table({
            "channel": channels.take(pa.array(np.repeat(np.arange(len(counts)), counts))),
            "t_request_s": pa.array(rows.t_s, pa.float64()),
            "utc": pa.array(rows.time).cast(stamp),
            "value": pa.array(rows.value, pa.float64()),
            "quality": pa.array(rows.quality, pa.int8()),
            "batch": pa.array(np.repeat(batch, counts)),
        })  # fmt: skip
    events = [batch.data for batch in mine if batch.schema == "abl/events/1"]
    if events:
        found["events"] = pa.table({
            "seq": pa.array([data["seq"] for data in events], pa.int64()),
            "t_s": pa.array([data["t_s"] for data in events], pa.float64()),
            "utc": pa.array([naive(data["utc"]) for data in events], pa.timestamp("us")).cast(stamp),
            "kind": pa.array([data["kind"] for data in events], pa.string()),
            "data": pa.array([json.dumps(data["data"], sort_keys=True) for data in events], pa.string()),
            "batch": pa.array([data["batch"] for data in events], pa.int64()),
        })  # fmt: skip
    return found


def _joined(messages: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [value for data in messages for value in data[name]]
