"""A bench in Home Assistant, by its MQTT discovery (home-assistant.io/integrations/mqtt, "MQTT Discovery").

One retained configuration for each channel and for the bench's state; their values come from the retained ``latest``
and ``state`` of the bench itself, and whether it is there from its ``status``. Nothing can be switched from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from controller.outputs.contract import Output, Publication, View

PREFIX = "homeassistant"  # Home Assistant's default
STATES = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
MARKS = {True: " (simulated)", False: ""}
EXPIRE_S = 60
"""A value that was not told anew for so long becomes unknown: ``latest`` comes every second, while a session runs."""

UNITS: dict[str, tuple[str, str | None]] = {  # ours -> theirs, with the device class that has this unit
    "W": ("W", "power"),
    "degC": ("°C", "temperature"),
    "s": ("s", "duration"),
    "J": ("J", "energy"),
    "Hz": ("Hz", "frequency"),
    "V": ("V", "voltage"),
    "A": ("A", "current"),
    "kPa": ("kPa", "pressure"),
    "mm": ("mm", "distance"),
    "ml": ("mL", None),  # theirs are for meters that only count up
    "ml/min": ("mL/min", None),
    "ohm": ("Ω", None),
    "W/min": ("W/min", None),
}


class HomeAssistant(Output):
    """See the module's text."""

    API_VERSION = 1

    def __init__(self, connection: int) -> None:
        super().__init__(connection)
        self._told: set[str] = set()

    def subscriptions(self, view: View) -> Sequence[str]:
        """Home Assistant's own birth: it may have lost what it was told."""
        return (f"{PREFIX}/status",)

    def born(self, view: View) -> list[Publication]:
        """The configurations of everything that is known by now."""
        self._told.clear()
        return self.follow(view)

    def follow(self, view: View) -> list[Publication]:
        """The configurations of channels that have turned up."""
        news = [(topic, body) for topic, body in _entities(view) if topic not in self._told]
        self._told.update(topic for topic, _ in news)
        return [Publication(topic, json.dumps(body, ensure_ascii=False), retain=True) for topic, body in news]

    def heard(self, topic: str, payload: bytes, retained: bool, view: View) -> list[Publication]:
        """Home Assistant has started: tell it all again."""
        return self.born(view) if topic == f"{PREFIX}/status" and payload == b"online" else []


def _entities(view: View) -> list[tuple[str, dict[str, Any]]]:
    """(topic, configuration) of each entity."""
    made = [
        _entity(
            view,
            "sensor",
            "state",
            "State",
            {
                "state_topic": f"{view.root}/state",
                "value_template": "{{ value_json.fsm }}",
                "device_class": "enum",
                "options": STATES,
            },
        ),
        _entity(
            view,
            "binary_sensor",
            "tripped",
            "Tripped",
            {
                "state_topic": f"{view.root}/state",
                "value_template": "{{ 'ON' if value_json.fsm in ('TRIPPED', 'LOCKOUT') else 'OFF' }}",
                "device_class": "problem",
            },
        ),
        _latest(view, "setpoint_w", "Set-point", "value_json.setpoint_w", "W"),
        _latest(view, "energy_j", "Energy", "value_json.energy_j", "J"),
    ]
    for channel, reading in sorted(view.channels.items()):
        at = f"value_json.channels['{channel}'].value"
        made.append(_latest(view, channel, channel.replace(".", " ").replace("_", " "), at, str(reading["unit"])))
    return made


def _latest(view: View, key: str, name: str, at: str, unit: str) -> tuple[str, dict[str, Any]]:
    """An entity whose value stands at ``at`` in ``latest``. What was not a number becomes unknown, not 0."""
    more: dict[str, Any] = {"state_topic": f"{view.root}/latest", "expire_after": EXPIRE_S}
    if unit == "1":
        more["value_template"] = f"{{{{ 'None' if {at} is none else ('ON' if {at} else 'OFF') }}}}"
        return _entity(view, "binary_sensor", key, name, more)
    theirs, kind = UNITS.get(unit, (unit, None))
    more["value_template"] = f"{{{{ {at} }}}}"
    more["state_class"] = "total" if kind == "energy" else "measurement"
    if theirs:
        more["unit_of_measurement"] = theirs
    if kind is not None:
        more["device_class"] = kind
    return _entity(view, "sensor", key, name, more)


def _entity(view: View, component: str, key: str, name: str, more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    node, thing = _safe(f"openablate_{view.site}_{view.bench}"), _safe(key)
    software = str(view.software.get("openablate", ""))
    body = {
        "name": name,
        "unique_id": f"{node}_{thing}",
        **more,
        "availability_topic": f"{view.root}/status",
        "availability_template": "{{ value_json.state }}",
        "payload_available": "online",
        "payload_not_available": "offline",
        "device": {
            "identifiers": [node],
            "name": f"{view.bench}{MARKS[view.simulated]}",
            "manufacturer": "Openablate",
            "model": "ablation bench",
            "sw_version": software,
        },
        "origin": {"name": "openablate", "sw_version": software},
    }
    return f"{PREFIX}/{component}/{node}/{thing}/config", body


def _safe(text: str) -> str:
    """Home Assistant allows letters, digits, ``_`` and ``-`` in the levels of a discovery topic."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)
