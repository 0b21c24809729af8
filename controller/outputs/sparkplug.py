"""A bench as an edge node in the words of Sparkplug B 3.0 (Eclipse Foundation, 2022), for SCADA systems.

Group: the site. Edge node: the bench, with its state, set-point and energy. Devices: its instruments, with a metric for
each channel. It is a view of the newest values, at most once a second, only what has changed; every sample is in
``abl/v1/…`` and in the session file. Nothing can be written: the one command is Rebirth. Not certified, and not listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from controller.outputs.contract import Output, Publication, View
from controller.outputs.protobuf import BOOLEAN, DOUBLE, INT32, INT64, STRING, Metric, booleans, payload

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
LOST_S = 10.0
"""A device none of whose channels was read for so long is told dead; a circulator is asked every few seconds."""
QUALITY = {0: 192, 1: 0, 2: 500}  # good, bad; a reading of uncertain origin is called stale (3.0.0, 6.4.7)
PAYLOAD_MAX_BYTES = 65_536  # of a command

Key = tuple[str, str]  # device (empty: the node itself) and metric


class Sparkplug(Output):
    """See the module's text."""

    API_VERSION = 1
    MQTT_VERSION = "3.1.1"  # with MQTT 5 a farewell would need a reason code that the client library cannot send

    def __init__(self, connection: int) -> None:
        super().__init__(connection)
        self._bd_seq = connection % 256  # counts connections, not births
        self._seq = 0
        self._sent: dict[Key, tuple[object, object]] = {}  # value and quality that were told last
        self._born: dict[str, frozenset[str]] = {}  # the metrics of each device
        self._dead: set[str] = set()

    def will(self, view: View) -> Publication:
        """NDEATH."""
        return Publication(
            self._topic("NDEATH", view), payload(view.utc_ms, None, [self._life(view)], birth=True), qos=1
        )

    def subscriptions(self, view: View) -> Sequence[str]:
        """NCMD; no device takes commands."""
        return (self._topic("NCMD", view),)

    def born(self, view: View) -> list[Publication]:
        """NBIRTH, then DBIRTH of every device."""
        self._seq, self._sent, self._dead = 0, {}, set()
        devices = _devices(view)
        self._born = {device: frozenset(metrics) for device, metrics in devices.items()}
        rebirth = Metric(REBIRTH, BOOLEAN, False, view.utc_ms)
        node = [self._life(view), rebirth, *self._changed(view, "", _node(view))]
        births = [self._say("NBIRTH", view, node, birth=True, seq=0)]
        for device, metrics in devices.items():
            births.append(self._say("DBIRTH", view, self._changed(view, device, metrics), device, birth=True))
        return births

    def follow(self, view: View) -> list[Publication]:
        """NDATA, DDATA with what has changed; DDEATH of a device that is silent, DBIRTH when it is back. Whatever is
        new and has no birth makes all be born anew."""
        devices = _devices(view)
        if any(not set(metrics) <= self._born.get(device, frozenset()) for device, metrics in devices.items()):
            return self.born(view)
        said: list[Publication] = []
        if changed := self._changed(view, "", _node(view)):
            said.append(self._say("NDATA", view, changed))
        for device, metrics in devices.items():
            silent = _silent(view, metrics)
            if silent and device not in self._dead:
                self._dead.add(device)
                said.append(self._say("DDEATH", view, [], device))
            elif not silent and device in self._dead:
                self._dead.discard(device)
                self._forget(device)
                said.append(self._say("DBIRTH", view, self._changed(view, device, metrics), device, birth=True))
            elif not silent and (changed := self._changed(view, device, metrics)):
                said.append(self._say("DDATA", view, changed, device))
        return said

    def heard(self, topic: str, data: bytes, retained: bool, view: View) -> list[Publication]:
        """A Rebirth that is asked for now. Anything else, and whatever cannot be read, changes nothing."""
        if topic != self._topic("NCMD", view) or retained or len(data) > PAYLOAD_MAX_BYTES:
            return []
        try:
            asked = booleans(data).get(REBIRTH, False)
        except ValueError:
            return []
        return self.born(view) if asked else []

    def farewell(self, view: View) -> list[Publication]:
        """NDEATH, before the connection is closed in order."""
        return [self.will(view)]

    # -- parts

    def _topic(self, kind: str, view: View, device: str = "") -> str:
        return "/".join([NAMESPACE, view.site, kind, view.bench, *([device] if device else [])])

    def _life(self, view: View) -> Metric:
        return Metric("bdSeq", INT64, self._bd_seq, view.utc_ms)

    def _say(
        self,
        kind: str,
        view: View,
        metrics: Sequence[Metric],
        device: str = "",
        *,
        birth: bool = False,
        seq: int | None = None,
    ) -> Publication:
        self._seq = (self._seq + 1) % 256 if seq is None else seq
        ordered = sorted(metrics, key=lambda metric: metric.timestamp_ms)
        body = payload(view.utc_ms, self._seq, ordered, birth=birth)
        return Publication(self._topic(kind, view, device), body, qos=0)

    def _changed(self, view: View, device: str, metrics: Mapping[str, Mapping[str, Any]]) -> list[Metric]:
        """What is not told yet, and from now on is."""
        news: list[Metric] = []
        for name, found in metrics.items():
            now = (found["value"], found.get("quality"))
            if self._sent.get((device, name), None) == now:
                continue
            self._sent[device, name] = now
            news.append(_metric(view, name, found))
        return news

    def _forget(self, device: str) -> None:
        for key in [key for key in self._sent if key[0] == device]:
            del self._sent[key]


def _node(view: View) -> dict[str, dict[str, Any]]:
    """The metrics of the bench itself, all of them always: a birth names whatever may come."""
    latest = view.latest or {}
    return {
        "State": {"value": str(view.state.get("fsm", "")) or None, "kind": STRING},
        "Session": {"value": latest.get("session"), "kind": STRING},
        "Simulated": {"value": view.simulated, "kind": BOOLEAN},
        "setpoint_w": {"value": latest.get("setpoint_w"), "kind": DOUBLE, "unit": "W"},
        "energy_j": {"value": latest.get("energy_j"), "kind": DOUBLE, "unit": "J"},
        "Properties/openablate": {"value": str(view.software.get("openablate", "")) or None, "kind": STRING},
    }


def _devices(view: View) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Channels by device."""
    devices: dict[str, dict[str, Mapping[str, Any]]] = {}
    for channel, reading in sorted(view.channels.items()):
        device, _, name = channel.partition(".")
        devices.setdefault(re.sub(r"[+/#]", "_", device), {})[name or device] = reading
    return devices


def _metric(view: View, name: str, found: Mapping[str, Any]) -> Metric:
    unit, value = str(found.get("unit", "")), found["value"]
    kind = int(found.get("kind", BOOLEAN if unit == "1" else DOUBLE))
    properties: list[tuple[str, int, str | int]] = []
    if unit and kind != BOOLEAN:
        properties.append(("engUnit", STRING, unit))
    if "quality" in found:
        properties.append(("Quality", INT32, QUALITY.get(found["quality"], 0)))
    return Metric(name, kind, value, _when_ms(view, found), tuple(properties))


def _when_ms(view: View, found: Mapping[str, Any]) -> int:
    """When a reading was asked for, in UTC; now for what has no time of its own."""
    latest, t_s = view.latest, found.get("t_s")
    if latest is None or t_s is None:
        return view.utc_ms
    age_s: float = latest["t_s"] - t_s
    return round((datetime.fromisoformat(latest["utc"]).timestamp() - age_s) * 1000)


def _silent(view: View, metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the session has gone on for long without a reading of any of these."""
    times = [found["t_s"] for found in metrics.values() if found["t_s"] is not None]
    return view.latest is not None and (not times or view.latest["t_s"] - max(times) > LOST_S)
