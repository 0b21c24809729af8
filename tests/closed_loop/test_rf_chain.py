"""The bench whose source is three instruments: a whole application, and both ways to cut it off."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config import setup as setups
from sim import rehearsal

BENCH = str(Path(__file__).parents[2] / "examples" / "benches" / "rf-chain-sim.yaml")


def test_an_application_to_its_end(tmp_path: Path) -> None:
    """The record's energy is what the oscilloscope measured; the emulator knows what was really delivered."""
    result = rehearsal.rehearse(setups.load(BENCH, "demo-30s"), faults=(), seed=1, out=tmp_path)
    assert (result["result"], result["trip"]) == ("completed", None)
    assert result["energy_j"] == pytest.approx(result["energy_delivered_j"], rel=0.02)
    assert result["energy_delivered_j"] > 2000.0
    assert result["late_ticks"] == 0


@pytest.mark.parametrize(
    ("fault", "device"),
    [
        ("gen.ignore_off@12", "gen"),
        ("gen.link.drop@12", "gen"),
        ("gen-amplifier.link.drop@12", "gen"),
        ("gen-meter.link.drop@12", "gen"),
        ("gen-meter.voltage.open@12", "gen"),
        ("inputs.estop@12", "inputs"),
    ],
)
def test_whatever_fails_the_power_ends(tmp_path: Path, fault: str, device: str) -> None:
    """A generator that ignores off is noticed when it is told off, and overruled by the amplifier."""
    result = rehearsal.rehearse(setups.load(BENCH, "demo-30s"), faults=[fault], seed=1, out=tmp_path)
    assert result["result"] == "tripped"
    assert result["trip"]["device"] == device
    assert result["power_at_end_w"] == 0.0
    if fault != "gen.ignore_off@12":
        assert result["time_to_off_s"] < 0.5
