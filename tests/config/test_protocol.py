"""A protocol file alone and on a bench."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from controller.config.loading import check_protocol
from controller.config.problems import ConfigError
from controller.config.yaml_loader import parse
from controller.laws import registry
from controller.laws.pulsed_impedance import PulsedImpedance, PulsedImpedanceParams
from tests.config.support import BENCH, PROTOCOL, both, protocol, refusal, spoiled

pytestmark = pytest.mark.usefixtures("here")


def test_a_good_protocol_is_loaded_with_the_law_s_own_parameters():
    law = protocol().protocol.law
    assert isinstance(law, PulsedImpedanceParams)
    assert law.rise_ohm == 20.0
    with pytest.raises(ValidationError, match="frozen"):
        law.rise_ohm = 10.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "  power_w: 120",
            "  power_w: 180",
            "protocol.yaml:17: limits.power_w: 180 W is above the bench's 150 W (bench.yaml:26); write at most 150",
        ),
        (
            "  tissue_c: 110",
            "  tissue_c: 120\n  impedance_low_ohm: 10",
            (
                "protocol.yaml:19: limits.tissue_c: 120 degrees Celsius is above the bench's 115 degrees Celsius "
                "(bench.yaml:29); write at most 115\n"
                "protocol.yaml:20: limits.impedance_low_ohm: 10 ohm is below the bench's 25 ohm (bench.yaml:30); "
                "write at least 25"
            ),
        ),
        (
            "power_max_w: 120",
            "power_max_w: 140",
            (
                "protocol.yaml:9: law.power_max_w: 140 W is above the protocol's 120 W (protocol.yaml:17); "
                "write at most 120"
            ),
        ),
        (
            "duration_s: 720",
            "duration_s: 760",
            (
                "protocol.yaml:15: law.duration_s: the law ends at 760 s, but energy may flow for 760 s only "
                "(protocol.yaml:18); shorten the law or raise on_time_s"
            ),
        ),
        (
            "current_max_a: 2.0",
            "current_max_a: 2.5",
            "protocol.yaml:10: law.current_max_a: 2.5 A is above the applicator's 2 A (bench.yaml:24); write at most 2",
        ),
        (
            "active_tip_mm: 30",
            "active_tip_mm: 20",
            (
                "protocol.yaml:4: applicator.active_tip_mm: written for 20 mm, but the bench has 30 mm "
                "(bench.yaml:22); mount that applicator or take another protocol"
            ),
        ),
        (
            "modality: rf",
            "modality: microwave",
            "protocol.yaml:3: modality: written for microwave, but tc-cxn is rf (bench.yaml:10)",
        ),
        (
            "flow_ml_min: 80",
            "flow_ml_min: 30",
            (
                "protocol.yaml:20: cooling.flow_ml_min: 30 mL/min is not above the limit flow_min_ml_min of 40 mL/min; "
                "raise the flow"
            ),
        ),
        (
            "cooling: {flow_ml_min: 80}\n",
            "",
            (
                "protocol.yaml:1: cooling: missing, and a cooled-needle must be cooled; "
                "add e.g. cooling: {flow_ml_min: 80}"
            ),
        ),
        (
            "kind: pulsed-impedance",
            "kind: pulse-impedance",
            "protocol.yaml:6: law.kind: no law 'pulse-impedance'; did you mean 'pulsed-impedance'?",
        ),
        (
            "  kind: pulsed-impedance\n",
            "",
            f"protocol.yaml:5: law.kind: missing; one of: {', '.join(registry.names())}",
        ),
        (
            "start_w: 60",
            "start_w: 160",
            (
                "protocol.yaml:7: law.start_w: start_w <= power_max_w must hold, but 160 is not <= 120; "
                "change it, or power_max_w, set at line 9"
            ),
        ),
        ("low_w: 10", "low_w: .inf", "protocol.yaml:12: law.low_w: must be a finite number, not .inf"),
        (
            "duration_s: 720",
            "duration_min: 12",
            (
                "protocol.yaml:5: law.duration_s: missing; time from FIRE to the end, s\n"
                "protocol.yaml:15: law.duration_min: unknown key; did you mean duration_s? (in s)"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_remedy(old: str, new: str, says: str):
    assert refusal(BENCH, spoiled(PROTOCOL, old, new)) == says


def test_a_law_that_needs_impedance_needs_the_role():
    text = spoiled(BENCH, "  impedance: gen.impedance_ohm\n", "")
    assert refusal(text, PROTOCOL) == (
        "protocol.yaml:6: law.kind: pulsed-impedance needs impedance, but the bench names no such channel "
        "(bench.yaml:9); name one as roles.impedance"
    )


def test_problems_of_both_files_are_told_together():
    says = refusal(spoiled(BENCH, "tick_hz", "tick_s"), spoiled(PROTOCOL, "rise_ohm: 20", "rise_ohm: -1"))
    assert says.splitlines() == [
        "bench.yaml:33: tick_s: unknown key; did you mean tick_hz? (in Hz)",
        "protocol.yaml:11: law.rise_ohm: must be greater than 0, not -1",
    ]


def test_the_tissue_limit_lies_above_a_law_s_target(monkeypatch: pytest.MonkeyPatch):
    class Params(PulsedImpedanceParams):
        @property
        def target(self) -> tuple[str, float]:
            return "start_w", 108.0

    monkeypatch.setattr(PulsedImpedance, "PARAMS", Params)
    assert registry.find("pulsed-impedance").PARAMS is Params
    with pytest.raises(ConfigError) as caught:
        protocol()
    assert str(caught.value) == (
        "protocol.yaml:7: law.start_w: the target of 108 is too near the limit tissue_c of 110 (protocol.yaml:19); "
        "leave 3 K between them"
    )


def test_the_kernel_gets_every_layer_and_the_strictest_counts():
    setup = both()
    assert [name for name, _ in setup.kernel_layers] == [
        "compiled ceiling",
        "generator",
        "applicator",
        "sample age",
        "bench",
        "protocol",
    ]
    told: dict[str, Any] = {name: tuple(bound) for name, bound in setup.limits.items()}
    assert told == {
        "power_w": (120.0, "protocol"),
        "energy_j": (200000.0, "bench"),
        "on_time_s": (760.0, "protocol"),
        "tip_c": (130.0, "compiled ceiling"),
        "tissue_c": (110.0, "protocol"),
        "coolant_c": (45.0, "compiled ceiling"),
        "shaft_c": (60.0, "compiled ceiling"),
        "cable_c": (60.0, "compiled ceiling"),
        "critical_c": (45.0, "compiled ceiling"),
        "critical_cem43_s": (60.0, "compiled ceiling"),
        "pad_a2s": (30.0, "compiled ceiling"),
        "impedance_low_ohm": (25.0, "bench"),
        "impedance_high_ohm": (500.0, "bench"),
        "flow_min_ml_min": (40.0, "bench"),
    }


def test_a_protocol_alone_is_held_to_the_compiled_ceiling(tmp_path: Any):
    text = spoiled(PROTOCOL, "  power_w: 120", "  power_w: 300")
    with pytest.raises(ConfigError) as caught:
        check_protocol(parse(text, "p.yaml"), tmp_path)
    assert str(caught.value) == (
        "p.yaml:17: limits.power_w: 300 W is above the compiled ceiling's 250 W; write at most 250"
    )
