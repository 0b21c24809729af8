"""People's contacts on the live bench: E-stop, door, footswitch; and the way out of a trip."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.records.reader import open_session
from tests.process.bench import POWER_W, Emulated, Live, armed, firing
from tests.process.ends import wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

RELEASED = {"estop_a": True, "estop_b": True, "foot_no": False, "foot_nc": True, "door": True}
PRESSED = {"foot_no": True, "foot_nc": False}


@pytest.fixture(autouse=True)
def released(emulated: Emulated) -> Iterator[None]:
    """Everything as it is when nobody touches it."""
    yield
    emulated.backdoor(input=RELEASED)
    emulated.forget()


def off_after_s(emulated: Emulated, begin_s: float) -> float:
    wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
    off_s = emulated.log.off_s(begin_s)
    assert off_s is not None
    return off_s - begin_s


def test_e_stop_is_off_at_once_and_needs_a_person(emulated: Emulated) -> None:
    with firing(emulated) as live:
        begin_s = time.monotonic()
        emulated.backdoor(input={"estop_a": False, "estop_b": False})
        trip = live.state("TRIPPED")["trip"]
        assert (trip["hazard"], trip["monitor"], trip["text"]) == ("H66", "estop", "E-stop is pressed")
        assert off_after_s(emulated, begin_s) <= 0.02  # its contacts are in the generator's interlock
        live.let_go()
        assert "ack" in live.control.ask("reset", reason="too early")["blocked_by"]
        live.control.ask("ack")
        assert "estop" in live.control.ask("reset", reason="still pressed")["blocked_by"]
        emulated.backdoor(input={"estop_a": True, "estop_b": True})
        assert not live.control.ask("reset", reason="")["ok"]
        wait_for(lambda: live.control.ask("reset", reason="released it")["ok"], "the reset", 5.0)
        live.fire(emulated.steady)
        live.let_go()
        live.state("SAFE")
        assert live.shut() == 0
    assert not emulated.latch.exists()
    with open_session(live.session) as session:
        assert [event.data["monitor"] for event in session.events("trip")] == ["estop"]


@pytest.mark.parametrize("contact", ["estop_a", "estop_b"])
def test_one_e_stop_contact_alone_is_off_and_a_lockout(emulated: Emulated, contact: str) -> None:
    with firing(emulated) as live:
        begin_s = time.monotonic()
        emulated.backdoor(input={contact: False})
        trip = live.state("LOCKOUT")["trip"]
        assert (trip["hazard"], trip["channel"]) == ("H67", f"inputs.{contact}_closed")
        assert off_after_s(emulated, begin_s) <= 0.02


def test_the_door_trips(emulated: Emulated) -> None:
    with firing(emulated) as live:
        begin_s = time.monotonic()
        emulated.backdoor(input={"door": False})
        trip = live.state("TRIPPED")["trip"]
        assert (trip["hazard"], trip["channel"], trip["check"]) == ("H70", "inputs.door_closed", "close the door")
        assert off_after_s(emulated, begin_s) <= 0.3


def test_the_footswitch_fires_after_arm_and_its_release_stops(emulated: Emulated) -> None:
    """No foreground holds: the foot alone does."""
    with armed(emulated) as live:
        time.sleep(0.3)
        assert live.control.ask("status")["state"] == "ARMED"
        emulated.backdoor(input=PRESSED)
        wait_for(lambda: emulated.log.now_w > 0.8 * POWER_W, "power", 2.0)
        time.sleep(0.5)  # longer than any lease of a foreground
        assert emulated.log.now_w > 0.8 * POWER_W
        begin_s = time.monotonic()
        emulated.backdoor(input={"foot_no": False, "foot_nc": True})
        assert off_after_s(emulated, begin_s) <= 0.3
        status = live.state("SAFE")
        assert status["trip"] is None
        result = wait_for(lambda: live.control.ask("status")["result"], "the result", 2.0)
        assert (result["result"], result["reason"]) == ("aborted", "footswitch let go")


def test_a_footswitch_that_is_down_is_refused(emulated: Emulated) -> None:
    """Down before PREPARE: not ready. Down between READY and ARM: not armed. Neither ever fires."""
    with Live(emulated) as live:
        live.state("SAFE")
        emulated.backdoor(input=PRESSED)
        time.sleep(0.2)
        live.control.ask("prepare", protocol=str(emulated.steady))
        wait_for(lambda: live.control.ask("status")["blocked_by"] == ["footswitch"], "the footswitch alone", 3.0)
        assert live.control.ask("status")["state"] == "PRECHECK"
        emulated.backdoor(input={"foot_no": False, "foot_nc": True})
        live.state("READY")
        emulated.backdoor(input=PRESSED)
        time.sleep(0.2)
        answer = live.control.ask("arm")
        assert (answer["ok"], answer["blocked_by"]) == (False, ["footswitch"])
        assert emulated.log.now_w == 0.0


def test_a_foot_that_went_down_before_arm_does_not_fire(emulated: Emulated) -> None:
    """It takes an edge after ARM: a release that was seen, and then a press."""
    with armed(emulated) as live:
        emulated.backdoor(input=PRESSED)
        wait_for(lambda: live.control.ask("status")["state"] == "FIRING", "FIRING", 2.0)
        emulated.backdoor(input={"foot_no": False, "foot_nc": True})
        live.state("SAFE")
        # Contradicting contacts are no press.
        live.arm(emulated.steady)
        emulated.backdoor(input={"foot_no": True, "foot_nc": True})
        time.sleep(0.5)
        assert emulated.log.now_w == 0.0
