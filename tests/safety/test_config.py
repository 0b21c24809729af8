"""A bench that cannot be guarded is refused with a remedy; what is derived is what was meant."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safety.config import ChannelRule, HeatingRule, Judged, Limits, PairRule, Roles, Timing
from tests.safety.rig import CHANNELS, LIMITS, ROLES, config, replace


@pytest.mark.parametrize("estop", [(), ("inputs.estop_a_closed",), ("inputs.estop_a_closed", "inputs.estop_a_closed")])
def test_an_estop_that_is_not_wired_is_refused(estop: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"E-stop is not wired: .*roles\.estop"):
        config(roles=replace(ROLES, estop=estop))


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"roles": replace(ROLES, tip="tc.nowhere_c")}, "tc.nowhere_c has a role but no device measures it"),
        ({"heating": (HeatingRule("tc.nowhere_c", 1.0, 1.0),)}, "tc.nowhere_c"),
        ({"pairs": (PairRule(("tc.tip_c", "tc.nowhere_c"), 3.0, 5.0),)}, "tc.nowhere_c has a role"),
        ({"channels": (*CHANNELS, CHANNELS[0])}, "listed twice"),
        ({"modality": "laser"}, "laser"),
        ({"layers": (("bench", replace(LIMITS, flow_min_ml_min=None)),)}, "flow_min_ml_min is not limited"),
        (
            {"modality": "microwave", "layers": (("bench", Limits(flow_min_ml_min=1.0)),)},
            "impedance_low_ohm is not limited",
        ),
        ({"timing": Timing(arm_s=math.nan)}, "arm_s"),
        ({"timing": Timing(tick_s=0.2)}, "permit_lease_s must be longer"),
        ({"energy_after_loss_j": 100.1}, "at most 100 J"),
        ({"channels": (ChannelRule("gen.power_w", 1.0, 0.0), *CHANNELS[1:])}, "gen.power_w: low 1"),
        ({"channels": (ChannelRule("gen.power_w", 0.0, 1.0, math.nan), *CHANNELS[1:])}, "age be positive"),
        (
            {"channels": (ChannelRule("gen.power_w", 0.0, 1.0, judged=Judged.SEEN), *CHANNELS[1:])},
            "must be judged always",
        ),
    ],
)
def test_what_cannot_be_guarded_is_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        config(**changes)


def test_the_smallest_bench() -> None:
    channels = tuple(ChannelRule(n, 0.0, 1.0) for n in ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed"))
    small = config(channels=channels, roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed")))
    assert (small.regulated, small.foot, small.power_cap_w) == ("g.power_w", None, 200.0)


@pytest.mark.parametrize("age_s, cap_w, layer", [(0.25, 200.0, "bench"), (0.4, 145.45454545454544, "data-age")])
def test_old_data_caps_the_power(age_s: float, cap_w: float, layer: str) -> None:
    slow = tuple(replace(r, age_limit_s=age_s) if r.channel.startswith("gen.") else r for r in CHANNELS)
    cfg = config(channels=slow)
    assert cfg.power_cap_w == pytest.approx(cap_w)
    assert cfg.limits["power_w"].layer == layer


def test_no_layer_reaches_above_the_compiled_ceiling() -> None:
    wild = Limits(power_w=1e6, energy_j=1e9, on_time_s=1e6, flow_min_ml_min=0.0, impedance_high_ohm=1e6)
    cfg = config(layers=(("bench", wild),), energy_after_loss_j=100.0)
    assert [cfg.limits[n].value for n in ("power_w", "energy_j", "on_time_s", "impedance_high_ohm")] == [
        250.0,
        450_000.0,
        1800.0,
        2000.0,
    ]
    plain = replace(ROLES, impedance=None)
    mw = config(layers=(("bench", wild),), roles=plain, modality="microwave", energy_after_loss_j=100.0)
    assert mw.power_cap_w == 200.0
