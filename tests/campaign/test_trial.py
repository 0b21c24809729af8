"""Whole runs, one of a kind, and a campaign that goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.cli import run as ablate
from sim.campaign import plan, pool, trial
from sim.campaign.expected import Injection, injections
from sim.campaign.verdict import Verdict

STALL = "rf/pump.stall/steady/0us/1"


@pytest.mark.parametrize(
    ("key", "trip", "within_s"),
    [
        (STALL, "H38", 0.6),
        ("rf/load.air/steady/12500us/1", "H41", 0.6),
        ("rf/gen.link.drop/armed/25000us/2", "H15", 0.0),
        ("rf/inputs.estop/ramp/43750us/3", "H66", 0.15),
        ("rf/tc.tip.bias=100/boot/0us/1", "", 0.0),  # refused on the way to READY
        ("rf/nominal/steady/0us/1001", "", 0.0),
    ],
)
def test_a_run_that_is_as_it_must_be(key: str, trip: str, within_s: float):
    verdict, why, seen = trial.run(plan.parse(key))
    assert (verdict, seen.trip) == (Verdict.OK, trip), why
    if within_s:
        assert seen.off_s - seen.shown_s <= within_s


def _blind(row: Injection) -> Injection:
    return row._replace(hazards=frozenset({"H99"})) if row.fault == "pump.stall" else row


def test_a_campaign_that_expects_another_cause_says_so(monkeypatch: pytest.MonkeyPatch):
    """The judge must be able to say no: a verdict that is always OK proves nothing."""
    rows = {row.fault: _blind(row) for row in injections()}
    monkeypatch.setattr(trial, "find", rows.__getitem__)
    verdict, why, _ = trial.run(plan.parse(STALL))
    assert (verdict, why) == (Verdict.WRONG_CAUSE, "H38 instead of H99")


def test_a_detector_that_is_taken_out_is_missed(monkeypatch: pytest.MonkeyPatch):
    from safety.monitors.coolant import Flow

    monkeypatch.setattr(Flow, "update", lambda self, memory, view: (memory, ()))
    verdict, _, seen = trial.run(plan.parse(STALL))
    assert verdict in (Verdict.MISSED, Verdict.WRONG_CAUSE, Verdict.LATE)
    assert seen.energy_after_j > 120.0


def test_a_campaign_goes_on_where_it_was_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    cases = [plan.parse(STALL), plan.parse("rf/nominal/steady/0us/1001")]
    pool.run_all(cases[:1], tmp_path, jobs=1)
    with (tmp_path / pool.RUNS).open("a") as out:
        out.write('{"case": "rf/nomi')  # killed while writing
        out.write("\n")
    ran: list[str] = []
    rows = pool.run_all(cases, tmp_path, jobs=1, progress=lambda row: ran.append(row["case"]))
    assert ran == [cases[1].key]
    assert [row["verdict"] for row in rows] == ["OK", "OK"]


def test_one_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ablate(["campaign", "--only", STALL, "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["trip"]) == ("OK", "H38")
    assert len(list(tmp_path.glob("**/*.ablate"))) == 1
    assert ablate(["campaign", "--only", "rf/pump.stall/steady"]) == 2
    assert "is no run of a campaign" in capsys.readouterr().err


def test_a_cluster_that_is_not_there(tmp_path: Path):
    with pytest.raises(pool.NoCluster, match=r"dask scheduler|openablate\[cluster\]"):
        pool.run_all([plan.parse(STALL)], tmp_path, jobs=1, cluster="tcp://127.0.0.1:9")
