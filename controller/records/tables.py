"""Columns of equal length with their units, and what pandas, polars and Arrow make of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]


class Missing(ImportError):
    """A library that was asked for is not installed; the text says how to get it."""


def need(module: str, extra: str = "export") -> Any:
    """An optional library, imported when it is wanted. Raises :class:`Missing`."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        how = f"pip install 'openablate[{extra}]'" if extra else f"pip install {name}"
        raise Missing(f"{name} is needed for this and is not installed: {how}") from error


class Field(NamedTuple):
    """A column's name, unit (empty: none), kind as Frictionless Table Schema names it, and meaning."""

    name: str
    kind: str  # "integer" | "number" | "string" | "datetime"
    unit: str = ""
    about: str = ""


class Words(NamedTuple):
    """Text that repeats: ``names[codes[i]]`` stands in row ``i``."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> Words:
        known: dict[str, int] = {}
        codes = np.fromiter((known.setdefault(value, len(known)) for value in values), np.int32)
        return cls(codes, tuple(known))

    def spelled(self) -> Column:
        """The text itself, as an array of objects."""
        return np.array([*self.names, ""], dtype=object)[self.codes]


@dataclass(frozen=True)
class Table:
    """Named columns. A number that is not one is NaN; ``about`` says of which session they are.

    ``table["power_w"]`` is a numpy array; ``table.units["power_w"]`` its unit.
    """

    name: str
    fields: tuple[Field, ...]
    columns: Mapping[str, Column | Words]
    about: Mapping[str, str]

    @property
    def units(self) -> dict[str, str]:
        """Of the columns that have one."""
        return {field.name: field.unit for field in self.fields if field.unit}

    def __len__(self) -> int:
        first = self.columns[self.fields[0].name]
        return len(first.codes if isinstance(first, Words) else first)

    def __getitem__(self, column: str) -> Column:
        values = self.columns[column]
        return values.spelled() if isinstance(values, Words) else values

    def blocks(self, rows: int) -> Iterator[Table]:
        """The same table in pieces of at most ``rows`` rows; one empty piece of an empty table."""
        for i in range(0, max(1, len(self)), rows):
            part = slice(i, i + rows)
            cut = {
                name: Words(values.codes[part], values.names) if isinstance(values, Words) else values[part]
                for name, values in self.columns.items()
            }
            yield Table(self.name, self.fields, cut, self.about)

    def pandas(self) -> Any:
        """A ``pandas.DataFrame``; units in ``frame.attrs["units"]``. Raises :class:`Missing`."""
        pandas = need("pandas", "")
        columns = {
            name: pandas.Categorical.from_codes(values.codes, list(values.names))
            if isinstance(values, Words)
            else pandas.Series(values, dtype="datetime64[us, UTC]" if values.dtype.kind == "M" else None)
            for name, values in self.columns.items()
        }
        frame = pandas.DataFrame(columns)
        frame.attrs.update({"units": self.units, **self.about})
        return frame

    def polars(self) -> Any:
        """A ``polars.DataFrame``; units stay in :attr:`units`. Raises :class:`Missing`."""
        return need("polars", "").from_arrow(self.arrow())

    def arrow(self) -> Any:
        """A ``pyarrow.Table``: NaN is null; units and session in the metadata. Raises :class:`Missing`."""
        pa = need("pyarrow")
        arrays, fields = [], []
        for field in self.fields:
            values = self.columns[field.name]
            if isinstance(values, Words):
                array = pa.DictionaryArray.from_arrays(_numbers(pa, values.codes), _texts(pa, values.names))
            elif field.kind == "string":
                array = _texts(pa, values.tolist())
            else:
                array = _numbers(pa, values)
            told = {key: text for key, text in (("unit", field.unit), ("description", field.about)) if text}
            arrays.append(array)
            fields.append(pa.field(field.name, array.type, metadata=told or None))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(self.about)))


def _numbers(pa: Any, values: Column) -> Any:
    """Numbers or times as Arrow has them, NaN as null; not copied. (``pyarrow.array`` would import pandas, a third of a
    second.)"""
    known = ~np.isnan(values) if values.dtype.kind in "fM" else np.True_
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    if values.dtype.kind == "M":
        kind, values = pa.timestamp("us", "UTC"), values.astype("datetime64[us]").view(np.int64)
    else:
        kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def _texts(pa: Any, texts: Sequence[str]) -> Any:
    """Text as Arrow has it."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)])
    if ends[-1] >= 2**31:  # more than one array holds
        return pa.array(texts, pa.string())
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded)))
