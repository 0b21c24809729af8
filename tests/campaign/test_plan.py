"""Which runs there are, and what each must lead to."""

from __future__ import annotations

import itertools

import pytest

from sim import faults
from sim.campaign import plan
from sim.campaign.expected import MODALITIES, find, injections, read
from sim.campaign.plan import Case
from sim.campaign.trial import BENCHES

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


@pytest.mark.parametrize("key", ["", "rf/pump.stall/steady/0us", "rf/pump.stall/sleeping/0us/1", "rf/x/steady/aus/1"])
def test_a_word_that_is_no_case(key: str):
    with pytest.raises(ValueError, match=r"is no run of a campaign|there is no phase"):
        plan.parse(key)


def test_a_covering_part_holds_every_pair_of_values():
    cases = plan.singles(tuple(BENCHES))
    few = plan.covering(cases, 1500, seed=1)
    assert len(few) == len(set(few)) == 1500

    def pairs(cases: list[Case]) -> set[object]:
        factors = ("fault", "phase", "offset_s", "seed")
        return {
            (a, getattr(case, a), b, getattr(case, b)) for case in cases for a, b in itertools.combinations(factors, 2)
        }

    assert pairs(few) == pairs(cases)
    assert plan.covering(cases, 1500, seed=1) == few
    assert plan.covering(cases, 1500, seed=2) != few


def test_every_fault_of_the_catalogue_is_injected_or_said_why_not():
    injected = {(row.fault.rpartition(".")[2], "link" in row.fault) for row in injections()}
    known = {(kind.name, kind.scope == "link") for kind in faults.CATALOGUE}
    left_out = {
        ("late", True),  # one reply in twenty: seen after seconds or never
        ("deadman_off", False),  # latent: in pairs
        ("weld", False),  # latent: in pairs
        ("sentinel", False),  # as bias
        ("foot_stuck", False),  # needs a footswitch, which the foreground run does not use
        ("pad", False),  # as char
        ("pop", False),  # an event of the tissue, no fault of the bench
        ("peel", False),  # slow: closed loop tests
        ("withdrawn", False),
        ("retract", False),
        ("pickup", False),
        ("bubbles", False),
        ("bag", False),
        ("coolant_temp", False),
    }
    assert injected <= known
    assert {name for name in known - injected - left_out if name[0] not in CIRCULATOR} == set()


CIRCULATOR = {kind.name for kind in faults.CATALOGUE if kind.scope in ("chiller", "circulator")}


def test_a_fault_is_set_only_where_it_can_be_seen():
    cases = [*plan.singles(("rf",)), *plan.pairs(("rf",))]
    assert {case.phase for case in cases if case.fault == "gen.spontaneous_on"}.isdisjoint({"fire", "ramp", "steady"})


def test_every_row_is_for_a_modality_that_there_is():
    assert all(set(row.only) <= set(MODALITIES) for row in injections())
    assert find("pump.stall").expected("steady").within_s == 0.6
