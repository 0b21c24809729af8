"""Plug-ins by entry point: metadata is read, code is imported only when a bench file names it, and a failure is fatal.

A driver package declares, for instance, ``[project.entry-points."openablate.drivers"] my-generator =
"my_pkg.driver:MyGenerator"``; the class writes ``API_VERSION = 1`` in its own body: the version of
:mod:`drivers.contract` it was written for.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, cast

from drivers.contract import API_VERSION, Driver

GROUP = "openablate.drivers"


class PluginError(ValueError):
    """A plug-in is unknown, ambiguous, broken or of another time. The text says which, and what to do."""


def offered(group: str = GROUP) -> dict[str, EntryPoint]:
    """Everything installed in ``group``, by name, and what is lent; nothing is imported.

    Raises:
        PluginError: two distributions offer the same name.
    """
    return {**_installed(group), **_lent.get(group, {})}


@functools.cache  # it does not change while we run, and to read it takes 1 ms: 6 of the 110 ms of a campaign's trial
def _installed(group: str) -> dict[str, EntryPoint]:
    return unique(entry_points(group=group), group)


class _Lent(NamedTuple):
    """Looks like an entry point."""

    name: str
    value: str
    thing: Any
    dist: None = None

    def load(self) -> Any:
        return self.thing


_lent: dict[str, dict[str, EntryPoint]] = {}


@contextlib.contextmanager
def lent(group: str, name: str, thing: type) -> Iterator[None]:
    """Within it, ``thing`` is offered in ``group`` as if it were installed, before anything of its name: for tests of
    what is not installed yet.
    """
    entries = _lent.setdefault(group, {})
    before = entries.get(name)
    entries[name] = cast(EntryPoint, _Lent(name, f"{thing.__module__}:{thing.__qualname__}", thing))
    try:
        yield
    finally:
        entries.pop(name)
        if before is not None:
            entries[name] = before


def unique(entries: Iterable[EntryPoint], group: str) -> dict[str, EntryPoint]:
    """``entries`` by name.

    Raises:
        PluginError: two different ones share a name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entries:
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            who = " and ".join(f"{e.value} ({e.dist.name if e.dist else 'unknown'})" for e in (other, entry))
            raise PluginError(f"{group}: {entry.name!r} is offered twice, by {who}; uninstall one of them")
    return found


def pick(name: str, entries: dict[str, EntryPoint], what: str) -> EntryPoint:
    """The entry called ``name``.

    Raises:
        PluginError: there is none; with a suggestion.
    """
    if name in entries:
        return entries[name]
    close = get_close_matches(name, entries, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(entries)) or 'none'}"
    raise PluginError(f"no {what} {name!r}; {hint}")


def load_driver(name: str) -> type[Driver]:
    """The driver class called ``name`` in bench files.

    Raises:
        PluginError: unknown, offered twice, not importable, not a driver, or written for another version of the
        contract.
    """
    return checked(pick(name, offered(), "driver"))


def checked(entry: EntryPoint) -> type[Driver]:
    """Import ``entry`` and verify that it is a driver of our contract.

    Raises:
        PluginError: it is not.
    """
    found: type[Driver] = imported(entry, Driver, "driver", API_VERSION)
    if getattr(found, "MODEL", None) != entry.name:
        where = f"driver {entry.name!r} ({entry.value})"
        raise PluginError(f"{where} calls itself {getattr(found, 'MODEL', None)!r}; names must agree")
    return found


def imported(entry: EntryPoint, kind: type, what: str, version: int | None = None) -> type[Any]:
    """Import ``entry``, which must be a class derived from ``kind``, written for ``version`` of its contract where that
    has one; ``what`` it is called in errors.

    Raises:
        PluginError: it is not.
    """
    where = f"{what} {entry.name!r} ({entry.value})"
    try:
        found = entry.load()
    except Exception as error:
        raise PluginError(f"{where} does not load: {type(error).__name__}: {error}; repair or uninstall it") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        wanted = f"{kind.__module__}.{kind.__qualname__}"
        raise PluginError(f"{where} is not a subclass of {wanted}; repair or uninstall it")
    its = getattr(found, "API_VERSION", None)
    if version is not None and its != version:
        raise PluginError(f"{where} was written for API version {its}, this is {version}; install a matching version")
    return found
