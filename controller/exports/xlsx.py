"""XLSX: a workbook with one sheet for each table, one that says what the session is, and one that explains the columns.

A sheet holds 1 048 576 rows; what is longer goes on in further sheets, and what no spreadsheet would open is refused.
Text is written as text: a cell that begins with ``=`` stays what it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.exports.resource import EXCEL_ROWS, Options, Resource, fitted
from controller.records.frames import Recording
from controller.records.tables import Table, Words, need

MAX_SHEETS = 5  # of one table
MAX_COLUMNS = 16_384
TIME_FORMAT = "yyyy-mm-dd hh:mm:ss.000"
TOLD = {"format": "xlsx", "mediatype": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class TooLarge(ValueError):
    """More than a spreadsheet can hold; the text says what to do."""


def write(recording: Recording, tables: Mapping[str, Table], folder: Path, options: Options) -> list[Resource]:
    """One workbook. Raises :class:`TooLarge`."""
    openpyxl = need("openpyxl")
    for table in tables.values():
        if len(table) > MAX_SHEETS * (EXCEL_ROWS - 1) or len(table.fields) > MAX_COLUMNS:
            raise TooLarge(
                f"{recording.path}: {len(table)} rows and {len(table.fields)} columns of {table.name} are too much for "
                f"a workbook ({MAX_SHEETS} sheets of {EXCEL_ROWS} rows and {MAX_COLUMNS} columns): use --format "
                "parquet, or csv"
            )
    book = openpyxl.Workbook(write_only=True)
    path = folder / f"{recording.path.stem}.xlsx"
    pairs = [*recording.header.items(), *((f"summary: {key}", value) for key, value in recording.summary.items())]
    _sheet(book, "session", ("key", "value"), ((key, _text(value)) for key, value in pairs))
    columns = ((t.name, f.name, f.unit, f.about) for t in tables.values() for f in t.fields)
    _sheet(book, "columns", ("sheet", "column", "unit", "meaning"), columns)
    resources: list[Resource] = []
    for table in tables.values():
        names: list[str] = []
        for number, part in enumerate(table.blocks(EXCEL_ROWS - 1), 1):
            names.append(table.name if number == 1 else f"{table.name} {number}")
            _sheet(book, names[-1], [field.name for field in table.fields], _rows(part, book))
        resources.append(Resource(table, (path,), {**TOLD, "dialect": {"sheet": names[0]}, "sheets": names}))
    book.save(path)
    return resources


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sheet(book: Any, name: str, header: Any, rows: Iterator[Any]) -> None:
    cell = need("openpyxl.cell").WriteOnlyCell
    bold = need("openpyxl.styles").Font(bold=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"

    def shown(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = fitted(value)
        if not text.startswith("="):
            return text
        made = cell(sheet, text)
        made.data_type = "s"  # text, never a formula
        return made

    titles = []
    for title in header:
        made = cell(sheet, fitted(title))
        made.data_type, made.font = "s", bold
        titles.append(made)
    sheet.append(titles)
    for row in rows:
        sheet.append([shown(value) for value in row])


def _rows(table: Table, book: Any) -> Iterator[tuple[Any, ...]]:
    columns: list[Any] = []
    for field in table.fields:
        values = table.columns[field.name]
        if isinstance(values, Words):
            columns.append(values.spelled().tolist())
        elif field.kind == "number":
            columns.append([_number(value) for value in values.tolist()])
        elif field.kind == "datetime":
            columns.append(values.astype("datetime64[ms]").tolist())
        else:
            columns.append(values.tolist())
    return zip(*columns, strict=True)


def _number(value: float) -> float | str | None:
    if value != value:
        return None
    return value if math.isfinite(value) else str(value)
