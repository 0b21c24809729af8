"""Several needles behind a switch, with dummy loads in their places: what docs/commissioning.md says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from controller.config import setup as setups
from controller.config.loading import load_bench, load_protocol
from controller.records.reader import open_session
from sim.rehearsal import rehearse
from sim.world.bench import World
from tests.commissioning.rehearsed import commissioned
from tests.docs.blocks import ROOT, blocks

BENCH = str(ROOT / "examples" / "benches" / "multi-probe-rf-sim.yaml")
PAGE = ROOT / "docs" / "commissioning.md"
OPEN_OHM = 1e5


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """A resistor, ohm, at each output of the switch that is named; nothing at the others."""
    at: dict[int, float] = {}

    class Loaded(World):
        def __init__(self, applicator: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> None:
            self.connected: tuple[int, ...] = ()
            super().__init__(applicator, simulation, seed)

        def connect(self, channels: Collection[int]) -> None:
            self.connected = tuple(channels)
            super().connect(channels)

        @property
        def load_ohm(self) -> float:
            siemens = sum(1.0 / at[n] for n in self.connected if n in at)
            return 1.0 / siemens if siemens else OPEN_OHM

        @property
        def reverse_w(self) -> float:
            return self.forward_w * ((self.load_ohm - 50.0) / (self.load_ohm + 50.0)) ** 2

        @property
        def load_w(self) -> float:
            return self.forward_w - self.reverse_w

    monkeypatch.setattr("sim.world.bench.World", Loaded)
    return at


def test_one_load_at_any_output_passes_and_an_output_that_does_not_conduct_fails(
    loads: dict[int, float], tmp_path: Path
) -> None:
    for output in range(3):
        loads.clear()
        loads[output] = 50.0
        done = commissioned(tmp_path / str(output), BENCH, only=["obeys-off"])
        assert done["obeys-off"]["result"] == "passed", done
    loads.clear()
    done = commissioned(tmp_path / "none", BENCH, only=["obeys-off"])
    assert done["obeys-off"]["result"] == "failed"
    assert any("impedance" in seen for seen in done["obeys-off"]["seen"]), done


def read_in_turns(tmp_path: Path) -> list[float]:
    """Impedance as it was read for the most of each turn of the page's protocol, ohm."""
    (text,) = (b.text for b in blocks(PAGE) if b.text.startswith("# which-needle.yaml\n"))
    (tmp_path / "which-needle.yaml").write_text(text)
    found = setups.combine(load_bench(BENCH), load_protocol(str(tmp_path / "which-needle.yaml")))
    result = rehearse(found, out=tmp_path / "s")
    assert result["result"] == "completed", result
    with open_session(Path(result["session_file"])) as session:
        ohm, power = session.series("gen.impedance_ohm"), session.series("gen.power_w")
        fired_s = session.events("fire")[0].t_s
        moves = [e.t_s for e in session.events("electrodes") if "to" in e.data and e.t_s >= fired_s]
        turns = [(a, b) for a, b in pairwise(moves) if b - a > 4.0]
    assert max(power.value) < 11.5
    return [median(float(v) for t, v in zip(ohm.t_s, ohm.value, strict=True) if a < t < b) for a, b in turns]


# The meter of this bench's generator tells reflected power in whole watts: 100 ohm read as 96, 200 as 222.
@pytest.mark.parametrize("placed", [(50.0, 100.0, 200.0), (100.0, 50.0, 200.0)])
def test_the_protocol_of_the_page_shows_which_output_is_which_needle(
    placed: tuple[float, ...], loads: dict[int, float], tmp_path: Path
) -> None:
    loads.update(enumerate(placed))
    assert read_in_turns(tmp_path) == pytest.approx(placed, rel=0.15)
