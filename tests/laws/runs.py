"""A law stepped on readings that are functions of time and of its own demand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from controller.laws import registry
from controller.laws.base import Law, Observation
from safety.types import Demand, Permit, State

DT_S = 0.1

Bench = Callable[[float, Demand], Observation]


def made(parameters: Mapping[str, Any], **changed: object) -> Law[Any]:
    """A fresh law, its parameters read as from a file."""
    law = registry.find(parameters["kind"])
    return law(law.PARAMS.model_validate_json(json.dumps({**parameters, **changed}), strict=True))


class Run:
    """Steps ``law`` at 10 Hz; ``bench`` shows it time and its last demand, ``cap_w`` is what is permitted."""

    def __init__(self, law: Law[Any], bench: Bench, cap_w: Callable[[float], float] = lambda t_s: 1000.0) -> None:
        self.law, self.bench, self.cap_w = law, bench, cap_w
        self.tick = 0
        self.demands: list[Demand] = [Demand(0.0)]

    def to(self, t_s: float) -> Demand:
        """The demand at ``t_s``."""
        while round(self.tick * DT_S, 6) <= t_s:
            now_s = round(self.tick * DT_S, 6)
            permit = Permit(self.cap_w(now_s), math.inf, 1, State.FIRING)
            self.demands.append(self.law.step(self.bench(now_s, self.demands[-1]), permit, DT_S))
            self.tick += 1
        return self.demands[-1]

    @property
    def phase(self) -> object:
        return self.law.internals()["phase"]
