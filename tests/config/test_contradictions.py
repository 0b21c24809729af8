"""Parameters that contradict each other: both lines are named."""

from __future__ import annotations

import pytest

from tests.config.support import BENCH, PROTOCOL, refusal, spoiled

STAGED = """\
protocol: staged
source: made for a test of the configuration
modality: rf
applicator: {kind: expandable-array, array: starburst-xl, deployment_mm: 50}
law:
  kind: mean-temperature
  stages:
    - {deployment_mm: 20, target_c: 105, hold_s: 30}
    - {deployment_mm: 30, target_c: 105, hold_s: 60}
  cut_c: 115
  power_max_w: 100
  duration_s: 600
limits: {power_w: 120}
"""


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "deployment_mm: 30,",
            "deployment_mm: 15,",
            (
                "staged.yaml:9: law.stages[1].deployment_mm: tines only go out, but 15 mm is less than the 20 mm "
                "of stage 1; "
                "change it, or stages[0].deployment_mm, set at line 8"
            ),
        ),
        (
            "hold_s: 60",
            "hold_s: 600",
            (
                "staged.yaml:9: law.stages[1].hold_s: the holds up to this one take 630 s, but duration_s is 600 s; "
                "change it, or duration_s, set at line 12"
            ),
        ),
        (
            "  cut_c: 115\n",
            "  cut_c: 104\n",
            (
                "staged.yaml:8: law.stages[0].target_c: a target of 105 is not below cut_c of 104; "
                "change it, or cut_c, set at line 10"
            ),
        ),
        (
            "  cut_c: 115\n",
            "  resume_c: 125\n",
            (
                "staged.yaml:10: law.resume_c: resume_c < cut_c must hold, but 125 is not < 120; "
                "change it, or cut_c, set by default"
            ),
        ),
    ],
)
def test_stages(old: str, new: str, says: str):
    assert refusal(BENCH, spoiled(STAGED, old, new)).replace("protocol.yaml", "staged.yaml") == says


@pytest.mark.usefixtures("here")
def test_a_flow_that_the_law_calls_too_small():
    cooled = spoiled(PROTOCOL, "flow_ml_min: 80", "flow_ml_min: 40")
    assert "protocol.yaml:20: cooling.flow_ml_min: 40 mL/min is not above the limit flow_min_ml_min of 40 mL/min" in (
        refusal(BENCH, cooled)
    )
