"""What a law is shown of an array and an antenna, and how their sensors are guarded."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.config.bench import Roles
from controller.config.setup import Setup
from controller.daemon.application import Application
from controller.daemon.guard import guard
from safety.config import Judged
from safety.types import Quality, Sample
from sim import rehearsal
from tests.config.support import BENCH, PROTOCOL, both, spoiled

WIRED = spoiled(BENCH, "{101: tip_c, 102: tissue_10mm_c}", "{101: tine_1_c, 102: tine_2_c, 103: shaft_c, 104: far_c}")
WIRED = spoiled(WIRED, "  tip: tc.tip_c\n", "  shaft: tc.shaft_c\n  tines: [tc.tine_1_c, tc.tine_2_c]\n")
WIRED = spoiled(WIRED, "tissue: [tc.tissue_10mm_c]", "tissue: [tc.far_c]")


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    monkeypatch.chdir(tmp_path)
    return both(WIRED, PROTOCOL)


def test_tines_and_shaft_are_shown_by_role(setup: Setup):
    application = Application(setup.protocol.protocol, setup.bench.bench.roles, 100.0)
    snapshot = {
        "tc.tine_1_c": Sample("tc.tine_1_c", 61.0, 101.0),
        "tc.tine_2_c": Sample("tc.tine_2_c", 9.9e37, 101.0, Quality.BAD),
        "tc.shaft_c": Sample("tc.shaft_c", 14.0, 101.0),
    }
    seen = application.observe(snapshot, 102.0)
    assert (seen.t_s, seen.tine_c, seen.shaft_c) == (2.0, (61.0, None), 14.0)
    seen = application.observe({"tc.tine_1_c": Sample("tc.tine_1_c", math.nan, 101.0)}, 102.0)
    assert (seen.tine_c, seen.shaft_c) == ((None, None), None)


def test_a_bench_without_them_shows_none(setup: Setup):
    application = Application(setup.protocol.protocol, Roles(source="gen"), 100.0)
    seen = application.observe({}, 102.0)
    assert (seen.tine_c, seen.shaft_c, seen.channels, seen.deployment_mm) == ((), None, None, None)


def test_a_tine_is_tissue_and_may_fail_a_shaft_may_not(setup: Setup):
    bench = setup.bench
    config = guard(bench.bench, setup.protocol.protocol, bench.declarations, setup.kernel_layers, setup.config_hash)
    assert config.roles.tissue == ("tc.far_c", "tc.tine_1_c", "tc.tine_2_c")
    judged = {rule.channel: rule.judged for rule in config.channels}
    assert judged["tc.tine_1_c"] is Judged.SEEN
    assert judged["tc.far_c"] is Judged.ALWAYS
    assert judged["tc.shaft_c"] is Judged.ALWAYS


def rehearsed(folder: Path, law: dict[str, Any]) -> dict[str, Any]:
    """One application of ``law`` on the shipped simulated bench."""
    data = {
        "protocol": "short",
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": law,
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
    }
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return rehearsal.rehearse(setups.load("cooled-rf-sim", str(path)), out=folder)


def test_a_law_that_ends_early_is_an_abort_and_says_why(tmp_path: Path):
    stages = [{"target_c": 80.0, "hold_s": 1.0}]
    law = {"kind": "mean-temperature", "sensors": "tip", "stages": stages, "power_max_w": 20.0}
    result = rehearsed(tmp_path, {**law, "duration_s": 3.0, "cool_s": 0.0})
    assert result["result"] == "aborted"
    assert result["reason"] == "stop: not finished within 3 s: stage 1 of 1"
    assert result["trip"] is None


def test_a_law_that_ends_as_it_should_is_complete(tmp_path: Path):
    result = rehearsed(tmp_path, {"kind": "constant-power", "power_w": 20.0, "duration_s": 3.0})
    assert (result["result"], result["reason"]) == ("completed", None)
