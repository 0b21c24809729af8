"""Numbers that say where they are from: the data files of tissues, antennas and arrays.

A file (TOML, ``sim/world/data/<folder>/<name>.toml``) holds ``about``, one line of prose, and quantities:
``k_w_mk = {value = 0.51, sd = 0.05, source = "lopresto", note = "..."}``. ``sd`` is the relative standard deviation
from one specimen or device to the next, 0 when left out. ``source`` is a key of ``data/sources.toml``; what was
assumed, chosen or calibrated says so in its source and must give a note.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from sim.world import checks

DATA = Path(__file__).parent / "data"
OWN = ("assumed", "calibrated")
"""Sources that are no publication: the note says why this value."""

T = TypeVar("T")


@dataclass(frozen=True)
class Quantity:
    """One value of a data file; ``sd`` relative, ``source`` in words."""

    value: Any
    sd: float
    source: str
    note: str


@dataclass(frozen=True)
class Sheet:
    """One data file."""

    name: str
    about: str
    quantities: Mapping[str, Quantity]

    def values(self) -> dict[str, Any]:
        """The bare values by name."""
        return {name: quantity.value for name, quantity in self.quantities.items()}

    def cite(self) -> str:
        """Every publication of the sheet, once, in order of appearance; ``assumed`` for a sheet without."""
        papers = dict.fromkeys(q.source for q in self.quantities.values() if q.source not in OWN)
        return "; ".join(papers) or "assumed"


@cache
def citations() -> Mapping[str, str]:
    """Publications by key."""
    return {str(key): str(text) for key, text in tomllib.loads((DATA / "sources.toml").read_text("utf-8")).items()}


def read(path: Path) -> Sheet:
    """A data file. Raises ValueError naming the file and the entry for one without value, source or needed note."""
    table = tomllib.loads(path.read_text("utf-8"))
    about = str(table.pop("about", ""))
    if not about:
        raise ValueError(f"{path.name}: about is missing: one line that says what this is")
    return Sheet(path.stem, about, {name: _quantity(path.name, name, entry) for name, entry in table.items()})


def _quantity(file: str, name: str, entry: Any) -> Quantity:
    where = f"{file}: {name}"
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: {entry!r} is not a table with value and source")
    checks.known_keys(where, entry, ("value", "sd", "source", "note"))
    if "value" not in entry:
        raise ValueError(f"{where}: value is missing")
    source, note = str(entry.get("source", "")), str(entry.get("note", ""))
    if source not in OWN and source not in citations():
        raise ValueError(checks.unknown(f"source of {where}", source, (*OWN, *citations())))
    if source in OWN and not note:
        raise ValueError(f"{where}: note is missing: why this value, when it is {source}")
    sd = checks.number(f"{where}: sd", entry.get("sd", 0.0), 0.0, 1.0)
    return Quantity(entry["value"], sd, citations().get(source, source), note)


class Library(Mapping[str, T], Generic[T]):
    """What one folder of data files describes, by name; a file is read when its entry is first asked for."""

    def __init__(self, what: str, folder: str, build: Callable[[Sheet], T]) -> None:
        self._what, self._build = what, build
        self._paths = {p.stem: p for p in sorted((DATA / folder).glob("*.toml"), key=lambda p: p.stem)}
        self._sheets: dict[str, Sheet] = {}
        self._built: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._built:
            self._built[name] = self._build(self.sheet(name))
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def named(self, name: object) -> T:
        """The entry called ``name``. Raises ValueError listing the known ones."""
        if not isinstance(name, str) or name not in self._paths:
            raise ValueError(checks.unknown(self._what, name, self))
        return self[name]

    def sheet(self, name: str) -> Sheet:
        """The data behind an entry, with spreads and sources. Raises KeyError."""
        if name not in self._sheets:
            self._sheets[name] = read(self._paths[name])
        return self._sheets[name]
