"""The open session as the panel reads it: in its file, while it is written."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from controller.panel import facts
from controller.panel.columns import Columns
from controller.panel.following import LONGEST, Follower, series_of
from controller.records.session import Recorder, TickRow
from safety.types import Quality, Sample
from tests.panel.rig import Rig, shipped

ROLES = {"source": "gen", "tip": "tc.tip_c", "tissue": ["tc.a_c", "tc.b_c"], "flow": None}
HEADER = {"bench": "cooled-rf", "simulated": True, "devices": {"gen": {"model": "AG 0313", "serial": "7"}}}


def begin(folder: Path) -> Recorder:
    return Recorder.create(folder, HEADER, [{"name": "gen.power_w"}, {"name": "tc.tip_c"}], threaded=False, t_s=100.0)


def tick(recorder: Recorder, seq: int, *samples: Sample, setpoint_w: float = 0.0) -> None:
    t_s = 100.0 + 0.05 * seq
    recorder.tick(TickRow(seq, t_s, "SAFE", 0.0, 0.0, setpoint_w, 0, samples, energy_j=1.0))


def read(channel: str, value: float, t_s: float, quality: Quality = Quality.GOOD) -> Sample:
    return Sample(channel, value, t_s, quality)


def commit(recorder: Recorder) -> None:
    recorder._commit()


def test_series_are_named_as_in_status() -> None:
    assert series_of(ROLES) == {
        "power_w": "gen.power_w",
        "forward_w": "gen.forward_power_w",
        "tip_c": "tc.tip_c",
        "tissue_c[0]": "tc.a_c",
        "tissue_c[1]": "tc.b_c",
    }


def test_what_was_committed_is_what_is_shown(tmp_path: Path) -> None:
    recorder = begin(tmp_path)
    follower = Follower(ROLES)
    follower.path = recorder.path
    tick(recorder, 0, read("gen.power_w", 1.0, 99.99), read("tc.tip_c", 20.0, 99.98))
    tick(recorder, 1)
    recorder.event(100.05, "state", {"from": "BOOT", "to": "SAFE"})
    commit(recorder)
    assert [event["kind"] for event in follower.look()] == ["state"]
    assert follower.header["bench"] == "cooled-rf"
    tick(recorder, 2, read("gen.power_w", 30.0, 100.09), read("tc.tip_c", 25.0, 100.08, Quality.BAD), setpoint_w=30.0)
    recorder.event(100.1, "kernel", {"state": {}})
    recorder.event(100.1, "inputs", {})
    recorder.event(100.1, "protocol", {"text": "x" * 9000, "limits": {"tip_c": {"value": 60.0, "layer": "bench"}}})
    commit(recorder)
    (event,) = follower.look()
    assert (event["seq"], event["kind"], len(event["data"]["text"])) == (4, "protocol", LONGEST)
    assert follower.look() == []
    told = follower.history.last()
    assert told["t_s"] == [100.0, 100.05, 100.1]
    assert told["power_w"] == [1.0, 1.0, 30.0]
    assert told["tip_c"] == [20.0, 20.0, None]  # what is not good is nothing
    assert told["tissue_c[0]"] == [None, None, None]
    assert told["setpoint_w"] == [0.0, 0.0, 30.0]
    assert follower.history.last(0.06)["t_s"] == [100.05, 100.1]
    assert follower.channels["tc.tip_c"] == {"t_s": 100.08, "value": 25.0, "quality": Quality.BAD.value}
    assert follower.rows == 3 + 4 + 4
    recorder.close({})


async def test_a_new_session_begins_anew_and_pages_are_told(tmp_path: Path, rig: Rig) -> None:
    page = await rig.page()
    assert (await page.told("snapshot"))["bench"]["session"] is None
    for name in ("one", "two"):
        recorder = begin(tmp_path / name)
        tick(recorder, 0, read("gen.power_w", 5.0, 99.99))
        recorder.event(100.0, "start", {"session": name})
        commit(recorder)
        rig.daemon.told["session_file"] = str(recorder.path)
        told = await page.told("snapshot")
        assert told["history"]["power_w"] == [5.0]
        assert [event["data"]["session"] for event in told["events"]] == [name]
        assert told["bench"]["session"]["id"] == recorder.session_id
        recorder.event(100.1, "note", {"more": name})
        commit(recorder)
        later = await page.told("events")
        while [event["kind"] for event in later["events"]] != ["note"]:
            later = await page.told("events")
        recorder.close({})
    await page.close()


async def test_a_file_that_cannot_be_read_is_said_and_looked_for_again(tmp_path: Path, rig: Rig) -> None:
    rig.daemon.told["session_file"] = str(tmp_path / "gone.ablate")
    await rig.until(lambda: rig.context.follower.trouble, "trouble")
    _, told = await rig.get("bench")
    assert "there is no such file" in told["record_trouble"]
    recorder = begin(tmp_path)
    tick(recorder, 0)
    commit(recorder)
    rig.daemon.told["session_file"] = str(recorder.path)
    await rig.until(lambda: not rig.context.follower.trouble and rig.context.follower.header, "the file")
    recorder.close({})


async def test_a_follower_leaves_no_log_behind(tmp_path: Path, rig: Rig) -> None:
    """The daemon must find the file free when it folds the log in, or it stays beside the file."""
    recorder = Recorder.create(tmp_path, HEADER, [], t_s=100.0)
    rig.daemon.told["session_file"] = str(recorder.path)
    for seq in range(20):
        tick(recorder, seq)
        await asyncio.sleep(0.03)
    await asyncio.to_thread(recorder.close, {})
    assert [path.name for path in recorder.path.parent.iterdir()] == [recorder.path.name]


def test_links_of_devices(tmp_path: Path) -> None:
    recorder = begin(tmp_path)
    roles = shipped().bench.roles.model_dump(mode="json")
    follower = Follower(roles)
    follower.path = recorder.path
    tick(recorder, 0, read("gen.power_w", 0.0, 99.95), read("pump.running_on", 0.0, 99.9))
    tick(recorder, 60, read("gen.power_w", 0.0, 102.96), read("tc.tip_c", 20.0, 102.9, Quality.BAD))
    commit(recorder)
    follower.look()
    told = facts.bench(shipped(), follower, True, True)
    links = {device["name"]: device["link"]["health"] for device in told["devices"]}
    assert links == {
        "gen": "ok",
        "pump": "silent",
        "tc": "bad",
        "flow": "silent",
        "inputs": "silent",
        "enable": "silent",
    }
    assert told["devices"][0]["model"] == "AG 0313"
    assert told["devices"][0]["roles"] == ["source", "impedance", "enable_aux"]
    assert told["devices"][0]["link"]["age_s"] == pytest.approx(0.04)
    assert {"name": "gen.power_w", "unit": "W", "value": 0.0, "quality": 0}.items() <= next(
        channel for channel in told["channels"] if channel["name"] == "gen.power_w"
    ).items()
    assert told["banner"] == "SIMULATED"
    recorder.close({})


def columns(values: list[float]) -> Columns:
    made = Columns(("x",))
    for n, value in enumerate(values):
        made.set(0, value)
        made.row(0.05 * n, None, None, None)
    return made


def test_a_long_course_keeps_its_peaks() -> None:
    values = [math.sin(n / 50) for n in range(20_000)]
    values[7_777], values[13_131] = 99.0, -99.0
    told: dict[str, list[Any]] = columns(values).last()
    assert len(told["t_s"]) == len(told["x"]) <= 1202
    assert (max(told["x"]), min(told["x"])) == (99.0, -99.0)
    assert told["t_s"] == sorted(told["t_s"])
    assert abs(told["t_s"][told["x"].index(99.0)] - 7_777 * 0.05) < 2.0
    assert set(told["setpoint_w"]) == {None}
    assert told["t_s"][-1] <= 0.05 * 19_999


@pytest.mark.parametrize("count", [0, 1, 2, 1200, 1201, 1203])
def test_any_length_is_a_course(count: int) -> None:
    told = columns([float(n) for n in range(count)]).last()
    assert {len(column) for column in told.values()} == {len(told["t_s"])}
    assert columns([1.0] * count).last(0.01)["t_s"] == ([round(0.05 * (count - 1), 4)] if count else [])
