"""The benchmarks' own tools: parts of a tick, pauses of a loop, curves and their files. No figure is judged here."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import lateness, mqtt, neighbours, scale
from benchmarks.daemons.probe import Inside, Pauses, Seen
from benchmarks.daemons.processes import cpu_s, held, opened
from benchmarks.neighbouring.turns import Turn
from benchmarks.rows import Row
from benchmarks.scaling.points import CURVES, Point
from benchmarks.scaling.rehearsed import setup_of
from benchmarks.tick_parts import DEVICE, WHOLE, Parts, parts_of


def test_what_a_tick_computes_is_told_part_by_part_without_its_waits(tmp_path: Path) -> None:
    found = parts_of(setup_of(tmp_path, 4, 20.0, 3.0), 1.0)
    assert len({len(us) for us in found.us.values()}) == 1
    assert {"interlocks and state", "law", "gate", "watchdog's beat", "record, handing over"} < set(found.us)
    for k, whole_us in enumerate(found.us[WHOLE]):
        assert 0.0 < sum(us[k] for name, us in found.us.items() if name != WHOLE) < whole_us
    assert all(own <= whole for own, whole in zip(found.own_us(), found.us[WHOLE], strict=True))


def test_a_wait_is_no_cost_and_a_time_out_goes_through() -> None:
    parts = Parts()

    async def slow() -> str:
        try:
            await asyncio.sleep(5.0)
        except asyncio.CancelledError:
            return "timed out"
        return "waited"

    async def main() -> None:
        async with asyncio.timeout(0.2) as limit:
            assert await parts.awaited(WHOLE, slow)() == "timed out"
        assert limit.expired()

    asyncio.run(main())
    parts.keep(True)
    assert 0.0 < parts.us[WHOLE][0] < 150_000.0
    assert parts.us[DEVICE] == [0.0]


def test_a_pause_is_what_the_machine_does_not_explain() -> None:
    pauses = Pauses()
    due_s = time.monotonic() + 60.0
    pauses.due(due_s)
    pauses.rests()
    pauses.ticked(due_s + 0.004)
    pauses.collected("start", {})
    pauses.collected("stop", {})
    ((t_s, late_s, starved_s),) = json.loads(json.dumps(pauses.told()["ticks"]))
    assert len(pauses.told()["collections_s"]) == 1
    assert (t_s, late_s) == (due_s + 0.004, pytest.approx(0.004))
    assert 0.0 <= starved_s <= late_s
    assert Seen(t_s, late_s, starved_s).held_s + starved_s == pytest.approx(0.004)


def test_a_neighbour_that_holds_the_daemon_is_not_met_and_a_thread_inside_must_be_seen() -> None:
    def turn(name: str, held_s: float) -> Turn:
        seen = [Seen(0.01 * k + 0.003, 0.003, 0.003 - held_s) for k in range(100)]
        return Turn(name, 0.0, 1.0, 0.05, 0.5, Counter({"exports done": 3}), seen)

    def rows(held_s: float) -> dict[str, Row]:
        turns = [turn("quiet", 0.0001), *(turn(name, held_s) for name in neighbours.KINDS if name != "MQTT")]
        return {row.what: row for row in neighbours.judged(turns, {"MQTT": "no broker"})}

    beside, inside = rows(0.0004), rows(0.002)
    assert beside["MQTT at work"].note == "no broker"
    assert beside["exports at work: tick late, p99"].theirs == pytest.approx(3000.0)
    assert "3 exports done; its processes 50 % of a core; 100 ticks" in beside["exports at work: tick late, p99"].note
    for name in ("exports", "panel", "world"):
        what = f"{name} at work: held in process, p99"
        assert (beside[what].met, inside[what].met) == (True, False)
        assert inside[what].ours == pytest.approx(2.0)
    what = f"{neighbours.WITHIN} at work: held in process, p99"
    assert (beside[what].met, inside[what].met) == (False, True)


def test_a_thread_inside_begins_and_ends() -> None:
    inside = Inside()
    inside.turn()
    (thread,) = [one for one in threading.enumerate() if one.name == "inside"]
    inside.turn()
    thread.join(5.0)
    assert not thread.is_alive()


def test_processes_tell_what_they_hold_and_use(tmp_path: Path) -> None:
    pid = os.getpid()
    before = cpu_s(pid)
    until_s = time.thread_time() + 0.02
    while time.thread_time() < until_s:
        pass
    assert sum(cpu_s(pid).values()) > sum(before.values())
    path = (tmp_path / "open").resolve()
    with path.open("w"):
        assert opened(pid, {path})
        assert held(pid).rss_bytes > 1_000_000
    assert not opened(pid, {path})


@pytest.mark.parametrize("variant", [lateness.ours, lateness.nanosleep, lateness.sharp])
def test_every_wait_tells_how_late_each_tick_was(variant: lateness.Variant) -> None:
    late_us = variant(1000, 20)
    assert len(late_us) == 20
    assert all(late >= 0.0 for late in late_us)


def test_a_message_has_its_size_and_its_moment() -> None:
    assert len(mqtt.message(7)) == mqtt.SIZE
    assert json.loads(mqtt.message(7))["t_ns"] <= time.monotonic_ns()


def test_a_bench_of_many_devices_is_a_bench(tmp_path: Path) -> None:
    assert len(setup_of(tmp_path, 24, 20.0, 5.0).bench.bench.devices) == 24
    assert len(setup_of(tmp_path, 3, 20.0, 5.0).bench.bench.devices) == 3
    with pytest.raises(ValueError, match="at the least"):
        setup_of(tmp_path, 2, 20.0, 5.0)


POINTS = [Point(curve.name, x, {curve.shown: 10.0 * x, "other_s": 1.0}) for curve in CURVES for x in (1.0, 2.0, 4.0)]


def test_curves_are_kept_as_json_csv_and_a_figure_and_read_again(tmp_path: Path) -> None:
    scale.keep(POINTS, tmp_path, quick=True)
    told = json.loads((tmp_path / "scale.json").read_text())
    assert told["quick"] is True
    assert told["cores"] >= 1
    kept = scale.before(tmp_path)
    assert [point for curve in CURVES for point in kept[curve.name]] == POINTS
    with (tmp_path / "scale.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(POINTS)
    assert rows[0] == {"curve": CURVES[0].name, "x": "1.0", "value": CURVES[0].shown, "figure": "10.0"}
    drawn = (tmp_path / "scale.svg").read_text()
    assert all(curve.x in drawn for curve in CURVES)
    scale.write(tmp_path / "scale.md", tmp_path)
    page = (tmp_path / "scale.md").read_text()
    assert [f"## {curve.name.capitalize()}" in page for curve in CURVES] == [True] * len(CURVES)
    assert "| 4 | 40.0 | 1.00 |" in page
    assert (tmp_path / "pictures" / "scale.svg").read_text() == drawn


def test_every_curve_can_be_measured_and_drawn() -> None:
    assert list(scale.WHOLE) == list(scale.QUICK) == [curve.name for curve in CURVES]
