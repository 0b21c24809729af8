"""The SPEC grammar, and its refusals."""

from __future__ import annotations

import math

import pytest

from sim.faults import CATALOGUE, FaultError, Target, parse

BENCH = {
    "gen": Target("generator"),
    "pump": Target("pump"),
    "tc": Target("sensor", ("tip", "tissue_10mm", "coolant_in")),
    "flow": Target("sensor", ("flow", "coolant", "air")),
    "inputs": Target("inputs"),
    "enable": Target("relay"),
}


@pytest.mark.parametrize(
    "spec, key, value, onset_s, duration_s",
    [
        ("gen.ignore_off@30", "gen.ignore_off", 1.0, 30.0, math.inf),
        ("flow.freeze@20+10", "flow.freeze", 1.0, 20.0, 10.0),
        ("load.open@15", "load.open", 1.0, 15.0, math.inf),
        ("pump.stall", "pump.stall", 1.0, 0.0, math.inf),
        ("pump.line_off@3", "load.line_off", 1.0, 3.0, math.inf),
        ("tc.tip.open@12", "tc.tip.open", 1.0, 12.0, math.inf),
        ("tc.tip_c.bias=-3.5+2", "tc.tip.bias", -3.5, 0.0, 2.0),
        ("gen.link.drop@10+2", "gen.link.drop", 1.0, 10.0, 2.0),
        ("gen.link.delay=0.3@10", "gen.link.delay", 0.3, 10.0, math.inf),
        ("load.char", "load.char", 150.0, 0.0, math.inf),
        ("enable.weld", "enable.weld", 1.0, 0.0, math.inf),
        ("inputs.estop_a@1.5+0.5", "inputs.estop_a", 1.0, 1.5, 0.5),
    ],
)
def test_parsed(spec: str, key: str, value: float, onset_s: float, duration_s: float) -> None:
    fault = parse(spec, BENCH)
    assert (fault.key, fault.value, fault.onset_s, fault.duration_s) == (key, value, onset_s, duration_s)


@pytest.mark.parametrize(
    "spec, says",
    [
        ("gen.ignore_of@30", "did you mean 'ignore_off'?"),
        ("gne.ignore_off", "did you mean 'gen'?"),
        ("gen.link.dropp", "did you mean 'drop'?"),
        ("tc.tipp.open", "did you mean 'tip'?"),
        ("gen.tip.open", "gen has no 'tip'"),
        ("load.link.drop", "load has no 'link'"),
        ("gen.stall", "no generator fault 'stall'"),
        ("gen.ignore_off=3", "takes no value; leave out '=3'"),
        ("gen.over_deliver=ten", "value 'ten' is not a number"),
        ("gen.over_deliver=nan", "is not a number"),
        ("gen.over_deliver=-1", "outside 0..20"),
        ("gen.ignore_off@soon", "onset 'soon' is not a number"),
        ("gen.ignore_off@-1", "is negative"),
        ("gen.ignore_off@1@2", "is not device.fault"),
        ("", "is not device.fault"),
        ("gen", "is not device.fault"),
        ("gen..tip.ignore_off", "gen has no"),
        ("7up", "is not device.fault"),
    ],
)
def test_refused(spec: str, says: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse(spec, BENCH)
    assert says in str(caught.value)
    assert repr(spec) in str(caught.value)


def test_latent_faults_name_their_demand() -> None:
    latent = {(kind.scope, kind.name) for kind in CATALOGUE if kind.demand}
    assert latent == {
        ("generator", "ignore_off"),
        ("generator", "readback_zero"),
        ("generator", "reverse_zero"),
        ("generator", "deadman_off"),
        ("sensor", "freeze"),
        ("inputs", "foot_stuck"),
        ("relay", "weld"),
    }
