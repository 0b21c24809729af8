"""Every default of the rules, and what a new state of the kernel holds: thresholds that nobody may move unseen."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any

from tests.mutation.total import raises_nothing


@raises_nothing
def test_timing() -> None:
    from safety.rules import Timing

    assert asdict(Timing()) == {
        "tick_s": 0.05, "dt_max_s": 0.2, "permit_lease_s": 0.15, "operator_lease_s": 0.3, "watchdog_age_s": 0.2,
        "record_age_s": 0.75, "record_trip_s": 2.0, "off_c1_s": 0.3, "off_c2_s": 0.5, "boot_proof_s": 5.0,
        "precheck_s": 10.0, "ready_s": 300.0, "arm_s": 30.0, "request_age_s": 1.0, "prime_s": 0.0, "run_on_s": 0.0,
        "cooldown_max_s": 120.0, "reset_clear_s": 2.0, "reset_window_s": 600.0, "resets_max": 3, "response_s": 0.3,
        "pair_s": 0.1, "enable_open_s": 0.3, "enable_close_s": 1.0, "frozen_s": 2.0, "low_power_s": 1.0,
    }  # fmt: skip


@raises_nothing
def test_thresholds() -> None:
    from safety.rules import Thresholds

    assert asdict(Thresholds()) == {
        "off_w": 1.0, "flowing_w": 5.0, "power_ratio": 0.2, "power_margin_w": 2.0, "low_power_w": 10.0,
        "setpoint_margin_w": 1.0, "cold_c": 45.0, "agree_c": 10.0, "hysteresis_c": 2.0, "slew_up_w_per_s": 200.0,
    }  # fmt: skip


def plain(value: Any) -> dict[str, Any]:
    """Fields and values, in order; sets and enumerations by name."""

    def word(x: Any) -> Any:
        return sorted(s.value for s in x) if isinstance(x, frozenset) else getattr(x, "value", x)

    return {f.name: word(getattr(value, f.name)) for f in fields(value)}


@raises_nothing
def test_rules_of_channels_and_flags() -> None:
    from safety.rules import ChannelRule, FlagRule, Judged, Roles

    assert plain(ChannelRule("x.y", 1.0, 2.0)) == {
        "channel": "x.y", "low": 1.0, "high": 2.0, "age_limit_s": 0.25, "noise_floor": None, "max_rate": None,
        "judged": "always", "check": "",
    }  # fmt: skip
    assert [judged.value for judged in Judged] == ["always", "powered", "seen"]
    assert plain(FlagRule("x.y", 1.0, "H70", "open", "close it")) == {
        "channel": "x.y", "good": 1.0, "hazard": "H70", "text": "open", "check": "close it", "hold_s": 0.0,
        "trips_in": ["ARMED", "FIRING"], "inhibits_in": ["PRECHECK", "READY"], "pump_off": False,
    }  # fmt: skip
    roles = plain(Roles("g.power_w", "g.rf_on"))
    assert {k: v for k, v in roles.items() if v not in (None, ())} == {"power": "g.power_w", "rf_on": "g.rf_on"}


@raises_nothing
def test_a_new_state() -> None:
    from safety.state import KernelState
    from safety.types import State

    state = KernelState(State.BOOT, ("m",))
    assert plain(state) == {
        "state": "BOOT", "memories": ("m",), "trips": (), "now_s": None, "entered_s": 0.0, "epoch": 0, "history": (),
        "flowing_from_s": None, "flowing_since_s": 0.0, "power_w": 0.0, "energy_j": 0.0, "on_time_s": 0.0,
        "off_at_s": math.inf, "off_alarmed": False, "powered_since_s": None, "armed_at_s": math.inf,
        "foot_released": False, "holder": "", "fired": False, "pump_on": False, "pump_since_s": 0.0, "enable": False,
        "enable_since_s": 0.0, "acked": False, "clear_since_s": None, "resets": (),
    }  # fmt: skip
    other = state.fork()
    other.epoch, other.state = 5, State.SAFE
    assert (state.epoch, state.state, other.memories) == (0, State.BOOT, ("m",))
