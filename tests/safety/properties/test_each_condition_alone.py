"""Every monitor: what makes it speak, and each condition of that, which alone keeps it silent. Literals only."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safety.config import ChannelRule, Config, HeatingRule, PairRule
from safety.monitors import ITEMS
from safety.monitors.base import View
from safety.rules import Judged
from safety.state import KernelState
from safety.types import Fault, Inputs, Quality, RecordStatus, Sample, State, WatchdogStatus
from tests.safety.rig import CHANNELS, LIMITS, ROLES, replace

NAN = math.nan
MORE = {
    "gen.reverse_w": ChannelRule("gen.reverse_w", -5.0, 300.0),
    "gen.frequency_hz": ChannelRule("gen.frequency_hz", 0.0, 1e9, judged=Judged.POWERED),
    "tc.nerve_c": ChannelRule("tc.nerve_c", -50.0, 200.0, age_limit_s=0.8),
    "tc.shaft_c": ChannelRule("tc.shaft_c", -50.0, 200.0, age_limit_s=0.8),
    "tc.plug_c": ChannelRule("tc.plug_c", -50.0, 200.0, age_limit_s=0.8),
}
FULL = Config(
    channels=(*CHANNELS, *MORE.values()),
    roles=replace(
        ROLES,
        reverse="gen.reverse_w",
        frequency="gen.frequency_hz",
        critical=("tc.nerve_c",),
        shaft="tc.shaft_c",
        cable=("tc.plug_c",),
    ),
    layers=(("bench", replace(LIMITS, reflected_share=0.5, pad_a2s=30.0)),),
    config_hash="h",
    heating=(HeatingRule("tc.tissue_20mm_c", 500.0, 5.0),),
    pairs=(PairRule(("tc.tissue_10mm_c", "tc.tissue_20mm_c"), 15.0, 30.0),),
    band_hz=(450e3, 550e3),
    pads=2,
)
VALUES = {
    "gen.power_w": 60.0, "gen.forward_power_w": 60.0, "gen.rf_on": 1.0, "gen.setpoint_w": 60.0,
    "gen.impedance_ohm": 80.0, "gen.heatsink_c": 30.0, "gen.reverse_w": 1.0, "gen.frequency_hz": 500e3,
    "tc.tip_c": 21.0, "tc.tissue_10mm_c": 22.0, "tc.tissue_20mm_c": 22.0, "tc.coolant_in_c": 18.0, "tc.nerve_c": 37.0,
    "tc.shaft_c": 20.0, "tc.plug_c": 20.0, "flow.flow_ml_min": 80.0, "flow.air_in_line_flag": 0.0,
    "inputs.estop_a_closed": 1.0, "inputs.estop_b_closed": 1.0, "inputs.foot_no_closed": 0.0,
    "inputs.foot_nc_closed": 1.0, "inputs.door_closed": 1.0,
}  # fmt: skip
IDLE = {"gen.power_w": 0.0, "gen.forward_power_w": 0.0, "gen.rf_on": 0.0, "gen.setpoint_w": 0.0, "gen.reverse_w": 0.0}
MOVES = ("gen.impedance_ohm", "tc.tip_c", "tc.tissue_10mm_c", "tc.tissue_20mm_c", "tc.coolant_in_c", "flow.flow_ml_min")


def spoken(state: State, changes: dict[str, Any]) -> set[tuple[str, str]]:
    """(item, hazard) of all findings at the last of a series of ticks, 50 ms apart, on a bench that is well but for
    ``changes``: values by channel; ``age CHANNEL``, ``quality CHANNEL`` and ``gone CHANNEL``; fields of KernelState and
    Inputs; ``ticks`` (6), of which ``last`` (all of them) have the changes.
    """
    memories = [monitor.start() for monitor in FULL.monitors]
    ticks: int = changes.get("ticks", 6)
    found: list[tuple[str, str]] = []
    for tick in range(ticks):
        now_s = 100.0 + 0.05 * tick
        told = changes if tick >= ticks - changes.get("last", ticks) else {}
        firing = state is State.FIRING
        samples = []
        for name in FULL.names:
            value = (VALUES if firing else VALUES | IDLE)[name]
            value = told.get(name, value + 0.1 * (tick % 2) * (name in MOVES))
            sample = Sample(
                name, value, now_s - told.get(f"age {name}", 0.01), told.get(f"quality {name}", Quality.GOOD)
            )
            samples.append(None if f"gone {name}" in told else sample)
        age_s = told.get("watchdog_age_s", 0.01)
        status = WatchdogStatus(now_s - age_s, told.get("ready", True), told.get("closed", firing), firing)
        inputs = Inputs(
            snapshot={},
            faults=told.get("faults", ()),
            watchdog=None if told.get("watchdog", True) is None else status,
            record=told.get("record", RecordStatus(now_s - told.get("record_age_s", 0.1), True)),
            applied_w=told.get("applied_w", 60.0 if firing else 0.0),
            config_hash=told.get("hash", "h"),
            flow_due_ml_min=told.get("flow_due_ml_min", 0.0),
        )
        at: dict[str, Any] = {
            "dt_s": 0.05, "flowing_s": 5.0 if firing else 0.0, "energy_j": 100.0, "on_time_s": 5.0, "pump_on": True,
            "pump_s": 30.0, "enable": firing, "enable_s": 10.0, "history": ((0.0, 60.0 if firing else 0.0),),
        }  # fmt: skip
        at |= {name: told[name] for name in at if name in told}
        dt_s, flowing_from_s = at.pop("dt_s"), 95.0 if at["flowing_s"] else None
        since = {f"{name}_since_s": now_s - at.pop(f"{name}_s") for name in ("flowing", "pump", "enable")}
        s = KernelState(state, (), entered_s=now_s - 5.0, flowing_from_s=flowing_from_s, fired=firing, **since, **at)
        view = View(FULL, s, inputs, samples, now_s, dt_s)
        found = []
        for k, monitor in enumerate(FULL.monitors):
            memories[k], said = monitor.update(memories[k], view)
            found += [(f.item, f.hazard) for f in said]
    return set(found)


F, R, P = State.FIRING, State.READY, State.PRECHECK
FAULT = (Fault("H32", "task", "pump", "died", "log", 100.0),)
SPEAKS: list[tuple[str, str, State, dict[str, Any], list[dict[str, Any]]]] = [
    # item, hazard, state, what makes it speak, and what alone keeps it silent
    ("clock", "H29", F, {"dt_s": 0.201}, [{"dt_s": 0.2}]),
    ("clock", "H30", F, {"dt_s": 0.0}, [{"dt_s": 1e-9}, {"dt_s": None}]),
    ("daemon", "H32", F, {"faults": FAULT}, [{"faults": ()}]),
    ("daemon", "H31", F, {"applied_w": NAN}, [{"applied_w": 0.0}]),
    ("daemon", "H31", F, {"applied_w": math.inf}, []),
    ("daemon", "H31", F, {"applied_w": -1.0}, []),
    ("watchdog", "H27", F, {"watchdog": None}, []),
    ("watchdog", "H27", F, {"watchdog_age_s": 0.21}, [{"watchdog_age_s": 0.19}]),
    ("watchdog", "H27", F, {"watchdog_age_s": -0.01}, [{"watchdog_age_s": 0.0}]),
    ("watchdog", "H27", F, {"ready": False}, [{"ready": True}]),
    ("enable", "H06", F, {"closed": False, "last": 3}, [{"closed": True, "last": 3}]),
    ("enable", "H06", F, {"closed": None, "last": 3}, []),
    ("enable", "H06", F, {"closed": False, "enable_s": 1.01}, [{"closed": False, "enable_s": 0.99}]),
    ("enable", "H06", R, {"closed": True, "enable_s": 0.31}, [{"closed": True, "enable_s": 0.29}, {"closed": False}]),
    ("enable", "H06", R, {"closed": None}, []),
    ("enable", "H06", P, {"closed": True, "enable_s": 0.1}, [{"closed": False, "enable_s": 0.1}]),
    ("estop", "H66", F, {"inputs.estop_a_closed": 0.0, "inputs.estop_b_closed": 0.0}, []),
    ("estop", "H67", F, {"inputs.estop_a_closed": 0.0}, [{"inputs.estop_a_closed": 0.0, "last": 2}]),
    ("estop", "H67", F, {"inputs.estop_b_closed": 0.0}, [{"inputs.estop_b_closed": 0.0, "last": 2}]),
    ("estop", "H67", F, {"quality inputs.estop_a_closed": Quality.BAD}, []),
    ("estop", "H67", F, {"inputs.estop_a_closed": 0.5}, []),
    ("config", "H34", F, {"hash": "other"}, [{"hash": "h"}]),
    ("record", "H36", F, {"record": None}, []),
    ("record", "H36", F, {"record": RecordStatus(100.0, False)}, [{"record": RecordStatus(100.0, True)}]),
    ("record", "H36", F, {"record_age_s": 0.76}, [{"record_age_s": 0.74}]),
    ("record", "H36", F, {"record_age_s": -0.01}, [{"record_age_s": 0.0}]),
    ("stale", "H15", F, {"age gen.power_w": 0.26}, [{"age gen.power_w": 0.24}, {"age gen.heatsink_c": 9.0}]),
    ("stale", "H15", F, {"age gen.power_w": -0.01}, [{"age gen.power_w": 0.0}]),
    ("stale", "H15", F, {"gone gen.power_w": True}, [{"gone gen.heatsink_c": True}]),
    ("stale", "H15", F, {"age tc.tip_c": 0.81}, [{"age tc.tip_c": 0.79}]),
    ("stale", "H15", F, {"age gen.impedance_ohm": 0.26}, [{"age gen.impedance_ohm": 0.26, "flowing_s": 0.0}]),
    ("range", "H31", F, {"tc.tip_c": NAN}, []),
    ("range", "H56", F, {"quality tc.tip_c": Quality.UNCERTAIN}, [{"quality tc.tip_c": Quality.GOOD}]),
    ("range", "H59", F, {"flow.flow_ml_min": 601.0},
     [{"flow.flow_ml_min": 600.0}, {"flow.flow_ml_min": 601.0, "last": 1}]),
    ("range", "H59", F, {"gen.setpoint_w": -1.0}, [{"gen.setpoint_w": 60.0}]),
    ("range", "H56", F, {"quality gen.impedance_ohm": Quality.BAD},
     [{"quality gen.impedance_ohm": Quality.BAD, "flowing_s": 0.0}]),
    ("flags", "H70", F, {"inputs.door_closed": 0.0}, [{"inputs.door_closed": 1.0}]),
    ("flags", "H70", F, {"inputs.door_closed": NAN}, []),
    ("footswitch", "H68", R, {"inputs.foot_no_closed": 1.0, "inputs.foot_nc_closed": 0.0}, []),
    ("footswitch", "H68", R, {"inputs.foot_no_closed": 1.0}, [{"inputs.foot_no_closed": 0.0}]),
    ("footswitch", "H68", R, {"inputs.foot_nc_closed": 0.0}, [{"inputs.foot_nc_closed": 1.0}]),
    ("rate", "H60", F, {"tc.tip_c": 59.0, "last": 2}, [{"tc.tip_c": 59.0, "last": 1}, {"tc.tip_c": 25.0, "last": 2}]),
    ("frozen", "H58", F, {"tc.tip_c": 21.0, "ticks": 45}, [{"tc.tip_c": 21.0, "ticks": 39}, {"ticks": 45}]),
    ("frozen", "H58", F, {"gen.impedance_ohm": 80.0, "ticks": 45},
     [{"gen.impedance_ohm": 80.0, "ticks": 45, "flowing_s": 0.0}]),
    ("power", "H01", R, {"gen.power_w": 1.01}, [{"gen.power_w": 1.0}, {"gen.power_w": 1.01, "last": 1}]),
    ("power", "H01", R, {"gen.rf_on": 1.0}, [{"gen.rf_on": 1.0, "quality gen.rf_on": Quality.BAD}]),
    ("power", "H02", F, {"gen.forward_power_w": 74.1},
     [{"gen.forward_power_w": 74.0}, {"gen.forward_power_w": 74.1, "last": 2}]),
    ("power", "H02", F, {"gen.power_w": 74.1}, [{"gen.power_w": 74.1, "history": ((0.0, 62.0),)}]),
    ("power", "H02", F, {"gen.power_w": 211.0, "history": ((0.0, 200.0),), "applied_w": 200.0, "last": 2},
     [{"gen.power_w": 209.0, "history": ((0.0, 200.0),), "applied_w": 200.0, "last": 2}]),
    ("power", "H03", F, {"gen.forward_power_w": 29.0, "ticks": 22}, [{"gen.forward_power_w": 30.0, "ticks": 22}]),
    ("power", "H03", F, {"gen.forward_power_w": 0.0, "ticks": 22, "history": ((0.0, 10.1),)},
     [{"gen.forward_power_w": 0.0, "ticks": 22, "history": ((0.0, 10.0),)}, {"gen.forward_power_w": 0.0, "ticks": 20}]),
    ("readback", "H10", F, {"gen.setpoint_w": 61.3}, [{"gen.setpoint_w": 61.1}, {"gen.setpoint_w": 61.3, "last": 1}]),
    ("readback", "H10", F, {"gen.setpoint_w": 58.7}, [{"gen.setpoint_w": 58.7, "history": ((0.0, 0.0),)}]),
    ("readback", "H09", R, {"gen.setpoint_w": 1.01}, [{"gen.setpoint_w": 1.0}]),
    ("flow", "H38", F, {"flow.flow_ml_min": 39.9},
     [{"flow.flow_ml_min": 40.0}, {"flow.flow_ml_min": 39.9, "pump_on": False},
     {"flow.flow_ml_min": 39.9, "flow.air_in_line_flag": 1.0}]),
    ("flow", "H38", F, {"flow.flow_ml_min": 39.9, "pump_s": 0.9}, []),
    ("flow", "H38", R, {"flow.flow_ml_min": 39.9, "last": 1, "pump_s": 0.9}, [{"flow.flow_ml_min": 39.9, "last": 1}]),
    ("flow", "H38", State.TRIPPED, {"flow.flow_ml_min": 39.9}, [{"flow.flow_ml_min": 39.9, "pump_s": 0.9}]),
    ("flow", "H38", F, {"flow_due_ml_min": 90.0}, [{"flow_due_ml_min": 70.0}]),
    ("air", "H41", F, {"flow.air_in_line_flag": 1.0, "ticks": 9}, [{"flow.air_in_line_flag": 1.0},
     {"flow.air_in_line_flag": 1.0, "ticks": 9, "pump_on": False}]),
    ("temperature", "H45", F, {"tc.tip_c": 60.1}, [{"tc.tip_c": 60.0}, {"tc.tip_c": 60.1, "last": 1}]),
    ("temperature", "H45", F, {"tc.shaft_c": 60.1}, [{"tc.shaft_c": 60.0}]),
    ("temperature", "H46", F, {"tc.tissue_10mm_c": 115.1}, [{"tc.tissue_10mm_c": 115.0}]),
    ("temperature", "H46", F, {"tc.nerve_c": 45.1}, [{"tc.nerve_c": 45.0}]),
    ("temperature", "H43", F, {"tc.coolant_in_c": 35.1, "ticks": 23}, [{"tc.coolant_in_c": 35.0, "ticks": 23},
     {"tc.coolant_in_c": 35.1, "ticks": 20}]),
    ("temperature", "H55", F, {"tc.plug_c": 60.1}, [{"tc.plug_c": 60.0}]),
    ("agree", "H62", P, {"tc.tissue_10mm_c": 32.3},
     [{"tc.tissue_10mm_c": 31.9}, {"tc.tissue_10mm_c": 32.3, "gone tc.tissue_20mm_c": 1}]),
    ("agree", "H61", F, {"tc.tissue_10mm_c": 52.3, "ticks": 23}, [{"tc.tissue_10mm_c": 51.9, "ticks": 23},
     {"tc.tissue_10mm_c": 52.3, "ticks": 20}]),
    ("frequency", "H13", F, {"gen.frequency_hz": 551e3},
     [{"gen.frequency_hz": 550e3}, {"gen.frequency_hz": 551e3, "flowing_s": 0.0}]),
    ("frequency", "H13", F, {"gen.frequency_hz": 449e3}, [{"gen.frequency_hz": 450e3}]),
    ("reflected", "H53", F, {"gen.reverse_w": 30.1}, [{"gen.reverse_w": 30.0}, {"gen.reverse_w": 30.1, "last": 1}]),
    ("reflected", "H54", R, {"gen.reverse_w": 1.1}, [{"gen.reverse_w": 1.0}]),
    ("impedance", "H49", F, {"gen.impedance_ohm": 24.9},
     [{"gen.impedance_ohm": 25.0}, {"gen.impedance_ohm": 24.9, "flowing_s": 0.0}]),
    ("impedance", "H50", F, {"gen.impedance_ohm": 500.1},
     [{"gen.impedance_ohm": 500.0}, {"gen.impedance_ohm": 500.1, "last": 2}]),
    ("pads", "H52", F, {"gen.impedance_ohm": 1.0, "gen.power_w": 150.0, "dt_s": 1.0}, [{"dt_s": 1.0}]),
    ("heating", "H64", F, {"energy_j": 501.0, "last": 2}, [{"energy_j": 500.0, "last": 2},
     {"energy_j": 501.0, "last": 2, "tc.tissue_20mm_c": 28.0}, {"energy_j": 501.0, "last": 2, "flowing_s": 0.0}]),
    ("budget", "H07", F, {"energy_j": 200_000.0}, [{"energy_j": 199_999.0, "last": 0}]),
    ("budget", "H07", F, {"on_time_s": 900.0}, [{"on_time_s": 899.9}]),
]  # fmt: skip


def test_every_item_is_in_the_table() -> None:
    assert {row[0] for row in SPEAKS} == set(ITEMS)


@pytest.mark.parametrize("state", [F, R, P, State.ARMED, State.TRIPPED])
def test_a_bench_that_is_well_is_silent(state: State) -> None:
    assert spoken(state, {"ticks": 45}) == set()


@pytest.mark.parametrize("item, hazard, state, change, _", SPEAKS)
def test_what_makes_it_speak(item: str, hazard: str, state: State, change: dict[str, Any], _: object) -> None:
    assert (item, hazard) in spoken(state, change)


ALONE = [(row[0], row[1], row[2], silent) for row in SPEAKS for silent in row[4]]


@pytest.mark.parametrize("item, hazard, state, change", ALONE)
def test_what_alone_keeps_it_silent(item: str, hazard: str, state: State, change: dict[str, Any]) -> None:
    assert (item, hazard) not in spoken(state, change)
