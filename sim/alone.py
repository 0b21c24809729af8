"""Law and tissue alone: a law as the daemon runs it, on an ideal generator, without wires or safety in between."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.laws import registry
from controller.laws.base import Ask, LawParams, Observation
from safety.types import Permit, State
from sim.world.catalogue import applicator_from, tine_tips_m
from sim.world.options import Options
from sim.world.properties import Tissue, tissue_named, with_changes
from sim.world.simulate import Seen, Wish, run_protocol

TISSUE_PROBES = ("tissue_10mm", "tissue_20mm")
"""What a law reads as tissue temperature: the bench's two thermocouples in the plane of mid-tip."""


@dataclass(frozen=True)
class Task:
    """One application to compute. ``changes``: tissue fields by name; ``simulation``: keys of a bench's block."""

    law: LawParams
    applicator: Mapping[str, Any]
    tissue: str
    changes: Mapping[str, float] = field(default_factory=dict)
    simulation: Mapping[str, Any] = field(default_factory=dict)
    mesh: str = "fast"
    flow_ml_min: float = 0.0
    power_max_w: float = math.inf
    probe_radii_mm: tuple[float, ...] = (10.0, 20.0)
    until_short_axis_mm: float | None = None
    turns: tuple[tuple[int, ...], ...] = ()
    """Electrodes of applications in one tissue, one after the other, each with a law of its own; none: one."""

    def changed_tissue(self) -> Tissue:
        """The tissue with its changes. Raises ValueError for an unknown tissue or field, or a value out of range."""
        return with_changes(tissue_named(self.tissue), self.changes)


class _Hands:
    """An operator who does what a law asks, ``operator_s`` after it was asked, and tells it as the daemon does."""

    def __init__(self, law: LawParams, operator_s: float) -> None:
        self._told = law.hands
        self._operator_s = operator_s
        self._asked: Ask | None = None
        self._since_s = 0.0
        self.deployment_mm = self.withdrawn_mm = 0.0 if law.hands else None

    def follow(self, ask: Ask | None, t_s: float, *, at_once: bool = False) -> tuple[str, float] | None:
        """What is done at this tick, of what is asked."""
        if not self._told or ask is None:
            self._asked = None
            return None
        if ask != self._asked:
            self._asked, self._since_s = ask, t_s
        if not at_once and t_s - self._since_s < self._operator_s - 1e-9:
            return None
        self._asked = None
        if ask.kind == "deploy":
            self.deployment_mm = ask.value
        else:
            self.withdrawn_mm = (self.withdrawn_mm or 0.0) + ask.value
        return ask.kind, ask.value


class _Driver:
    """Steps a law with what the world shows, does by hand what it asks for, and remembers when it saw roll-offs. For
    each turn there is a fresh law.

    A reading costs time: a law gets impedance, power and what it says it needs.
    """

    def __init__(self, task: Task) -> None:
        law = task.law
        self._params = law
        self._turns: list[tuple[int, ...] | None] = [*task.turns] or [None]
        self._operator_s = Options.read(task.simulation).operator_s
        self._begin(0.0)
        most_w = task.power_max_w if math.isfinite(task.power_max_w) else law.peak[1]
        self._permit = Permit(most_w, math.inf, 0, State.FIRING)
        needs = law.needs
        tines = tine_tips_m(applicator_from(task.applicator)) if "tines" in needs else ()
        self._tines = tuple(f"tine_{k}" for k in range(1, 1 + len(tines)))
        self._tissue = TISSUE_PROBES if "tissue" in needs else ()
        self._tip, self._shaft, self._flow = "tip" in needs, "shaft" in needs, "flow" in needs
        self._reflectometer = "reflectometer" in needs
        self.moved: list[tuple[float, str, float]] = []
        self.duration_s = law.end[1] * len(self._turns)
        self.rolled: list[float] = []
        self.stopped = ""

    def _begin(self, t_s: float) -> None:
        """The next law, and what it wants done before its FIRE."""
        self._law, self._began_s, self._counted = registry.create(self._params), t_s, 0
        self._hands = _Hands(self._params, self._operator_s)
        self._before = self._hands.follow(self._law.asks, 0.0, at_once=True)

    def __call__(self, seen: Seen) -> Wish | None:
        wish = self._step(seen)
        while self._law.finished:
            self.stopped = self._law.stopped
            if len(self._turns) == 1:
                return None
            self._turns.pop(0)
            self._begin(seen.t_s)
            wish = self._step(seen)
        return wish

    def _step(self, seen: Seen) -> Wish:
        read, law, turn = seen.temperature_c, self._law, self._turns[0]
        ohm = seen.impedance_ohm
        observation = Observation(
            t_s=seen.t_s - self._began_s,
            impedance_ohm=ohm if math.isfinite(ohm) else None,
            tip_c=read("tip") if self._tip else None,
            tissue_c=tuple(read(name) for name in self._tissue),
            power_w=seen.load_w,
            forward_w=seen.forward_w if self._reflectometer else None,
            reverse_w=seen.reverse_w if self._reflectometer else None,
            flow_ml_min=seen.flow_ml_min if self._flow else None,
            tine_c=tuple(read(name) for name in self._tines),
            shaft_c=read("shaft") if self._shaft else None,
            channels=seen.channels if turn is None else None,
            deployment_mm=self._hands.deployment_mm,
            withdrawn_mm=self._hands.withdrawn_mm,
        )
        demand = law.step(observation, self._permit, seen.dt_s)
        if law.rolloffs > self._counted:
            self.rolled += [seen.t_s] * (law.rolloffs - self._counted)
            self._counted = law.rolloffs
        hand, self._before = self._before or self._hands.follow(law.asks, seen.t_s), None
        if hand is not None:
            self.moved.append((seen.t_s, *hand))
        return Wish(min(demand.power_w, self._permit.max_w), demand.channels if turn is None else turn, hand)


def simulate(
    task: Task,
    *,
    progress: Callable[[float], None] | None = None,
    picture: Callable[[Any], None] | None = None,
) -> dict[str, Any]:
    """What ``task`` does: the result of :func:`sim.world.simulate.run_protocol` and where it comes from (``tissue``,
    ``applicator``, ``mesh``, ``parameters`` (SHA-256 of all that went in)). ``by_hand``: what the law asked of the
    operator, as it was done (t_s, kind, value_mm); before FIRE at once, then ``simulation.operator_s`` after each ask.

    Raises ValueError for names and numbers out of range, NotConverged from the solver.
    """
    tissue = task.changed_tissue()
    driver = _Driver(task)
    result = run_protocol(
        driver,
        task.applicator,
        tissue,
        driver.duration_s + 1.0,
        mesh=task.mesh,
        flow_ml_min=task.flow_ml_min,
        simulation=task.simulation,
        rolloffs=lambda: driver.rolled,
        probe_radii_mm=task.probe_radii_mm,
        until_short_axis_mm=task.until_short_axis_mm,
        progress=progress,
        picture=picture,
    )
    went_in = {
        "tissue": tissue.as_dict(),
        "applicator": dict(task.applicator),
        "simulation": dict(task.simulation),
        "mesh": task.mesh,
        "flow_ml_min": task.flow_ml_min,
        "law": task.law.model_dump(mode="json"),
    }
    return {
        **result,
        "tissue": tissue.name,
        "applicator": dict(task.applicator),
        "mesh": task.mesh,
        "stopped": driver.stopped,
        "by_hand": [{"t_s": round(t_s, 3), "kind": kind, "value_mm": mm} for t_s, kind, mm in driver.moved],
        "parameters": _digest(went_in),
        "tissue_hash": _digest(tissue_named(task.tissue).as_dict()),
    }


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
