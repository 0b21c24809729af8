"""Every fault of the catalogue against the whole stack on virtual time, judged by what the tissue received.

Onsets are seconds of the bench: FIRE is at about 2.6 s, power at 200 W by 7 s. A latent fault (the relay is welded, the
generator ignores off) is followed by the demand that brings it to light.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.perform import NotReady

Rehearse = Callable[..., dict[str, Any]]

# faults, hazard and monitor of the first cause, channel or device it names, seconds to 0 W, joules after the onset
TRIPS = [
    (["gen.link.drop@10+2"], "H15", "staleness", "gen.", 0.4, 80.0),
    (["gen.link.drop@6+0.4"], "H15", "staleness", "gen.", 0.5, 80.0),
    (["tc.link.drop@10+2"], "H15", "staleness", "tc.", 0.4, 80.0),
    (["flow.link.drop@10+2"], "H15", "staleness", "flow.", 0.4, 80.0),
    (["inputs.link.drop@10+2"], "H15", "staleness", "inputs.", 0.4, 80.0),
    (["enable.link.drop@10+2"], "H06", "enable", "", 0.8, 160.0),
    (["gen.link.delay=0.3@10+3"], "H15", "staleness", "gen.", 0.4, 80.0),
    (["tc.link.delay=0.3@10+3"], "H15", "staleness", "tc.", 0.4, 80.0),
    (["gen.link.garbage@10+3"], "H15", "staleness", "gen.", 0.4, 80.0),
    (["tc.link.garbage@10+3"], "H15", "staleness", "tc.", 0.4, 80.0),
    (["gen.link.late@10"], "H15", "staleness", "gen.", 1.0, 200.0),  # one reply in twenty is late
    (["tc.link.late@10"], "H15", "staleness", "tc.", 3.0, 600.0),
    (["gen.link.disconnect@10"], "H15", "link", "", 0.1, 20.0),
    (["tc.link.disconnect@10"], "H15", "link", "", 0.1, 20.0),
    (["tc.tip.open@10"], "H56", "range", "tc.tip_c", 0.3, 60.0),
    (["tc.tip.freeze@10"], "H58", "frozen", "tc.tip_c", 3.0, 600.0),
    (["flow.freeze@10"], "H58", "frozen", "flow.flow_ml_min", 3.0, 600.0),
    (["tc.tip.bias=50@10"], "H45", "over_temperature", "tc.tip_c", 0.4, 80.0),
    (["pump.stall@10"], "H38", "coolant_flow", "flow.flow_ml_min", 1.0, 200.0),
    (["pump.line_off@10"], "H38", "coolant_flow", "flow.flow_ml_min", 1.0, 200.0),
    (["gen.over_deliver=1.5@10"], "H02", "power_high", "gen.forward_power_w", 0.3, 80.0),
    (["gen.readback_zero@10"], "H03", "power_low", "gen.forward_power_w", 1.3, 260.0),
    (["load.open@10"], "H50", "impedance_high", "gen.impedance_ohm", 0.4, 20.0),
    (["load.short@10"], "H50", "impedance_high", "gen.impedance_ohm", 0.4, 20.0),
    (["load.char=600@10"], "H50", "impedance_high", "gen.impedance_ohm", 0.4, 40.0),
    (["inputs.estop@10"], "H66", "estop", "inputs.estop_a_closed", 0.01, 2.0),  # the contacts themselves cut
    (["inputs.estop_a@10"], "H67", "estop", "inputs.estop_a_closed", 0.01, 2.0),
    (["inputs.door@10"], "H70", "flag", "inputs.door_closed", 0.2, 40.0),
]


@pytest.mark.parametrize(
    ("faults", "hazard", "monitor", "names", "within_s", "joules"), TRIPS, ids=lambda x: str(x)[:40]
)
def test_a_fault_trips_with_its_own_cause_and_little_energy(
    rehearse: Rehearse, faults: list[str], hazard: str, monitor: str, names: str, within_s: float, joules: float
) -> None:
    result = rehearse("demo-30s", faults=faults)
    assert result["result"] == "tripped"
    trip = result["trip"]
    assert (trip["hazard"], trip["monitor"]) == (hazard, monitor)
    assert trip["channel"].startswith(names)
    assert trip["text"]
    assert trip["check"]
    assert result["time_to_off_s"] <= within_s
    assert result["energy_after_fault_j"] <= joules


def test_a_generator_that_comes_on_by_itself_is_caught_by_its_power(rehearse: Rehearse) -> None:
    result = rehearse("demo-30s", faults=["gen.spontaneous_on=50@0.5"])  # latent behind the open enable line
    assert (result["trip"]["hazard"], result["trip"]["monitor"]) == ("H02", "power_high")
    assert result["energy_after_fault_j"] <= 20.0


def test_a_generator_that_ignores_off_is_cut_by_the_enable_line(rehearse: Rehearse) -> None:
    result = rehearse("demo-30s", faults=["gen.ignore_off@10", "pump.stall@15"])
    assert result["trip"]["monitor"] == "coolant_flow"
    assert result["energy_after_fault_j"] <= 1300.0  # 200 W from 10 s to the trip at 16 s, then nothing
    assert result["power_at_end_w"] == 0.0


def test_a_generator_that_ignores_off_behind_a_welded_relay_ends_in_lockout(rehearse: Rehearse) -> None:
    result = rehearse("demo-30s", faults=["gen.ignore_off@10", "enable.weld@8", "pump.stall@15"])
    assert result["trip"]["monitor"] == "coolant_flow"
    assert result["state_at_end"] == "LOCKOUT"
    assert result["power_at_end_w"] > 100.0  # the honest end: only the mains plug is left


def test_a_pump_that_no_longer_answers_is_judged_by_the_flow_that_goes_on(rehearse: Rehearse) -> None:
    assert rehearse("demo-30s", faults=["pump.link.drop@10+2"])["result"] == "completed"


def test_an_open_thermocouple_refuses_before_arming(rehearse: Rehearse) -> None:
    with pytest.raises(NotReady, match=r"tc\.tip_c: the device gives no reading"):
        rehearse("demo-30s", faults=["tc.tip.open@0"])


def test_a_stuck_footswitch_refuses_to_arm(rehearse: Rehearse) -> None:
    with pytest.raises(NotReady, match="foot"):
        rehearse("demo-30s", faults=["inputs.foot_stuck@0"])


@pytest.mark.parametrize("protocol", ["demo-30s", "constant-power-30w"])
def test_nominal_runs_do_not_trip(rehearse: Rehearse, protocol: str) -> None:
    result = rehearse(protocol)
    assert result["result"] == "completed"
    assert result["trip"] is None
    assert result["late_ticks"] == 0
