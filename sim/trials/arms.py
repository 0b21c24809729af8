"""What is tried: each law with a shipped protocol on a bench that can deliver it, shortened where the check allows it.

An arm's protocol is the shipped file with ``changes`` to its law; ``why`` says which length was given up and why no
check needs it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LIVERS = ("exvivo_bovine", "exvivo_porcine", "invivo_porcine", "invivo_human")
EXCISED = ("exvivo_bovine", "exvivo_porcine")


@dataclass(frozen=True)
class Arm:
    """One law under one protocol. ``tissues`` take turns by the number of the draw.

    ``overshoot``: its mean temperature is judged. ``rolls_off``: its first roll-off is held against that of the same
    rule with an exact meter and an ideal generator on the same draw.
    """

    name: str
    kind: str
    protocol: str
    bench: str
    why: str
    tissues: tuple[str, ...] = LIVERS
    changes: Mapping[str, Any] = field(default_factory=dict)
    overshoot: bool = False
    rolls_off: bool = False


ARMS: tuple[Arm, ...] = (
    Arm(
        "constant-power",
        "constant-power",
        "constant-power-30w",
        "cooled-rf-sim",
        "30 of 720 s: power is constant after the first second",
        changes={"duration_s": 30.0},
    ),
    Arm(
        "pulsed-impedance",
        "pulsed-impedance",
        "cooled-needle-3cm-12min",
        "cooled-rf-sim",
        "120 of 720 s: every part of the rule (ramp, hold, roll-off, pause, resumption) has come several times by then",
        changes={"duration_s": 120.0},
        rolls_off=True,
    ),
    Arm(
        "below-rolloff",
        "below-rolloff",
        "below-rolloff-3cm-12min",
        "cooled-rf-sim",
        "120 of 720 s, as pulsed impedance",
        changes={"duration_s": 120.0},
    ),
    Arm(
        "constant-current",
        "constant-current",
        "constant-current-1100ma",
        "cooled-rf-sim",
        "1300 instead of 1100 mA, as published too, so that conductivity is lost within 300 s",
        changes={"current_a": 1.3, "duration_s": 300.0},
        tissues=EXCISED,
        rolls_off=True,
    ),
    Arm(
        "mean-temperature, 2 cm",
        "mean-temperature",
        "rita-2cm",
        "expandable-rf-slim-sim",
        "30 of 300 s held, 10 of 60 s of cooling: overshoot is over when the hold begins to be steady",
        changes={"stages": [{"deployment_mm": 20, "target_c": 105, "hold_s": 30}], "duration_s": 900.0, "cool_s": 10.0},
        overshoot=True,
    ),
    Arm(
        "mean-temperature, 5 cm",
        "mean-temperature",
        "rita-5cm",
        "expandable-rf-sim",
        "30 of 420 s held at full deployment from the start, 10 of 60 s of cooling",
        changes={
            "stages": [{"deployment_mm": 50, "target_c": 105, "hold_s": 30}],
            "duration_s": 1200.0,
            "cool_s": 10.0,
        },
        overshoot=True,
    ),
    Arm(
        "mean-temperature, staged",
        "mean-temperature",
        "rita-4cm",
        "expandable-rf-sim",
        "two of three stages, 10 of 30 and 20 of 420 s held, 10 of 60 s of cooling: what one deployment does not show "
        "is the way from it to the next one, by hand",
        changes={
            "stages": [
                {"deployment_mm": 30, "target_c": 105, "hold_s": 10},
                {"deployment_mm": 40, "target_c": 105, "hold_s": 20},
            ],
            "duration_s": 1200.0,
            "cool_s": 10.0,
        },
        overshoot=True,
    ),
    Arm(
        "mean-temperature, tip",
        "mean-temperature",
        "perfused-needle-103c-15min",
        "single-needle-rf-sim",
        "30 of 900 s held, 10 of 60 s of cooling",
        changes={"stages": [{"target_c": 103, "hold_s": 30}], "duration_s": 300.0, "cool_s": 10.0},
        tissues=EXCISED,
        overshoot=True,
    ),
    Arm(
        "microwave-constant",
        "microwave-constant",
        "microwave-60w-10min",
        "microwave-sairem-sim",
        "45 of 600 s: power is constant after the soft start",
        changes={"duration_s": 45.0},
    ),
    Arm(
        "stepped-rolloff",
        "stepped-rolloff",
        "rf3000-4cm",
        "expandable-rolloff-sim",
        "the whole rule from 150 W on: the ramp from 50 to 150 W, ten minutes without roll-off, is left out",
        changes={"start_w": 150.0},
        rolls_off=True,
    ),
    Arm(
        "switching",
        "switching",
        "switching-3-needles-12min",
        "multi-probe-rf-sim",
        "100 of 720 s: every needle has had its turn at least once",
        changes={"duration_s": 100.0},
    ),
    Arm(
        "track-ablation",
        "track-ablation",
        "track-ablation-70c",
        "single-needle-rf-sim",
        "as shipped",
    ),
)


def draws_of(arm: Arm, draws: int) -> int:
    """How many of a law's ``draws`` are this arm's: the arms of a law share them."""
    return math.ceil(draws / sum(other.kind == arm.kind for other in ARMS))
