"""What happened in a session, ready to be asked what held at a time, in the words of ``ablate status --json``."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from controller.daemon.alarms import ACTIVATION, flowing
from controller.daemon.application import reading
from controller.panel.following import NOT_SHOWN, event, series_of
from controller.panel.library_models import FrameTold
from controller.panel.library_samples import Course
from controller.panel.library_session import finite
from controller.providers import BANNERS
from controller.records.schema import unit_of
from safety.types import Sample

Newest = Mapping[str, Sample]
"""By channel: what a tick of the daemon has as its snapshot."""
CONTACTS = ("estop", "door", "footswitch")


class Story:
    """What happened in a session, ready to be asked what held at a time."""

    def __init__(self, opened: Course) -> None:
        self.header = opened.header
        rows = opened.rows("SELECT seq, t_s, utc, kind, data FROM events ORDER BY seq", ())
        self.events = [event(*row) for row in rows if row[3] not in NOT_SHOWN]
        self._times = [told["t_s"] for told in self.events]
        self._roles: Mapping[str, Any] = self.header.get("roles") or {}
        self._series = series_of(self._roles)
        self._source = str(self._roles.get("source") or "")
        self._contacts = {
            role: told if isinstance(told, list) else [told] for role in CONTACTS if (told := self._roles.get(role))
        }
        contacts = (channel for pair in self._contacts.values() for channel in pair)
        self._pump = f"{self._roles.get('pump')}.running_on"
        wanted = {*self._series.values(), *contacts, self._pump, f"{self._source}.rf_on"}
        self.channels = [channel for channel in opened.channels if channel in wanted]
        self._simulated = bool(self.header.get("simulated"))
        self._declared = list(opened.channels.values())

    def bench(self) -> dict[str, Any]:
        """The bench as it was, as :func:`controller.panel.facts.bench` tells of one that runs."""
        header = self.header
        drivers, identities = header.get("drivers") or {}, header.get("devices") or {}
        return {
            "bench": header.get("bench", ""),
            "modality": self._modality,
            "applicator": header.get("applicator") or {},
            "tick_hz": None,
            "simulated": self._simulated,
            "banner": BANNERS[self._simulated],
            "foot": False,
            "roles": self._roles,
            "series": self._series,
            "limits": {
                name: {"value": value, "layer": "bench"}
                for name, value in (header.get("limits") or {}).items()
                if isinstance(value, int | float)
            },
            "devices": [
                {
                    "name": name,
                    "driver": told.get("driver", ""),
                    "port": told.get("port", ""),
                    **(identities.get(name) or {}),
                    "roles": [],
                    "link": {"health": "none", "age_s": None, "period_s": None},
                }
                for name, told in drivers.items()
            ],
            "channels": [
                {
                    "name": channel.name,
                    "unit": unit_of(channel.name),
                    "low": channel.low,
                    "high": channel.high,
                    "period_s": channel.period_s,
                    "value": None,
                    "quality": None,
                    "age_s": None,
                }
                for channel in self._declared
            ],
            "versions": header.get("software") or {},
            "session": {key: header.get(key) for key in ("id", "utc", "t_start_s")},
            "record_trouble": "",
        }

    @property
    def _modality(self) -> str:
        return str(((self.header.get("declarations") or {}).get(self._source) or {}).get("modality") or "rf")

    def frame(self, row: Sequence[Any], newest: Newest) -> FrameTold:
        """A tick of the record, with the newest sample that it saw of each of :attr:`channels`."""
        return FrameTold(seq=row[0], t_s=row[1], rows=row[0] + 1, status=self._status(row, newest))

    def _status(self, row: Sequence[Any], newest: Newest) -> dict[str, Any]:
        """As ``ablate status --json`` was at this tick."""
        seq, t_s, state, permit_w, setpoint_w, epoch, energy_j, law_text = row
        law, held = json.loads(law_text), self._at(t_s)
        powered = flowing(newest, self._source, setpoint_w or 0.0)
        return {
            "ok": True,
            "bench": self.header.get("bench", ""),
            "applicator": (self.header.get("applicator") or {}).get("name", ""),
            "state": state,
            "epoch": epoch,
            "t_s": t_s,
            "state_s": round(t_s - held.entered_s, 2),
            "left_s": None,
            "elapsed_s": held.elapsed_s(t_s),
            "permit_w": permit_w,
            "limited_by": [],
            "blocked_by": held.blocked if state in ("SAFE", "PRECHECK") else [],
            "setpoint_w": setpoint_w,
            "limits": held.limits,
            "energy_j": energy_j,
            "rolloffs": int(law.get("rolloffs") or 0),
            "law": finite(law),
            "trip": finite(held.trip),
            "pump_on": bool(reading(newest, self._pump)),
            "prompt": held.prompt,
            "answered": None,
            "waits": "",
            "readings": finite(held.readings),
            "values": self._values(newest),
            "evidence": {
                name: _evidence(channel, newest, t_s) for name, channel in self._series.items() if name != "forward_w"
            },
            "contacts": {
                role: [{**_evidence(channel, newest, t_s), "closed": _closed(newest, channel)} for channel in pair]
                for role, pair in self._contacts.items()
            },
            "simulated": self._simulated,
            "banner": BANNERS[self._simulated],
            "protocol": held.protocol,
            "session_file": "",
            "record": {"healthy": True, "text": "a recorded session", "age_s": 0.0},
            "result": finite(held.result),
            "unready": held.blocked,
            "alarms": {
                "list": finite(held.alarms),
                "sound": None,
                "paused_s": 0.0,
                "activation": ACTIVATION.get(self._modality, "POWER ON") if powered else "",
            },
            "coolant": None,
            "mqtt": None,
            "ticks": seq + 1,
            "late_ticks": 0,
            "worst_late_s": 0.0,
        }

    def _values(self, newest: Newest) -> dict[str, Any]:
        """By the names of the live view; sensors of one kind as a list."""
        values: dict[str, Any] = {"tissue_c": [], "tine_c": []}
        for name, channel in self._series.items():
            bare, several, _ = name.partition("[")
            if several:
                values[bare].append(reading(newest, channel))
            else:
                values[name] = reading(newest, channel)
        return values

    def _at(self, t_s: float) -> Held:
        held = Held()
        for told in self.events[: bisect_right(self._times, t_s)]:
            held.follow(told["t_s"], told["kind"], told["data"])
        return held


class Held:
    """What the events up to a time leave standing."""

    def __init__(self) -> None:
        self.protocol: str | None = None
        self.limits: dict[str, Any] | None = None
        self.trip: dict[str, Any] | None = None
        self.prompt: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None
        self.alarms: list[Any] = []
        self.blocked: list[str] = []
        self.readings: list[dict[str, Any]] = []
        self.entered_s = 0.0
        self._fired_s: float | None = None
        self._off_s: float | None = None

    def elapsed_s(self, t_s: float) -> float:
        """Since FIRE, up to the end of energy."""
        return round((self._off_s or t_s) - self._fired_s, 3) if self._fired_s is not None else 0.0

    def follow(self, t_s: float, kind: str, data: Mapping[str, Any]) -> None:
        """One event more."""
        if kind == "state":
            self.entered_s = t_s
            if data.get("to") == "FIRING":
                self._fired_s, self._off_s, self.readings = t_s, None, []
            elif data.get("from") == "FIRING":
                self._off_s = t_s
            if data.get("from") in ("TRIPPED", "LOCKOUT") and data.get("to") == "SAFE":
                self.trip = None
            if data.get("to") in ("READY", "ARMED"):
                self.blocked = []
        elif kind == "protocol":
            self.protocol, self.result, self.blocked = str(data.get("name")), None, []
            self.limits = data.get("limits")
        elif kind == "trip":
            self.trip = self.trip or dict(data)
        elif kind == "prompt":
            self.prompt = dict(data)
        elif kind in ("confirmed", "prompt_withdrawn"):
            self.prompt = None
        elif kind == "result":
            self.result = dict(data)
        elif kind == "alarms":
            self.alarms = list(data.get("list") or [])
        elif kind == "precheck_failed":
            self.blocked = [str(text) for text in data.get("texts") or data.get("blocked_by") or []]
        elif kind == "reading":
            self.readings.append(dict(data))


def _evidence(channel: str, newest: Newest, t_s: float) -> dict[str, Any]:
    """How old a reading was. ``oldest_s`` None: the record does not say how old one may be."""
    sample = newest.get(channel)
    return {
        "channel": channel,
        "age_s": round(t_s - sample.t_request_s, 3) if sample is not None else None,
        "oldest_s": None,
        "good": reading(newest, channel) is not None if sample is not None else None,
    }


def _closed(newest: Newest, channel: str) -> bool | None:
    value = reading(newest, channel)
    return None if value is None else value >= 0.5
