"""Electrodes are changed at 0 W only, power waits for the proof, and what is not proven trips."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.daemon.hub import Hub
from controller.daemon.switchboard import Applied, Switchboard
from controller.records.reader import SessionFile
from drivers.contract import Declaration, ElectrodeSwitch, Identity, Options, Refused
from safety.types import Demand, Permit, Quality, Sample, State
from sim import rehearsal
from sim.electrodes import Electrodes
from tests.config.support import BENCH, spoiled

ON = Demand(60.0, "law", (1,))
OFF = Demand(0.0, "law", (1,))


class Relays(ElectrodeSwitch):
    """Three contacts in memory; ``late_s`` before they move, ``trouble`` instead of moving."""

    MODEL = "relays"

    def __init__(self) -> None:
        self.name, self.options = "switch", Options()
        self.asked: list[tuple[int, ...]] = []
        self.closed: tuple[int, ...] | None = None
        self.late_s = 0.0
        self.trouble: Exception | None = None

    def declaration(self) -> Declaration:
        return Declaration("relays", "switch", (), electrodes=3)

    async def connect(self) -> Identity:
        return Identity("relays")

    async def poll(self) -> list[Sample]:
        return []

    async def select(self, channels: tuple[int, ...]) -> None:
        self.asked.append(channels)
        await asyncio.sleep(self.late_s)
        if self.trouble is not None:
            raise self.trouble
        self.closed = channels


class Rig:
    """A switchboard with a source that is off, ticked every 50 ms."""

    def __init__(self) -> None:
        self.relays, self.hub = Relays(), Hub()
        self.notes: list[dict[str, object]] = []
        self.board = Switchboard(self.relays, "gen", self.hub, self.notes.append)
        self.loop = asyncio.get_running_loop()
        self.measured = {"power_w": 0.0, "forward_power_w": 0.0, "rf_on": 0.0}
        self.quality = Quality.GOOD
        self.asked_s: float | None = None  # when the readings were asked for; None: at each tick
        self.applied = Applied(0.0, -math.inf)
        self.contacts: tuple[int, ...] | None = None  # what acquisition reads, None: nothing

    async def tick(self, demand: Demand, firing: bool = True, count: int = 1) -> Demand:
        for _ in range(count):
            await asyncio.sleep(0.05)
            now_s = self.loop.time()
            t_s = now_s if self.asked_s is None else self.asked_s
            for name, value in self.measured.items():
                self.hub.latest[f"gen.{name}"] = Sample(f"gen.{name}", value, t_s, self.quality)
            if self.contacts is not None:
                for n in range(3):
                    channel = f"switch.electrode_{n}_on"
                    self.hub.latest[channel] = Sample(channel, float(n in self.contacts), now_s)
            passed = self.board.route(demand, firing, self.hub.latest, self.applied)
        return passed

    def faults(self) -> list[str]:
        return [f"{fault.hazard} {fault.device}: {fault.text}" for fault in self.hub.take()[1]]


@pytest.fixture
async def rig() -> Rig:
    return Rig()


pytestmark = pytest.mark.virtual


async def test_power_waits_for_the_change_and_then_passes(rig: Rig) -> None:
    rig.relays.late_s = 0.12
    assert (await rig.tick(ON)).power_w == 0.0
    assert not rig.board.settled
    assert (await rig.tick(ON)).power_w == 0.0
    assert (await rig.tick(ON)).power_w == 0.0
    assert await rig.tick(ON) == ON
    assert rig.relays.asked == [(1,)]
    assert rig.board.wired.channels == (1,)
    assert rig.notes == [{"from": None, "to": [1]}, {"connected": [1]}]
    assert await rig.tick(ON, count=100) == ON
    assert rig.relays.asked == [(1,)]
    assert rig.faults() == []


async def test_a_law_counts_on_nothing_meanwhile(rig: Rig) -> None:
    permit = Permit(200.0, math.inf, 1, State.FIRING, ("power: bench",))
    rig.relays.late_s = 0.2
    await rig.tick(ON)
    assert rig.board.permit(permit) == permit._replace(max_w=0.0, why=("switch", "power: bench"))
    assert rig.board.wired == ((), math.inf)
    await rig.tick(ON, count=5)
    assert rig.board.permit(permit) == permit


def spoil_applied(rig: Rig) -> None:
    rig.applied = Applied(0.5, -math.inf)


def spoil_power(rig: Rig) -> None:
    rig.measured["power_w"] = 1.0


def spoil_forward(rig: Rig) -> None:
    rig.measured["forward_power_w"] = 1.5


def spoil_output(rig: Rig) -> None:
    rig.measured["rf_on"] = 1.0


def spoil_quality(rig: Rig) -> None:
    rig.quality = Quality.BAD


def spoil_number(rig: Rig) -> None:
    rig.measured["forward_power_w"] = math.nan


def spoil_meter(rig: Rig) -> None:
    del rig.measured["forward_power_w"]


def spoil_order(rig: Rig) -> None:
    """Every reading was asked for before 0 W came into force."""
    rig.asked_s = rig.loop.time()
    rig.applied = Applied(0.0, rig.loop.time() + 0.001)


def spoil_age(rig: Rig) -> None:
    """The readings are of long ago, and so is the set-point."""
    rig.asked_s = rig.loop.time() - 1.0


@pytest.mark.parametrize(
    "spoil",
    [
        *(spoil_applied, spoil_power, spoil_forward, spoil_output),
        *(spoil_quality, spoil_number, spoil_meter, spoil_order, spoil_age),
    ],
)
@pytest.mark.parametrize("firing", [True, False])
async def test_no_contact_moves_before_the_source_is_proven_off(rig: Rig, spoil: Any, firing: bool) -> None:
    spoil(rig)
    for _ in range(200):
        assert (await rig.tick(ON, firing)).power_w == 0.0
    assert rig.relays.asked == []
    # An application that waits in vain is told so, once; outside of one there is nothing to wait for.
    assert rig.faults() == (["H22 switch: electrodes 1 wait in vain for the source to be proven off"] if firing else [])


async def test_a_change_of_electrodes_takes_the_power_away_first(rig: Rig) -> None:
    await rig.tick(ON, count=3)
    rig.applied = Applied(60.0, rig.loop.time())
    rig.measured = {"power_w": 55.0, "forward_power_w": 60.0, "rf_on": 1.0}
    other = Demand(60.0, "law", (2, 0, 2))
    assert (await rig.tick(other)).power_w == 0.0
    rig.applied = Applied(0.0, rig.loop.time())
    assert (await rig.tick(other, count=5)).power_w == 0.0
    assert rig.relays.asked == [(1,)]
    rig.measured = {"power_w": 0.0, "forward_power_w": 0.0, "rf_on": 0.0}
    assert (await rig.tick(other)).power_w == 0.0
    assert await rig.tick(other) == other
    assert rig.relays.asked == [(1,), (0, 2)]


async def test_a_change_of_mind_is_followed_and_power_waits_for_the_last(rig: Rig) -> None:
    rig.relays.late_s = 0.12
    await rig.tick(ON)
    other = ON._replace(channels=(2,))
    for _ in range(5):
        assert (await rig.tick(other)).power_w == 0.0
    assert await rig.tick(other) == other
    assert rig.relays.asked == [(1,), (2,)]
    back = ON._replace(channels=(2,))
    assert await rig.tick(back) == back


async def test_no_proof_in_half_a_second_is_a_fault_that_is_told_once(rig: Rig) -> None:
    rig.relays.late_s = 10.0
    assert (await rig.tick(ON, count=10)).power_w == 0.0
    assert rig.faults() == []
    assert (await rig.tick(ON, count=2)).power_w == 0.0
    assert rig.faults() == ["H22 switch: electrodes 1 not proven connected: no proof in 0.5 s"]
    assert (await rig.tick(ON, count=200)).power_w == 0.0
    assert rig.faults() == []
    assert 5 < len(rig.relays.asked) < 12
    assert rig.board.connected is None


async def test_a_refusal_of_the_switch_is_a_fault_with_its_reason(rig: Rig) -> None:
    rig.relays.trouble = Refused("switch: told to open electrode 0, its relay reads closed")
    await rig.tick(ON, count=2)
    assert rig.faults() == [
        "H22 switch: electrodes 1 not proven connected: switch: told to open electrode 0, its relay reads closed"
    ]
    rig.relays.trouble = None
    assert await rig.tick(ON, count=30) == ON


async def test_everything_opens_when_no_application_runs(rig: Rig) -> None:
    await rig.tick(ON, count=3)
    assert rig.relays.closed == (1,)
    rig.measured["power_w"] = 40.0  # a source that does not obey keeps its load
    await rig.tick(Demand(0.0), firing=False, count=100)
    assert rig.relays.closed == (1,)
    rig.measured["power_w"] = 0.0
    await rig.tick(Demand(0.0), firing=False, count=2)
    assert rig.relays.closed == ()
    assert rig.faults() == []
    assert await rig.tick(Demand(0.0), firing=False) == Demand(0.0)


async def test_a_demand_that_names_none_takes_all_or_leaves_them(rig: Rig) -> None:
    plain = Demand(20.0, "law")
    assert await rig.tick(plain, count=3) == plain
    assert rig.relays.closed == (0, 1, 2)
    await rig.tick(ON, count=3)
    assert await rig.tick(plain, count=3) == plain
    assert rig.relays.closed == (1,)


async def test_a_switch_that_reads_otherwise_than_it_was_set_trips(rig: Rig) -> None:
    rig.contacts = (1,)
    assert await rig.tick(ON, count=3) == ON
    rig.contacts = (0, 1)
    assert (await rig.tick(ON)).power_w == 0.0
    assert rig.faults() == ["H22 switch: electrode 0 reads closed, but 1 was selected"]
    assert rig.board.connected is None
    assert {"failed": "electrode 0 reads closed, but 1 was selected"} in rig.notes


async def test_readings_from_before_the_proof_are_not_held_against_it(rig: Rig) -> None:
    rig.contacts = ()
    await rig.tick(Demand(0.0), firing=False, count=3)
    rig.relays.late_s = 0.2
    await rig.tick(ON, count=3)  # still reads open while it changes
    rig.contacts = None
    assert await rig.tick(ON, count=3) == ON
    assert rig.faults() == []


async def test_closing_waits_for_a_change_under_way(rig: Rig) -> None:
    rig.relays.late_s = 0.2
    await rig.tick(ON)
    await rig.board.close()
    assert rig.relays.closed == (1,)


# ---- on the simulated bench, whole


RELAYS = '  relays: {driver: electrode-switch, port: "sim://relays", options: {needles: {0: 1}}}\n'
WIRED = spoiled(
    spoiled(BENCH, "roles:\n", f"{RELAYS}roles:\n"), "  enable: enable\n", "  enable: enable\n  switch: relays\n"
)


def rehearsed(folder: Path, *faults: str) -> dict[str, Any]:
    protocol = {
        "protocol": "short",
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": {"kind": "constant-power", "power_w": 20.0, "duration_s": 3.0},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
    }
    (folder / "bench.yaml").write_text(WIRED)
    (folder / "short.yaml").write_text(yaml.safe_dump(protocol, sort_keys=False))
    setup = setups.load(str(folder / "bench.yaml"), str(folder / "short.yaml"))
    return rehearsal.rehearse(setup, out=folder, faults=faults)


def told(result: dict[str, Any]) -> list[dict[str, Any]]:
    with SessionFile(result["session_file"]) as session:
        return [dict(event.data) for event in session.events("electrodes")]


def test_an_application_through_the_switch_is_in_the_record(tmp_path: Path) -> None:
    result = rehearsed(tmp_path)
    assert (result["result"], result["trip"]) == ("completed", None)
    assert result["energy_j"] > 30.0
    assert told(result) == [
        {"from": None, "to": []}, {"connected": []},
        {"from": [], "to": [0]}, {"connected": [0]},
        {"from": [0], "to": []}, {"connected": []},
    ]  # fmt: skip


def test_a_switch_that_dies_trips(tmp_path: Path) -> None:
    result = rehearsed(tmp_path, "relays.link.drop@0.9")
    assert result["trip"]["hazard"] == "H22"
    assert "not proven connected" in result["trip"]["text"]
    assert result["energy_j"] < 1.0


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, tuple[int, ...]]]:
    """What was incident on the electrodes when a contact moved, and which were connected then."""
    seen: list[tuple[float, tuple[int, ...]]] = []
    moved = Electrodes.moved

    def note(self: Electrodes, t_s: float) -> None:
        self.world.advance(t_s)
        assert self.switch is not None
        seen.append((self.world.forward_w, self.switch.connected))
        moved(self, t_s)

    monkeypatch.setattr(Electrodes, "moved", note)
    return seen


def three_needles(folder: Path, *faults: str) -> dict[str, Any]:
    """Turns of two seconds on three needles in tissue."""
    bench = yaml.safe_load(WIRED)
    bench["devices"]["relays"]["options"] = {"needles": {0: 1, 1: 2, 2: 3}}
    shape = {"kind": "switched-needles", "needles": 3, "active_tip_mm": 30, "spacing_mm": 20}
    bench["applicator"] = {**shape, "name": "three", "gauge": 17, "power_max_w": 200, "current_max_a": 2.0}
    bench["simulation"] = {"tissue": "exvivo_bovine", "seed": 1, "mesh": "fast"}
    turns = {"electrodes": 3, "start_w": 60, "ramp_w_per_min": 60, "power_max_w": 100, "current_max_a": 2.0}
    protocol = {
        "protocol": "turns",
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": shape,
        "law": {"kind": "switching", "turn_s": 2.0, "duration_s": 10.0, **turns},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
    }
    (folder / "bench.yaml").write_text(yaml.safe_dump(bench, sort_keys=False))
    (folder / "turns.yaml").write_text(yaml.safe_dump(protocol, sort_keys=False))
    setup = setups.load(str(folder / "bench.yaml"), str(folder / "turns.yaml"))
    return rehearsal.rehearse(setup, out=folder, faults=faults)


def test_three_needles_take_turns_and_no_contact_moves_under_power(
    tmp_path: Path, moves: list[tuple[float, tuple[int, ...]]]
) -> None:
    result = three_needles(tmp_path)
    assert (result["result"], result["trip"]) == ("completed", None)
    assert result["energy_j"] > 150.0
    assert [channels for _, channels in moves] == [(0,), (), (1,), (), (2,), (), (0,), ()]
    assert max(power_w for power_w, _ in moves) < 1e-3
    with SessionFile(result["session_file"]) as session:
        ticks, changes = session.ticks(), session.events("electrodes")
    begun = [event.t_s for event in changes if "to" in event.data]
    ended = [event.t_s for event in changes if "connected" in event.data]
    for since_s, until_s in zip(begun, ended, strict=True):
        assert until_s - since_s < 0.2
        between = (ticks.t_s >= since_s) & (ticks.t_s <= until_s)
        assert max(ticks.setpoint_w[between], default=0.0) == 0.0


def test_a_generator_that_does_not_obey_off_keeps_its_needle(
    tmp_path: Path, moves: list[tuple[float, tuple[int, ...]]]
) -> None:
    result = three_needles(tmp_path, "gen.ignore_off@3")
    assert result["trip"] is not None
    assert max(power_w for power_w, _ in moves) < 1.0
    assert [channels for _, channels in moves] == [(0,), ()]
