"""Every shipped protocol on its bench: it fits, the first seconds of energy go as they should, and one protocol of each
law that takes no solver in space goes on to its end. ``make rehearse`` runs all of them to their end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller import cli
from controller.config import setup as setups
from controller.config.loading import load_protocol
from sim import rehearsal
from tests.rehearsal.table import PROTOCOLS, bench_of

IN_SPACE = {"cooled-cluster", "expandable-array", "microwave-antennas", "switched-needles"}
"""Kinds of applicators that take a solver in three dimensions, ten times slower than one in two."""
BEGINNING_S = {False: 60.0, True: 15.0}
WHOLE = {
    "constant-current-1100ma": 900.0,
    "demo-30s": 30.0,
    "below-rolloff-3cm-12min": 720.0,
    "thermosphere-45w-150s": 154.0,
    "track-ablation-70c": 180.0,
}
"""Protocol of each law -> about how long it delivers, s."""


class Watch:
    """Lets an application go on for so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.seen = seconds, False

    def __call__(self, status: dict[str, Any]) -> None:
        self.seen = self.seen or (status["state"] == "FIRING" and status["elapsed_s"] >= self.seconds)

    def enough(self) -> bool:
        return self.seen


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_fits_the_bench_and_its_twin(protocol: str):
    name = bench_of(protocol)
    simulated, real = (setups.load(bench, protocol) for bench in (name, name.replace("-sim.yaml", ".yaml")))
    assert simulated.limits == real.limits
    assert simulated.bench.bench.applicator == real.bench.bench.applicator
    assert simulated.bench.bench.applicator.kind == simulated.protocol.protocol.applicator.kind


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_its_first_seconds(protocol: str, tmp_path: Path):
    setup = setups.load(bench_of(protocol), protocol)
    seconds = BEGINNING_S[setup.bench.bench.applicator.kind in IN_SPACE]
    watch = Watch(min(seconds, 0.5 * setup.protocol.protocol.law.end[1]))
    result = rehearsal.rehearse(setup, out=tmp_path, watch=watch, interrupted=watch.enough)
    assert result["trip"] is None
    assert result["result"] == "aborted"
    assert watch.seconds <= result["duration_s"] <= watch.seconds + 1.0
    assert result["power_at_end_w"] == 0.0
    assert 20.0 < result["energy_delivered_j"] < watch.seconds * setup.limits["power_w"].value


@pytest.mark.parametrize("protocol", WHOLE)
def test_it_runs_to_its_end(protocol: str, tmp_path: Path):
    result = rehearsal.rehearse(setups.load(bench_of(protocol), protocol), out=tmp_path)
    assert (result["result"], result["trip"], result["late_ticks"]) == ("completed", None, 0)
    assert result["duration_s"] == pytest.approx(WHOLE[protocol], abs=5.0)
    assert result["energy_j"] == pytest.approx(result["energy_delivered_j"], rel=0.06)


def test_as_a_command(capsys: pytest.CaptureFixture[str]):
    assert cli.run(["rehearse", bench_of("thermosphere-100w-150s"), "thermosphere-100w-150s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["result"], told["simulated"]) == ("completed", True)
    assert 13_000 < told["energy_j"] < 16_000
    assert told["zone"]["short_axis_mm"] > 20.0


def test_laws_have_a_protocol_that_runs_to_its_end_here_or_in_make_rehearse():
    laws = {load_protocol(name).protocol.law.kind for name in PROTOCOLS}
    assert laws >= {load_protocol(name).protocol.law.kind for name in WHOLE}
    assert len(laws) == 9
