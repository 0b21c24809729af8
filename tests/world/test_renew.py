"""A probe that is put into other tissue: the tissue is as at the beginning, everything else goes on."""

from __future__ import annotations

from typing import Any

import pytest

from sim.world.bench import World

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
ARRAY = {"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 20}
PAIR = {"kind": "switched-needles", "needles": 2, "gauge": 17, "active_tip_mm": 30, "spacing_mm": 20}


def burnt(applicator: dict[str, Any], seconds: int = 20) -> World:
    world = World(applicator, {"tissue": "exvivo_bovine"}, 1)
    world.advance(0.0)
    world.pump(80.0)
    world.drive(80.0)
    for second in range(1, seconds + 1):
        world.advance(float(second))
    world.drive(0.0)
    return world


def test_fresh_tissue_is_as_at_the_beginning() -> None:
    begun, world = World(NEEDLE, {"tissue": "exvivo_bovine"}, 1), burnt(NEEDLE)
    begun.advance(0.0)
    energy_j = world.energy_j
    assert world.zone()["volume_ml"] > 0.1
    world.renew()
    assert world.zone()["volume_ml"] == 0.0
    assert world.load_ohm == pytest.approx(begun.load_ohm, rel=1e-6)
    assert (world.t_s, world.energy_j) == (20.0, energy_j)
    world.advance(21.0)
    assert world.true_c("tissue_10mm") == pytest.approx(begun.true_c("tissue_10mm"), abs=0.2)


def test_tines_are_out_as_far_as_at_the_beginning() -> None:
    world = World(ARRAY, {"tissue": "exvivo_bovine"}, 1)
    world.advance(0.0)
    begun_ohm = world.load_ohm
    world.deploy(35.0)
    assert world.load_ohm < 0.9 * begun_ohm
    world.renew()
    assert world.load_ohm == pytest.approx(begun_ohm, rel=1e-3)


def test_electrodes_stay_connected_as_they_were() -> None:
    world = World(PAIR, {"tissue": "exvivo_bovine"}, 1)
    world.advance(0.0)
    both_ohm = world.load_ohm
    world.connect((0,))
    one_ohm = world.load_ohm
    world.renew()
    assert world.load_ohm == pytest.approx(one_ohm, rel=1e-3)
    assert one_ohm > 1.2 * both_ohm


@pytest.mark.parametrize("shy_s", [0.0, 1e-12, 1e-9, 1e-7, 1e-3])
def test_a_hand_may_act_at_any_time_between_two_steps(shy_s: float) -> None:
    world = burnt(NEEDLE, 3)
    world.advance(10.0)  # long after power was switched: steps are coarse again
    for step in range(1, 41):
        world.advance(10.0 + step * 0.05 - shy_s)
        world.renew() if step % 2 else world.retract(0.1)
    world.advance(13.0)
    assert world.zone()["volume_ml"] == 0.0
