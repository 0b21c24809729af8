"""Plans whose line numbers the tests know."""

from __future__ import annotations

PLAN = """\
plan: pair
specimen: {organ: liver, label: "bovine 37, lobe 2", tissue: exvivo_bovine}
targets:
  - target: t1
    lesion: {long_mm: 20, short_mm: 18, depth_mm: 30}
    margin_mm: 5
    applications:
      - {protocol: demo-30s, tip_mm: [0, 0, -15], axis: [0, 0, 1]}
      - {protocol: demo-30s, tip_mm: [12, 0, -15]}
"""
"""Two applications of half a minute, 12 mm apart."""

TRACK = """\
protocol: short-track
source: made for a test of plans
modality: rf
applicator: {kind: cooled-needle, active_tip_mm: 30}
law: {kind: track-ablation, power_w: 20, duration_s: 20}
limits: {power_w: 20, on_time_s: 30}
cooling: {flow_ml_min: 80}
"""

ARRAY = """\
protocol: array
source: made for a test of plans
modality: rf
applicator: {kind: expandable-array, array: starburst-xl, deployment_mm: 30}
law: {kind: constant-power, power_w: 60, duration_s: 20}
limits: {power_w: 60, on_time_s: 30}
"""


def changed(old: str, new: str, text: str = PLAN) -> str:
    """``text`` with the one place where ``old`` stands changed."""
    assert text.count(old) == 1, old
    return text.replace(old, new)
