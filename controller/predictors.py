"""Prediction plug-ins: what a protocol would do to a tissue, computed before any hardware moves.

A predictor (entry-point group ``openablate.predictors``) is a callable

    predict(law, applicator, *, tissue, flow_ml_min, power_max_w, simulation) -> dict

``law`` is the protocol's parameters, ``applicator`` the mounted one as the bench file has it, ``tissue`` the name of a
tissue that the predictor knows, ``simulation`` the bench file's block of that name. The dict holds ``duration_s``,
``energy_j``, ``rolloffs``, ``stopped`` (why it ended early; empty for a normal end), ``zone`` {long_axis_mm,
short_axis_mm, volume_ml}, ``picture`` (arrays r_mm[nr], z_mm[nz], temperature_c and damage[nr, nz]; None where there
is no such plane), ``tissue`` and ``model`` (a word for the page). What it cannot do it says by ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from controller.config.loading import LoadedBench, LoadedProtocol
from controller.config.problems import ConfigError, Problem
from controller.config.setup import combine

GROUP = "openablate.predictors"
TISSUE = "exvivo_bovine"
"""Where neither the caller nor the bench names one."""


def available() -> bool:
    """True when a predictor is installed."""
    return bool(entry_points(group=GROUP))


def predict(protocol: LoadedProtocol, bench: LoadedBench | None = None, tissue: str | None = None) -> dict[str, Any]:
    """What ``protocol`` would do, on the applicator and within the limits of ``bench`` where one is given.

    Args:
        tissue: None takes the one that the bench file's ``simulation:`` names, else ex vivo bovine liver.

    Raises:
        ConfigError: the bench cannot deliver it, no predictor is installed, or it does not know the tissue.
    """
    found = next(iter(entry_points(group=GROUP)), None)
    if found is None:
        raise ConfigError([Problem(str(protocol.path), 0, "", f"nothing predicts: no plug-in in {GROUP}")])
    treatment, simulation = protocol.protocol, {}
    applicator = treatment.applicator.model_dump(exclude_none=True)
    power_max_w = treatment.limits.power_w
    if bench is not None:
        joined = combine(bench, protocol)
        applicator = joined.bench.bench.applicator.model_dump(exclude_none=True)
        simulation = dict(bench.bench.simulation or {})
        power_max_w = joined.limits["power_w"].value
    try:
        told: dict[str, Any] = found.load()(
            treatment.law,
            applicator,
            tissue=tissue if tissue is not None else {"tissue": TISSUE, **simulation}["tissue"],
            flow_ml_min=treatment.cooling.flow_ml_min if treatment.cooling is not None else 0.0,
            power_max_w=power_max_w or math.inf,
            simulation=simulation,
        )
    except ValueError as error:
        raise ConfigError([Problem(str(protocol.path), 0, "", f"no prediction: {error}")]) from error
    return told


def brief(told: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction without its arrays, for JSON."""
    return {name: value for name, value in told.items() if name != "picture"}
