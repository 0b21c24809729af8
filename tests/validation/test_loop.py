"""Burns with the controller in the loop: each names a shipped protocol that its bench can deliver, for that burn."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config import setup as setups
from sim.validation import loop
from sim.validation.cases import load_cases, rehearsals_of

CASES = load_cases(Path(__file__).parent)
BENCHES = Path(__file__).resolve().parents[2] / "examples" / "benches"
REHEARSED = rehearsals_of(CASES)


def test_published_protocols_are_rehearsed():
    protocols = {
        wanted.protocol for name, case in REHEARSED.items() if (wanted := case.burns[name].in_the_loop) is not None
    }
    assert len(REHEARSED) == 19
    assert {"cooled-needle-2cm-12min", "microwave-40w-10min", "perfused-needle-103c-15min"} <= protocols


@pytest.mark.parametrize("name", REHEARSED)
def test_the_bench_delivers_what_was_burnt(name: str):
    scene, wanted = REHEARSED[name].scene(name), REHEARSED[name].burns[name].in_the_loop
    assert wanted is not None
    setup = setups.load(BENCHES / f"{wanted.bench}.yaml", wanted.protocol)
    mounted = setup.bench.bench.applicator.model_dump()
    for key, value in scene.applicator.items():
        assert mounted[key] == value
    assert setup.protocol.protocol.law.kind == scene.law["kind"]


def test_a_rehearsal_on_the_tissue_of_the_case(monkeypatch: pytest.MonkeyPatch):
    case = CASES["R7"]
    burn = case.burns["R7-30"]
    short = burn.model_copy(update={"in_the_loop": burn.in_the_loop.model_copy(update={"protocol": "demo-30s"})})  # type: ignore[union-attr]
    case = case.model_copy(update={"burns": {**case.burns, "R7-30": short}})
    found = loop.rehearse(case, "R7-30", "fast", BENCHES)
    assert found["duration_s"] == pytest.approx(30.0, abs=1.0)
    assert 3000.0 < found["energy_j"] < 6000.0
    assert found["zone"]["short_axis_mm"] > 5.0
