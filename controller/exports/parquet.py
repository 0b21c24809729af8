"""Parquet: one file for each table, zstd; units, descriptions and the session in the files' own metadata.

The folders' names (``bench=…/date=…/session=…``) are columns to DuckDB, polars, pyarrow and Spark, so that many
sessions are one data set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.exports.resource import Options, Resource
from controller.records.frames import Recording
from controller.records.tables import Table, need

ROW_GROUP = 1_000_000
TOLD = {"format": "parquet", "mediatype": "application/vnd.apache.parquet"}


def write(recording: Recording, tables: Mapping[str, Table], folder: Path, options: Options) -> list[Resource]:
    """One file for each table."""
    session = {"openablate": json.dumps({"header": recording.header, "summary": recording.summary})}

    def one(table: Table) -> Resource:
        path = folder / f"{table.name}.parquet"
        arrow = table.arrow()
        write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **session}), path)
        return Resource(table, (path,), TOLD)

    with ThreadPoolExecutor(len(tables)) as threads:
        return list(threads.map(one, tables.values()))


def write_table(arrow: object, path: Path) -> None:
    """An Arrow table as Parquet. Doubles are split by bytes: a quarter of the time of a dictionary, and smaller."""
    pa, pq = need("pyarrow"), need("pyarrow.parquet")
    types = pa.types
    encodings, words = {}, []
    for field in arrow.schema:  # type: ignore[attr-defined]
        if types.is_floating(field.type):
            encodings[field.name] = "BYTE_STREAM_SPLIT"
        elif types.is_integer(field.type) or types.is_timestamp(field.type):
            encodings[field.name] = "DELTA_BINARY_PACKED"
        else:
            words.append(field.name)
    pq.write_table(
        arrow, path, compression="zstd", use_dictionary=words, column_encoding=encodings, row_group_size=ROW_GROUP
    )
