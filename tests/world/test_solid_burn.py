"""Whole burns in 3D: against the axisymmetric solver, energy, switching, shapes that change, bad input."""

import dataclasses
import math

import numpy as np
import pytest

from sim.world.applicator import Conductor, ElectrodeGroup, Needle
from sim.world.burn import Burn
from sim.world.catalogue import applicator_from
from sim.world.needle import straight
from sim.world.plant import Plant, plant_for
from sim.world.properties import tissue_named
from sim.world.solid.burn import SolidBurn
from sim.world.solid.field import SolidField

BOVINE = tissue_named("exvivo_bovine")
SWITCHED = {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 3, "spacing_mm": 20}


def group_of(*places_mm, active_m=0.03, one_electrode=False, **options):
    conductors = tuple(straight(x / 1e3, y / 1e3, 0.7365e-3, active_m, **options) for x, y in places_mm)
    every = tuple(range(len(conductors)))
    return ElectrodeGroup(conductors, (every,) if one_electrode else tuple((k,) for k in every))


def pulsed(burn, duration_s, rise_ohm=20.0):
    """Ramp from 60 W; a rise over the least impedance: 10 W for 15 s, on at 70 %. Returns the roll-offs."""
    power_w, base_ohm, off_s, rolloffs = 60.0, 1e9, -1e9, 0
    for k in range(round(duration_s * 5)):
        t_s, ohm = k / 5, burn.impedance_ohm
        demand_w = 10.0
        if t_s - off_s >= 15.0:
            demand_w = power_w = min(power_w + 0.2, 200.0, 4.0 * ohm)
            base_ohm = min(base_ohm, ohm)
            if ohm > base_ohm + rise_ohm:
                off_s, power_w, demand_w, rolloffs = t_s, 0.7 * power_w, 10.0, rolloffs + 1
        burn.step(0.2, demand_w, 10.0, 3000.0)
    return rolloffs


def test_one_needle_is_the_axisymmetric_one():
    flat, solid = Burn(Needle(0.7365e-3, 0.03), BOVINE, "fine"), SolidBurn(group_of((0, 0)), BOVINE, "fine")
    assert solid.impedance_ohm == pytest.approx(flat.impedance_ohm, rel=0.02)
    assert pulsed(solid, 240.0) == pytest.approx(pulsed(flat, 240.0), abs=2)
    a, b = solid.zone(), flat.zone()
    assert a["short_axis_mm"] == pytest.approx(b["short_axis_mm"], abs=1.5)
    assert a["long_axis_mm"] == pytest.approx(b["long_axis_mm"], abs=1.5)
    assert a["volume_ml"] == pytest.approx(b["volume_ml"], rel=0.1)
    for r_mm in (8, 12, 16):
        point = (r_mm / 1e3, 0.0, 0.015)
        assert solid.temperature_c(*point) == pytest.approx(flat.temperature_c(*point), abs=4.0)
    assert solid.balance()["cooled_j"] == pytest.approx(flat.balance()["cooled_j"], rel=0.12)


def test_a7_energy_balance_of_boiling_perfused_switched_needles():
    burn = SolidBurn(group_of((-8, 0), (8, 0), active_m=0.02), tissue_named("invivo_porcine"))
    for k in range(600):
        if k % 100 == 0:
            burn.connect({k // 100 % 2})
        burn.step(0.1, 70.0, 10.0, 3000.0)
        if k % 20 == 0:
            assert burn.balance()["residual"] < 1e-3
    balance = burn.balance()
    assert burn.max_c() > 99.0
    assert burn.boiling_ml() > 0.1
    assert balance["residual"] < 1e-5
    assert balance["source_j"] == pytest.approx(70.0 * 60.0, rel=0.09)  # 4-6 % of it is dissipated beyond the edge
    assert balance["perfused_j"] < 0.0 < balance["cooled_j"]


def test_mirrored_needles_make_a_mirrored_burn():
    burn = SolidBurn(group_of((-10, 0), (10, 0)), BOVINE)
    for _ in range(60):
        burn.step(0.5, 60.0, 10.0, 3000.0)
    for x_mm, y_mm in ((7, 0), (10, 4), (14, -3)):
        left, right = (burn.temperature_c(s * x_mm / 1e3, y_mm / 1e3, 0.015) for s in (-1, 1))
        assert left == pytest.approx(right, abs=0.05)
    cut = burn.picture_data()
    assert cut["r_mm"][0] == pytest.approx(-cut["r_mm"][-1])
    assert cut["temperature_c"].shape == cut["damage"].shape == (cut["r_mm"].size, cut["z_mm"].size)
    assert np.max(cut["temperature_c"]) > 50.0


def test_driven_together_needles_leave_a_colder_centre_than_in_turn_haemmerich_2005():
    centre_c = []
    for together in (True, False):
        burn = SolidBurn(applicator_from(SWITCHED), BOVINE)
        for k in range(960):
            if not together and k % 60 == 0:
                burn.connect({k // 60 % 3})
            burn.step(0.25, 60.0, 10.0, 3000.0)
        centre_c.append(burn.temperature_c(0.0, 0.0, 0.015))
    assert centre_c[0] < centre_c[1] - 8.0


def test_a_cluster_burns_more_than_one_needle_goldberg_1998():
    cluster = plant_for(applicator_from({"kind": "cooled-cluster", "gauge": 17}), BOVINE)
    single = SolidBurn(group_of((0, 0), active_m=0.025), BOVINE)
    assert cluster.impedance_ohm < 0.7 * single.impedance_ohm
    for burn in (cluster, single):
        pulsed(burn, 300.0)
    assert cluster.zone()["short_axis_mm"] > single.zone()["short_axis_mm"] + 8.0


def test_tines_are_pushed_out_into_the_same_tissue():
    block = {"kind": "expandable-array", "array": "starburst-xl"}
    burn = plant_for(applicator_from({**block, "deployment_mm": 30}), tissue_named("invivo_porcine"))
    for _ in range(150):
        burn.step(0.4, 50.0, 37.0, 0.0)
    before, zone, ohm, probe_c = burn.balance(), burn.zone(), burn.impedance_ohm, burn.temperature_c(0.02, 0.0, -0.01)
    burn.deploy(applicator_from({**block, "deployment_mm": 50}))
    after = burn.balance()
    assert after["stored_j"] == pytest.approx(before["stored_j"], rel=1e-6)
    assert after["residual"] < 1e-5
    assert burn.impedance_ohm < 0.8 * ohm
    assert burn.temperature_c(0.02, 0.0, -0.01) == pytest.approx(probe_c, abs=1.0)
    assert burn.zone()["volume_ml"] == pytest.approx(zone["volume_ml"], rel=0.05)
    for _ in range(50):
        burn.step(0.4, 50.0, 37.0, 0.0)
    assert burn.balance()["residual"] < 1e-5
    assert burn.wall_c > 37.0
    assert burn.cooled_w == 0.0


def counted(monkeypatch):
    """Field solutions from now on: what most of the time goes into."""
    solves, solve = [], SolidField.solve

    def count(self, *arguments):
        solves.append(self)
        solve(self, *arguments)

    monkeypatch.setattr(SolidField, "solve", count)
    return solves


def test_a_shape_prepared_ahead_is_taken_with_one_field_and_is_the_same(monkeypatch):
    block = {"kind": "expandable-array", "array": "starburst-xl"}
    shapes = [applicator_from({**block, "deployment_mm": mm}) for mm in (20.0, 30.0)]
    prepared, at_once = SolidBurn(shapes[0], BOVINE), SolidBurn(shapes[0], BOVINE)
    solves = counted(monkeypatch)
    for burn in (prepared, at_once):
        burn.step(1.0, 50.0, 37.0, 0.0)
    prepared.prepare(shapes[1])
    ahead = len(solves)
    assert ahead <= 8  # to find what the contacts conduct
    prepared.step(1.0, 50.0, 37.0, 0.0)  # the tissue goes on meanwhile
    at_once.step(1.0, 50.0, 37.0, 0.0)
    prepared.prepare(shapes[1])
    solves.clear()
    prepared.deploy(shapes[1])
    assert len(solves) == 1
    at_once.deploy(shapes[1])
    assert all(np.array_equal(a, at_once.save()[name]) for name, a in prepared.save().items())
    prepared.prepare(shapes[0])  # another one than comes
    prepared.deploy(shapes[1])
    assert prepared.impedance_ohm == pytest.approx(at_once.impedance_ohm, rel=1e-5)
    with pytest.raises(ValueError, match="Needle has no tines"):
        prepared.prepare(Needle(0.7e-3, 0.03))


def test_pulled_back_metal_keeps_its_shape_and_costs_one_field(monkeypatch):
    burn = SolidBurn(group_of((-8, 0), (8, 0), active_m=0.02), BOVINE)
    burn.step(1.0, 50.0, 10.0, 3000.0)
    ohm, solves = burn.impedance_ohm, counted(monkeypatch)
    burn.pull_back(5e-3)
    assert len(solves) == 1
    assert burn.impedance_ohm == pytest.approx(ohm, rel=0.05)


def test_what_was_saved_goes_on_to_the_last_bit():
    burn = SolidBurn(group_of((-8, 0), (8, 0), active_m=0.02), BOVINE)

    def drive(plant):
        for k in range(60):
            if k % 20 == 0:
                plant.connect({k // 20 % 2})
            plant.step(0.5, 60.0, 10.0, 3000.0)
        return plant.impedance_ohm, plant.zone(), plant.balance(), plant.wall_c

    drive(burn)
    saved = burn.save()
    end = drive(burn)
    burn.restore(saved)
    assert drive(burn) == end
    other = SolidBurn(group_of((-8, 0), (8, 0), active_m=0.02), BOVINE)
    other.restore(saved)
    assert drive(other) == end
    with pytest.raises(ValueError, match=r"saved .*: of another scene"):
        SolidBurn(group_of((-9, 0), (9, 0), active_m=0.03), BOVINE).restore(saved)


def test_pulled_back_the_tissue_stays():
    burn = SolidBurn(group_of((-6, 0), (6, 0), active_m=0.02), BOVINE)
    for _ in range(120):
        burn.step(0.5, 70.0, 10.0, 3000.0)
    there_c, zone = burn.temperature_c(0.0, 0.0, 0.012), burn.zone()
    burn.pull_back(0.0075)
    assert burn.temperature_c(0.0, 0.0, 0.0045) == pytest.approx(there_c, abs=0.5)
    assert burn.zone()["volume_ml"] == pytest.approx(zone["volume_ml"], rel=0.03)
    assert burn.balance()["residual"] < 1e-5
    with pytest.raises(ValueError, match=r"distance_m: 0\.08 is outside"):
        burn.pull_back(0.08)


def test_zone_of_a_ball_and_of_a_sleeve():
    burn = SolidBurn(group_of((-10, 0), (10, 0), active_m=0.02), BOVINE)
    x, y, z = np.meshgrid(*burn.grid.centres_m, indexing="ij")
    from_middle = np.sqrt(x**2 + y**2 + (z - 0.01) ** 2)
    inner = burn.grid.inner(burn._cells.omega_2)
    for hollow_m in (0.0, 3e-3):
        logs = np.minimum((0.015 - from_middle) / 0.8e-3, (from_middle - hollow_m) / 0.8e-3 if hollow_m else np.inf)
        inner[:] = np.exp(np.clip(logs, -60.0, 30.0))
        zone = burn.zone()
        assert zone["short_axis_mm"] == pytest.approx(30.0, abs=0.3)
        assert zone["long_axis_mm"] == pytest.approx(30.0, abs=0.3)
        assert zone["volume_ml"] == pytest.approx(14.14, rel=0.02)
        assert zone["contracted_volume_ml"] < zone["volume_ml"]
    inner[:] = 0.0
    assert burn.zone()["volume_ml"] == 0.0


def test_it_is_a_plant():
    plant: Plant = plant_for(group_of((0, 0)), BOVINE, "fast")
    assert plant.reflected == 0.0
    assert set(plant.effort()) == {"cells", "steps", "solves", "iterations"}
    assert plant.wall_c == BOVINE.start_c
    ohm = plant.impedance_ohm
    plant.power_switched()
    plant.step(0.3, 40.0, 10.0, 3000.0)
    assert plant.effort()["steps"] == 3
    assert plant.impedance_ohm < ohm
    with pytest.raises(ValueError, match="y: 90 mm is outside the domain, -70 to 70 mm"):
        plant.temperature_c(0.0, 0.09, 0.0)


WIRE = Conductor(((0.0, 0.0, 0.0), (0.0, 0.0, 0.02)), (), 0.15e-3, False)
THICK = dataclasses.replace(WIRE, radius_m=5e-3)
ENDLESS = dataclasses.replace(WIRE, path_m=((0.0, 0.0, 0.0), (0.0, 0.0, math.nan)))


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (group_of((0, 0), (60, 0)), r"conductors: x_m: 0.06 is outside -0.055 to 0.055"),
        (group_of((0, 0), (1.4, 0)), r"conductors 0 and 1 touch: 1.40 mm between axes, 1.47 mm of metal"),
        (group_of((0, 0), (3, 0)), r"conductors 0 and 1: 3.00 mm between axes need cells of 1.20 mm or finer.*1.5 mm"),
        (group_of((0, 0), (2, 0), one_electrode=True), r"conductors 0 and 1: 2.00 mm"),
        (group_of((0, 0), active_m=0.004), r"electrode 0: 4.0 mm of bare metal are too short for cells of 1.5 mm"),
        (group_of((0, 0), active_m=0.085), r"conductors: extent along z, m: 0.085 is outside 0 to 0.08"),
        (ElectrodeGroup((), ()), "at least one conductor"),
        (ElectrodeGroup((WIRE,), ((0, 0),)), "must name each of the 1 conductors once"),
        (
            ElectrodeGroup((THICK,), ((0,),)),
            "conductor 0: radius_m 0.005 is outside",
        ),
        (
            ElectrodeGroup((ENDLESS,), ((0,),)),
            "conductor 0: path",
        ),
    ],
)
def test_geometry_that_does_not_fit_is_refused(group, text):
    with pytest.raises(ValueError, match=text):
        SolidBurn(group, BOVINE)


def test_other_bad_input():
    with pytest.raises(ValueError, match=r"unknown mesh 'fin'.*did you mean 'fine'"):
        SolidBurn(group_of((0, 0)), BOVINE, "fin")
    burn = SolidBurn(group_of((-10, 0), (10, 0)), BOVINE)
    for channels in (set(), {2}, {-1}):
        with pytest.raises(ValueError, match="connect one or more of 0 to 1"):
            burn.connect(channels)
    with pytest.raises(ValueError, match="1 channels instead of 2"):
        burn.deploy(group_of((0, 0)))
    with pytest.raises(ValueError, match="Needle has no tines"):
        burn.deploy(Needle(0.7e-3, 0.03))
    assert burn.impedance_ohm > 0.0
