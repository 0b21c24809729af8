"""The operator's hands on the simulated bench: the probe moves, the tissue stays as it is."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from sim.backdoor import answer
from sim.bench import SimBench
from sim.devices.resistor import Resistor
from sim.world.solid.field import SolidField

DEVICES = {"gen": {"driver": "tc-cxn", "port": "sim://gen"}}
ARRAY = {"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 20}
NEEDLE = {"kind": "needle", "active_tip_mm": 25}


def heated(applicator: dict[str, Any], seconds: int = 10) -> SimBench:
    """A bench whose tissue has had 50 W for so long; off since."""
    bench = SimBench({"devices": DEVICES, "applicator": applicator})
    bench.advance(0.0)
    bench.world.drive(50.0)
    for second in range(1, seconds + 1):
        bench.advance(float(second))
    bench.world.drive(0.0)
    return bench


def test_tines_go_out_and_what_was_heated_stays_hot() -> None:
    bench = heated(ARRAY)
    world: Any = bench.world
    before_ohm, hottest_c = world.load_ohm, world.picture_data()["temperature_c"].max()
    held_j = world.balance()["stored_j"]
    bench.hand("deploy", 30)
    assert world.load_ohm < before_ohm - 5.0  # more metal in the tissue
    assert world.picture_data()["temperature_c"].max() == pytest.approx(hottest_c, abs=3.0)
    assert world.balance()["stored_j"] == pytest.approx(held_j, rel=0.01)
    assert world.temperature_c("tine_1") < hottest_c - 5.0  # its tip is in colder tissue now


def test_a_needle_is_drawn_back_through_what_it_heated() -> None:
    bench = heated(NEEDLE)
    before = bench.world.picture_data()["temperature_c"]  # type: ignore[attr-defined]
    bench.hand("pull-back", 10)
    picture = bench.world.picture_data()  # type: ignore[attr-defined]
    ahead = picture["z_mm"] < -5.0  # where the tip was, the tissue is still hot
    assert picture["temperature_c"][:, ahead].max() > before[:, ahead].max() + 5.0


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("deploy", 90.0, "outside 0 to 50"),
        ("deploy", None, "deploy: how far"),
        ("pull-back", -1.0, "outside 0 to 50"),
        ("wave", None, "no hand does 'wave'; there are deploy, pull-back, reposition and retract"),
    ],
)
def test_what_hands_cannot_do(kind: str, value: float | None, says: str) -> None:
    bench = SimBench({"devices": DEVICES, "applicator": ARRAY})
    with pytest.raises(ValueError, match=says):
        bench.hand(kind, value)


def test_a_needle_has_no_tines_and_a_dummy_load_no_probe() -> None:
    with pytest.raises(ValueError, match="a needle has no tines"):
        SimBench({"devices": DEVICES, "applicator": NEEDLE}).hand("deploy", 30)
    with pytest.raises(ValueError, match="dummy load"):
        SimBench({"devices": DEVICES}, world=Resistor()).hand("pull-back", 5)


@pytest.mark.virtual
async def test_a_slip_is_refused_before_anything_moves() -> None:
    """On a bench that runs, hands take their time: what is wrong must be said at once, not half-way."""
    bench = SimBench({"devices": DEVICES, "applicator": ARRAY})
    bench.start(asyncio.get_running_loop())
    try:
        for kind, value in (("deploy", 90.0), ("deploy", -5.0), ("pull-back", 200.0)):
            with pytest.raises(ValueError, match=r"outside 0 to 50"):
                bench.hand(kind, value)
        before_ohm = bench.snapshot()["load_ohm"]
        bench.hand("deploy", 30.0)
        await asyncio.sleep(10.0)
        assert bench.snapshot()["load_ohm"] < before_ohm - 5.0
    finally:
        bench.stop()


@pytest.mark.virtual
async def test_what_was_refused_is_not_done_later() -> None:
    bench = SimBench({"devices": DEVICES, "applicator": NEEDLE})
    bench.start(asyncio.get_running_loop())
    try:
        with pytest.raises(ValueError, match="a needle has no tines"):
            bench.hand("deploy", 30.0)
        bench.hand("pull-back", 10.0)
        await asyncio.sleep(3.0)
    finally:
        bench.stop()


@pytest.mark.virtual
async def test_a_hurried_hand_ends_what_it_was_doing() -> None:
    bench = SimBench({"devices": DEVICES, "applicator": ARRAY})
    world: Any = bench.world
    bench.start(asyncio.get_running_loop())
    try:
        bench.hand("deploy", 30.0)
        await asyncio.sleep(0.6)
        assert 21.0 < world.deployment_mm < 29.0
        bench.hand("deploy", 40.0)
        assert world.deployment_mm == pytest.approx(30.0)
        await asyncio.sleep(3.0)
        assert world.deployment_mm == pytest.approx(40.0)
    finally:
        bench.stop()


@pytest.mark.virtual
async def test_emulators_get_a_word_in_while_hands_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field solutions are what the time goes into: never more in one turn of the loop than one new shape needs."""
    solved_s: list[float] = []
    moved_s: list[float] = []
    solve, loop = SolidField.solve, asyncio.get_running_loop()

    def timed(self: SolidField, *arguments: Any) -> None:
        solved_s.append(loop.time())
        solve(self, *arguments)

    bench = SimBench({"devices": DEVICES, "applicator": {**ARRAY, "deployment_mm": None}})
    world: Any = bench.world
    deploy = world.deploy

    def moved(mm: float) -> None:
        moved_s.append(loop.time())
        deploy(mm)

    bench.start(loop)
    try:
        monkeypatch.setattr(SolidField, "solve", timed)
        monkeypatch.setattr(world, "deploy", moved)
        for kind, value, shapes in (
            ("deploy", 30.0, 1),
            ("deploy", 40.0, 8),
            ("pull-back", 10.0, 0),
            ("deploy", 40.0, 0),
        ):
            solved_s.clear()
            bench.hand(kind, value)
            await asyncio.sleep(3.0)
            turns = Counter(solved_s)
            assert max(turns.values(), default=0) <= 8, kind
            assert all(turns[at_s] <= 3 for at_s in moved_s), kind
            assert sum(count > 2 for count in turns.values()) == shapes, kind  # a shape is worked out once
        assert world.deployment_mm == pytest.approx(40.0)
        solved_s.clear()
        bench.hand("reposition", None)
        assert world.deployment_mm == pytest.approx(40.0)  # not before it was worked out
        await asyncio.sleep(1.0)
        assert max(Counter(solved_s).values()) <= 8
        assert not world.deployment_mm < 50.0  # as at the beginning
    finally:
        bench.stop()


def test_through_the_back_door() -> None:
    bench = SimBench({"devices": DEVICES, "applicator": ARRAY})
    before_ohm = bench.snapshot()["load_ohm"]

    def told(request: dict[str, Any]) -> dict[str, Any]:
        return answer(bench, json.dumps(request).encode())

    assert told({"hand": ["deploy", 30]})["ok"]
    assert bench.snapshot()["load_ohm"] < before_ohm - 5.0
    assert told({"hand": ["retract", None]})["ok"]
    for wrong in (["deploy"], "deploy", ["deploy", "far"], ["deploy", 90]):
        assert not told({"hand": wrong})["ok"], wrong


@pytest.mark.parametrize("seconds", [-1.0, 601.0, float("nan"), "soon"])
def test_an_operator_takes_his_time_within_reason(seconds: object) -> None:
    with pytest.raises(ValueError, match=r"simulation\.operator_s"):
        SimBench({"devices": DEVICES, "applicator": NEEDLE, "simulation": {"operator_s": seconds}})
