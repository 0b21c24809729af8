"""Applicators of every kind: what a file may say of them, what is wrong with it, and what fits what."""

from __future__ import annotations

import pytest

from controller.config.applicators import MountedCooledNeedle
from tests.config.support import BENCH, PROTOCOL, bench, both, protocol, refusal, spoiled

pytestmark = pytest.mark.usefixtures("here")

NEEDLE = """\
  kind: cooled-needle
  gauge: 17
  active_tip_mm: 30
  power_max_w: 200
  current_max_a: 2.0
"""
ARRAY = "  kind: expandable-array\n  array: starburst-xl\n  deployment_mm: 50\n  power_max_w: 150\n"
CONSTANT = "law: {kind: constant-power, power_w: 100, duration_s: 60}\n"


def mounted(text: str) -> str:
    """The test bench with another applicator."""
    return spoiled(BENCH, NEEDLE, text)


def written(applicator: str, law: str = CONSTANT) -> str:
    """The test protocol for another applicator, under another law."""
    text = spoiled(PROTOCOL, "applicator: {kind: cooled-needle, active_tip_mm: 30}", f"applicator: {applicator}")
    begin, end = text.index("law:"), text.index("limits:")
    return text[:begin] + law + text[end:]


@pytest.mark.parametrize(
    ("on_bench", "in_protocol", "cooled"),
    [
        ("{kind: cooled-needle, gauge: 17, active_tip_mm: 20", "{kind: cooled-needle, active_tip_mm: 20}", True),
        ("{kind: needle, gauge: 15, active_tip_mm: 9", "{kind: needle, gauge: 15, active_tip_mm: 9}", False),
        ("{kind: needle, gauge: 17, active_tip_mm: 20", "{kind: needle, active_tip_mm: 20}", False),
        ("{kind: cooled-cluster, gauge: 17", "{kind: cooled-cluster}", True),
        (
            "{kind: switched-needles, gauge: 17, active_tip_mm: 30, needles: 3, spacing_mm: 20",
            "{kind: switched-needles, active_tip_mm: 30, needles: 3, spacing_mm: 20}",
            True,
        ),
        (
            "{kind: expandable-array, array: leveen-4, deployment_mm: 40",
            "{kind: expandable-array, array: leveen-4, deployment_mm: 40}",
            False,
        ),
        ("{kind: microwave-antenna, antenna: amica-2450", "{kind: microwave-antenna, antenna: amica-2450}", True),
        (
            "{kind: microwave-antennas, antenna: cooled-915, antennas: 2, spacing_mm: 15",
            "{kind: microwave-antennas, antenna: cooled-915, antennas: 2, spacing_mm: 15}",
            True,
        ),
    ],
)  # fmt: skip
def test_every_kind_can_be_mounted_and_written_for(on_bench: str, in_protocol: str, cooled: bool):
    begin, end = BENCH.index("applicator:"), BENCH.index("limits:")
    text = f"{BENCH[:begin]}applicator: {on_bench}, name: probe, power_max_w: 160}}\n{BENCH[end:]}"
    setup = both(text, written(in_protocol))
    assert setup.bench.bench.applicator.cooled is cooled
    assert setup.bench.bench.applicator.power_max_w == 160.0
    assert str(setup.protocol.protocol.applicator).startswith(in_protocol.split()[1].strip(",}"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "kind: cooled-needle",
            "kind: cooled-neddle",
            "bench.yaml:20: applicator.kind: there is no applicator cooled-neddle; did you mean cooled-needle?",
        ),
        (
            "kind: cooled-needle",
            "kind: laser",
            (
                "bench.yaml:20: applicator.kind: there is no applicator laser; known: cooled-cluster, cooled-needle, "
                "expandable-array, microwave-antenna, microwave-antennas, needle, perfused-needle, switched-needles"
            ),
        ),
        ("  kind: cooled-needle\n", "", "bench.yaml:18: applicator.kind: missing"),
        (
            "  active_tip_mm: 30",
            "  active_tp_mm: 30",
            (
                "bench.yaml:18: applicator.active_tip_mm: missing; bare length that conducts, mm\n"
                "bench.yaml:22: applicator.active_tp_mm: unknown key; did you mean active_tip_mm? (in mm)"
            ),
        ),
        (
            "  active_tip_mm: 30",
            "  active_tip_mm: 30\n  antenna: amica-2450",
            (
                "bench.yaml:23: applicator.antenna: unknown key; "
                "known here: active_tip_mm, current_max_a, gauge, kind, name, power_max_w"
            ),
        ),
        ("gauge: 17", "gauge: 30", "bench.yaml:21: applicator.gauge: must be less than or equal to 24, not 30"),
    ],
)
def test_what_is_wrong_on_a_bench_is_said_with_its_line(old: str, new: str, says: str):
    assert refusal(spoiled(BENCH, old, new)) == says


@pytest.mark.parametrize(
    ("applicator", "says"),
    [
        (
            "{kind: switched-needles, active_tip_mm: 30, needles: 4, spacing_mm: 20}",
            "protocol.yaml:4: applicator.needles: must be 2 or 3, not 4",
        ),
        (
            "{kind: expandable-array, array: starburst-xl}",
            "protocol.yaml:4: applicator.deployment_mm: missing; mark at which the tines are out, mm",
        ),
        (
            "{kind: microwave-antenna, antena: amica-2450}",
            (
                "protocol.yaml:4: applicator.antena: unknown key; did you mean antenna?\n"
                "protocol.yaml:4: applicator.antenna: missing; lower-case letters, digits, . - and _"
            ),
        ),
    ],
)
def test_what_is_wrong_in_a_protocol_is_said_with_its_line(applicator: str, says: str):
    assert refusal(BENCH, written(applicator)) == says


@pytest.mark.parametrize(
    ("applicator", "says"),
    [
        (
            "{kind: needle, active_tip_mm: 30}",
            "applicator.kind: written for needle, but the bench has cooled-needle (bench.yaml:20)",
        ),
        (
            "{kind: cooled-needle, gauge: 15, active_tip_mm: 30}",
            "applicator.gauge: written for 15, but the bench has 17 (bench.yaml:21)",
        ),
    ],
)
def test_what_differs_from_the_bench_is_said(applicator: str, says: str):
    assert refusal(BENCH, written(applicator)) == (
        f"protocol.yaml:4: {says}; mount that applicator or take another protocol"
    )


def test_arrays_and_their_deployment_are_compared():
    says = refusal(mounted(ARRAY), written("{kind: expandable-array, array: leveen-4, deployment_mm: 40}"))
    assert [line.split("; ")[0] for line in says.splitlines()] == [
        "protocol.yaml:4: applicator.array: written for leveen-4, but the bench has starburst-xl (bench.yaml:21)",
        "protocol.yaml:4: applicator.deployment_mm: written for 40 mm, but the bench has 50 mm (bench.yaml:22)",
    ]


def test_a_cooled_applicator_needs_coolant_whatever_its_kind():
    text = mounted("  kind: microwave-antenna\n  antenna: amica-2450\n  power_max_w: 160\n")
    assert refusal(spoiled(text, "  pump: pump\n", "")) == (
        "bench.yaml:9: roles.pump: missing, and a microwave-antenna must be cooled; name the coolant pump"
    )
    assert bench(mounted(ARRAY)).bench.applicator.cooled is False


def test_the_rating_of_the_current_is_that_of_electrodes():
    assert bench().bench.applicator.rated_a == 2.0
    text = mounted("  kind: microwave-antenna\n  antenna: amica-2450\n  power_max_w: 160\n")
    assert bench(text).bench.applicator.rated_a is None
    assert isinstance(bench().bench.applicator, MountedCooledNeedle)


class TestCapabilities:
    """What a law cannot work without is asked of the bench before anything moves, each thing by its name."""

    MEAN = "law: {kind: mean-temperature, stages: [{target_c: 100, hold_s: 60}], power_max_w: 100, duration_s: 600}\n"

    def test_tines(self):
        text = written("{kind: expandable-array, array: starburst-xl, deployment_mm: 50}", self.MEAN)
        assert refusal(mounted(ARRAY), text) == (
            "protocol.yaml:5: law.kind: mean-temperature needs tines, but the bench names no such channel "
            "(bench.yaml:9); name one as roles.tines"
        )
        wired = spoiled(mounted(ARRAY), "  tip: tc.tip_c\n", "  tines: [tc.tip_c]\n")
        assert both(wired, text).bench.bench.roles.tines == ("tc.tip_c",)

    def test_tines_are_temperatures(self):
        wired = spoiled(BENCH, "  tip: tc.tip_c\n", "  tines: [flow.flow_ml_min]\n")
        assert refusal(wired) == (
            "bench.yaml:13: roles.tines[0]: flow.flow_ml_min cannot be the tines; a tines channel ends in _c"
        )

    def test_a_tip(self):
        law = self.MEAN.replace("mean-temperature,", "mean-temperature, sensors: tip,")
        text = written("{kind: cooled-needle, active_tip_mm: 30}", law)
        assert both(BENCH, text)
        assert "mean-temperature needs tip, but the bench names no such channel" in refusal(
            spoiled(BENCH, "  tip: tc.tip_c\n", ""), text
        )

    def test_a_shaft_and_a_flow(self):
        law = "law: {kind: microwave-constant, power_w: 60, duration_s: 60, flow_min_ml_min: 50}\n"
        text = written("{kind: microwave-antenna, antenna: amica-2450}", law)
        antenna = mounted("  kind: microwave-antenna\n  antenna: amica-2450\n  power_max_w: 160\n")
        assert refusal(antenna, text) == (
            "protocol.yaml:5: law.kind: microwave-constant needs shaft, but the bench names no such channel "
            "(bench.yaml:9); name one as roles.shaft"
        )
        assert both(spoiled(antenna, "  tip: tc.tip_c\n", "  shaft: tc.tip_c\n"), text)

    def test_a_switch(self):
        law = (
            "law: {kind: switching, electrodes: 3, start_w: 60, ramp_w_per_min: 60, power_max_w: 120, "
            "current_max_a: 2.0, duration_s: 720}\n"
        )
        needles = (
            "  kind: switched-needles\n  gauge: 17\n  active_tip_mm: 30\n  needles: 3\n  spacing_mm: 20\n"
            "  power_max_w: 200\n"
        )
        shape = "{kind: switched-needles, active_tip_mm: 30, needles: 3, spacing_mm: 20}"
        assert refusal(mounted(needles), written(shape, law)) == (
            "protocol.yaml:5: law.kind: switching needs switch, but the bench names no such device "
            "(bench.yaml:9); name one as roles.switch"
        )
        wired = spoiled(mounted(needles), "  enable: enable\n", "  enable: enable\n  switch: relays\n")
        board = '  relays: {driver: electrode-switch, port: "sim://relays", options: {needles: {0: 1, 1: 2}}}\n'
        two = spoiled(wired, "roles:\n", f"{board}roles:\n")
        assert refusal(two, written(shape, law)) == (
            "protocol.yaml:5: law.kind: switching names 3 electrodes, but relays connects 2 (bench.yaml:9); "
            "wire one relay for each and name them in options.needles"
        )
        assert both(spoiled(two, "1: 2}", "1: 2, 2: 3}"), written(shape, law))

    def test_a_reflectometer(self, monkeypatch: pytest.MonkeyPatch):
        import dataclasses

        from drivers.registry import load_driver

        source = load_driver("tc-cxn")
        declared = source.declaration
        monkeypatch.setattr(
            source,
            "declaration",
            lambda self: dataclasses.replace(
                found := declared(self),
                channels=tuple(c for c in found.channels if c.name != "reverse_power_w"),
            ),
        )
        law = "law: {kind: microwave-constant, power_w: 60, duration_s: 60, shaft_max_c: null}\n"
        says = refusal(BENCH, written("{kind: cooled-needle, active_tip_mm: 30}", law))
        assert says == (
            "protocol.yaml:5: law.kind: microwave-constant needs forward and reflected power, but tc-cxn measures no "
            "reverse_power_w (bench.yaml:10); take a generator with a reflectometer"
        )

    def test_too_little_power(self):
        assert refusal(BENCH, spoiled(PROTOCOL, "power_max_w: 120", "power_max_w: 160")) == (
            "protocol.yaml:9: law.power_max_w: 160 W is above the protocol's 120 W (protocol.yaml:17); "
            "write at most 120"
        )


def test_stages_are_pointed_at_by_their_line():
    law = (
        "law:\n  kind: mean-temperature\n  sensors: tip\n  stages:\n"
        "    - {target_c: 100, hold_s: 60}\n    - {target_C: 100, hold_s: 60}\n"
        "  power_max_w: 100\n  duration_s: 600\n"
    )
    with pytest.raises(Exception) as caught:
        protocol(written("{kind: cooled-needle, active_tip_mm: 30}", law))
    assert str(caught.value).splitlines() == [
        "protocol.yaml:10: law.stages[1].target_C: unknown key; did you mean target_c? (in degrees Celsius)",
        "protocol.yaml:10: law.stages[1].target_c: missing; mean temperature, degrees Celsius",
    ]
