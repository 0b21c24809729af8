"""The words that all rooms share, and what they hold when nothing is said."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest

from tests.mutation.total import raises_nothing


@raises_nothing
def test_words() -> None:
    from safety import types

    assert {q.name: int(q) for q in types.Quality} == {"GOOD": 0, "BAD": 1, "UNCERTAIN": 2}
    states = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
    assert [(s.name, s.value) for s in types.State] == [(name, name) for name in states]
    verbs = ["prepare", "arm", "fire", "stop", "complete", "ack", "reset"]
    assert [(v.name.lower(), v.value) for v in types.Verb] == [(verb, verb) for verb in verbs]
    origins = ["local", "foreground", "network", "protocol", "signal"]
    assert [(o.name.lower(), o.value) for o in types.Origin] == [(origin, origin) for origin in origins]


@raises_nothing
def test_what_is_not_said() -> None:
    from safety import types

    state = types.State.SAFE
    assert types.Sample("a.b", 1.0, 2.0) == ("a.b", 1.0, 2.0, 0)
    assert types.Request(types.Verb.STOP, types.Origin.SIGNAL, 1.0)[3:] == ("", "")
    assert types.Demand(3.0) == (3.0, "", None)
    assert types.Permit(1.0, 2.0, 3, state) == (1.0, 2.0, 3, state, ())
    assert types.Fault("H32", "m", "d", "t", "c", 1.0)[5:] == (1.0, False)
    assert types.RecordStatus(1.0, True) == (1.0, True, "")
    assert types.Setpoint(1.0, 2, 3.0).reason == ""
    assert asdict(types.Inputs({})) == {
        "snapshot": {}, "requests": (), "faults": (), "foreground_lease_s": None, "watchdog": None, "record": None,
        "applied_w": 0.0, "applied_t_s": -math.inf, "config_hash": "", "flow_due_ml_min": 0.0,
    }  # fmt: skip
    out = types.Outputs(state, types.Permit(0.0, 0.0, 0, state), True, False, True, None)
    assert (out.new_trips, out.events, out.energy_j, out.on_time_s, out.blocked_by) == ((), (), 0.0, 0.0, ())


@pytest.mark.parametrize(
    "power_w, is_off", [(0.0, True), (-1.0, True), (math.nan, True), (0.001, False), (0.5, False), (80.0, False)]
)
@raises_nothing
def test_off_is_anything_but_power(power_w: float, is_off: bool) -> None:
    from safety.types import Setpoint

    assert Setpoint(power_w, 1, 2.0).is_off is is_off


@raises_nothing
def test_a_trip_in_json() -> None:
    from safety.types import Trip

    trip = Trip("H45", "hot", "tc", "tc.tip_c", math.inf, math.nan, 0.5, 7.0, "too hot", "coolant")
    assert (trip.lockout, trip.pump_off) == (False, False)
    assert trip.as_dict() == {
        "hazard": "H45", "monitor": "hot", "device": "tc", "channel": "tc.tip_c", "value": None, "limit": None,
        "age_s": 0.5, "t_s": 7.0, "text": "too hot", "check": "coolant", "lockout": False,
    }  # fmt: skip
    json.dumps(trip.as_dict(), allow_nan=False)
    whole = Trip("H45", "hot", "tc", "tc.tip_c", 61.5, 60.0, -math.inf, 7.0, "too hot", "coolant", True).as_dict()
    assert (whole["value"], whole["limit"], whole["age_s"], whole["lockout"]) == (61.5, 60.0, None, True)


@raises_nothing
def test_a_fault_as_a_trip_has_no_reading() -> None:
    from safety.types import Fault

    trip = Fault("H32", "task", "pump", "died", "log", 7.0, lockout=True).trip()
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H32", "task", "pump", "")
    assert (math.isnan(trip.value), math.isnan(trip.limit), trip.age_s, trip.t_s) == (True, True, 0.0, 7.0)
    assert (trip.text, trip.check, trip.lockout, trip.pump_off) == ("died", "log", True, False)
    assert Fault("H32", "task", "pump", "died", "log", 7.0).trip().lockout is False
