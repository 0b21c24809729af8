"""The coolant loop: heat is found again, flow follows the head, occlusion, air, bubbles, a bag that empties."""

import pytest

from sim.world.bench import World
from sim.world.coolant import Coolant
from sim.world.sensors import Noise

NEEDLE = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}


def running(flow_ml_min=80.0, seconds=60.0, picked_up_w=20.0, **loop):
    coolant = Coolant(bag_c=10.0, room_c=22.0, tissue_c=20.0, **loop)
    coolant.pump(flow_ml_min)
    for _ in range(round(seconds * 10)):
        coolant.step(0.1, picked_up_w, 30.0)
    return coolant


def test_tip_outlet_carries_the_heat_away():
    loop = running(seconds=120.0)
    assert loop.outlet_c - loop.inlet_c == pytest.approx(20.0 / (80.0 / 60.0 * 4.18), abs=0.05)  # 3.6 K
    assert loop.film_w_m2k == pytest.approx(3000.0, rel=1e-3)
    loop.fault("air", 1.0)
    assert loop.film_w_m2k == 50.0


@pytest.mark.parametrize("faults", [{}, {"bag": 60.0}, {"air": 1.0}, {"coolant_temp": 60.0}, {"line_off": 1.0}])
@pytest.mark.parametrize("recirculate", [True, False])
def test_heat_is_found_again_to_rounding(faults, recirculate):
    loop = running(seconds=30.0, recirculate=recirculate, bag_ml=200.0)
    for name, value in faults.items():
        loop.fault(name, value)
    for k in range(1200):
        loop.pump(80.0 if k % 100 < 70 else 5.0, 0.03)
        loop.step(0.1, 15.0, 40.0)
    balance = loop.balance()
    assert balance["needle_j"] == pytest.approx(30 * 20.0 + 120 * 15.0)
    assert abs(balance["residual_j"]) < 1e-6


def test_a_bag_that_recirculates_warms_up_against_its_ice():
    warm = running(seconds=1200.0, picked_up_w=40.0, bag_ml=500.0)
    assert warm.bag_c == pytest.approx(18.0, abs=1.0)  # (40 W + 4 W from the room) / 5 W/K above 10 degC
    assert warm.bag_ml == 500.0


def test_a_bag_that_runs_to_waste_empties_and_then_there_is_air():
    loop = running(seconds=59.0, bag_ml=80.0, recirculate=False)
    assert not loop.gas_at_sensor()
    assert 0.5 < loop.bag_ml < 3.0
    for _ in range(30):
        loop.step(0.1, 20.0, 30.0)
    assert loop.gas_at_sensor()
    assert loop.film_w_m2k == 50.0
    loop.fault("bag", None)  # somebody hangs a full one
    assert not loop.gas_at_sensor()


@pytest.mark.parametrize(("blocked", "bar", "ml_min"), [(0.0, 1.0, 80.0), (0.5, 2.286, 45.71), (0.9, 3.884, 3.107)])
def test_occlusion_raises_the_pressure_and_takes_flow(blocked, bar, ml_min):
    loop = running(seconds=20.0)
    loop.fault("occlude", blocked)
    assert loop.pressure_bar() == pytest.approx(1.0, rel=1e-6)  # compliance: not at once
    for _ in range(100):
        loop.step(0.1, 0.0, 30.0)
    assert loop.pressure_bar() == pytest.approx(bar, abs=2e-3)
    assert loop.flow_ml_min() == pytest.approx(ml_min, abs=0.02)


def test_a_shut_line_holds_the_head_s_pressure_without_flow():
    loop = running(seconds=20.0)
    loop.fault("occlude", 1.0)
    assert loop.flow_ml_min() == 0.0
    for _ in range(100):
        loop.step(0.1, 0.0, 30.0)
    assert loop.pressure_bar() == pytest.approx(4.0, abs=1e-3)
    assert loop.film_w_m2k == 50.0


def test_flow_follows_the_head_with_its_lag_between_steps():
    loop = running(seconds=20.0)
    loop.pump(0.0, since_s=0.02)
    assert loop.flow_ml_min(0.02) == pytest.approx(80.0, rel=1e-6)
    assert loop.flow_ml_min(0.09) == pytest.approx(80.0 * 0.904837, rel=1e-5)  # exp(-0.07 / 0.7)


def test_pulsation_is_a_small_ripple():
    loop = running(seconds=20.0, pulsation=0.02)
    flows = [loop.pulsating(k * 1e-3) for k in range(1000)]
    assert max(flows) == pytest.approx(81.6, abs=0.01)
    assert min(flows) == pytest.approx(78.4, abs=0.01)


def test_bubbles_pass_for_a_moment_at_times_of_their_own():
    seen = []
    for _ in range(2):
        loop = running(seconds=1.0, noise=Noise(4))
        loop.fault("bubbles", 10.0)
        seen.append([])
        for _ in range(1200):
            seen[-1] += [loop.gas_at_sensor(k * 0.01) for k in range(10)]
            loop.step(0.1, 0.0, 30.0)
    assert seen[0] == seen[1]
    starts = [k for k in range(1, 12000) if seen[0][k] and not seen[0][k - 1]]
    assert len(starts) in (19, 20, 21)  # ten a minute for two minutes
    lasts_s = [0.01 * [*seen[0][k:], False].index(False) for k in starts]
    assert 0.1 <= min(lasts_s) < 0.3
    assert 0.7 < max(lasts_s) <= 1.01


def test_loop_faults_on_the_bench():
    bench = World(NEEDLE, {}, 1)
    bench.advance(0.0)
    bench.pump(80.0)
    bench.advance(10.0)
    assert bench.pressure_bar == pytest.approx(1.0, abs=0.01)
    bench.fault("line_off")
    bench.advance(15.0)
    assert bench.flow_ml_min == 0.0
    assert bench.air_in_line
    bench.fault("line_off", None)
    bench.fault("coolant_temp", 45.0)
    bench.advance(60.0)
    assert not bench.air_in_line
    assert bench.coolant_c > 42.0
    bench.fault("air")
    assert bench.air_in_line
    assert bench.flow_ml_min == 0.0


def test_air_in_the_line_lets_the_tip_warm_up():
    bench = World(NEEDLE, {}, 1)
    bench.advance(0.0)
    bench.pump(80.0)
    bench.drive(60.0)
    bench.advance(60.0)
    cold_c = bench.temperature_c("tip")
    bench.fault("air")
    bench.advance(75.0)
    assert bench.temperature_c("tip") > cold_c + 15.0


def test_a_circulator_holds_the_bag_and_heat_is_still_found_again():
    loop = running(seconds=30.0)
    loop.bath_c = 4.0
    for _ in range(600):
        loop.step(0.1, 15.0, 40.0)
    assert loop.bag_c == 4.0
    assert loop.inlet_c == pytest.approx(4.9, abs=0.2)
    loop.fault("coolant_temp", 40.0)
    loop.step(0.1, 15.0, 40.0)
    assert loop.bag_c == 40.0
    loop.fault("coolant_temp", None)
    loop.step(0.1, 15.0, 40.0)
    assert loop.bag_c == 4.0
    assert abs(loop.balance()["residual_j"]) < 1e-6


def test_a_bath_outside_what_is_liquid_is_refused():
    world = World(NEEDLE, {"mesh": "fast"}, 1)
    world.chill(5.0)
    with pytest.raises(ValueError, match=r"bath_c: 200\.0 is outside -20 to 95"):
        world.chill(200.0)
