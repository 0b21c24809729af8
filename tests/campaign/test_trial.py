"""Whole runs, one of a kind, and a campaign that goes on where it was stopped."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.cli import run as ablate
from controller.evidence.revision import origin, program
from sim.campaign import expected, plan, pool, summary, trial
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
        ("mw/pump.stall/ramp/0us/1", "H38", 0.6),
        ("mw/load.mismatch=0.6/steady/0us/1", "", 0.0),  # the law ends it
        ("sairem/load.mismatch=0.6/ramp/6250us/1", "H53", 0.3),
        ("sairem/gen.link.drop/steady/12500us/1", "H15", 0.4),  # its own dead-man
        ("sairem/gen.spontaneous_on=20/ready/12500us/1", "H01", 0.0),  # told; nothing can take it away
        ("sensors/inputs.leak/ramp/0us/1", "H82", 0.15),
        ("rf/gen.link.disconnect+enable.weld/steady/0us/1", "H15", 2.3),
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
    rows = {row.fault: _blind(row) for row in injections() if row.on("rf")}
    monkeypatch.setattr(expected, "find", lambda fault, modality: rows[fault])
    verdict, why, _ = trial.run(plan.parse(STALL))
    assert (verdict, why) == (Verdict.WRONG_CAUSE, "H38 instead of H99")


def test_a_detector_that_is_taken_out_is_missed(monkeypatch: pytest.MonkeyPatch):
    from safety.monitors.coolant import Flow

    monkeypatch.setattr(Flow, "update", lambda self, memory, view: (memory, ()))
    verdict, _, seen = trial.run(plan.parse(STALL))
    assert verdict in (Verdict.MISSED, Verdict.WRONG_CAUSE, Verdict.LATE)
    assert seen.energy_after_j > 120.0


ROBUST = [
    "rf/pump.stall/steady/12500us/1",
    "rf/gen.readback_zero/steady/0us/1",
    "mw/load.air/steady/25000us/3",
    "sairem/load.mismatch=0.6/steady/18750us/2",
    "sensors/tc.tissue_20mm.bias=30/steady/0us/1",
    "rf/nominal/steady/0us/1003",
    "mw/nominal/steady/0us/1004",
]


@pytest.mark.parametrize("warp", ["gain0.8", "gain1.2", "delay2"])
def test_in_another_world_the_verdicts_stay(warp: str):
    plain = {key: trial.run(plan.parse(key)) for key in ROBUST[:1]}
    for key in ROBUST:
        verdict, why, seen = trial.run(plan.parse(f"{key}/{warp}"))
        assert verdict is Verdict.OK, f"{key}: {why}"
        if key in plain:  # it is another world
            assert seen.energy_after_j != plain[key][2].energy_after_j


def test_a_campaign_goes_on_where_it_was_stopped(tmp_path: Path):
    cases = [plan.parse(STALL), plan.parse("rf/nominal/steady/0us/1001")]
    pool.run_all(cases[:1], tmp_path, jobs=1)
    with (tmp_path / pool.RUNS).open("a") as out:
        out.write('{"case": "rf/nomi')  # killed while writing
    ran: list[str] = []
    rows = pool.run_all(cases, tmp_path, jobs=1, progress=lambda row: ran.append(row["case"]))
    assert ran == [cases[1].key]
    assert [row["verdict"] for row in rows] == ["OK", "OK"]
    assert list(pool.done_before(tmp_path, origin()).rows) == [case.key for case in cases]
    assert {row["program"] for row in rows} == {program()}


def test_a_campaign_that_is_killed_goes_on(tmp_path: Path):
    """A real process, killed as soon as it has written a run."""
    wanted = ["campaign", "--runs", "4", "--nominal", "0", "--jobs", "1", "--out", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-m", "openablate", *wanted], stdout=subprocess.DEVNULL)
    path, until_s = tmp_path / pool.RUNS, time.monotonic() + 50.0
    while not (path.is_file() and path.read_bytes().count(b'"case"') >= 1) and time.monotonic() < until_s:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = pool.done_before(tmp_path, origin()).rows
    assert 1 <= len(before) < 4
    assert ablate([*wanted, "--json"]) in (0, 8)
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}") and '"case"' in line]
    assert len(lines) == len({line["case"] for line in lines}) == 4  # none was run twice


def test_a_run_that_fails_says_how_to_repeat_it(capsys: pytest.CaptureFixture[str]):
    key = "rf/pump.stall/steady/0us/1"
    row = {"case": key, "verdict": "LATE", "why": "0.7 s to 0 W, allowed 0.6", "energy_after_j": 0.0}
    told = summary.text(summary.summarise([row]))
    (line,) = (line for line in told if "again:" in line)
    command = shlex.split(line.partition("again:")[2])
    assert command == ["ablate", "campaign", "--only", key]
    assert ablate([*command[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["case"] == key


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


def test_a_dry_run_says_how_many_and_runs_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ablate(["campaign", "--full", "--nominal", "10000", "--dry-run", "--json", "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["injected"] >= 50_000
    assert told["nominal"] == 10_000
    assert list(tmp_path.iterdir()) == []
    assert ablate(["campaign", "--runs", "50", "--nominal", "3", "--gain", "0.8", "--dry-run"]) == 0
    assert "50 injected runs" in capsys.readouterr().out
