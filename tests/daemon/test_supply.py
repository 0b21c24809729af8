"""Coolant on a bench: it follows the tip, it runs on after every end, and the bag is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from controller import cli
from controller.config import setup as setups
from controller.config.problems import ConfigError
from controller.daemon.control import ControlSocket
from controller.daemon.desk import Desk
from controller.daemon.guard import guard
from controller.perform import perform
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import CONSTANT, acted, bench, of, protocol, until

FOLLOWING = {"flow_ml_min": 50, "prime_s": 0.5, "run_on_s": 1.0, "follow": "tip", "hold_c": 17, "flow_max_ml_min": 90}


def test_the_flow_follows_the_tip(tmp_path: Path):
    path = protocol(tmp_path, {**CONSTANT, "power_w": 60.0, "duration_s": 20.0}, cooling=FOLLOWING)
    wishes: list[float] = []
    tips: list[float] = []

    def watch(status: dict[str, Any]) -> None:
        if status["state"] == "FIRING":
            wishes.append(status["coolant"]["wish_ml_min"])
            tips.append(status["values"]["tip_c"])

    async def act(run: Rehearsal, desk: Desk) -> None:
        assert (await perform(desk, path, watch))["result"]["result"] == "completed"
        assert (await desk.status())["coolant"]["wish_ml_min"] == 0.0

    acted(tmp_path, path, act)
    assert min(tips) < 19.0 < max(tips)
    assert 50.0 <= min(wishes) < max(wishes) <= 90.0


def test_a_pump_that_stays_behind_a_flow_that_rises_trips(tmp_path: Path):
    cooling = {**FOLLOWING, "flow_max_ml_min": 120, "hold_c": 12}
    path = protocol(tmp_path, {**CONSTANT, "power_w": 60.0, "duration_s": 20.0}, cooling=cooling)
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        pump = run.daemon.instruments.pump
        assert pump is not None
        whole = pump.run

        async def stuck(flow_ml_min: float) -> None:
            await whole(min(flow_ml_min, 60.0))  # 56 is enough for the bench file, and for the least flow

        pump.run = stuck  # type: ignore[method-assign]
        told.update((await perform(desk, path, lambda status: None))["result"])

    acted(tmp_path, path, act)
    trip = told["trip"]
    assert (trip["hazard"], trip["monitor"], trip["value"]) == ("H38", "coolant_flow", pytest.approx(60.0, abs=5.0))
    assert 60.0 < trip["limit"] <= 84.0


@pytest.mark.parametrize(("faults", "result"), [(("inputs.estop@6.0",), "tripped"), ((), "completed")])
def test_the_coolant_runs_on_after_a_trip_as_after_an_end_and_then_stops(
    tmp_path: Path, faults: tuple[str, ...], result: str
):
    path = protocol(tmp_path, cooling={"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 4.0})
    benches: list[Rehearsal] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        benches.append(run)
        assert (await perform(desk, path, lambda status: None))["result"]["result"] == result

    events = acted(tmp_path, path, act, faults=faults)
    pump = benches[0].daemon.supply.pump
    assert pump is not None
    assert (pump.wish_ml_min, pump.settled) == (0.0, True)
    stopping_s = next(event.t_s for event in events if event.kind == "state" and event.data["to"] == "STOPPING")
    left_s = next(event.t_s for event in events if event.kind == "end")
    assert 4.0 < left_s - stopping_s < 5.5
    assert len(of(events, "trip")) == len(faults)  # stopping the pump is no finding of its own


def test_the_bag_is_counted_warned_of_and_refused(tmp_path: Path):
    on = bench(tmp_path, coolant={"bag_ml": 100.0, "reserve_ml": 80.0})
    path = protocol(tmp_path, {**CONSTANT, "duration_s": 8.0})
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        told["first"] = (await perform(desk, path, lambda status: None))["result"]["result"]
        told["left"] = (await desk.status())["coolant"]["bag"]
        told["refused"] = await desk.prepare(path, "jo")
        told["small"] = await desk.bag("jo", 60.0)
        told["new"] = await desk.bag("jo")
        told["again"] = await desk.prepare(path, "jo")

    events = acted(tmp_path, path, act, on)
    assert told["first"] == "completed"
    assert 82.0 < told["left"]["left_ml"] < 92.0  # 80 mL/min for about 10 s
    assert told["refused"]["error"].startswith("the bag holds 8")
    assert "80 mL of it in reserve, but short needs 13 mL (80 mL/min for 0.2 min)" in told["refused"]["error"]
    assert "above the reserve of 80 mL" in told["small"]["error"]
    assert told["new"]["coolant"]["left_ml"] == 100.0
    assert told["again"]["ok"]
    assert [data["new"] for data in of(events, "bag") if "new" in data] == [True]


def test_the_bag_of_the_shipped_bench_from_the_command_line(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    law = {"kind": "microwave-constant", "power_w": 45.0, "duration_s": 6.0, "flow_min_ml_min": 40, "shaft_max_c": 45}
    antenna = {"kind": "microwave-antenna", "antenna": "thermosphere-2450"}
    path = protocol(tmp_path, law, modality="microwave", applicator=antenna)
    told: dict[str, tuple[int, str]] = {}
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))

    async def act(run: Rehearsal, desk: Desk) -> None:
        async def ablate(name: str, *words: str) -> None:
            done = await asyncio.to_thread(CliRunner().invoke, cli.root, [*words], standalone_mode=False)
            told[name] = (done.return_value, done.output)

        (tmp_path / "thermosphere").mkdir()
        server = ControlSocket(desk, tmp_path / "thermosphere" / "control.sock")
        await server.start()
        try:
            await use(desk, ablate)
        finally:
            await server.close()

    async def use(desk: Desk, ablate: Callable[..., Awaitable[None]]) -> None:
        await until(desk, "SAFE")
        await ablate("status", "status")
        await ablate("small", "bag", "--ml", "260")
        await ablate("refused", "arm", "thermosphere-100w-600s")
        assert (await desk.prepare(path, "jo"))["ok"]
        await until(desk, "READY")
        await asyncio.sleep(90.0)  # the coolant runs, at 80 mL/min
        assert (await desk.status())["coolant"]["bag"]["low"]
        await desk.stop("jo", "enough")
        await ablate("low", "status")
        await ablate("new", "bag")
        await ablate("full", "status")

    on = str(repository / "examples/benches/microwave-thermosphere-sim.yaml")
    events = acted(tmp_path, path, act, on)
    assert "saline bag: 3000 of 3000 mL\n" in told["status"][1]
    assert told["small"] == (0, "a new bag of 260 mL hangs\n")
    assert told["refused"][0] == 3
    assert (
        "the bag holds 260 mL, 150 mL of it in reserve, but thermosphere-100w-600s needs 1175 mL" in told["refused"][1]
    )
    assert "hang a new one, then: ablate bag" in told["refused"][1]
    assert " of 260 mL, LOW\n" in told["low"][1]
    assert told["new"][0] == 0
    assert "saline bag: 3000 of 3000 mL\n" in told["full"][1]
    alarms = [(data["priority"], data["text"]) for data in of(events, "alarm")]
    assert alarms[0][0] == "medium"
    assert alarms[0][1].endswith("less than its reserve of 150 mL")
    assert alarms[1] == ("low", "a new bag hangs")


def test_a_bench_without_a_bag_counts_none(tmp_path: Path):
    path = protocol(tmp_path)

    async def act(run: Rehearsal, desk: Desk) -> None:
        assert "no coolant:" in (await desk.bag("jo"))["error"]

    acted(tmp_path, path, act)


def test_a_flow_that_follows_needs_its_sensor(tmp_path: Path):
    path = protocol(tmp_path, cooling={**FOLLOWING, "follow": "shaft"})
    with pytest.raises(ConfigError, match=r"cooling\.follow: the bench names no such channel"):
        setups.load("cooled-rf-sim", path)


def test_more_than_the_connected_pump_gives_is_refused(tmp_path: Path):
    path, good = protocol(tmp_path, cooling={**FOLLOWING, "flow_max_ml_min": 950}), protocol(tmp_path, name="good")
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await perform(desk, good, lambda status: None)
        told["refused"] = await desk.prepare(path, "jo")

    acted(tmp_path, good, act)
    assert told["refused"]["error"].startswith("short asks for 950 mL/min, but pump gives at most ")


def test_the_kernel_waits_as_long_as_priming_and_run_on_take(tmp_path: Path):
    path = protocol(tmp_path, cooling={"flow_ml_min": 80, "prime_s": 25.0, "run_on_s": 600.0})
    setup = setups.load("cooled-rf-sim", path)
    bench, short = setup.bench, setup.protocol.protocol
    timing = guard(bench.bench, short, bench.declarations, setup.kernel_layers, setup.config_hash).timing
    assert (timing.precheck_s, timing.prime_s, timing.run_on_s, timing.cooldown_max_s) == (35.0, 25.0, 600.0, 600.0)
    timing = guard(bench.bench, None, bench.declarations, setup.kernel_layers, setup.config_hash).timing
    assert (timing.precheck_s, timing.cooldown_max_s) == (10.0, 120.0)


def test_priming_may_take_longer_than_everything_else_before_ready(tmp_path: Path):
    path = protocol(tmp_path, cooling={"flow_ml_min": 80, "prime_s": 25.0, "run_on_s": 1.0})

    async def act(run: Rehearsal, desk: Desk) -> None:
        assert (await perform(desk, path, lambda status: None))["result"]["result"] == "completed"

    acted(tmp_path, path, act)
    assert yaml.safe_load(Path(path).read_text())["cooling"]["prime_s"] == 25.0
