"""A session's course as columns for a chart: by role (power_w, tip_c) as the live view names it, or by channel."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from controller.panel.library_models import Samples, SeriesTold
from controller.records.reader import Floats, SessionFile
from controller.records.store import RecordError
from safety.types import Quality

Group = Literal["power", "impedance", "temperature", "flow", "energy", "channel"]
TICKS = {  # columns of the record's ticks: series -> (column, label, unit, group)
    "setpoint_w": ("setpoint_w", "set", "W", "power"),
    "permit_w": ("permit_w", "permitted", "W", "power"),
    "demand_w": ("demand_w", "wanted", "W", "power"),
    "energy_j": ("energy_j", "energy", "J", "energy"),
}
ROLES: tuple[tuple[str, str, str, Group], ...] = (  # role -> (series, label, group)
    ("impedance", "impedance_ohm", "impedance", "impedance"),
    ("tip", "tip_c", "tip", "temperature"),
    ("shaft", "shaft_c", "shaft", "temperature"),
    ("coolant", "coolant_c", "coolant", "temperature"),
    ("flow", "flow_ml_min", "flow", "flow"),
)
LISTS = (("tissue", "tissue_c", "tissue"), ("tines", "tine_c", "tine"))
UNITS = {"degC": "°C", "ohm": "Ω", "1": ""}
SHOWN = ("power_w", "setpoint_w", "impedance_ohm", "tip_c", "tissue_c", "tine_c", "coolant_c", "flow_ml_min")
"""What is given when no series are named; lists of sensors as ``tissue_c[0]``, ``tissue_c[1]``."""
MOST_POINTS, MOST_SERIES = 5000, 24


class Course(SessionFile):
    """A session whose numbers are wanted many at a time."""

    def numbers(self, query: str, values: Sequence[object], width: int) -> Floats:
        """Rows of ``width`` numbers, None as NaN. Raises :class:`RecordError`."""
        try:
            flat = chain.from_iterable(self._db.execute(query, tuple(values)))
            return np.fromiter(flat, np.float64).reshape(-1, width)
        except (sqlite3.Error, ValueError, TypeError) as error:
            remedy = "`ablate sessions verify` says where"
            raise RecordError(self.path, f"the file is damaged ({error})", remedy) from error

    def rows(self, query: str, values: Sequence[object]) -> list[Any]:
        """What ``query`` finds. Raises :class:`RecordError`."""
        return self._rows(query, *values)

    def number_of(self, channel: str) -> int:
        """The number under which the samples of a channel are kept."""
        return self._ids[channel]


def wired(roles: Mapping[str, Any]) -> dict[str, tuple[str, str, Group]]:
    """Series of the live view -> (channel, label, group), by the roles of a bench."""
    source = str(roles.get("source") or "")
    found: dict[str, tuple[str, str, Group]] = {
        "power_w": (f"{source}.power_w", "delivered", "power"),
        "forward_w": (f"{source}.forward_power_w", "forward", "power"),
    }
    for role, series, label, group in ROLES:
        if roles.get(role):
            found[series] = (str(roles[role]), label, group)
    for role, series, label in LISTS:
        for i, channel in enumerate(roles.get(role) or ()):
            place = str(channel).rpartition(".")[2].removesuffix("_c").replace("_", " ")
            found[f"{series}[{i}]"] = (str(channel), place or f"{label} {i + 1}", "temperature")
    return found


def offered(session: SessionFile) -> list[SeriesTold]:
    """Every series that this session has."""
    channels, roles = session.channels, wired(session.header.get("roles") or {})
    told = [
        SeriesTold(name=name, label=label, unit=unit, group=group) for name, (_, label, unit, group) in TICKS.items()
    ]
    told += [
        SeriesTold(name=name, label=label, unit=_unit(channels[channel].unit), group=group)
        for name, (channel, label, group) in roles.items()
        if channel in channels
    ]
    told += [SeriesTold(name=c.name, label=c.name, unit=_unit(c.unit), group="channel") for c in channels.values()]
    return told


def _unit(unit: str) -> str:
    return UNITS.get(unit, unit)


def samples(
    session: Course,
    name: str,
    zero_s: float,
    wanted: Sequence[str],
    points: int,
    span_s: tuple[float, float] | None = None,
) -> Samples:
    """Columns of the series ``wanted``.

    Args:
        name: the session's id.
        points: the most rows, 10 to :data:`MOST_POINTS`.
        span_s: first and last time; None: all.

    Raises:
        KeyError: there is no such series, or they are too many; says which there are.
    """
    roles = {k: v for k, v in wired(session.header.get("roles") or {}).items() if v[0] in session.channels}
    units = {told.name: told.unit for told in offered(session)}
    chosen = list(dict.fromkeys(_expanded(wanted, roles)))
    if unknown := [series for series in chosen if series not in units]:
        there = ", ".join((*TICKS, *roles, *session.channels))
        raise KeyError(f"the session has no series {', '.join(unknown)[:200]}; it has {there}")
    if len(chosen) > MOST_SERIES:
        raise KeyError(f"{len(chosen)} series at once; ask for {MOST_SERIES} at most")
    low_s, high_s = span_s or (-np.inf, np.inf)
    of_ticks = [series for series in chosen if series in TICKS]
    ticks = session.numbers(
        f"SELECT {', '.join(('seq', 't_s', *(TICKS[s][0] for s in of_ticks)))} FROM ticks"
        " WHERE t_s>=? AND t_s<=? ORDER BY seq",
        (low_s, high_s),
        2 + len(of_ticks),
    )
    columns = {"t_s": ticks[:, 1]} | {series: ticks[:, 2 + i] for i, series in enumerate(of_ticks)}
    channels = {series: roles[series][0] if series in roles else series for series in chosen if series not in TICKS}
    readings = _readings(session, set(channels.values()), ticks[:, 0])
    columns |= {series: readings[channel] for series, channel in channels.items()}
    decimated = len(ticks) > points
    if decimated:
        columns = thinned({key: columns[key] for key in ("t_s", *chosen)}, points)
    return Samples(
        session=name,
        zero_s=zero_s,
        decimated=decimated,
        ticks=len(ticks),
        columns={key: plain(columns[key]) for key in ("t_s", *chosen)},
        units={series: units[series] for series in chosen},
    )


def _expanded(wanted: Sequence[str], roles: Mapping[str, Any]) -> Iterator[str]:
    """``tissue_c`` means all of them; of what is given by default only what is there."""
    for series in wanted or SHOWN:
        several = [name for name in roles if name.startswith(f"{series}[")]
        if several or wanted or series in roles or series in TICKS:
            yield from several or [series]


def _readings(session: Course, channels: set[str], seq: Floats) -> dict[str, Floats]:
    """For each tick the newest reading of each channel; NaN where that is none, or was not good."""
    numbers = {channel: session.number_of(channel) for channel in channels}
    if not numbers or not len(seq):
        return {channel: np.full(len(seq), np.nan) for channel in channels}
    marks = ",".join("?" * len(numbers))
    rows = session.numbers(
        f"SELECT tick, channel, value, quality FROM samples WHERE channel IN ({marks}) AND tick<=? ORDER BY id",
        (*numbers.values(), int(seq[-1])),
        4,
    )
    rows[rows[:, 3] != Quality.GOOD.value, 2] = np.nan
    found = {}
    for channel, number in numbers.items():
        mine = rows[rows[:, 1] == number]
        newest = np.searchsorted(mine[:, 0], seq, side="right") - 1
        values = np.append(mine[:, 2], np.nan)  # the last stands for "none yet"
        found[channel] = values[newest]
    return found


def thinned(columns: Mapping[str, Floats], points: int) -> dict[str, Floats]:
    """At most ``points`` rows: of each stretch of ticks two, with the least and the greatest of each column."""
    t_s = columns["t_s"]
    edges = np.unique(np.linspace(0, len(t_s), max(1, points // 2) + 1).astype(int))
    starts, ends = edges[:-1], edges[1:]
    middle = starts + (ends - starts) // 2
    found = {"t_s": np.column_stack((t_s[starts], t_s[middle])).ravel()}
    for name, values in columns.items():
        if name == "t_s":
            continue
        low, high = _extremes(values, starts, np.inf, np.minimum), _extremes(values, starts, -np.inf, np.maximum)
        first_low = _where(values, low, starts, ends) <= _where(values, high, starts, ends)
        pair = np.where(first_low[:, None], np.column_stack((low, high)), np.column_stack((high, low)))
        found[name] = pair.ravel()
    return found


def _extremes(values: Floats, starts: NDArray[np.int64], empty: float, least: np.ufunc) -> Floats:
    found = least.reduceat(np.where(np.isnan(values), empty, values), starts)
    return np.where(np.isinf(found), np.nan, found)


def _where(values: Floats, extreme: Floats, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
    """The first row of each stretch that has its extreme."""
    places = np.where(values == np.repeat(extreme, ends - starts), np.arange(len(values)), len(values))
    return np.asarray(np.minimum.reduceat(places, starts))


def plain(values: Floats) -> list[float | None]:
    """For JSON, which has no NaN; six digits are more than a screen shows."""
    return [float(f"{value:.10g}") if np.isfinite(value) else None for value in values.tolist()]
