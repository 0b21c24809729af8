"""Alarms: priorities, order, latching, silence and acknowledge, power, the self-test; then the whole daemon."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from controller.bell import Bell
from controller.daemon.alarms import Alarms, Priority, flowing, wrong
from controller.daemon.describe import hazards
from controller.daemon.desk import Desk
from controller.hazards import Hazard
from controller.live_view import alarm as in_words
from controller.live_view import line
from safety.types import Outputs, Permit, Quality, Sample, State, Trip
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, of, protocol, until

ROWS = (
    Hazard("H38", "the pump stands <- motor, driver", "interlock", ("INH", "TRIP"), "high", "latched"),
    Hazard("H70", "a door is open", "interlock", ("TRIP",), "medium", "latched"),
)
FLOW = Trip("H38", "coolant_flow", "flow", "flow.flow_ml_min", 3.0, 56.0, 0.1, 5.0, "flow is 3", "pump and tube")
DOOR = Trip("H70", "flag", "inputs", "inputs.door_closed", 0.0, 1.0, 0.0, 6.0, "the door is open", "close the door")
FLOW_KEY, DOOR_KEY = "H38 coolant_flow flow.flow_ml_min", "H70 flag inputs.door_closed"


def out(*events: tuple[str, dict[str, object]], state: State = State.TRIPPED, command_off: bool = False) -> Outputs:
    return Outputs(state, Permit(0.0, 0.0, 1, state), True, False, command_off, None, events=events)


def told(alarms: Alarms, now_s: float, *trips: Trip, powered: bool = False, **more: Any) -> list[str]:
    """Keys as they are listed after one tick."""
    alarms.follow(more.pop("out", out()), trips, now_s, powered=powered, **more)
    return [alarm.key for alarm in alarms.listed()]


def heard(alarms: Alarms, now_s: float) -> str:
    sound = alarms.sound(now_s)
    return sound.name if sound is not None else ""


@pytest.fixture
def alarms() -> Alarms:
    return Alarms(ROWS, "rf")


def test_a_trip_says_what_where_how_much_why_and_what_to_do(alarms: Alarms) -> None:
    told(alarms, 10.0, FLOW)
    assert alarms.as_dict(10.0) == {
        "list": [
            {
                "key": FLOW_KEY,
                "priority": "high",
                "text": "flow is 3",
                "where": "flow.flow_ml_min",
                "value": 3.0,
                "limit": 56.0,
                "causes": "motor, driver",
                "do": "pump and tube",
                "after_s": 0.0,
                "present": True,
                "acknowledged": False,
            }
        ],
        "sound": {"name": "high", "pulses": 10, "every_s": 10.0, "number": 1},
        "paused_s": 0.0,
        "activation": "",
    }
    assert in_words(alarms.as_dict(10.0)["list"][0]) == (
        "ALARM high: flow.flow_ml_min: flow is 3 (3, limit 56). Likely: motor, driver. Do: pump and tube."
    )


def test_the_first_cause_stays_on_top_whatever_follows(alarms: Alarms) -> None:
    assert told(alarms, 10.0, DOOR) == [DOOR_KEY]
    assert told(alarms, 12.5, DOOR, FLOW) == [DOOR_KEY, FLOW_KEY]  # medium above high: it came first
    assert [each["after_s"] for each in alarms.as_dict(12.5)["list"]] == [0.0, 2.5]
    assert heard(alarms, 12.5) == "high"
    alarms.acknowledge(13.0)
    assert told(alarms, 14.0, DOOR, FLOW) == [DOOR_KEY, FLOW_KEY]
    assert told(alarms, 15.0) == []  # reset


def test_others_follow_by_priority_then_age(alarms: Alarms) -> None:
    told(alarms, 1.0, bag_low=True)
    told(alarms, 2.0, DOOR, bag_low=True)
    assert told(alarms, 3.0, DOOR, FLOW, bag_low=True) == [DOOR_KEY, FLOW_KEY, "bag"]


def test_a_hazard_that_the_table_does_not_know_is_high(alarms: Alarms) -> None:
    told(alarms, 1.0, dataclasses.replace(FLOW, hazard="H99"))
    assert alarms.listed()[0].priority is Priority.HIGH


def test_silence_pauses_the_sound_for_two_minutes_and_changes_nothing_else(alarms: Alarms) -> None:
    assert alarms.silence(0.0) == 0.0  # nothing there
    told(alarms, 10.0, DOOR)
    assert alarms.silence(11.0) == 120.0
    assert [alarms.as_dict(t_s)["paused_s"] for t_s in (11.0, 100.0, 130.9)] == [120.0, 31.0, 0.1]
    assert [heard(alarms, t_s) for t_s in (11.0, 130.9, 131.0)] == ["", "", "medium"]
    assert (alarms.listed()[0].key, alarms.listed()[0].acknowledged) == (DOOR_KEY, False)


def test_a_new_high_alarm_breaks_the_silence_and_a_medium_one_does_not(alarms: Alarms) -> None:
    told(alarms, 10.0, DOOR)
    alarms.silence(10.0)
    told(alarms, 11.0, DOOR, bag_low=True)
    assert heard(alarms, 11.0) == ""
    told(alarms, 12.0, DOOR, FLOW, bag_low=True)
    assert heard(alarms, 12.0) == "high"
    alarms.silence(13.0)
    told(alarms, 14.0, DOOR, FLOW, bag_low=True)  # the same again is not new
    assert heard(alarms, 14.0) == ""


def test_acknowledge_is_no_reset(alarms: Alarms) -> None:
    told(alarms, 10.0, FLOW, bag_low=True)
    alarms.acknowledge(11.0)
    assert [(a.key, a.acknowledged) for a in alarms.listed()] == [(FLOW_KEY, True), ("bag", True)]
    assert [heard(alarms, t_s) for t_s in (11.0, 130.9, 131.0)] == ["", "", "high"]
    assert told(alarms, 140.0, FLOW) == [FLOW_KEY]  # a new bag; the trip stays


def test_what_does_not_latch_goes_with_its_condition(alarms: Alarms) -> None:
    assert told(alarms, 1.0, bag_low=True) == ["bag"]
    assert heard(alarms, 1.0) == "medium"
    assert told(alarms, 2.0) == []
    assert heard(alarms, 2.0) == ""


def test_off_that_was_not_confirmed_stays_until_it_is_acknowledged(alarms: Alarms) -> None:
    event = ("alarm", {"priority": "high", "text": "OFF NOT CONFIRMED", "waited_s": 0.3})
    stopping = out(event, state=State.STOPPING, command_off=True)
    assert told(alarms, 1.0, out=stopping) == ["off"]
    assert told(alarms, 1.1, out=out(state=State.COOLDOWN)) == ["off"]
    assert (alarms.listed()[0].present, heard(alarms, 1.1)) == (False, "high")
    alarms.acknowledge(2.0)
    assert alarms.listed() == []
    told(alarms, 3.0, out=stopping)
    alarms.acknowledge(3.1)  # not over yet
    assert told(alarms, 3.2, out=out(state=State.STOPPING, command_off=True)) == ["off"]
    assert told(alarms, 3.3, out=out(state=State.COOLDOWN)) == []


def ended(reason: str) -> tuple[str, dict[str, object]]:
    return "state", {"from": "FIRING", "to": "STOPPING", "reason": reason, "who": ""}


def test_an_application_that_something_ended_is_told(alarms: Alarms) -> None:
    for reason in ("complete", "stop: operator", "foreground let go", "footswitch let go"):
        assert told(alarms, 1.0, out=out(ended(reason))) == []
    assert told(alarms, 2.0, out=out(ended("the session file is not being written: disk full"))) == ["ended"]
    assert alarms.listed()[0].text == "ended: the session file is not being written: disk full"
    assert heard(alarms, 2.0) == "medium"
    assert told(alarms, 3.0) == ["ended"]
    alarms.acknowledge(4.0)
    assert alarms.listed() == []


def test_not_ready_is_low_until_it_is_seen_or_tried_again(alarms: Alarms) -> None:
    failed = out(("precheck_failed", {"blocked_by": ["flow"], "texts": ["flow is 3 ml/min"]}))
    assert told(alarms, 1.0, out=failed) == ["ready"]
    assert (alarms.listed()[0].text, heard(alarms, 1.0)) == ("not ready: flow is 3 ml/min", "low")
    alarms.acknowledge(2.0)
    assert alarms.listed() == []
    told(alarms, 3.0, out=failed)
    again = out(("state", {"from": "SAFE", "to": "PRECHECK", "reason": "prepare", "who": ""}))
    assert told(alarms, 4.0, out=again) == []


def test_late_ticks_warn_when_they_come_again_and_again(alarms: Alarms) -> None:
    late = [1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7]  # two by themselves, then five in a row
    assert [told(alarms, 0.05 * k, late_ticks=n) for k, n in enumerate(late)] == [[]] * 10 + [["late"]]
    assert alarms.listed()[0].text == "the daemon's ticks are late, 7 of them so far"
    assert [told(alarms, 1.0 + k, late_ticks=7) for k in range(5)] == [["late"]] * 4 + [[]]
    told(alarms, 9.0, late_ticks=1007)  # however many: a second of timely ticks is an end
    assert [told(alarms, 9.0 + k, late_ticks=1007) for k in range(20)] == [["late"]] * 19 + [[]]


def test_power_is_seen_and_heard_by_itself_and_an_alarm_is_louder(alarms: Alarms) -> None:
    told(alarms, 1.0, powered=True)
    assert (alarms.as_dict(1.0)["activation"], heard(alarms, 1.0)) == ("RF ON", "activation")
    told(alarms, 2.0, FLOW, powered=True)
    assert (alarms.as_dict(2.0)["activation"], heard(alarms, 2.0)) == ("RF ON", "high")
    alarms.silence(2.0)
    assert heard(alarms, 3.0) == "activation"  # it is no alarm, and is not silenced
    told(alarms, 4.0, FLOW)
    assert (alarms.as_dict(4.0)["activation"], heard(alarms, 4.0)) == ("", "")
    microwaves = Alarms(ROWS, "microwave")
    told(microwaves, 1.0, powered=True)
    assert microwaves.as_dict(1.0)["activation"] == "MICROWAVE ON"


@pytest.mark.parametrize(
    ("channel", "value", "quality", "applied_w", "flows"),
    [
        ("gen.rf_on", 1.0, Quality.GOOD, 0.0, True),
        ("gen.rf_on", 0.0, Quality.GOOD, 0.0, False),
        ("gen.rf_on", 1.0, Quality.BAD, 0.0, False),
        ("gen.power_w", 5.0, Quality.GOOD, 0.0, True),
        ("gen.power_w", 4.9, Quality.GOOD, 0.0, False),
        ("gen.forward_power_w", 5.0, Quality.GOOD, 0.0, True),
        ("gen.setpoint_w", 50.0, Quality.GOOD, 0.0, False),
        ("gen.setpoint_w", 50.0, Quality.GOOD, 0.1, True),
    ],
)
def test_power_flows_by_any_word_of_the_source(
    channel: str, value: float, quality: Quality, applied_w: float, flows: bool
) -> None:
    assert flowing({channel: Sample(channel, value, 1.0, quality)}, "gen", applied_w) is flows


def test_the_self_test_sounds_once_and_finds_what_would_not_be_told(alarms: Alarms) -> None:
    assert wrong(hazards()) == []
    assert wrong(()) == ["alarms: the hazard table has no trip"]
    unheard = dataclasses.replace(ROWS[0], alarm="low")
    assert wrong((unheard, ROWS[1])) == []
    assert alarms.test(10.0) == []
    assert [heard(alarms, t_s) for t_s in (10.0, 10.9, 11.0)] == ["test", "test", ""]


def test_the_bell_rings_a_burst_and_again_when_its_time_has_come() -> None:
    now_s, rung = [0.0], []
    bell = Bell(lambda: rung.append(now_s[0]), lambda: now_s[0])
    sound = {"name": "medium", "pulses": 3, "every_s": 20.0, "number": 1}
    for k in range(1, 51):  # ten statuses a second for five seconds
        now_s[0] = 100.0 + k / 10
        bell({"alarms": {"sound": sound}})
    assert rung == pytest.approx([100.1, 100.3, 100.5])
    now_s[0] = 120.1
    bell({"alarms": {"sound": sound}})
    assert rung[3:] == [120.1]
    now_s[0] = 121.0
    bell({"alarms": {"sound": {**sound, "name": "high", "number": 2}}})  # another begins at once
    assert rung[4:] == [121.0]
    bell({"alarms": {"sound": None}})
    bell({})
    assert len(rung) == 5


# ---- the whole daemon


def test_a_trip_in_the_daemon_is_listed_silenced_acknowledged_and_reset(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        assert await desk.silence("anna") == {"ok": False, "error": "there is no alarm to silence"}
        await desk.prepare(protocol(tmp_path), "anna")
        seen["test"] = (await desk.status())["alarms"]["sound"]["name"]
        await until(desk, "READY")
        await desk.arm("anna")
        await desk.fire("anna")
        for _ in range(20):
            await desk.renew()
            await asyncio.sleep(0.1)
        seen["powered"] = (await desk.status())["alarms"]["activation"]
        seen["line"] = line(await desk.status())
        run.sim.add_fault("inputs.door+1")
        await until(desk, "TRIPPED")
        seen["tripped"] = (await desk.status())["alarms"]
        seen["silence"] = await desk.silence("anna")
        seen["silenced"] = (await desk.status())["alarms"]
        await asyncio.sleep(4.0)
        assert (await desk.reset("anna", "closed"))["blocked_by"] == ["ack"]  # silenced is not acknowledged
        await desk.ack("anna")
        seen["acknowledged"] = (await desk.status())["alarms"]["list"][0]["acknowledged"]
        assert (await desk.reset("anna", "closed"))["ok"]
        seen["reset"] = (await desk.status())["alarms"]
        assert not (await desk.arm("anna"))["ok"]  # reset is not armed

    events = acted(tmp_path, protocol(tmp_path), act)
    assert (seen["test"], seen["powered"]) == ("test", "RF ON")
    assert "RF ON" in seen["line"]
    (alarm,) = seen["tripped"]["list"]
    assert (alarm["key"], alarm["priority"], alarm["where"]) == ("H70 flag inputs.door_closed", "medium", DOOR.channel)
    assert (seen["tripped"]["sound"]["name"], seen["tripped"]["activation"]) == ("medium", "")
    assert seen["silence"] == {"ok": True, "paused_s": 120.0}
    assert (seen["silenced"]["sound"], seen["silenced"]["paused_s"]) == (None, 120.0)
    assert seen["acknowledged"] is True
    assert (seen["reset"]["list"], seen["reset"]["sound"]) == ([], None)
    assert of(events, "alarms") == [{"list": ["H70 flag inputs.door_closed"]}, {"list": []}]
    assert of(events, "silence") == [{"who": "anna", "paused_s": 120.0}]
