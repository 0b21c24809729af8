"""What the kernel is told of a bench that asks for more than the usual sensors."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from controller.daemon.guard import _band_hz, guard
from safety.config import Config, HeatingRule, Judged, PairRule
from tests.config.support import BENCH, PROTOCOL, both, refusal, spoiled

PINS = "{pins: {estop_a_closed: 0, estop_b_closed: 1}}"
MORE = spoiled(BENCH, PINS, PINS.replace("}}", ", leak_closed: 2, pad_closed: 3}}"))
MORE = spoiled(MORE, "102: tissue_10mm_c}", "102: tissue_10mm_c, 103: nerve_c, 104: plug_c}")
MORE = spoiled(
    MORE,
    "  impedance: gen",
    "  critical: [tc.nerve_c]\n  cable: [tc.plug_c]\n  leak: [inputs.leak_closed]\n  pad: inputs.pad_closed\n"
    "  impedance: gen",
)
MORE += """\
heating:
  - {channel: tc.tissue_10mm_c, energy_j: 2000, rise_c: 4}
pairs:
  - {channels: [tc.tissue_10mm_c, tc.nerve_c], trip_c: 6}
pads: 2
"""

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(text: str) -> Config:
    setup = both(text, PROTOCOL)
    return guard(setup.bench.bench, setup.protocol.protocol, setup.bench.declarations, setup.kernel_layers, "h")


def test_everything_that_is_asked_for_reaches_the_kernel() -> None:
    config = told(MORE)
    assert (config.roles.critical, config.roles.cable) == (("tc.nerve_c",), ("tc.plug_c",))
    assert config.heating == (HeatingRule("tc.tissue_10mm_c", 2000.0, 4.0),)
    assert config.pairs == (PairRule(("tc.tissue_10mm_c", "tc.nerve_c"), 3.0, 6.0),)
    assert config.pads == 2
    flags = {flag.channel: (flag.good, flag.hazard, flag.hold_s, flag.pump_off) for flag in config.flags}
    assert flags["inputs.leak_closed"] == (1.0, "H82", 0.0, True)
    assert flags["inputs.pad_closed"] == (1.0, "H51", 0.1, False)
    judged = {rule.channel: rule.judged for rule in config.channels}
    for channel in ("tc.nerve_c", "tc.plug_c", "tc.tissue_10mm_c", "inputs.leak_closed", "inputs.pad_closed"):
        assert judged[channel] is Judged.ALWAYS
    assert judged["gen.reverse_power_w"] is Judged.SEEN


def test_a_limit_on_reflected_power_makes_its_meter_needed() -> None:
    config = told(spoiled(BENCH, "  power_w: 150\n", "  power_w: 150\n  reflected_w: 40\n"))
    assert {r.channel: r.judged for r in config.channels}["gen.reverse_power_w"] is Judged.ALWAYS
    assert config.limits["reflected_w"] == (40.0, "bench")


def test_a_limit_on_reflected_power_that_nothing_measures_is_refused() -> None:
    text = spoiled(BENCH, "  power_w: 150\n", "  power_w: 100\n  reflected_w: 40\n")
    text = spoiled(text, "driver: tc-cxn", "driver: keysight-33500b")
    text = spoiled(text, "{address: 0, load_branch: above, power_limit_w: 200}", "{power_limit_w: 0.2}")
    assert "limits.reflected_w: keysight-33500b measures no reflected power; leave it out" in refusal(text)


@pytest.mark.parametrize(
    ("frequency_hz", "modality", "band_hz"),
    [
        (None, "rf", (0.0, math.inf)),
        (500e3, "rf", (490e3, 510e3)),
        (2.45e9, "microwave", (2.44e9, 2.46e9)),
        (2.405e9, "microwave", (2.40e9, 2.415e9)),
        (2.495e9, "microwave", (2.485e9, 2.50e9)),
        (915e6, "microwave", (905e6, 925e6)),
    ],
)
def test_the_band_of_a_frequency(frequency_hz: float | None, modality: str, band_hz: tuple[float, float]) -> None:
    assert _band_hz(frequency_hz, modality) == pytest.approx(band_hz)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "{channel: tc.tissue_10mm_c,",
            "{channel: tc.tissue_1mm_c,",
            "bench.yaml:39: heating[0].channel: there is no channel tc.tissue_1mm_c; did you mean tc.tissue_10mm_c?",
        ),
        (
            "[tc.tissue_10mm_c, tc.nerve_c], trip",
            "[tc.nerve_c, tc.nerve_c], trip",
            "bench.yaml:41: pairs[0].channels[1]: tc.nerve_c is named twice",
        ),
        (
            "  leak: [inputs.leak_closed]",
            "  leak: [flow.coolant_c]",
            "roles.leak[0]: flow.coolant_c cannot be",
        ),
        ("rise_c: 4}", "rise_c: 0}", "heating[0].rise_c: must be greater than 0, not 0"),
        ("pads: 2", "pads: 0", "pads: must be greater than or equal to 1, not 0"),
        (
            "  impedance: gen.impedance_ohm\n",
            "",
            "no channel is the impedance; name one as roles.impedance, or leave pads out",
        ),
        (
            "  power_w: 150\n",
            "  power_w: 150\n  critical_c: 50\n",
            "limits.critical_c: 50 degrees Celsius is above the compiled ceiling's 45 degrees Celsius",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_remedy(old: str, new: str, says: str) -> None:
    assert says in refusal(spoiled(MORE, old, new))
