"""Coolant from a circulator that fails: warm coolant is no coolant, before energy and under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.perform import NotReady
from controller.records.reader import SessionFile
from drivers.contract import DeviceError
from sim import rehearsal
from tests.config.support import BENCH, spoiled

PROTOCOL = {
    "protocol": "chilled",
    "source": "no publication: a protocol of these tests",
    "modality": "rf",
    "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
    "law": {"kind": "constant-power", "power_w": 20.0, "duration_s": 20.0},
    "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0, "coolant_c": 8.0, "coolant_margin_c": 5.0},
}


def chilled(folder: Path, circulator: str, *faults: str, start_c: float = 8.0) -> dict[str, Any]:
    """Rehearse 20 s at 20 W. The bath is at ``start_c`` when it begins, its limit is 13 degC; what takes minutes on a
    bench takes seconds.
    """
    bench = spoiled(BENCH, "roles:\n", f'  bath: {{driver: {circulator}, port: "sim://bath"}}\nroles:\n')
    bench = spoiled(bench, "  pump: pump\n", "  pump: pump\n  chiller: bath\n")
    bench = spoiled(bench, "  tip: tc.tip_c\n", "  tip: tc.tip_c\n  coolant: bath.bath_c\n")
    bench = spoiled(bench, "  tissue_c: 115\n", "  tissue_c: 115\n  coolant_c: 35\n")
    bench += (
        f"simulation: {{tissue: exvivo_bovine, devices: {{bath: {{start_c: {start_c}, lag_s: 2, standing_s: 8}}}}}}\n"
    )
    (folder / "bench.yaml").write_text(bench)
    (folder / "chilled.yaml").write_text(yaml.safe_dump(PROTOCOL, sort_keys=False))
    setup = setups.load(str(folder / "bench.yaml"), str(folder / "chilled.yaml"))
    return rehearsal.rehearse(setup, faults=faults, seed=1, out=folder)


CIRCULATORS = pytest.mark.parametrize("circulator", ["lauda", "julabo"])


@CIRCULATORS
def test_a_warm_bath_is_cooled_before_energy_flows(tmp_path: Path, circulator: str) -> None:
    result = chilled(tmp_path, circulator, start_c=20.0)
    assert (result["result"], result["trip"]) == ("completed", None)


@CIRCULATORS
@pytest.mark.parametrize("fault", ["cooler_off", "undercooled=9", "heater_stuck=60", "low_level", "panel=25"])
def test_coolant_that_warms_up_ends_the_energy(tmp_path: Path, circulator: str, fault: str) -> None:
    result = chilled(tmp_path, circulator, f"bath.{fault}@12")
    trip = result["trip"]
    assert (trip["hazard"], trip["monitor"], trip["channel"]) == ("H43", "over_temperature", "bath.bath_c")
    assert result["power_at_end_w"] == 0.0
    with SessionFile(result["session_file"]) as session:
        bath, power = session.series("bath.bath_c"), session.series("gen.forward_power_w")
    warm_s = bath.t_s[bath.value > 13.0][0]
    assert power.t_s[power.value > 5.0][-1] < warm_s + 2.5  # two readings on, which are up to 1 s apart


@CIRCULATORS
def test_a_circulator_that_falls_silent_ends_the_energy(tmp_path: Path, circulator: str) -> None:
    result = chilled(tmp_path, circulator, "bath.link.drop@12")
    assert (result["trip"]["hazard"], result["trip"]["channel"]) == ("H15", "bath.bath_c")
    assert result["time_to_off_s"] < 3.0  # a Julabo's bath is read once a second and may miss one


@CIRCULATORS
@pytest.mark.parametrize("fault", ["cooler_off", "undercooled=9", "heater_stuck=1", "low_level"])
def test_coolant_that_does_not_get_cold_refuses(tmp_path: Path, circulator: str, fault: str) -> None:
    with pytest.raises(NotReady, match=r"did not become ready: .*bath\.bath_c is \d+\.\d C, limit 13 C \(chiller\)"):
        chilled(tmp_path, circulator, f"bath.{fault}", start_c=20.0)


@CIRCULATORS
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "panel=8@0.5",
            "bath has not taken its set-point: is remote control allowed at its panel, and this temperature",
        ),
        (
            "low_level",
            "bath (signals an alarm: its display says which; clear it there|is short of bath fluid: fill it up)",
        ),
    ],
)
def test_a_bath_that_is_cold_but_not_in_order_refuses(tmp_path: Path, circulator: str, fault: str, says: str) -> None:
    with pytest.raises(NotReady, match=f"did not become ready: {says}"):
        chilled(tmp_path, circulator, f"bath.{fault}")


def test_a_panel_in_charge_refuses(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"bath\.bath_c is 2\d\.\d C, limit 13 C"):
        chilled(tmp_path, "lauda", "bath.panel=20", start_c=20.0)
    with pytest.raises(DeviceError, match=r"bath: its panel is in charge \(00 MANUAL STOP\); set it to remote"):
        chilled(tmp_path, "julabo", "bath.panel=20", start_c=20.0)
