"""The predictor of the simulated tissue (entry point ``openablate.predictors``: tissue): law and plant alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.laws.base import LawParams
from sim.alone import Task, simulate
from sim.world.options import Options

WORDS = ("long_axis_mm", "short_axis_mm", "volume_ml")


def predict(
    law: LawParams,
    applicator: Mapping[str, Any],
    *,
    tissue: str,
    flow_ml_min: float,
    power_max_w: float,
    simulation: Mapping[str, Any],
) -> dict[str, Any]:
    """See :mod:`controller.predictors`. The generator is ideal and nothing is noisy; the mesh is the fast one.

    Raises ValueError for a tissue or an applicator that is not known.
    """
    pictures: list[dict[str, Any]] = []
    result = simulate(
        Task(
            law=law,
            applicator={key: value for key, value in applicator.items() if value is not None},
            tissue=tissue,
            simulation={key: value for key, value in simulation.items() if key in Options.__dataclass_fields__},
            flow_ml_min=flow_ml_min,
            power_max_w=power_max_w,
        ),
        picture=lambda world: pictures.append(world.picture_data()),
    )
    return {
        "duration_s": result["duration_s"],
        "energy_j": result["energy_j"],
        "rolloffs": result["rolloffs"],
        "stopped": result["stopped"],
        "zone": {name: result["zone"][name] for name in WORDS},
        "picture": pictures[0] if pictures else None,
        "tissue": result["tissue"],
        "model": "simulated tissue, fast mesh, ideal generator",
    }
