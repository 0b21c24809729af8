"""Each row of the permits alone withholds what it guards, and each of its conditions alone makes the row say no: the
table of independent predicates makes modified condition/decision coverage a table too. Literals only.
"""

from __future__ import annotations

from typing import Any

import pytest

from safety.kernel import _withheld, initial
from safety.monitors import ITEMS
from safety.monitors.base import INHIBIT, Finding, View
from safety.permits import TABLE
from safety.state import KernelState
from safety.types import State
from tests.safety.explore.classes import CONFIG, Kind, kind
from tests.safety.explore.decisions import decide, stand_in

GOOD = {
    "source": "off", "tip": "cold", "found": "nothing", "line": "closed", "dt": "tick", "acts": "-", "foot": "up",
    "lease": "held",
}  # fmt: skip
READY_FOR: dict[State, dict[str, Any]] = {
    State.BOOT: {"off_at_s": 0.0},
    State.SAFE: {},
    State.PRECHECK: {"entered_s": 0.0, "pump_on": True, "pump_since_s": -0.125},
    State.READY: {"pump_on": True},
    State.ARMED: {"pump_on": True, "armed_at_s": -0.125, "foot_released": True},
    State.FIRING: {"pump_on": True, "holder": "foreground", "fired": True, "enable": True},
    State.STOPPING: {"off_at_s": 0.0, "fired": True, "pump_on": True},
    State.COOLDOWN: {"entered_s": 0.0, "fired": True, "pump_on": True},
    State.TRIPPED: {
        "trips": stand_in("trip"), "off_at_s": 0.0, "entered_s": 0.0, "fired": True, "acked": True,
        "clear_since_s": 0.0, "pump_on": True,
    },
    State.LOCKOUT: {"trips": stand_in("lockout"), "off_at_s": 0.0, "entered_s": 0.0, "fired": True},
}  # fmt: skip
"""For each state a memory with which every one of its permits holds at the next tick (LOCKOUT's own never does)."""

NOT_OFF = [{"source": said} for said in ("power", "flag", "nan", "bad", "before", "old", "future", "none")]
NOT_COOL = [{"tip": said} for said in ("hot", "nan", "bad", "old", "none")]
ALONE: dict[tuple[State, str], list[dict[str, Any]]] = {
    (State.BOOT, "off"): NOT_OFF,
    (State.PRECHECK, "off"): NOT_OFF,
    (State.PRECHECK, "prime"): [{"pump_on": False}, {"pump_since_s": 0.01}],
    (State.FIRING, "hold"): [
        *({"lease": said} for said in ("none", "old", "future", "nan")),
        *({"holder": "footswitch", "foot": said} for said in ("up", "both", "down old", "none")),
    ],
    (State.FIRING, "line"): [{"line": said} for said in ("open", "unread", "silent")],
    (State.STOPPING, "off"): NOT_OFF,
    (State.COOLDOWN, "cool"): [*NOT_COOL, {"entered_s": 0.01}],
    (State.TRIPPED, "ack"): [{"acked": False}],
    (State.TRIPPED, "off"): NOT_OFF,
    (State.TRIPPED, "clear"): [{"clear_since_s": None}, {"clear_since_s": 0.01}],
    (State.TRIPPED, "cool"): [*NOT_COOL, {"entered_s": 0.01}],
    (State.LOCKOUT, "off"): NOT_OFF,
    (State.LOCKOUT, "cool"): [*NOT_COOL, {"entered_s": 0.01}],
}
"""Every permit in every state in which it counts, and every condition that alone makes it say no."""

SAVED: dict[tuple[State, str], list[dict[str, Any]]] = {
    (State.FIRING, "hold"): [{"holder": "footswitch", "foot": "down", "lease": "none"}, {"foot": "down"}],
    (State.COOLDOWN, "cool"): [{"tip": "hot", "fired": False}, {"tip": "hot", "entered_s": -0.125}],
    (State.TRIPPED, "cool"): [{"tip": "none", "fired": False}, {"tip": "none", "entered_s": -0.125}],
}
"""What alone makes up for it: the other hand, nothing fired, the longest cool-down."""


def situation(state: State, change: dict[str, Any]) -> tuple[KernelState, Kind]:
    """The state in which all is well, and the inputs, with that change in either."""
    said = {name: change.get(name, value) for name, value in GOOD.items()}
    s = initial(CONFIG)
    s.state, s.now_s = state, 0.0
    for name, value in (READY_FOR[state] | {n: v for n, v in change.items() if n not in GOOD}).items():
        setattr(s, name, value)
    return s, kind(**said)


def withheld(state: State, change: dict[str, Any]) -> list[str]:
    """Permits that are not met."""
    s, given = situation(state, change)
    return _withheld(View(CONFIG, s, given.inputs, given.samples, given.now_s), given.findings)


def test_every_permit_is_in_the_table() -> None:
    rows = {(state, item) for item, states, _ in TABLE for state in states}
    assert rows == {*ALONE, (State.LOCKOUT, "lockout")}


@pytest.mark.parametrize("state", State)
def test_with_all_of_them_nothing_is_withheld(state: State) -> None:
    assert withheld(state, {}) == (["lockout"] if state is State.LOCKOUT else [])


@pytest.mark.parametrize(
    "state, item, change", [(*key, change) for key, changes in ALONE.items() for change in changes], ids=str
)
def test_each_condition_alone_withholds(state: State, item: str, change: dict[str, Any]) -> None:
    assert withheld(state, change) == (["lockout", item] if state is State.LOCKOUT else [item])


@pytest.mark.parametrize(
    "state, item, change", [(*key, change) for key, changes in SAVED.items() for change in changes], ids=str
)
def test_what_makes_up_for_it(state: State, item: str, change: dict[str, Any]) -> None:
    assert item not in withheld(state, change)


LEADS = {
    State.SAFE: ("prepare", State.PRECHECK, State.SAFE),
    State.PRECHECK: ("-", State.READY, State.PRECHECK),
    State.READY: ("arm", State.ARMED, State.READY),
    State.ARMED: ("fire", State.FIRING, State.SAFE),
    State.FIRING: ("-", State.FIRING, State.STOPPING),
    State.TRIPPED: ("reset", State.SAFE, State.TRIPPED),
}
"""The act that leads on, to where, and where one withheld permit leads instead."""
PERMITS = [*((state, item) for state in LEADS for item in ITEMS), *(key for key in ALONE if key[0] in LEADS)]


@pytest.mark.parametrize("state", LEADS)
def test_with_all_of_them_the_act_leads_on(state: State) -> None:
    act, on, _ = LEADS[state]
    after, _, out = decide(*situation(state, {"acts": act}))
    assert (after.state, out.enable) == (on, on is State.FIRING)
    assert out.permit.max_w == (50.0 if state is State.FIRING else 0.0)


@pytest.mark.parametrize("state, item", PERMITS, ids=str)
def test_each_permit_alone_blocks(state: State, item: str) -> None:
    act, _, instead = LEADS[state]
    change = {"acts": act} | (ALONE[state, item][0] if (state, item) in ALONE else {})
    s, given = situation(state, change)
    if item in ITEMS:
        said = Finding(item, INHIBIT, "H00", "any", "d.x", 1.0, 0.0, 0.0, "said", "look", "d")
        given = given._replace(findings=[said])
    after, _, out = decide(s, given)
    assert out.permit.max_w == 0.0
    assert item in out.blocked_by
    if (state, item) == (State.FIRING, "line"):  # power waits for the line; the line does not wait for itself
        assert (after.state, out.enable) == (State.FIRING, True)
    else:
        assert (after.state, out.enable) == (instead, False)
