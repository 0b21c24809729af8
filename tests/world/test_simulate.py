"""Plant and a small pulsed rule alone, against published burns of internally cooled needles."""

import dataclasses

import pytest

from sim.world import properties
from sim.world.applicator import Needle
from sim.world.burn import Burn
from sim.world.simulate import Wish, run_protocol


class Pulsed:
    """Ramp until impedance has risen by ``rise_ohm`` over its least value, then 15 s at low power, on again at 70 %."""

    def __init__(self, rise_ohm, start_w=60.0, ramp_w_s=1.0, low_w=10.0):
        self.rise_ohm, self.power_w, self.ramp_w_s, self.low_w = rise_ohm, start_w, ramp_w_s, low_w
        self.base_ohm, self.off_s, self.rolled = 1e9, None, []

    def __call__(self, seen):
        return Wish(self.demand_w(seen.t_s, seen.impedance_ohm, seen.dt_s))

    def demand_w(self, t_s, impedance_ohm, dt_s):
        if self.off_s is not None:
            if t_s - self.off_s < 15.0:
                return self.low_w
            self.off_s, self.power_w = None, 0.7 * self.power_w
        self.power_w = min(self.power_w + self.ramp_w_s * dt_s, 200.0, 4.0 * impedance_ohm)
        self.base_ohm = min(self.base_ohm, impedance_ohm)
        if impedance_ohm > self.base_ohm + self.rise_ohm:
            self.off_s = t_s
            self.rolled.append(t_s)
            return self.low_w
        return self.power_w


def simulate(tissue, tip_mm, rise_ohm, gauge=17, **options):
    law = Pulsed(rise_ohm)
    needle = {"kind": "cooled-needle", "gauge": gauge, "active_tip_mm": tip_mm}
    return run_protocol(law, needle, tissue, 720.0, rolloffs=lambda: law.rolled, **options)


def test_bovine_two_centimetres_cvir_2009():
    zone = simulate("exvivo_bovine", 20, 10.0)["zone"]  # 30 burns: 30.1 x 26.2 mm, 11.08 mL
    assert zone["short_axis_mm"] == pytest.approx(26.2, abs=3.5)
    assert zone["long_axis_mm"] == pytest.approx(30.1, abs=4.5)
    assert zone["volume_ml"] == pytest.approx(11.08, abs=3.3)


def test_porcine_three_centimetres_ji_2011():
    result = simulate("exvivo_porcine", 30, 20.0)  # 6 burns: 39 x 31 mm, 20.0 mL, 76.8 degC at 10 mm
    assert result["zone"]["short_axis_mm"] == pytest.approx(31.0, abs=4.0)
    assert result["zone"]["long_axis_mm"] == pytest.approx(39.0, abs=5.0)
    assert result["zone"]["volume_ml"] == pytest.approx(20.0, abs=6.0)
    assert result["probes"][0]["max_c"] == pytest.approx(76.8, abs=12.0)
    assert result["probes"][0]["time_to_54c_s"] == pytest.approx(135.0, abs=60.0)


def test_bovine_three_centimetres_song_2015():
    thin, thick = simulate("exvivo_bovine", 30, 20.0), simulate("exvivo_bovine", 30, 20.0, gauge=15)
    assert thin["zone"]["volume_ml"] == pytest.approx(23.86, abs=7.2)
    assert thin["energy_j"] == pytest.approx(32.2e3, rel=0.25)
    assert 1.05 < thick["zone"]["volume_ml"] / thin["zone"]["volume_ml"] < 1.45
    assert thin["rolloffs"] > 5
    assert 30.0 < thin["first_rolloff_s"] < 150.0
    assert thin["impedance_min_ohm"] < 0.8 * thin["impedance_start_ohm"]


def test_more_perfusion_makes_a_smaller_zone_huang_2012():
    short_axes = []
    for ml_min_100g in (10, 50):
        tissue = dataclasses.replace(properties.TISSUES["invivo_porcine"], perfusion_w_m3k=ml_min_100g / 10 * 6.83e3)
        burn = Burn(Needle(0.7365e-3, 0.03), tissue)
        for _ in range(7200):
            burn.step(0.1, 35.0, 10.0, 3000.0)
        short_axes.append(burn.zone()["short_axis_mm"])
    assert short_axes[0] > short_axes[1] + 4.0


def test_without_a_rolloff_list_they_are_counted_from_the_demand():
    law = Pulsed(10.0)
    needle = {"active_tip_mm": 20}
    result = run_protocol(law, needle, "exvivo_bovine", 120.0)
    assert result["rolloffs"] == len(law.rolled)
    assert result["first_rolloff_s"] == law.rolled[0]
    assert result["duration_s"] == pytest.approx(120.0)


def test_the_law_may_end_it_and_progress_is_told():
    seen = []
    result = run_protocol(
        lambda seen: None if seen.t_s >= 5.0 else Wish(30.0),
        {"active_tip_mm": 30},
        "exvivo_bovine",
        60.0,
        progress=seen.append,
    )
    assert result["duration_s"] == pytest.approx(5.0)
    assert result["energy_j"] == pytest.approx(150.0, rel=0.02)
    assert seen == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert set(result) >= {
        "zone",
        "energy_j",
        "rolloffs",
        "first_rolloff_s",
        "impedance_start_ohm",
        "impedance_min_ohm",
        "probes",
        "wall_s",
    }


def test_it_stops_at_a_size():
    result = run_protocol(
        lambda seen: Wish(40.0), {"active_tip_mm": 20}, "exvivo_bovine", 720.0, until_short_axis_mm=12.0
    )
    assert 12.0 <= result["zone"]["short_axis_mm"] < 12.5
    assert result["duration_s"] < 300.0


def test_what_the_law_sees():
    seen_at_10_s = {}

    def law(seen):
        if seen.t_s >= 10.0:
            for name in ("impedance_ohm", "load_w", "forward_w", "reverse_w", "flow_ml_min", "dt_s", "channels"):
                seen_at_10_s[name] = getattr(seen, name)
            seen_at_10_s["tip"] = seen.temperature_c("tip")
            return None
        return Wish(30.0)

    run_protocol(law, {"active_tip_mm": 30}, "exvivo_bovine", 60.0, dt_s=0.5, flow_ml_min=90.0)
    assert 50.0 < seen_at_10_s["impedance_ohm"] < 150.0
    assert seen_at_10_s["load_w"] == pytest.approx(30.0, rel=0.01)
    assert seen_at_10_s["forward_w"] - seen_at_10_s["reverse_w"] == pytest.approx(seen_at_10_s["load_w"])
    assert seen_at_10_s["flow_ml_min"] == pytest.approx(90.0, abs=5.0)
    assert seen_at_10_s["tip"] < 30.0
    assert seen_at_10_s["dt_s"] == 0.5
    assert seen_at_10_s["channels"] is None


def test_probes_are_where_they_were_asked_for():
    result = run_protocol(
        lambda seen: Wish(40.0), {"active_tip_mm": 20}, "exvivo_bovine", 90.0, probe_radii_mm=(4.0, 12.0)
    )
    near, far = result["probes"]
    assert (near["radius_mm"], far["radius_mm"]) == (4.0, 12.0)
    assert near["max_c"] > 54.0 > far["max_c"]
    assert 5.0 < near["time_to_54c_s"] < 90.0
    assert far["time_to_54c_s"] is None
    assert far["end_c"] == pytest.approx(far["max_c"])


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"tissue": "liver"}, "unknown tissue 'liver': there are agar, exvivo_bovine, "),
        ({"duration_s": float("nan")}, "duration_s: nan is not a finite number"),
        ({"duration_s": -1.0}, "duration_s: -1.0 is outside"),
        ({"dt_s": 0.0}, "dt_s: 0.0 is outside 0.01 to 1"),
        ({"law_step": lambda seen: Wish(float("nan"))}, "the law's demand_w: nan"),
    ],
)
def test_bad_input(keywords, text):
    given = {
        "law_step": lambda seen: Wish(10.0),
        "applicator": {"active_tip_mm": 30},
        "tissue": "exvivo_bovine",
        "duration_s": 1.0,
    } | keywords
    with pytest.raises(ValueError, match=text):
        run_protocol(**given)
