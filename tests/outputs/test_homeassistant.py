"""What Home Assistant is told: names, classes, units, and where the values stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.outputs.homeassistant import HomeAssistant
from tests.outputs.facts import CHANNELS, reading, view


def told(output: HomeAssistant, *args: Any, **more: Any) -> dict[str, dict[str, Any]]:
    said = output.born(view(*args, **more))
    assert all(p.retain and p.qos == 1 for p in said)
    return {p.topic: json.loads(p.payload) for p in said}


@pytest.fixture
def output() -> HomeAssistant:
    return HomeAssistant(0)


def test_a_channel_becomes_a_sensor_of_the_bench(output: HomeAssistant) -> None:
    found = told(output)["homeassistant/sensor/openablate_lab_b1/tc_tip_c/config"]
    assert found == {
        "name": "tc tip c",
        "unique_id": "openablate_lab_b1_tc_tip_c",
        "state_topic": "abl/v1/lab/b1/latest",
        "value_template": "{{ value_json.channels['tc.tip_c'].value }}",
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "state_class": "measurement",
        "expire_after": 60,
        "availability_topic": "abl/v1/lab/b1/status",
        "availability_template": "{{ value_json.state }}",
        "payload_available": "online",
        "payload_not_available": "offline",
        "device": {
            "identifiers": ["openablate_lab_b1"],
            "name": "b1 (simulated)",
            "manufacturer": "Openablate",
            "model": "ablation bench",
            "sw_version": "0.1.0",
        },
        "origin": {"name": "openablate", "sw_version": "0.1.0"},
    }


@pytest.mark.parametrize(
    ("channel", "kind", "unit"),
    [
        ("gen.power_w", "power", "W"),
        ("gen.impedance_ohm", None, "Ω"),
        ("pump.flow_ml_min", None, "mL/min"),
        ("tc.tip_c", "temperature", "°C"),
    ],
)
def test_units_and_classes(output: HomeAssistant, channel: str, kind: str | None, unit: str) -> None:
    found = told(output)[f"homeassistant/sensor/openablate_lab_b1/{channel.replace('.', '_')}/config"]
    assert (found.get("device_class"), found["unit_of_measurement"]) == (kind, unit)


def test_every_unit_of_the_record_is_known(output: HomeAssistant) -> None:
    """A device class goes with units that Home Assistant allows for it (its sensor documentation)."""
    from controller.outputs.homeassistant import UNITS
    from controller.records.schema import UNITS as OURS

    assert set(UNITS) == set(OURS.values()) - {"1"}
    allowed = {
        "power": "W", "temperature": "°C", "duration": "s", "energy": "J", "frequency": "Hz", "voltage": "V",
        "current": "A", "pressure": "kPa", "distance": "mm",
    }  # fmt: skip
    assert {kind: unit for unit, kind in UNITS.values() if kind is not None} == allowed


def test_energy_is_a_total_and_contacts_are_binary(output: HomeAssistant) -> None:
    found = told(output)
    assert found["homeassistant/sensor/openablate_lab_b1/energy_j/config"]["state_class"] == "total"
    contact = found["homeassistant/binary_sensor/openablate_lab_b1/inputs_estop_a_closed/config"]
    at = "value_json.channels['inputs.estop_a_closed'].value"
    assert contact["value_template"] == f"{{{{ 'None' if {at} is none else ('ON' if {at} else 'OFF') }}}}"
    assert not {"unit_of_measurement", "state_class"} & set(contact)


def test_the_state_is_an_enumeration_and_a_trip_is_a_problem(output: HomeAssistant) -> None:
    from safety.types import State

    found = told(output, empty=True)
    assert len(found) == 4
    state = found["homeassistant/sensor/openablate_lab_b1/state/config"]
    assert (state["device_class"], state["options"]) == ("enum", [each.value for each in State])
    assert state["state_topic"] == "abl/v1/lab/b1/state"
    tripped = found["homeassistant/binary_sensor/openablate_lab_b1/tripped/config"]
    assert tripped["device_class"] == "problem"
    assert tripped["value_template"] == "{{ 'ON' if value_json.fsm in ('TRIPPED', 'LOCKOUT') else 'OFF' }}"


def test_each_is_told_once_and_again_when_home_assistant_starts(output: HomeAssistant) -> None:
    first = told(output)
    assert output.follow(view()) == []
    (new,) = output.follow(view({**CHANNELS, "tc.side_c": reading(1.0, "degC")}))
    assert new.topic == "homeassistant/sensor/openablate_lab_b1/tc_side_c/config"
    assert list(output.subscriptions(view())) == ["homeassistant/status"]
    again = output.heard("homeassistant/status", b"online", False, view())
    assert [p.topic for p in again] == list(first)
    assert output.heard("homeassistant/status", b"offline", False, view()) == []
    assert output.heard("homeassistant/else", b"online", False, view()) == []
    assert output.will(view()) is None
    assert output.farewell(view()) == []  # it stays known, and unavailable


def test_no_entity_can_be_switched(output: HomeAssistant) -> None:
    for topic, body in told(output).items():
        assert topic.split("/")[1] in ("sensor", "binary_sensor")
        assert not any("command" in key for key in body)
