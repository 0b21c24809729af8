"""What is kept: I28, the record of drawn acts and trips, and I29, the latch of drawn trips."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.daemon import tick
from controller.daemon.desk import Desk
from controller.daemon.latch import LatchFile
from controller.records.reader import open_session
from controller.records.verify import verify
from safety import kernel
from safety.types import Fault, Inputs, Outputs, State, Trip
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol
from tests.safety.properties.bench import examples
from tests.safety.rig import Rig, config

# ---- I28

ACTS = st.one_of(
    st.sampled_from(["on", "on", "on", "ack", "stop", "network", "estop", "fault", "release", "arm", "fire", "reset"]),
    st.floats(0.1, 2.0),
)

WHOLE_WAY = ["on"] * 4


async def on(desk: Desk, path: str, who: str) -> None:
    """The act that leads on."""
    state = (await desk.status())["state"]
    if state == "SAFE":
        await desk.prepare(path, who)
    elif state == "READY":
        await desk.arm(who)
    elif state == "ARMED":
        await desk.fire(who)
    elif state == "TRIPPED":
        await desk.ack(who)


async def played(run: Rehearsal, desk: Desk, path: str, acts: list[Any]) -> None:
    """Each act by somebody of another name."""
    await asyncio.sleep(1.0)
    for k, act in enumerate(acts):
        who = f"who {k}"
        match act:
            case float():
                await asyncio.sleep(act)
            case "on":
                await on(desk, path, who)
            case "network":
                desk.stop_from_network(who, "far away")
            case "stop":
                await desk.stop(who, "enough")
            case "reset":
                await desk.reset(who, "looked")
            case "release":
                await desk.release()
            case "estop":
                run.sim.set_inputs({"estop_a": False, "estop_b": False})
                await asyncio.sleep(0.2)
                run.sim.set_inputs({"estop_a": True, "estop_b": True})
            case "fault":
                run.daemon.hub.fault(Fault("H32", f"m{k}", "law", "drawn", "nothing", run.daemon._loop.time()))
            case _:
                await getattr(desk, act)(who)
        await desk.renew()
        await asyncio.sleep(0.8 if act == "on" else 0.1)


def watched(seen: list[tuple[float, State, Inputs, Outputs]], patch: pytest.MonkeyPatch) -> None:
    """Every step of the daemon's kernel is seen from outside: when, from where, what it was told, what it said."""

    def seeing(cfg: Any, state: Any, inputs: Inputs, now_s: float) -> tuple[Any, Outputs]:
        after, out = kernel.step(cfg, state, inputs, now_s)
        seen.append((now_s, state.state, inputs, out))
        return after, out

    class Seen:
        step = staticmethod(seeing)
        KernelState, adopt = kernel.KernelState, staticmethod(kernel.adopt)

    patch.setattr(tick, "kernel", Seen)


@examples(10)
@given(st.lists(ACTS, max_size=14))
@example(WHOLE_WAY)
def test_i28_each_change_and_each_act_is_in_the_record_once(acts: list[Any]) -> None:
    seen: list[tuple[float, State, Inputs, Outputs]] = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        watched(seen, patch)
        path = protocol(Path(folder))
        acted(Path(folder), path, lambda run, desk: played(run, desk, path, acts))
        (file,) = Path(folder).rglob("*.ablate")
        result = verify(file)
        with open_session(file) as session:
            events = [event for event in session.events() if event.data.get("kernel") is not False]
            ticks = session.ticks()
            kept = list(zip(ticks.t_s.tolist(), ticks.permit_w.tolist(), strict=True))
    assert (result.verdict, result.problems) == ("recorded", ())
    changes = [(t, was.value, out.state.value) for t, was, _, out in seen if out.state is not was]
    assert [(e.t_s, e.data["from"], e.data["to"]) for e in events if e.kind == "state"] == changes
    asked = Counter((t, r.verb.value, r.who) for t, _, inputs, _ in seen for r in inputs.requests)
    verbs = {"prepare", "arm", "fire", "stop", "complete", "ack", "reset"}
    told = [(e.t_s, e.data.get("verb", e.kind), e.data["who"]) for e in events if e.kind in (*verbs, "refused")]
    assert Counter(told) == asked
    trips = [(t, trip.hazard, trip.monitor, trip.text) for t, _, _, out in seen for trip in out.new_trips]
    assert [(e.t_s, e.data["hazard"], e.data["monitor"], e.data["text"]) for e in events if e.kind == "trip"] == trips
    granted = [(t, out.permit.max_w) for t, _, _, out in seen]
    assert stepped(kept) == stepped(granted)
    assert len(set(ticks.t_s.tolist())) == len(kept)
    assert acts != WHOLE_WAY or [power_w > 0.0 for _, power_w in stepped(granted)] == [True, False]


def stepped(grants: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """When what is granted has changed by more than 1 W, and to what."""
    found, last_w = [], 0.0
    for t_s, power_w in grants:
        if abs(power_w - last_w) > 1.0:
            found.append((t_s, power_w))
            last_w = power_w
    return found


# ---- I29

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates and control characters are characters too
TRIPS = st.builds(
    Trip,
    *[TEXT] * 4,
    *[st.floats()] * 4,
    TEXT,
    TEXT,
    lockout=st.sampled_from([False, False, True]),
    pump_off=st.booleans(),
)


@examples(100)
@given(TEXT, st.lists(TRIPS, min_size=1, max_size=3), st.floats(0.0, 99.0) | st.none())
def test_i29_a_latched_trip_outlives_the_daemon(bench: str, trips: list[Trip], reset_s: float | None) -> None:
    """One daemon's file is the next one's trip: TRIPPED for the same cause, or LOCKOUT if any of them locked out."""
    resets = () if reset_s is None else (reset_s,)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "latch.json"
        first = LatchFile(path, bench)
        for n in range(1, len(trips) + 1):
            first.follow(tuple(trips[:n]), resets)
        trip, known = LatchFile(path, bench).read(100.0)
    assert trip is not None
    assert known == resets
    locked = any(each.lockout for each in trips)
    rig = Rig(config(), latch=trip)
    rig.tick(60)
    assert rig.out.state is (State.LOCKOUT if locked else State.TRIPPED)
    assert (rig.out.enable, rig.out.permit.max_w) == (False, 0.0)
    cause, same = rig.out.first_trip, trips[0]
    assert cause is not None
    names = ("hazard", "monitor", "device", "channel", "value", "limit", "age_s", "t_s", "text", "check", "pump_off")
    assert [repr(getattr(cause, name)) for name in names] == [repr(getattr(same, name)) for name in names]
    assert cause.lockout is locked
