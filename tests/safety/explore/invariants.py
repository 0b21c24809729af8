"""What every single transition of the state machine must keep, as literals: nothing here asks the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safety.monitors.base import STOP, TRIP
from safety.state import KernelState
from safety.turn import Turn
from safety.types import Outputs, State, Verb

if TYPE_CHECKING:
    from tests.safety.explore.classes import Kind

EDGES = {
    "BOOT": {"SAFE", "TRIPPED", "LOCKOUT"},
    "SAFE": {"PRECHECK", "STOPPING"},
    "PRECHECK": {"READY", "STOPPING"},
    "READY": {"ARMED", "STOPPING"},
    "ARMED": {"SAFE", "FIRING", "STOPPING"},
    "FIRING": {"STOPPING"},
    "STOPPING": {"COOLDOWN", "TRIPPED", "LOCKOUT"},
    "COOLDOWN": {"SAFE", "STOPPING"},
    "TRIPPED": {"SAFE", "LOCKOUT"},
    "LOCKOUT": set(),
}
"""Everything else is a defect."""

BOOT, SAFE, PRECHECK, READY, ARMED, FIRING, STOPPING, COOLDOWN, TRIPPED, LOCKOUT = State
HEALTHY = frozenset({SAFE, PRECHECK, READY, ARMED, FIRING, COOLDOWN})
PUMPED = frozenset({PRECHECK, READY, ARMED, FIRING, STOPPING, COOLDOWN, TRIPPED})
STOPPABLE = frozenset({PRECHECK, READY, ARMED, FIRING})
PAIRS = frozenset((State[a], State[b]) for a, after in EDGES.items() for b in after)
ACTS = frozenset(verb.value for verb in Verb)


def check(before: KernelState, given: Kind, s: KernelState, turn: Turn, out: Outputs) -> None:
    """Every invariant of one transition."""
    was, now, permit, trips = before.state, s.state, out.permit, s.trips
    assert out.state is now
    assert permit.state is now

    # energy (I01 to I04): in the same output in which anything is amiss there is none
    if out.enable:
        assert now is FIRING
        assert not given.findings
        assert not given.stop
        assert was is ARMED or (given.pressed if before.holder == "footswitch" else given.lease)
    assert out.enable or now is not FIRING
    assert permit.epoch == s.epoch
    assert permit.expires_at_s == given.now_s + 0.15
    if permit.max_w != 0.0:
        assert permit.max_w == 50.0
        assert was is now is FIRING
        assert out.enable
        assert given.closed
        assert out.blocked_by == ()

    # causes (I05): the first stays the first, until a reset; and the pump (I20)
    leak = False
    if trips is not before.trips:
        assert trips[: len(before.trips)] == before.trips or (was, now) == (TRIPPED, SAFE)
    if trips:
        assert now not in HEALTHY
        assert out.first_trip is trips[0]
        leak = any(trip.pump_off for trip in trips)
        assert now is not TRIPPED or not any(trip.lockout for trip in trips)
    else:
        assert now is not TRIPPED
        assert out.first_trip is None
    if now in PUMPED:
        assert out.pump_on is not leak
    else:
        assert not out.pump_on or (now is LOCKOUT and not leak)
        if was is now is LOCKOUT and not leak and not cooled(before, given):
            assert out.pump_on

    # what is off is told so until it is proven; what is not firing cannot last for ever
    if now is STOPPING or now is BOOT or now is TRIPPED or now is LOCKOUT:
        assert out.command_off or s.off_at_s < given.off_t_s <= given.now_s
    if was is not now:
        moved(before, given, s, turn)
    else:
        assert was is not STOPPING or 0.0 <= given.now_s - before.off_at_s <= 0.1875
        assert was is not BOOT or 0.0 <= given.now_s - before.entered_s <= 0.25
        assert was is not PRECHECK or given.now_s - before.entered_s <= 0.25
        assert was is not READY or given.now_s - before.entered_s <= 0.25
        assert was is not ARMED or given.now_s - before.armed_at_s <= 0.25
        assert was not in STOPPABLE or not given.stop
    for finding in given.findings:
        if finding.severity is TRIP:
            assert was not in HEALTHY or now is STOPPING
            assert trips
        assert finding.severity is not STOP or was is not FIRING or now is STOPPING
    if s.foot_released and not before.foot_released:
        assert was is ARMED
        assert given.released_t_s > before.armed_at_s
    if s.acked and not before.acked:
        assert was is TRIPPED
        assert Verb.ACK in given.acts

    # the record: one event for every change and for every request, granted or not
    requests = given.inputs.requests
    if turn.events or requests:
        told = [what for what, data in turn.events if data.get("origin") != "footswitch"]
        assert told.count("state") == (was is not now)
        assert told.count("trip") == len(out.new_trips)
        if requests:
            assert len([what for what in told if what in ACTS or what == "refused"]) == len(requests)
    else:
        assert was is now


def moved(before: KernelState, given: Kind, s: KernelState, turn: Turn) -> None:
    """The guard of every way out of a state, once more and by other means."""
    was, now, now_s = before.state, s.state, given.now_s
    asked = given.acts if not given.stop else frozenset()
    assert (was, now) in PAIRS
    if now is SAFE or now in (PRECHECK, READY, FIRING) or (was, now) == (READY, ARMED):
        assert not given.findings or was in (BOOT, COOLDOWN, ARMED)
    if (was, now) == (SAFE, PRECHECK):
        assert Verb.PREPARE in asked
    elif (was, now) == (PRECHECK, READY):
        assert before.entered_s < given.off_t_s <= now_s
        assert before.pump_on
        assert now_s - before.pump_since_s >= 0.125
    elif (was, now) == (READY, ARMED):
        assert Verb.ARM in asked
        assert not s.foot_released  # whatever it was before (I08)
        assert s.epoch == before.epoch + 1
    elif (was, now) == (ARMED, FIRING):
        assert not given.findings
        assert now_s - before.armed_at_s <= 0.25
        if s.holder == "footswitch":
            assert before.foot_released
            assert given.pressed
            assert not given.stop
        else:
            assert (s.holder, given.lease) == ("foreground", True)
            assert Verb.FIRE in asked
    elif was is ARMED or was is FIRING:
        assert s.epoch == before.epoch + 1  # no set-point of before is worth anything
    elif was is STOPPING or was is BOOT:
        proven = before.off_at_s < given.off_t_s <= now_s  # asked for after off was commanded (I10)
        if now is LOCKOUT:
            assert not proven or any(trip.lockout for trip in s.trips)
        else:
            assert proven
            assert bool(s.trips) is (now is TRIPPED)
    elif was is COOLDOWN and now is SAFE:
        assert cooled(before, given)
    elif (was, now) == (TRIPPED, SAFE):  # I06
        assert Verb.RESET in asked
        assert before.acked
        assert before.off_at_s < given.off_t_s <= now_s <= given.off_t_s + 0.2
        assert before.clear_since_s is not None
        assert now_s - before.clear_since_s >= 0.125
        assert cooled(before, given)
        assert not before.resets
        assert s.trips == ()
    elif (was, now) == (TRIPPED, LOCKOUT):
        assert any(trip.lockout for trip in s.trips)


def cooled(before: KernelState, given: Kind) -> bool:
    """Nothing was fired, or the tip is cold and the coolant has run on, or it had its time."""
    waited_s = given.now_s - before.entered_s
    return not before.fired or waited_s >= 0.25 or (given.cold and waited_s >= 0.125)
