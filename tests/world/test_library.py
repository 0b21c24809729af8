"""Tissues, antennas, arrays: every number with a source, every kind of applicator, refusals that help."""

import math
import re

import pytest

from sim.world import properties, sourced
from sim.world.applicator import Antenna, AntennaGroup, ElectrodeGroup, Needle, metal
from sim.world.arrays import ARRAYS
from sim.world.burn import Burn
from sim.world.catalogue import ANTENNAS, KINDS, applicator_from, tine_tips_m
from sim.world.properties import TISSUES, tissue_named, with_changes

LIBRARIES = {"tissues": TISSUES, "antennas": ANTENNAS, "arrays": ARRAYS}
FILES = [(folder, name) for folder, library in LIBRARIES.items() for name in library]


@pytest.mark.parametrize(("folder", "name"), FILES)
def test_every_shipped_entry_has_a_value_and_a_source(folder, name):
    library = LIBRARIES[folder]
    assert library[name].name == name
    for key, quantity in library.sheet(name).quantities.items():
        assert quantity.source, key
        assert quantity.note or quantity.source not in sourced.OWN, key
        assert 0.0 <= quantity.sd <= 1.0, key


def test_every_citation_is_used():
    text = "".join(path.read_text() for path in sourced.DATA.glob("*/*.toml"))
    for key in sourced.citations():
        in_a_note = re.sub(r"^([a-z]+)(\d{4})$", lambda m: f"{m[1].capitalize()} {m[2]}", key)
        assert f'source = "{key}"' in text or in_a_note in text, key


def test_the_catalogue():
    assert list(TISSUES) == [
        *("agar", "exvivo_bovine", "exvivo_porcine", "invivo_canine", "invivo_cirrhotic", "invivo_human"),
        *("invivo_porcine", "metastasis_colorectal", "metastasis_neuroendocrine", "muscle", "perfused_bovine"),
        "tissue_phantom",
    ]
    assert list(ARRAYS) == [
        "leveen-2",
        "leveen-3",
        "leveen-3.5",
        "leveen-4",
        "leveen-5",
        "starburst-sde",
        "starburst-xl",
    ]
    assert {"cooled-2450", "uncooled-2450", "thermosphere-2450", "amica-2450", "cooled-915", "mr-2450"} < set(ANTENNAS)
    assert {"monopole-2450", "dual-slot-2450"} < set(ANTENNAS)


def test_values_the_published_burns_were_met_with():
    bovine, porcine, living = (TISSUES[name] for name in ("exvivo_bovine", "exvivo_porcine", "invivo_porcine"))
    assert (bovine.sigma_s_m, porcine.sigma_s_m, living.sigma_s_m) == (0.20, 0.14, 0.25)
    assert (bovine.start_c, living.start_c, living.blood_c) == (20.0, 37.0, 37.0)
    assert (bovine.k_w_mk, bovine.rho_c_j_m3k, bovine.water_fraction, bovine.dry_fraction) == (0.51, 3.82e6, 0.70, 1.0)
    assert (bovine.perfusion_w_m3k, living.perfusion_w_m3k) == (0.0, 6.8e4)
    assert (bovine.eps_2450, bovine.sigma_2450_s_m, bovine.eps_915, bovine.sigma_915_s_m) == (
        43.03,
        1.686,
        46.76,
        0.861,
    )
    assert 0.05 <= bovine.contraction_rf <= bovine.contraction_mw <= 0.22  # of free samples, Rossmann 2014


def test_tumours_and_cirrhosis_against_liver():
    met, crc, liver = (TISSUES[name] for name in ("metastasis_neuroendocrine", "metastasis_colorectal", "invivo_human"))
    assert met.perfusion_w_m3k == pytest.approx(1.5 * liver.perfusion_w_m3k)
    assert crc.perfusion_w_m3k == pytest.approx(0.4 * liver.perfusion_w_m3k)
    assert TISSUES["invivo_cirrhotic"].perfusion_w_m3k < liver.perfusion_w_m3k
    assert "Gabriel" in liver.source


def test_flow_in_the_units_of_the_clinic():
    # 10 mL/min per 100 g: 1.77e-3 1/s at 1060 kg/m3, times blood's 3.80 MJ/m3/K.
    tissue = with_changes(TISSUES["perfused_bovine"], {"perfusion_ml_min_100g": 10})
    assert tissue.perfusion_w_m3k == pytest.approx(6710.0, rel=1e-3)
    denser = with_changes(tissue, {"perfusion_ml_min_100g": 10, "density_kg_m3": 1079.0})
    assert denser.perfusion_w_m3k == pytest.approx(6830.0, rel=1e-3)
    assert TISSUES["perfused_bovine"].perfusion_w_m3k == pytest.approx(2.01e4)


@pytest.mark.parametrize(
    ("name", "ml_min_100g"),
    [("muscle", 3.7), ("invivo_canine", 74.52), ("invivo_porcine", 101.3), ("perfused_bovine", 30.0)],
)
def test_perfusions_as_flows(name, ml_min_100g):
    tissue = TISSUES[name]
    assert with_changes(tissue, {"perfusion_ml_min_100g": ml_min_100g}).perfusion_w_m3k == pytest.approx(
        tissue.perfusion_w_m3k, rel=3e-3
    )


def test_changes_leave_the_library_alone():
    changed = with_changes(tissue_named("exvivo_bovine"), {"sigma_s_m": 0.25, "start_c": 22})
    assert (changed.sigma_s_m, changed.start_c) == (0.25, 22.0)
    assert TISSUES["exvivo_bovine"].sigma_s_m == 0.20
    assert with_changes(changed, {}) == changed


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sigma": 0.2}, "unknown tissue parameter 'sigma': there are .*did you mean 'sigma_s_m'"),
        ({"sigma_s_m": 9.0}, "sigma_s_m: 9.0 is outside 0.01 to 3 .*Gabriel 1996"),
        ({"k_w_mk": math.nan}, "k_w_mk: nan is not a finite number; allowed are 0.1 to 1 "),
        ({"perfusion_ml_min_100g": -1}, "perfusion_ml_min_100g: -1 is outside 0 to 500 .*kidney"),
        ({"perfusion_ml_min_100g": 1, "perfusion_w_m3k": 1}, "are the same: give one"),
        ({"start_c": "warm"}, "start_c: 'warm' is not a finite number"),
        ({"name": "mine"}, "unknown tissue parameter 'name'"),
    ],
)
def test_changes_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        with_changes(TISSUES["exvivo_bovine"], changes)


@pytest.mark.parametrize("name", ["exvivo_bovin", "liver", "", None, 3])
def test_unknown_tissue(name):
    with pytest.raises(ValueError, match=r"unknown tissue .*: there are agar, exvivo_bovine"):
        tissue_named(name)
    if name == "exvivo_bovin":
        with pytest.raises(ValueError, match="did you mean 'exvivo_bovine'"):
            tissue_named(name)


def test_white_never_comes_where_nothing_whitens():
    ln_a, per_k = TISSUES["agar"].parameters()[18:20]
    assert 3600.0 * math.exp(ln_a - per_k / 373.15) < 1e-60


@pytest.mark.parametrize("name", list(TISSUES))
@pytest.mark.parametrize("probe", [{"active_tip_mm": 20}, {"kind": "microwave-antenna", "antenna": "cooled-2450"}])
def test_every_tissue_takes_heat(name, probe):
    burn = Burn(applicator_from(probe), TISSUES[name])
    for _ in range(100):
        burn.step(0.1, 20.0, 20.0, 500.0)
    assert burn.max_c() > TISSUES[name].start_c + 3.0
    assert burn.balance()["residual"] < 1e-3


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("k_w_mk = {value = 0.5}", "x.toml: k_w_mk"),
        ('k_w_mk = {source = "itis"}', "x.toml: k_w_mk: value is missing"),
        ('k_w_mk = {value = 0.5, source = "assumed"}', "x.toml: k_w_mk: note is missing"),
        ('k_w_mk = {value = 0.5, source = "its"}', "unknown source of x.toml: k_w_mk 'its'.*did you mean 'itis'"),
        ('k_w_mk = {value = 0.5, source = "itis", sd = 2.0}', "x.toml: k_w_mk: sd: 2.0 is outside 0 to 1"),
        ('k_w_mk = {value = 0.5, source = "itis", spread = 0.1}', "unknown key in x.toml: k_w_mk 'spread'"),
        ("k_w_mk = 0.5", "x.toml: k_w_mk: 0.5 is not a table"),
    ],
)
def test_a_number_without_a_source_is_refused(tmp_path, line, text):
    path = tmp_path / "x.toml"
    path.write_text('about = "mine"\n' + line)
    with pytest.raises(ValueError, match=text):
        sourced.read(path)


def test_a_file_without_a_word_about_it_is_refused(tmp_path):
    (tmp_path / "x.toml").write_text("")
    with pytest.raises(ValueError, match=r"x.toml: about is missing"):
        sourced.read(tmp_path / "x.toml")


def test_a_tissue_needs_every_number():
    whole = TISSUES.sheet("agar")
    partial = sourced.Sheet("mine", "mine", {k: q for k, q in whole.quantities.items() if k != "k_w_mk"})
    with pytest.raises(ValueError, match="tissue mine: k_w_mk is missing"):
        properties.tissue_of(partial)


# ---- applicators ----------------------------------------------------------------------------------------------------


def test_straight_needles():
    cooled = applicator_from(
        {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30, "name": "n", "power_max_w": 200}
    )
    dry = applicator_from({"kind": "needle", "gauge": 15, "active_tip_mm": 20})
    assert isinstance(cooled, Needle)
    assert isinstance(dry, Needle)
    assert (2e3 * cooled.radius_m, cooled.active_m, cooled.cooled) == (pytest.approx(1.473), 0.030, True)
    assert (2e3 * dry.radius_m, dry.active_m, dry.cooled) == (pytest.approx(1.829), 0.020, False)
    wet = applicator_from({"kind": "perfused-needle", "active_tip_mm": 20})
    assert isinstance(wet, Needle)
    assert (wet.cooled, wet.perfused, dry.perfused) == (False, True, False)


def test_cluster_is_one_electrode_of_three_tips_five_millimetres_apart():
    group = applicator_from({"kind": "cooled-cluster"})
    assert isinstance(group, ElectrodeGroup)
    assert group.electrodes == ((0, 1, 2),)
    tips = [conductor.path_m[0] for conductor in group.conductors]
    assert [math.dist(tips[a], tips[b]) for a, b in ((0, 1), (1, 2), (0, 2))] == pytest.approx([0.005] * 3)
    assert [sum(tip[axis] for tip in tips) for axis in range(3)] == pytest.approx([0.0] * 3, abs=1e-15)
    assert group.conductors[0].path_m[1][2] == pytest.approx(0.025)
    assert all(conductor.cooled for conductor in group.conductors)


def test_switched_needles_are_a_channel_each():
    pair = applicator_from({"kind": "switched-needles", "active_tip_mm": 30, "needles": 2, "spacing_mm": 20})
    assert pair.electrodes == ((0,), (1,))
    assert [c.path_m[0] for c in pair.conductors] == [(-0.01, 0.0, 0.0), (0.01, 0.0, 0.0)]
    assert applicator_from({"kind": "switched-needles", "active_tip_mm": 30, "spacing_mm": 20}).electrodes == (
        (0,),
        (1,),
        (2,),
    )


def test_antennas():
    antenna = applicator_from({"kind": "microwave-antenna", "antenna": "cooled-2450"})
    assert isinstance(antenna, Antenna)
    assert antenna.frequency_hz == 2.45e9
    assert ANTENNAS["uncooled-2450"].film_w_m2k == 0.0
    assert ANTENNAS["cooled-915"].frequency_hz == 915e6
    assert ANTENNAS["amica-2450"].cable_db == pytest.approx(10 * math.log10(140 / 105), abs=0.01)
    group = applicator_from({"kind": "microwave-antennas", "antenna": "cooled-2450", "antennas": 2, "spacing_mm": 20})
    assert isinstance(group, AntennaGroup)
    assert group.places_m == ((-0.01, 0.0), (0.01, 0.0))


@pytest.mark.parametrize(("mark_mm", "reach_mm"), [(20, 20), (30, 25), (40, 30), (50, 35), (25, 22.5), (10, 10)])
def test_starburst_tips_are_where_the_protocol_says(mark_mm, reach_mm):
    group = applicator_from({"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": mark_mm})
    assert len(group.conductors) == 10  # eight tines around, one ahead, the trocar's end
    assert group.electrodes == (tuple(range(10)),)
    for conductor in group.conductors[:9]:
        assert math.dist(conductor.path_m[0], (0.0, 0.0, 0.0)) == pytest.approx(reach_mm / 1e3)
        assert conductor.path_m[-1] == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
        assert max(math.dist(a, b) for a, b in zip(conductor.path_m, conductor.path_m[1:], strict=False)) < 20e-3
    assert len(tine_tips_m(group)) == 5
    assert tine_tips_m(group)[4] == pytest.approx((0.0, 0.0, -reach_mm / 1e3))


def test_a_fully_deployed_starburst_is_five_centimetres_across():
    group = applicator_from({"kind": "expandable-array", "array": "starburst-xl"})
    right, left = group.conductors[0].path_m[0], group.conductors[4].path_m[0]
    assert math.dist(right, left) == pytest.approx(0.0495, abs=1e-4)
    assert right[2] == pytest.approx(-0.02475, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "across_mm", "tines"), [("leveen-2", 20, 10), ("leveen-3.5", 35, 10), ("leveen-5", 50, 12)]
)
def test_leveen_umbrellas(name, across_mm, tines):
    group = applicator_from({"kind": "expandable-array", "array": name})
    assert len(group.conductors) == tines
    tips = [conductor.path_m[0] for conductor in group.conductors]
    assert math.dist(tips[0], tips[tines // 2]) == pytest.approx(across_mm / 1e3)
    assert max(abs(tip[2]) for tip in tips) < 1e-9  # beside the trocar's end
    assert min(p[2] for p in group.conductors[0].path_m) == pytest.approx(-across_mm / 4e3, rel=0.02)  # arching ahead
    assert tine_tips_m(group) == ()


@pytest.mark.parametrize("name", list(ARRAYS))
def test_wires_keep_their_bend_while_they_come_out(name):
    model = ARRAYS[name]
    whole = model.deployed(model.deployment_max_mm).conductors[0].path_m
    half = model.deployed(model.deployment_max_mm / 2).conductors[0].path_m
    bends = [bend_m(path) for path in (whole, half)]
    assert bends[1] == pytest.approx(bends[0], rel=0.05)


def bend_m(path):
    """Radius of the circle through a path's end, middle and start."""
    a, b, c = path[0], path[len(path) // 2], path[-1]
    sides = math.dist(a, b), math.dist(b, c), math.dist(c, a)
    s = sum(sides) / 2
    area = math.sqrt(max(s * math.prod(s - side for side in sides), 1e-30))
    return math.prod(sides) / (4 * area)


def test_tines_still_inside():
    assert (
        len(applicator_from({"kind": "expandable-array", "array": "starburst-xl", "deployment_mm": 0}).conductors) == 1
    )
    with pytest.raises(ValueError, match="array leveen-4: 0 leaves nothing bare"):
        applicator_from({"kind": "expandable-array", "array": "leveen-4", "deployment_mm": 0})


def test_only_arrays_have_tines():
    assert tine_tips_m(applicator_from({"active_tip_mm": 30})) == ()
    assert len(tine_tips_m(applicator_from({"kind": "expandable-array", "array": "starburst-sde"}))) == 3


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"kind": "cooled-needel", "active_tip_mm": 30}, "unknown applicator kind .*did you mean 'cooled-needle'"),
        ({"gauge": 13, "active_tip_mm": 30}, "unknown applicator gauge 13: there are 14, 15, 16, 17, 18.*ISO 9626"),
        ({"gauge": True, "active_tip_mm": 30}, "unknown applicator gauge True"),
        ({}, "applicator.active_tip_mm is missing"),
        ({"active_tip_mm": 5}, "applicator.active_tip_mm: 5 is outside 10 to 50"),
        ({"active_tip_mm": math.inf}, "applicator.active_tip_mm: inf is not a finite number"),
        ({"active_tip_mm": 30, "antenna": "x"}, "unknown key in applicator of kind cooled-needle 'antenna'"),
        ({"kind": "switched-needles", "active_tip_mm": 30}, "applicator.spacing_mm is missing"),
        (
            {"kind": "switched-needles", "active_tip_mm": 30, "spacing_mm": 1},
            "applicator.spacing_mm: 1 is outside 3 to 50",
        ),
        (
            {"kind": "switched-needles", "active_tip_mm": 30, "needles": 4, "spacing_mm": 9},
            "applicator.needles: 4 is neither 2 nor 3",
        ),
        ({"kind": "expandable-array"}, "applicator.array is missing: one of leveen-2"),
        ({"kind": "expandable-array", "array": "leveen-6"}, "unknown array 'leveen-6'.*did you mean 'leveen-"),
        (
            {"kind": "expandable-array", "array": "leveen-4", "deployment_mm": 50},
            "applicator.deployment_mm of array leveen-4: 50 is outside 0 to 40",
        ),
        ({"kind": "microwave-antenna"}, "applicator.antenna is missing: one of amica-2450"),
        ({"kind": "microwave-antenna", "antenna": "cooled"}, "unknown antenna 'cooled': there are amica-2450"),
        (
            {"kind": "microwave-antennas", "antenna": "cooled-2450", "antennas": 1, "spacing_mm": 9},
            "applicator.antennas: 1 is neither 2 nor 3",
        ),
    ],
)
def test_applicators_refused(block, text):
    with pytest.raises(ValueError, match=text):
        applicator_from(block)


def test_every_kind_is_built_somewhere_above():
    assert set(KINDS) == {
        *("cooled-needle", "needle", "perfused-needle", "cooled-cluster", "switched-needles", "expandable-array"),
        *("microwave-antenna", "microwave-antennas"),
    }


def test_what_is_seen_of_each_applicator_stands_where_it_is():
    def drawn(**block: object) -> list[tuple[bool, list[tuple[float, float]]]]:
        parts = metal(applicator_from(block))
        return [(part.bare, [(round(1e3 * x, 3), round(1e3 * z, 3)) for x, _, z in part.path_m]) for part in parts]

    needle = drawn(kind="cooled-needle", gauge=17, active_tip_mm=30)
    assert needle == [(True, [(0.0, 0.0), (0.0, 30.0)]), (False, [(0.0, 30.0), (0.0, 100.0)])]
    two = drawn(kind="microwave-antennas", antenna="cooled-2450", antennas=2, spacing_mm=20)
    assert [x for bare, path in two for x, _ in path if bare] == [-10.0, -10.0, 10.0, 10.0]
    array = {"kind": "expandable-array", "array": "starburst-xl"}
    closed, spread = (drawn(**array, deployment_mm=length_mm) for length_mm in (20.0, 50.0))
    assert max(x for _, path in spread for x, _ in path) > 2 * max(x for _, path in closed for x, _ in path) > 0
