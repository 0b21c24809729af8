"""A bench that lists its applicators: the protocol finds its own, ``#`` names one, mistakes are told by their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.config import setup as setups
from controller.config.loading import load_bench, load_protocol
from controller.config.problems import ConfigError
from controller.config.schema import schema
from controller.predictors import predict
from sim.serve import _read
from tests.config.support import BENCH, PROTOCOL, both, refusal, spoiled

pytestmark = pytest.mark.usefixtures("here")

ONE = BENCH[BENCH.index("applicator:\n") : BENCH.index("limits:\n")]
LIST = """\
applicator:
  - {name: needle, kind: cooled-needle, gauge: 17, active_tip_mm: 30, power_max_w: 200, current_max_a: 2.0}
  - {name: short, kind: cooled-needle, gauge: 17, active_tip_mm: 20, power_max_w: 160, current_max_a: 1.5}
  - {name: array, kind: expandable-array, array: starburst-xl, power_max_w: 150}
"""
DRAWER = spoiled(BENCH, ONE, LIST)
SHORT = spoiled(PROTOCOL, "active_tip_mm: 30", "active_tip_mm: 20")


def test_the_protocol_takes_the_one_that_it_was_written_for():
    assert both(DRAWER).bench.bench.applicator.name == "needle"
    short = spoiled(SHORT, "current_max_a: 2.0", "current_max_a: 1.5")
    setup = both(DRAWER, short)
    assert setup.bench.bench.applicator.name == "short"
    assert setup.limits["power_w"].value == 120.0  # the protocol's; the ratings below are those of the short one
    layers = {layer.name: layer.limits.power_w for layer in setup.layers}
    assert layers["applicator"] == 160.0
    assert setup.bench.reference == Path("bench.yaml#short")


def test_ratings_are_those_of_the_chosen_one():
    says = refusal(DRAWER, SHORT)
    assert says == (
        "protocol.yaml:10: law.current_max_a: 2 A is above the applicator's 1.5 A (bench.yaml:20); write at most 1.5"
    )


def test_what_no_applicator_fits_is_held_against_the_nearest():
    says = refusal(DRAWER, spoiled(PROTOCOL, "active_tip_mm: 30", "active_tip_mm: 25"))
    assert says.startswith("protocol.yaml:4: applicator.active_tip_mm: written for 25 mm, but the bench has 30 mm")


def test_without_a_protocol_the_first_is_mounted_and_a_name_mounts_another():
    Path("bench.yaml").write_text(DRAWER)
    first, named = load_bench("bench.yaml"), load_bench("bench.yaml#short")
    assert (first.bench.applicator.name, named.bench.applicator.name) == ("needle", "short")
    Path("short.yaml").write_text(SHORT)
    with pytest.raises(ConfigError, match="written for 20 mm, but the bench has 30 mm"):
        setups.combine(first.fixed(), load_protocol("short.yaml"))  # what a daemon was started with stays
    Path("protocol.yaml").write_text(PROTOCOL)
    with pytest.raises(ConfigError, match="written for 30 mm, but the bench has 20 mm"):
        setups.load("bench.yaml#short", "protocol.yaml")  # what is named is mounted: nobody chooses again
    assert _read(Path("bench.yaml#short"))["applicator"]["name"] == "short"  # nor does the simulated bench


def test_a_prediction_is_one_of_the_applicator_that_is_taken():
    law = "law: {kind: constant-power, power_w: 100, duration_s: 20}\n"
    begin, end = SHORT.index("law:"), SHORT.index("limits:")
    short = SHORT[:begin] + law + SHORT[end:]
    Path("bench.yaml").write_text(DRAWER + "simulation: {tissue: exvivo_bovine}\n")
    seen = {}
    for name, text in (("short", short), ("long", short.replace("active_tip_mm: 20", "active_tip_mm: 30"))):
        Path(f"{name}.yaml").write_text(text)
        seen[name] = predict(load_protocol(f"{name}.yaml"), load_bench("bench.yaml"))["zone"]
    assert seen["short"]["long_axis_mm"] < seen["long"]["long_axis_mm"] - 5.0


def test_a_single_applicator_needs_no_name():
    setup = both()
    assert (setup.bench.reference, setup.bench.bench.applicator.name) == (Path("bench.yaml"), "needle")
    assert load_bench("bench.yaml#needle").bench == setup.bench.bench


def test_one_is_what_a_list_of_one_is():
    listed = spoiled(BENCH, ONE, LIST[: LIST.index("  - {name: short")])
    assert both(listed).config_hash == both().config_hash


def test_tines_are_where_the_protocol_wants_them():
    mean = "law: {kind: mean-temperature, stages: [{target_c: 100, hold_s: 60}], power_max_w: 100, duration_s: 90}\n"
    begin, end = PROTOCOL.index("law:"), PROTOCOL.index("limits:")
    text = spoiled(PROTOCOL[:begin] + mean + PROTOCOL[end:], "cooling: {flow_ml_min: 80}\n", "")
    array = "{kind: expandable-array, array: starburst-xl, deployment_mm: 30}"
    text = spoiled(text, "{kind: cooled-needle, active_tip_mm: 30}", array)
    bench = spoiled(DRAWER, "  tissue: [tc.tissue_10mm_c]\n", "  tines: [tc.tissue_10mm_c]\n")
    assert both(bench, text).bench.bench.applicator.deployment_mm == 30.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (LIST[12:], "  []\n", "bench.yaml:18: applicator: an empty list; name at least one applicator"),
        (
            "{name: short,",
            "{name: needle,",
            "bench.yaml:20: applicator[1]: needle is already the name of another one; names tell them apart",
        ),
        (
            "array: starburst-xl, power_max_w: 150",
            "array: starburst-xl, power_max: 150",
            "bench.yaml:21: applicator.power_max: unknown key; did you mean power_max_w? (in W)",
        ),
        (
            "power_max_w: 160",
            "power_max_w: 220",
            (
                "bench.yaml:20: applicator.power_max_w: 220 W is above the generator's 200 W (bench.yaml:3); "
                "write at most 200"
            ),
        ),
    ],
)
def test_every_entry_is_checked(old: str, new: str, says: str):
    assert says in refusal(spoiled(DRAWER, old, new)).splitlines()


def test_a_name_that_is_not_there():
    Path("bench.yaml").write_text(DRAWER)
    with pytest.raises(
        ConfigError, match=r"bench.yaml:18: applicator: there is no applicator shrot; did you mean short"
    ):
        load_bench("bench.yaml#shrot")


def test_the_schema_takes_both_forms():
    one, several = schema("bench")["properties"]["applicator"]["anyOf"]
    assert json.dumps(several["items"]) == json.dumps(one)
