"""What the formats have in common: what may be chosen, and what each tells of the files that it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from controller.records.tables import Table

EXCEL_ROWS = 1_048_576  # of a sheet, header included (Excel specifications and limits)
EXCEL_TEXT = 32_767  # characters of a cell
CUT = "… (cut here: whole in the session file)"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a cell that begins so is executed (OWASP, CSV injection)


class Options(NamedTuple):
    """``excel``: CSV as Excel opens it where a comma is the decimal sign."""

    excel: bool = False


class Resource(NamedTuple):
    """A table and the files that hold it, one after another. ``told``: format, dialect and so on for the
    datapackage."""

    table: Table
    files: tuple[Path, ...]
    told: Mapping[str, Any]


def fitted(text: str) -> str:
    """Text that a cell of a sheet can hold: no control characters but newline and tab, not too long."""
    clean = "".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in text)
    return clean if len(clean) <= EXCEL_TEXT else clean[: EXCEL_TEXT - len(CUT)] + CUT
