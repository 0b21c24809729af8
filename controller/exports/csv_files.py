"""CSV: UTF-8, one header line, a point as the decimal sign, nothing for "not a number", times in ISO 8601.

``excel``: for a spreadsheet where the comma is the decimal sign: semicolons, a byte order mark (without it Excel takes
UTF-8 for a local code), times it knows, at most 1 048 576 lines a file, and no text that it would execute as a formula.

With pyarrow a million samples take half a second; without it the same values are written by the standard library.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from controller.exports.resource import EXCEL_ROWS, FORMULA, Options, Resource, fitted
from controller.records.frames import Recording
from controller.records.tables import Field, Missing, Table, Words, need

BLOCK_ROWS = 100_000
DIALECT = {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True}


def write(recording: Recording, tables: Mapping[str, Table], folder: Path, options: Options) -> list[Resource]:
    """One file for each table (with ``excel``: as many as its lines need)."""
    one = _excel if options.excel else _plain
    with ThreadPoolExecutor(len(tables)) as threads:  # pyarrow writes each with a core of its own
        return list(threads.map(one, tables.values(), [folder] * len(tables)))


def _plain(table: Table, folder: Path) -> Resource:
    path = folder / f"{table.name}.csv"
    try:
        need("pyarrow.csv").write_csv(_with_text_times(table).arrow(), path)
    except Missing:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(field.name for field in table.fields)
            for block in table.blocks(BLOCK_ROWS):
                writer.writerows(zip(*(_cells(block, field) for field in table.fields), strict=True))
    return Resource(table, (path,), {"format": "csv", "mediatype": "text/csv", "encoding": "utf-8", "dialect": DIALECT})


def _excel(table: Table, folder: Path) -> Resource:
    paths: list[Path] = []
    for number, sheet in enumerate(table.blocks(EXCEL_ROWS - 1), 1):
        path = folder / (f"{table.name}.csv" if number == 1 else f"{table.name}-{number}.csv")
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
            writer.writerow(_harmless(field.name) for field in table.fields)
            for block in sheet.blocks(BLOCK_ROWS):
                writer.writerows(zip(*(_excel_cells(block, field) for field in table.fields), strict=True))
        paths.append(path)
    dialect = {**DIALECT, "delimiter": ";", "lineTerminator": "\r\n"}
    told = {"format": "csv", "mediatype": "text/csv", "encoding": "utf-8-sig", "dialect": dialect, "decimalChar": ","}
    fields = tuple(field._replace(name=_harmless(field.name)) for field in table.fields)  # as the header lines have it
    columns = {_harmless(name): values for name, values in table.columns.items()}
    return Resource(Table(table.name, fields, columns, table.about), tuple(paths), told)


def _with_text_times(table: Table) -> Table:
    """Times as text, since pyarrow writes them in a form of its own."""
    texts = {f.name: np.array(_cells(table, f), dtype=object) for f in table.fields if f.kind == "datetime"}
    fields = tuple(f._replace(kind="string") if f.name in texts else f for f in table.fields)
    return Table(table.name, fields, {**table.columns, **texts}, table.about)


def _cells(table: Table, field: Field) -> list[Any]:
    values = table.columns[field.name]
    if isinstance(values, Words):
        return list(values.spelled())
    if field.kind == "datetime":
        return [f"{text}Z" for text in np.datetime_as_string(values, unit="us").tolist()]
    if field.kind == "number":
        return ["" if value != value else value for value in values.tolist()]
    return list(values.tolist())


def _excel_cells(table: Table, field: Field) -> list[Any]:
    if field.kind == "datetime":  # Excel knows no T, no Z, and nothing below a millisecond
        times = np.datetime_as_string(table[field.name].astype("datetime64[ms]"), unit="ms").tolist()
        return [text.replace("T", " ").replace(".", ",") for text in times]
    cells = _cells(table, field)
    if field.kind == "number":
        return [_comma(value) for value in cells]
    if field.kind == "string":
        known = {text: _harmless(text) for text in set(cells)}
        return [known[text] for text in cells]
    return cells


def _comma(value: float | str) -> str:
    return repr(value).replace(".", ",") if isinstance(value, float) and math.isfinite(value) else str(value)


def _harmless(text: str) -> str:
    """Text that a spreadsheet shows and does not execute: an apostrophe stands before what could be a formula."""
    text = fitted(text)
    return f"'{text}" if text.startswith(FORMULA) else text
