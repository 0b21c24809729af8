"""A7: at every step of a burn, what went in is what went out plus what is stored."""

import pytest

from sim.world.catalogue import applicator_from
from sim.world.plant import plant_for
from sim.world.properties import tissue_named

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
CASES = {
    "cooled needle, perfused": (NEEDLE, "invivo_porcine", 80.0, 720.0),
    "cooled needle, ex vivo": (NEEDLE, "exvivo_bovine", 120.0, 720.0),
    "dry needle": ({"kind": "needle", "gauge": 17, "active_tip_mm": 20}, "exvivo_bovine", 30.0, 600.0),
    "2.45 GHz": ({"kind": "microwave-antenna", "antenna": "cooled-2450"}, "exvivo_porcine", 60.0, 600.0),
    "915 MHz": ({"kind": "microwave-antenna", "antenna": "cooled-915"}, "invivo_porcine", 120.0, 600.0),
    "three needles in turn": (
        {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 3, "spacing_mm": 15},
        "invivo_porcine",
        100.0,
        60.0,
    ),
    "tines": ({"kind": "expandable-array", "array": "leveen-3", "deployment_mm": 30}, "exvivo_bovine", 200.0, 60.0),
}


@pytest.mark.parametrize("name", CASES)
def test_a7_energy_balance_at_every_step(name):
    """12 s on, 6 s at a tenth; boiling, drying, dying tissue and a warming coolant included."""
    applicator, tissue, power_w, duration_s = CASES[name]
    plant = plant_for(applicator_from(applicator), tissue_named(tissue))
    hottest_c = 0.0
    for k in range(round(duration_s / 0.1)):
        if "needles" in applicator and k % 100 == 0:
            plant.connect({k // 100 % 3})
            plant.power_switched()
        plant.step(0.1, power_w if k % 180 < 120 else 0.1 * power_w, 10.0 + 5.0 * k * 0.1 / duration_s, 3000.0)
        balance = plant.balance()
        assert balance["residual"] < 1e-3, f"{name}, after {(k + 1) / 10:.1f} s: {balance}"
        if k % 180 == 119:
            hottest_c = max(hottest_c, plant.max_c())
    assert hottest_c > 99.0
    assert balance["residual"] < 1e-6
