"""The world against the published burns whose geometry and protocol are known best. Minutes, not seconds."""

from pathlib import Path

import pytest

from sim.validation.cases import load_cases
from sim.validation.run import run
from sim.validation.score import score_of

CHEAP = ("R2", "R4", "R5", "R7", "R12", "R12b", "M1-9", "M1b", "M13", "M14")
"""Every gated case, and the energies; all of them in two dimensions."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def outcome():
    cases = load_cases(Path(__file__).parent)
    return run({name: cases[name] for name in CHEAP})


def test_every_burn_ran(outcome):
    assert outcome.failed == {}


def test_axes_of_gated_burns(outcome):
    score = score_of(outcome)
    assert score.gated == 40
    assert score.gated_met >= 0.8 * score.gated


def test_short_axes(outcome):
    score = score_of(outcome)
    assert score.rms_rf_mm[1] <= 3.0
    assert score.rms_microwave_mm[1] <= 3.0


def test_no_trend_has_the_wrong_sign(outcome):
    assert score_of(outcome).wrong_signs == ()


def test_energies(outcome):
    score = score_of(outcome)
    assert score.energies == 2
    assert score.energy_met == score.energies


def test_energy_is_conserved(outcome):
    for name, result in outcome.results.items():
        assert abs(result["balance"]["residual"]) < 1e-3, name
