"""What a bench file may ask for besides the usual: sensors that must feel, pairs, critical places, connectors,
contacts, return electrodes; and what a generator tells of what comes back and of its frequency. Each with its fault, in
the whole stack; power is 60 W, from about 2.5 s of bench time on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.perform import NotReady
from sim import rehearsal

ROOT = Path(__file__).parents[2]
RF = ROOT / "controller" / "data" / "benches" / "cooled-rf-sim.yaml"
THERMOSPHERE = ROOT / "examples" / "benches" / "microwave-thermosphere-sim.yaml"
SAIREM = ROOT / "examples" / "benches" / "microwave-sairem-sim.yaml"

Bench = dict[str, Any]


def protocol(bench: Bench, duration_s: float, power_w: float) -> dict[str, Any]:
    """Constant power: a law that judges nothing."""
    applicator = bench["applicator"]
    first = applicator[0] if isinstance(applicator, list) else applicator
    microwave = first["kind"] == "microwave-antenna"
    geometry = {"antenna": first["antenna"]} if microwave else {"active_tip_mm": first["active_tip_mm"]}
    return {
        "protocol": "steady",
        "source": "no publication: a protocol of the closed-loop tests",
        "modality": "microwave" if microwave else "rf",
        "applicator": {"kind": first["kind"], **geometry},
        "law": {"kind": "constant-power", "power_w": power_w, "duration_s": duration_s, "rise_s": 0.5},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
    }


Steady = Callable[..., dict[str, Any]]


@pytest.fixture
def steady(tmp_path: Path) -> Steady:
    """``steady(bench file, *faults, change=…, duration_s=…, power_w=…)``: the result object."""

    def run(
        file: Path,
        *faults: str,
        change: Callable[[Bench], None] = lambda bench: None,
        duration_s: float = 8.0,
        power_w: float = 60.0,
    ) -> dict[str, Any]:
        bench = yaml.safe_load(file.read_text())
        change(bench)
        for name, data in (("bench", bench), ("protocol", protocol(bench, duration_s, power_w))):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
        setup = setups.load(str(tmp_path / "bench.yaml"), str(tmp_path / "protocol.yaml"))
        return rehearsal.rehearse(setup, faults=faults, out=tmp_path / "out")

    return run


def felt(bench: Bench) -> None:
    bench["heating"] = [{"channel": "tc.tissue_10mm_c", "energy_j": 2000.0, "rise_c": 4.0}]


def paired(bench: Bench) -> None:
    """A fibre beside the thermocouple at 10 mm."""
    bench["devices"]["fibres"] = {
        "driver": "omega-fob",
        "port": "sim://fibres",
        "options": {"channels": {1: "tissue_10mm_fo_c"}, "inputs": 1},
    }
    bench["pairs"] = [{"channels": ["tc.tissue_10mm_c", "fibres.tissue_10mm_fo_c"], "rest_c": 3.0, "trip_c": 5.0}]


def contacts(bench: Bench) -> None:
    bench["devices"]["inputs"]["options"]["pins"].update(leak_closed=5, pad_closed=6)
    bench["roles"].update(leak=["inputs.leak_closed"], pad="inputs.pad_closed")


def critical(bench: Bench) -> None:
    bench["roles"].update(tissue=["tc.tissue_10mm_c"], critical=["tc.tissue_20mm_c"])


def connector(bench: Bench) -> None:
    bench["roles"].update(tissue=["tc.tissue_10mm_c"], cable=["tc.tissue_20mm_c"])


def cold_shaft(bench: Bench) -> None:
    bench["limits"]["shaft_c"] = 50.0


def returned(bench: Bench) -> None:
    bench["limits"].update(reflected_w=40.0, reflected_share=0.45)


def least(bench: Bench) -> None:
    """The simulated antenna reflects about a fiftieth, shown in whole watts."""
    bench["limits"]["reflected_least_share"] = 0.01


def nothing(bench: Bench) -> None:
    pass


TRIPS = [
    (RF, "tc.tissue_10mm.short@0", felt, "H64", "heating_response", "tc.tissue_10mm_c", 40.0),
    (RF, "tc.tissue_10mm.short=21@42", felt, "H64", "heating_response", "tc.tissue_10mm_c", 0.4),
    (RF, "tc.tissue_10mm.detach@42", felt, "H64", "heating_response", "tc.tissue_10mm_c", 0.4),
    (RF, "load.pickup=0.1@6", paired, "H61", "pair", "tc.tissue_10mm_c", 1.5),
    (RF, "tc.tissue_10mm.bias=6@6", paired, "H61", "pair", "tc.tissue_10mm_c", 1.5),
    (RF, "tc.tissue_20mm.bias=30@6", critical, "H46", "over_temperature", "tc.tissue_20mm_c", 0.35),
    (RF, "tc.tissue_20mm.bias=23.5@0", critical, "H46", "thermal_dose", "tc.tissue_20mm_c", 40.0),
    (RF, "tc.tissue_20mm.bias=45@6", connector, "H55", "over_temperature", "tc.tissue_20mm_c", 0.35),
    (RF, "inputs.leak@6", contacts, "H82", "flag", "inputs.leak_closed", 0.15),
    (RF, "inputs.pad@6", contacts, "H51", "flag", "inputs.pad_closed", 0.3),
    (RF, "load.open@6", returned, "H53", "reflected", "gen.reverse_power_w", 0.3),
    (THERMOSPHERE, "load.mismatch=1@0", nothing, "H53", "reflected", "gen.reverse_power_w", 4.0),
    (THERMOSPHERE, "load.mismatch=0.6@6", nothing, "H53", "reflected", "gen.reverse_power_w", 0.3),
    (THERMOSPHERE, "load.open@6", nothing, "H53", "reflected", "gen.reverse_power_w", 0.3),
    (SAIREM, "load.open@6", nothing, "H53", "reflected", "gen.reverse_power_w", 0.3),
    (THERMOSPHERE, "gen.reverse_zero@6", least, "H54", "reflectometer", "gen.reverse_power_w", 3.0),
    (THERMOSPHERE, "gen.detuned@6", nothing, "H13", "frequency", "gen.frequency_hz", 0.3),
    (SAIREM, "gen.detuned=-0.01@6", nothing, "H13", "frequency", "gen.frequency_hz", 0.3),
    (THERMOSPHERE, "fibres.shaft_fo.bias=35@6", cold_shaft, "H45", "over_temperature", "fibres.shaft_fo_c", 0.3),
    (THERMOSPHERE, "fibres.tissue_15mm_fo.freeze@20", nothing, "H58", "frozen", "fibres.tissue_15mm_fo_c", 5.3),
    (SAIREM, "fibres.shaft_fo.freeze@20", nothing, "H58", "frozen", "fibres.shaft_fo_c", 5.3),
]


def _word(value: object) -> str:
    """The same in every process: functions by their names."""
    if isinstance(value, tuple):
        return "+".join(map(_word, value))
    return str(getattr(value, "__name__", value))[-40:]


@pytest.mark.parametrize(("file", "fault", "change", "hazard", "monitor", "channel", "within_s"), TRIPS, ids=_word)
def test_it_trips(
    steady: Steady,
    file: Path,
    fault: str,
    change: Callable[[Bench], None],
    hazard: str,
    monitor: str,
    channel: str,
    within_s: float,
) -> None:
    result = steady(file, fault, change=change, duration_s=50.0)
    trip = result["trip"]
    assert (result["result"], trip["hazard"], trip["monitor"], trip["channel"]) == ("tripped", hazard, monitor, channel)
    assert (result["time_to_off_s"] or 0.0) <= within_s
    assert result["energy_after_fault_j"] <= within_s * 60.0
    assert (result["state_at_end"], result["power_at_end_w"]) == ("TRIPPED", 0.0)


@pytest.mark.parametrize(
    ("file", "changes"),
    [(RF, (felt, paired, contacts, critical)), (RF, (connector,)), (THERMOSPHERE, (cold_shaft, least))],
    ids=_word,
)
def test_none_of_them_trips_when_all_is_well(
    steady: Steady, file: Path, changes: tuple[Callable[[Bench], None], ...]
) -> None:
    def change(bench: Bench) -> None:
        for each in changes:
            each(bench)

    result = steady(file, change=change, duration_s=40.0)
    assert (result["result"], result["trip"], result["state_at_end"]) == ("completed", None, "SAFE")


@pytest.mark.parametrize(
    ("file", "fault", "change", "says"),
    [
        (RF, "tc.tissue_10mm.bias=4@0", paired, "differ by"),
        (RF, "tc.tissue_10mm.bias=12@0", nothing, "differ by"),
        (RF, "tc.tissue_20mm.bias=-12@0", nothing, "differ by"),
        (RF, "inputs.leak@0", contacts, "leak, smoke or fire"),
        (RF, "inputs.pad@0", contacts, "return electrode"),
        (THERMOSPHERE, "gen.reverse_bias@0.5", nothing, "at rest"),
    ],
    ids=_word,
)
def test_it_is_refused_before_arming(
    steady: Steady, file: Path, fault: str, change: Callable[[Bench], None], says: str
) -> None:
    with pytest.raises(NotReady, match=says):
        steady(file, fault, change=change)


class Swapped(rehearsal.Rehearsal):
    """Two thermocouples in each other's terminals: the file cannot know."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        probes = self.sim.emulators["tc"].probes  # type: ignore[attr-defined]
        probes[102], probes[103] = probes[103], probes[102]


def test_swapped_sensors_do_not_feel_what_they_should(steady: Steady, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensor that is called the one at 10 mm is at 20 mm: 2000 J warm it by less than 1 C, not by 4."""
    monkeypatch.setattr(rehearsal, "Rehearsal", Swapped)
    result = steady(RF, change=felt, duration_s=50.0)
    trip = result["trip"]
    assert (trip["hazard"], trip["monitor"], trip["channel"]) == ("H64", "heating_response", "tc.tissue_10mm_c")
    assert 1800.0 <= result["energy_j"] <= 2100.0  # as measured; the kernel counts the larger of measured and asked
    assert result["state_at_end"] == "TRIPPED"


@pytest.mark.parametrize(("pads", "ends"), [(1, "stop"), (2, "complete")])
def test_return_electrodes_that_took_their_current_stop_it(steady: Steady, pads: int, ends: str) -> None:
    """60 W into some 90 ohm: 0.6 to 0.7 A2, in one electrode or in each of two."""

    def change(bench: Bench) -> None:
        bench["pads"] = pads
        bench["limits"]["pad_a2s"] = 8.0

    result = steady(RF, change=change, duration_s=25.0)
    assert result["trip"] is None
    assert (result["duration_s"] < 20.0) is (ends == "stop")
