"""What a configuration is made into, and each way in which one is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NAMES = ("x.spare_c", "g.power_w", "g.forward_w", "g.rf_on", "i.a_closed", "i.b_closed", "i.no_closed", "i.nc_closed",
         "g.ohm", "f.flow_ml_min", "t.tip_c")  # fmt: skip


def rules(ages: Any = None, **judged: Any) -> tuple[Any, ...]:
    from safety.rules import ChannelRule, Judged

    ages = ages or {}
    return tuple(
        ChannelRule(name, 0.0, 300.0, ages.get(name, 0.25), judged=Judged[judged.get(name.replace(".", "_"), "ALWAYS")])
        for name in NAMES
    )


def roles(**change: Any) -> Any:
    from safety.rules import Roles

    words: dict[str, Any] = {"power": "g.power_w", "rf_on": "g.rf_on", "estop": ("i.a_closed", "i.b_closed"), **change}
    return Roles(**words)


def config(**change: Any) -> Any:
    from safety.config import Config
    from safety.limits import Limits

    words: dict[str, Any] = {"channels": rules(), "roles": roles(), "layers": (("bench", Limits(power_w=300.0)),)}
    return Config(**{**words, **change})


@raises_nothing
def test_what_nobody_said() -> None:
    made = config()
    assert (made.config_hash, made.modality, made.enable_line, made.flags, made.heating) == ("", "rf", True, (), ())
    assert (made.pairs, made.band_hz, made.pads, made.energy_after_loss_j) == ((), (0.0, math.inf), 0, 80.0)


@raises_nothing
def test_what_follows() -> None:
    made = config()
    assert made.names == NAMES
    assert made.index == {name: k for k, name in enumerate(NAMES)}
    assert (made.source, made.regulated, made.meters, made.foot) == (((1, 1.0), (3, 0.0)), "g.power_w", (1,), None)
    assert made.source_age_s == 0.25
    assert made.history_s == pytest.approx(0.3 + 0.25 + 0.5)
    assert (made.power_cap_w, made.power_why) == (200.0, ("power: data-age",))
    assert len(made.monitors) > 10
    forward = config(roles=roles(forward="g.forward_w", footswitch=("i.no_closed", "i.nc_closed")))
    assert (forward.source, forward.regulated) == (((1, 1.0), (2, 1.0), (3, 0.0)), "g.forward_w")
    assert (forward.meters, forward.foot) == ((1, 2), (6, 7))
    named = config(roles=roles(forward="g.forward_w", regulated="g.power_w"))
    assert (named.regulated, named.meters) == ("g.power_w", (1,))


@pytest.mark.parametrize(
    "slow, age_s, cap_w",
    [
        ("g.power_w", 0.35, 160.0), ("g.forward_w", 0.35, 160.0), ("g.ohm", 0.35, 160.0), ("x.spare_c", 0.35, 200.0),
        ("g.rf_on", 0.35, 200.0), ("g.power_w", 0.05, 200.0),
    ],
)  # fmt: skip
@raises_nothing
def test_old_data_caps_the_power(slow: str, age_s: float, cap_w: float) -> None:
    from safety.limits import Limits

    bench = (("bench", Limits(power_w=300.0, impedance_low_ohm=5.0, impedance_high_ohm=500.0)),)
    told = roles(forward="g.forward_w", impedance="g.ohm")
    made = config(channels=rules({slow: age_s}), roles=told, layers=bench)
    assert made.power_cap_w == pytest.approx(cap_w)
    assert made.source_age_s == (max(age_s, 0.25) if slow in ("g.power_w", "g.forward_w", "g.rf_on") else 0.25)
    assert made.history_s == pytest.approx(0.8 + max(age_s, 0.25))
    assert config(energy_after_loss_j=40.0).power_cap_w == pytest.approx(100.0)
    told = roles(forward="g.forward_w", regulated="g.power_w")
    assert config(channels=rules({"g.forward_w": 0.35}), roles=told).power_cap_w == pytest.approx(160.0)
    told = roles(regulated="x.spare_c")
    assert config(channels=rules({"x.spare_c": 0.35}), roles=told).power_cap_w == pytest.approx(160.0)


@raises_nothing
def test_the_strictest_layer_is_named() -> None:
    from safety.limits import Limits

    made = config(layers=(("bench", Limits(power_w=50.0)), ("protocol", Limits(power_w=20.0, tip_c=99.0))))
    assert (made.power_cap_w, made.power_why, made.limits["tip_c"]) == (20.0, ("power: protocol",), (99.0, "protocol"))
    assert made.limits["energy_j"] == (450_000.0, "ceiling")
    assert config(modality="microwave").limits["energy_j"] == (360_000.0, "ceiling")


@pytest.mark.parametrize(
    "role, limits, missing",
    [
        ("flow", {}, "f.flow_ml_min is measured but flow_min_ml_min"),
        ("impedance", {"impedance_high_ohm": 500.0}, "g.ohm is measured but impedance_low_ohm"),
        ("impedance", {"impedance_low_ohm": 5.0}, "g.ohm is measured but impedance_high_ohm"),
    ],
)
@raises_nothing
def test_what_is_measured_is_limited(role: str, limits: dict[str, float], missing: str) -> None:
    from safety.limits import Limits

    told = roles(**{role: {"flow": "f.flow_ml_min", "impedance": "g.ohm"}[role]})
    with pytest.raises(ValueError, match=f"^{missing} is not limited; add it to limits: in the bench file$"):
        config(roles=told, layers=(("bench", Limits(**limits)),), modality="microwave")
    whole = Limits(flow_min_ml_min=1.0, impedance_low_ohm=5.0, impedance_high_ohm=500.0)
    assert config(roles=told, layers=(("bench", whole),), modality="microwave").modality == "microwave"


def refused(match: str, **change: Any) -> None:
    with pytest.raises(ValueError, match=match):
        config(**change)


@raises_nothing
def test_channels_and_roles() -> None:
    from safety.rules import FlagRule, HeatingRule, PairRule

    refused("^a channel is listed twice", channels=(*rules(), rules()[0]))
    refused("^no compiled ceiling for modality 'x'; use one of rf, microwave$", modality="x")
    for estop in ((), ("i.a_closed",), ("i.a_closed", "i.a_closed"), ("i.a_closed", "i.b_closed", "i.no_closed")):
        refused("^the E-stop is not wired", roles=roles(estop=estop))
    for name in ("tip", "shaft", "coolant", "flow", "air", "door", "setpoint", "reverse", "frequency", "regulated"):
        refused("^n.o has a role but no device measures it", roles=roles(**{name: "n.o"}))
    for name in ("tissue", "critical", "cable"):
        refused("^n.o has a role", roles=roles(**{name: ("t.tip_c", "n.o")}))
    refused("^n.o has a role", roles=roles(footswitch=("i.no_closed", "n.o")))
    refused("^n.o has a role", flags=(FlagRule("n.o", 1.0, "H20", "x", "y"),))
    refused("^n.o has a role", heating=(HeatingRule("n.o", 1.0, 1.0),))
    refused("^n.o has a role", pairs=(PairRule(("t.tip_c", "n.o"), 1.0, 2.0),))


@pytest.mark.parametrize("name", ["g_power_w", "g_rf_on", "i_a_closed", "i_b_closed", "i_no_closed", "i_nc_closed"])
@pytest.mark.parametrize("judged", ["SEEN", "POWERED"])
@raises_nothing
def test_what_guards_is_judged_always(name: str, judged: str) -> None:
    told = roles(footswitch=("i.no_closed", "i.nc_closed"))
    refused("guards the bench and must be judged always$", channels=rules(**{name: judged}), roles=told)
    assert config(channels=rules(t_tip_c=judged), roles=told).names == NAMES


@pytest.mark.parametrize(
    "low, high, age_s, fine",
    [(5.0, 5.0, 0.25, True), (5.1, 5.0, 0.25, False), (math.nan, 5.0, 0.25, False), (0.0, 5.0, 0.0, False),
     (0.0, 5.0, -1.0, False), (0.0, 5.0, math.inf, False), (0.0, 5.0, math.nan, False), (0.0, 5.0, 0.5, True),
     (0.0, 5.0, 1e-6, True)],
)  # fmt: skip
@raises_nothing
def test_a_channel_has_a_range_and_an_age(low: float, high: float, age_s: float, fine: bool) -> None:
    first = replace(rules()[0], low=low, high=high, age_limit_s=age_s)
    if fine:
        assert config(channels=(first, *rules()[1:])).names == NAMES
    else:
        refused("^x.spare_c: low .* must not exceed high 5, and age be positive$", channels=(first, *rules()[1:]))


@pytest.mark.parametrize("bad", [-0.1, math.inf, math.nan])
@raises_nothing
def test_times_and_thresholds_are_numbers(bad: float) -> None:
    from safety.rules import Thresholds, Timing

    refused("^arm_s must be a finite number of at least 0$", timing=Timing(arm_s=bad))
    refused("^cold_c must be a finite number of at least 0$", thresholds=Thresholds(cold_c=bad))
    assert config(timing=Timing(arm_s=0.0), thresholds=Thresholds(cold_c=0.5)).thresholds.cold_c == 0.5


@pytest.mark.parametrize(
    "energy_j, fine", [(0.0, False), (0.5, True), (100.0, True), (100.1, False), (-1.0, False), (math.nan, False)]
)
@raises_nothing
def test_energy_after_loss(energy_j: float, fine: bool) -> None:
    if fine:
        assert config(energy_after_loss_j=energy_j).energy_after_loss_j == energy_j
    else:
        refused("^energy_after_loss_j must be above 0 and at most 100 J$", energy_after_loss_j=energy_j)


@pytest.mark.parametrize("lease_s, fine", [(0.05, False), (0.051, True), (0.04, False)])
@raises_nothing
def test_a_permit_outlives_its_tick(lease_s: float, fine: bool) -> None:
    from safety.rules import Timing

    if fine:
        assert config(timing=Timing(permit_lease_s=lease_s)).timing.permit_lease_s == lease_s
    else:
        refused("^permit_lease_s must be longer than tick_s", timing=Timing(permit_lease_s=lease_s))
