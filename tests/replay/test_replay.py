"""Sessions of every law, of trips and of idling are decided as they were; a changed number is found at its tick."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from controller import cli
from controller.laws import registry
from controller.records.reader import open_session
from controller.replay import ReplayError, read, replay
from safety.monitors.power import OverPower
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol, until
from tests.records.recording import write as write_before
from tests.replay.sessions import OF_EACH_LAW, recorded


def only(folder: Path) -> Path:
    """The one session under ``folder``."""
    (path,) = folder.rglob("*.ablate")
    return path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration, to its end."""
    return recorded("demo-30s", tmp_path_factory.mktemp("demo"))


def test_no_law_is_left_out():
    assert set(OF_EACH_LAW) == set(registry.names())


@pytest.mark.parametrize("law", OF_EACH_LAW)
def test_a_session_of_each_law(law: str, tmp_path: Path):
    found = replay(read(recorded(OF_EACH_LAW[law], tmp_path, seconds=2.5)))
    assert found.equal, found.text
    assert found.energised_s == pytest.approx(2.5, abs=0.2)
    assert found.ticks > 60


def test_a_session_to_its_end(demo: Path):
    found = replay(read(demo))
    assert found.equal, found.text
    assert found.energised_s == pytest.approx(30.1, abs=0.2)


@pytest.mark.parametrize("fault", ["tc.tip.open@6", "inputs.estop@6", "pump.stall@6"])
def test_a_session_that_tripped(fault: str, tmp_path: Path):
    path = recorded("demo-30s", tmp_path, faults=(fault,))
    with open_session(path) as session:
        assert session.events("trip")
    found = replay(read(path))
    assert found.equal, found.text


def test_idling_is_left_out_and_what_follows_is_not(tmp_path: Path):
    async def wait_and_run(run: Rehearsal, desk) -> None:
        await asyncio.sleep(7.3)
        for _ in range(2):
            assert (await desk.prepare(protocol(tmp_path), "test"))["ok"]
            await until(desk, "READY")
            await desk.arm("test")
            assert (await desk.fire("test"))["ok"]
            for _ in range(20):
                await desk.renew()
                await asyncio.sleep(0.1)
            await desk.release()
            await until(desk, "SAFE")
            await asyncio.sleep(3.0)

    acted(tmp_path, protocol(tmp_path), wait_and_run)
    found = replay(read(only(tmp_path)))
    assert found.equal, found.text
    assert found.idle >= 10
    assert found.energised_s == pytest.approx(4.2, abs=0.4)


def test_a_trip_out_of_idling(tmp_path: Path):
    async def wait(run: Rehearsal, desk) -> None:
        await asyncio.sleep(9.0)

    events = acted(tmp_path, protocol(tmp_path), wait, faults=("gen.link.disconnect@5",))
    assert [event.data["hazard"] for event in events if event.kind == "trip"][:1] == ["H15"]
    found = replay(read(only(tmp_path)))
    assert found.equal, found.text
    assert found.idle >= 3


# ---- what differs is found


def test_another_number_of_the_kernel_is_found_at_the_first_tick_that_it_decides(demo: Path):
    recording = read(demo)
    found = replay(recording, {"thresholds.power_ratio": 0.0, "thresholds.power_margin_w": 0.05})
    assert found.difference is not None
    told = found.as_dict()["difference"]
    assert (told["channel"], told["state"]) == ("gen.forward_power_w", "FIRING")
    assert told["what"]["state"] == {"recorded": "FIRING", "today": "STOPPING"}
    assert told["what"]["events"]["recorded"] == []
    assert told["what"]["events"]["today"][0].startswith("trip H02 power_high gen.forward_power_w")
    (sample,) = told["samples"]
    setpoint_w = max(row.setpoint_w or 0.0 for row in recording.ticks if row.seq < told["tick"])
    assert sample["value"] > setpoint_w + 0.05
    assert found.ticks == told["tick"] - recording.ticks[0].seq
    assert "led there by: gen.forward_power_w" in found.text


def test_a_trip_that_today_would_not_come_is_found_where_it_was(tmp_path: Path):
    path = recorded("demo-30s", tmp_path, faults=("gen.over_deliver=1.5@6",))
    with open_session(path) as session:
        trip = session.events("trip")[0]
    found = replay(read(path), {"thresholds.power_ratio": 0.9, "thresholds.power_margin_w": 120.0})
    assert found.difference is not None
    assert found.difference.t_s == trip.t_s
    assert found.difference.channel == trip.data["channel"]
    assert found.difference.what["state"] == ("STOPPING", "FIRING")


def test_a_changed_monitor_is_found(demo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(OverPower, "update", lambda self, memory, view: 1 / 0)
    found = replay(read(demo))
    assert found.difference is not None
    assert found.difference.tick == 1
    assert found.difference.what["state"] == ("BOOT", "LOCKOUT")


def test_a_changed_law_is_found(demo: Path, monkeypatch: pytest.MonkeyPatch):
    law = registry.find("pulsed-impedance")
    step = law.step

    def hasty(self, observation, permit, dt_s):
        demand = step(self, observation, permit, dt_s)
        return demand._replace(power_w=demand.power_w + 1.0) if observation.t_s > 10.0 else demand

    monkeypatch.setattr(law, "step", hasty)
    found = replay(read(demo))
    assert found.difference is not None
    assert found.energised_s == pytest.approx(10.0, abs=0.11)
    was, now = found.difference.what["demand_w"]
    assert now == pytest.approx(was + 1.0)
    assert {"gen.power_w", "gen.forward_power_w"} & {sample["channel"] for sample in found.difference.led}


def test_a_law_that_fails_today_is_found(demo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry.find("pulsed-impedance"), "step", lambda *_: 1 / 0)
    found = replay(read(demo))
    assert found.difference is not None
    assert found.difference.what == {"asked by the loop": ([], ["H32 law"])}


def test_a_fire_that_was_refused_and_is_not_today_is_found(demo: Path):
    recording = read(demo)
    fired = next(k for k, row in enumerate(recording.ticks) if row.state == "FIRING")
    refused = [*recording.ticks[:fired], recording.ticks[fired]._replace(state="ARMED")]
    found = replay(replace(recording, ticks=refused, events=[e for e in recording.events if e.kind != "application"]))
    assert found.difference is not None
    assert found.difference.tick == recording.ticks[fired].seq
    assert found.difference.what == {"state": ("ARMED", "FIRING")}


# ---- as a command


def test_as_a_command(demo: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["sessions", "replay", str(demo), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["equal"], told["difference"]) == (True, None)
    changed = ["--set", "thresholds.power_margin_w=0.05", "--set", "thresholds.power_ratio=0"]
    assert cli.run(["sessions", "replay", str(demo), *changed]) == 8
    assert "today trip H02 power_high" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("thresholds.pwer_ratio=1", "did you mean 'thresholds.power_ratio'?"),
        ("thresholds.power_ratio=-1", "power_ratio must be a finite number"),
        ("thresholds.power_ratio", "write NAME=NUMBER"),
    ],
)
def test_a_change_that_cannot_be_is_a_wrong_use(change: str, said: str, demo: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["sessions", "replay", str(demo), "--set", change]) == 2
    assert said in capsys.readouterr().err


def test_a_record_of_earlier_versions_says_so(tmp_path: Path):
    path = write_before(tmp_path).path
    with pytest.raises(ReplayError, match="recorded from this version on"):
        replay(read(path))
