"""Which runs there are, and what each must lead to."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from controller.hazards import parse as parse_hazards
from sim import faults
from sim.assembly import Assembly
from sim.campaign import plan
from sim.campaign.benches import BENCHES, setup_of
from sim.campaign.expected import behind, expected, find, injections, read, read_behind
from sim.campaign.plan import Case
from sim.campaign.warp import PLAIN, Warp
from sim.devices.resistor import Resistor

HEAD = "[class.flow]\nwithin_s = 0.6\nenergy_w_s = 0.6\n[[injection]]\n"


def test_rows_are_spread_over_names():
    rows = read(HEAD + 'fault = "{a,b}.link.drop"\nclass = "flow"\nhazards = ["H15"]\nvalues = [1, 2]\n')
    assert [row.fault for row in rows] == ["a.link.drop", "b.link.drop"]
    assert [rows[0].spec(value) for value in rows[0].values] == ["a.link.drop=1", "a.link.drop=2"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('fault = "a.x"\nclass = "flow"\nhazard = ["H15"]\n', "unknown"),
        ('fault = "a.x"\nclass = "flow"\n', "name its hazards, or call it benign"),
        ('fault = "a.x"\nclass = "flow"\nhazards = ["H1"]\nshows = "on"\n', "shows must be one of"),
    ],
)
def test_a_row_that_cannot_be(row: str, says: str):
    with pytest.raises(ValueError, match=says):
        read(HEAD + row)


def test_every_case_has_a_word_of_its_own_that_leads_back():
    cases = [*plan.singles(tuple(BENCHES)), *plan.pairs(tuple(BENCHES)), *plan.nominal(tuple(BENCHES), 20)]
    keys = {case.key for case in cases}
    assert len(keys) == len(cases)
    assert all(plan.parse(case.key) == case for case in cases[::37])
    other = cases[0]._replace(warp=Warp(0.8, 2.0))
    assert other.key.endswith("/gain0.8,delay2")
    assert plan.parse(other.key) == other


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "is no run of a campaign"),
        ("rf/pump.stall/steady/0us", "is no run of a campaign"),
        ("rf/x/steady/aus/1", "is no run of a campaign"),
        ("rf/pump.stall/steady/0us/1/gain3", "gain 3 is outside 0.8 to 1.2"),
        ("rf/pump.stall/steady/0us/1/noise2", "'noise2' is neither gain<number> nor delay<number>"),
        ("rf/pump.stall/sleeping/0us/1", "there is no phase 'sleeping'"),
        ("us/pump.stall/steady/0us/1", "there is no bench 'us'; there are rf, mw, sensors, sairem"),
    ],
)
def test_a_word_that_is_no_case(key: str, says: str):
    with pytest.raises(ValueError, match=says):
        plan.parse(key)


def test_a_covering_part_holds_every_pair_of_values():
    cases = plan.singles(("mw", "sensors"), seeds=(1, 2))
    few = plan.covering(cases, 1600, seed=1)
    assert len(few) == len(set(few)) == 1600

    def pairs(cases: list[Case]) -> set[object]:
        factors = ("fault", "value", "phase", "offset_s", "modality", "seed")
        return {
            (a, getattr(case, a), b, getattr(case, b)) for case in cases for a, b in itertools.combinations(factors, 2)
        }

    assert pairs(few) == pairs(cases)
    assert plan.covering(cases, 1600, seed=1) == few
    assert plan.covering(cases, 1600, seed=2) != few


LEFT_OUT = {
    ("link", "late"): "one reply in twenty: seen after seconds or never; as benign at pump and enable line",
    ("relay", "weld"): "latent: in pairs",
    ("inputs", "foot_stuck"): "needs a footswitch, which the foreground run does not use: real processes",
    ("load", "pad"): "as char",
    ("load", "pop"): "an event of the tissue, no fault of the bench",
    ("load", "peel"): "slow: closed loop tests",
    ("load", "withdrawn"): "ends nothing: closed loop tests",
    ("load", "retract"): "ends nothing: closed loop tests",
    ("load", "bubbles"): "a bubble passes and ends nothing: closed loop tests",
    ("load", "bag"): "minutes: closed loop tests",
    ("load", "coolant_temp"): "many seconds: closed loop tests",
    **{("chiller", kind.name): "minutes: closed loop tests" for kind in faults.kinds_of("chiller")},
}
LEFT_OUT_HERE = {
    "enable.link.garbage": "a status of eight relays without a sum: seen when chance hits the byte of this one",
    "relays.link.drop": "electrode switches: closed loop tests",
}


def targets(modality: str) -> dict[str, faults.Target]:
    """The devices of a bench, as faults name them."""
    bench = setup_of(modality).bench.bench
    assembly = Assembly(bench.model_dump(mode="json"), Resistor(50.0), {}, lambda *power: None)
    return {name: faults.Target(emulator.ROLE, emulator.channels()) for name, emulator in assembly.emulators.items()}


@pytest.mark.parametrize("modality", BENCHES)
def test_every_row_can_be_injected_where_it_is_planned(modality: str):
    known = targets(modality)
    rows = [row for row in injections() if row.on(modality)]
    assert len(rows) >= 8
    assert len({row.fault for row in rows}) == len(rows)  # what must come of a fault is said once
    for row in rows:
        for value in row.values:
            assert faults.parse(row.spec(value), known).kind.name == row.fault.rpartition(".")[2]


def planned() -> set[tuple[str, str]]:
    """Scope and name of the faults in the plan."""
    return {
        (kind.scope, kind.name)
        for modality in BENCHES
        for row in injections()
        if row.on(modality)
        for kind in [faults.parse(row.spec(row.values[0]), targets(modality)).kind]
    }


def test_every_fault_of_the_catalogue_is_planned_or_said_why_not():
    known = {(kind.scope, kind.name) for kind in faults.CATALOGUE}
    left = known - planned()
    assert left <= set(LEFT_OUT)
    assert set(LEFT_OUT) <= known


def test_every_injection_of_the_hazard_table_is_planned_or_said_why_not(repository: Path):
    """By device, channel and fault; a device that no bench of the campaign has is said so."""
    table = (repository / "safety" / "hazards.toml").read_text(encoding="utf-8")
    named = {spec.partition("=")[0] for row in parse_hazards(table) for spec in row.injection if "::" not in spec}
    plan_of = {row.fault for row in injections()} | {latent for bench in BENCHES.values() for latent in bench.latent}
    left_out = {name for _, name in LEFT_OUT}
    assert len(named) > 40
    assert {
        name for name in named - plan_of if name.rpartition(".")[2] not in left_out and name not in LEFT_OUT_HERE
    } == set()
    assert set(LEFT_OUT_HERE) <= named


def test_the_full_set_is_as_large_as_it_must_be():
    told = plan.counts([*plan.singles(tuple(BENCHES)), *plan.pairs(tuple(BENCHES))])
    assert told["injected"] >= 50_000
    assert (told["offsets"], told["seeds"]) == (8, 3)
    assert set(told["benches"]) == set(BENCHES)
    assert set(told["phases"]) == set(plan.PHASES)


def test_a_fault_is_set_only_where_it_can_be_seen():
    cases = [*plan.singles(tuple(BENCHES)), *plan.pairs(tuple(BENCHES))]
    assert {case.phase for case in cases if case.fault == "gen.spontaneous_on"}.isdisjoint({"fire", "ramp", "steady"})
    assert {case.modality for case in cases if case.phase == "rolloff"} == {"rf"}


def test_every_row_is_for_a_bench_that_there_is():
    assert all(set(row.only) <= set(BENCHES) and any(map(row.on, BENCHES)) for row in injections())
    assert find("pump.stall", "rf").expected("steady").within_s == 0.6
    with pytest.raises(KeyError, match=r"tc\.tip\.open on the bench mw"):
        find("tc.tip.open", "mw")


def test_behind_a_latent_fault_only_what_is_left_can_act():
    assert expected("gen.link.drop", "rf", "steady").within_s == 0.4
    assert expected("gen.link.drop", "rf", "steady", "enable.weld").within_s == 2.3  # the generator's dead-man: 2 s
    assert expected("gen.link.drop", "rf", "steady", "gen.deadman_off").within_s == 0.4
    none_left = behind("enable.weld", "gen.link.drop", "mw")
    assert none_left is not None
    assert none_left.within_s is None
    welded = [case for case in plan.pairs(("mw",)) if case.latent == "enable.weld"]
    assert len(welded) > 50
    assert not [case for case in welded if case.fault.startswith("gen.link")]
    shipped = read_behind((Path(plan.__file__).with_name("injections.toml")).read_text())
    assert all(row.because and find(row.fault, row.modality) for row in shipped)
    assert all(row.latent in BENCHES[row.modality].latent for row in shipped)


def test_in_another_world_only_its_own_delays_are_allowed_for():
    slow = Warp(delay=2.0)
    assert PLAIN.flow_later_s == 0.0
    assert slow.flow_later_s == pytest.approx(0.2497, abs=1e-4)  # 0.7 s x ln(1 / 0.7)
    assert Warp(gain=1.2).flow_later_s == pytest.approx(0.1276, abs=1e-4)  # 0.7 s x ln(1.2)
    assert Warp(gain=0.8).flow_later_s == 0.0
    assert expected("pump.stall", "rf", "steady", warp=slow).within_s == pytest.approx(0.87, abs=0.001)
    assert expected("inputs.door", "rf", "steady", warp=slow).within_s == pytest.approx(0.17)  # two answers, 10 ms each
    assert expected("inputs.door", "rf", "steady", warp=Warp(gain=0.8)).within_s == 0.15
