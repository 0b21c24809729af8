"""A healthy bench never trips: noise, jitter of polls, ramps, roll-offs and pauses (I30)."""

from __future__ import annotations

import math

import pytest

from safety.config import Timing
from safety.types import Origin, State, Verb
from tests.safety.rig import Rig, config


@pytest.mark.parametrize("seed", range(6))
def test_an_application_with_roll_offs_completes_without_a_trip(seed: int) -> None:
    rig = Rig(seed=seed)
    rig.to(State.FIRING)
    rig.demand_w, pause = 60.0, 0
    for k in range(2400):  # two minutes at 20 Hz
        t = k * 0.05
        rig.values["tc.tissue_10mm_c"] = 22.0 + 60.0 * (1.0 - math.exp(-t / 60.0))
        rig.values["tc.tissue_20mm_c"] = 21.5 + 20.0 * (1.0 - math.exp(-t / 90.0))
        rig.values["tc.tip_c"] = 21.0 + rig.output_w / 20.0
        if pause:
            pause -= 1
            rig.load_ohm = max(80.0, rig.load_ohm - 2.0)
            rig.demand_w = 0.0 if pause else 70.0
        else:
            rig.demand_w = min(rig.demand_w + 0.05 * 2.0, 160.0)
            rig.load_ohm *= 1.0 + 0.0004 * rig.demand_w / 60.0 + (0.02 if rig.load_ohm > 120.0 else 0.0)
            if rig.load_ohm > 160.0:
                pause = 300
        out = rig.tick()
        assert out.state is State.FIRING, (t, out.first_trip, out.events)
        assert out.permit.max_w == 200.0 or k == 0
    rig.ask(Verb.COMPLETE, Origin.PROTOCOL)
    rig.until(State.COOLDOWN)
    rig.until(State.SAFE)
    assert "trip" not in rig.kinds()
    assert "refused" not in rig.kinds()


@pytest.mark.parametrize("tick_s", [0.01, 0.05, 0.1])
def test_at_other_tick_rates(tick_s: float) -> None:
    timing = Timing(tick_s=tick_s, prime_s=0.5, run_on_s=1.0)
    rig = Rig(config(timing=timing), seed=3, tick_s=tick_s).fired(80.0, 10.0)
    rig.demand_w = 20.0
    rig.tick(round(5.0 / tick_s))
    assert (rig.out.state, rig.out.first_trip) == (State.FIRING, None)
