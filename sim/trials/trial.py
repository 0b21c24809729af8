"""One arm on one draw: rehearsed with the whole stack, judged from the session file that it leaves."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from controller.config import setup as setups
from controller.config.setup import Setup
from controller.config.shipped import locate
from controller.laws.base import LawParams
from controller.records.reader import SessionFile
from sim import rehearsal
from sim.alone import Task, simulate
from sim.trials.arms import Arm
from sim.trials.benches import bench_named, wired
from sim.world.scenario import Scenario, draw

FLOW_ML_MIN = 80.0
"""Of every shipped protocol with coolant; applicators without any do not mind."""


@dataclass(frozen=True)
class Trial:
    """What one draw gave. Powers in W, energies in J, times in s from FIRE; None: did not happen or does not apply.

    ``demanded_j``: integral of what the law wanted while firing. ``metered_j``: of what the generator's meter showed in
    the same time. ``overshoot_c``: highest mean temperature less its target. ``ideal_rolloff_s``: of the same rule on
    the same draw with an exact meter, an ideal generator and no wires.
    """

    arm: str
    index: int
    tissue: str
    result: str
    trip: str
    stopped: str
    duration_s: float
    demanded_j: float
    metered_j: float
    rolloffs: int
    rolloff_s: float | None
    ideal_rolloff_s: float | None
    overshoot_c: float | None
    mean_c: float | None
    volume_ml: float

    @property
    def delivered(self) -> float:
        """Metered of demanded energy; NaN where nothing was demanded."""
        return self.metered_j / self.demanded_j if self.demanded_j > 0.0 else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a line of JSON."""
        return asdict(self)


def protocol_of(arm: Arm) -> dict[str, Any]:
    """The content of the arm's protocol file: the shipped one with its changes. Raises ConfigError, OSError."""
    protocol: dict[str, Any] = yaml.safe_load(Path(locate(arm.protocol, "protocol")).read_text())
    protocol["law"] |= arm.changes
    return protocol


def key_of(arm: Arm, seed: int) -> str:
    """What a kept result stands on: 16 hex digits of the SHA-256 of bench, protocol and seed."""
    text = json.dumps([protocol_of(arm), bench_named(arm.bench), list(arm.tissues), seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ideal_rolloff_s(law: LawParams, scenario: Scenario) -> float | None:
    """When the rule first rolls off with an exact meter and an ideal generator; None: never."""
    simulation = {key: value for key, value in scenario.simulation.items() if key != "tissue"}
    task = Task(law, scenario.given, scenario.tissue.name, scenario.changes, simulation, flow_ml_min=FLOW_ML_MIN)
    first_s: float | None = simulate(task)["first_rolloff_s"]
    return first_s


def setup_for(arm: Arm, seed: int, index: int, folder: Path) -> Setup:
    """Bench and protocol of draw ``index``, written to ``folder``. Raises ConfigError where they do not fit."""
    contents = {"bench": wired(bench_named(arm.bench), seed, index), "protocol": protocol_of(arm)}
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return setups.load(folder / "bench.yaml", folder / "protocol.yaml")


def try_one(arm: Arm, seed: int, index: int) -> Trial:
    """Rehearse draw ``index``; leaves nothing behind.

    Raises ConfigError where bench and protocol do not fit, and what :func:`sim.rehearsal.rehearse` raises.
    """
    folder = Path(tempfile.mkdtemp(prefix="ablate-trial-"))
    try:
        setup = setup_for(arm, seed, index, folder)
        mounted = setup.bench.bench.applicator.model_dump(exclude_none=True)
        scenario = draw(arm.tissues[index % len(arm.tissues)], mounted, seed, index)
        result = rehearsal.rehearse(setup, seed=index + 1, out=folder, drawn=scenario.simulation)
        with SessionFile(result["session_file"]) as session:
            seen = _read(session, setup.bench.bench.roles.source, setup.protocol.protocol.modality)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ideal_s = ideal_rolloff_s(setup.protocol.protocol.law, scenario) if arm.rolls_off else None
    trip = result.get("trip") or {}
    return Trial(
        arm=arm.name,
        index=index,
        tissue=scenario.tissue.name,
        result=str(result["result"]),
        trip=f"{trip['hazard']}: {trip['text']}" if trip else "",
        stopped=str(seen["stopped"] or result.get("reason") or ""),
        duration_s=float(result["duration_s"]),
        demanded_j=seen["demanded_j"],
        metered_j=seen["metered_j"],
        rolloffs=int(result["rolloffs"]),
        rolloff_s=seen["rolloff_s"],
        ideal_rolloff_s=ideal_s,
        overshoot_c=seen["overshoot_c"] if arm.overshoot else None,
        mean_c=seen["mean_c"],
        volume_ml=float(result["zone"]["volume_ml"]),
    )


def _read(session: SessionFile, source: str, modality: str) -> Mapping[str, Any]:
    ticks = session.ticks()
    firing = np.array([state == "FIRING" for state in ticks.state])
    fired_s = float(ticks.t_s[firing][0]) if firing.any() else math.nan
    dt_s = np.diff(ticks.t_s, append=ticks.t_s[-1:])
    power = session.series(f"{source}.{'forward_power_w' if modality == 'microwave' else 'power_w'}")
    good = power.quality == 0
    found: dict[str, Any] = {
        "demanded_j": float(np.sum((ticks.demand_w * dt_s)[firing])),
        "metered_j": float(np.trapezoid(power.value[good], power.t_s[good])),
        "rolloff_s": None,
        "overshoot_c": None,
        "mean_c": None,
        "stopped": "",
    }
    for t_s, law in session.laws():
        if found["rolloff_s"] is None and float(law.get("rolloffs", 0.0)) >= 1.0:
            found["rolloff_s"] = t_s - fired_s
        if law.get("phase") in ("HEAT", "HOLD") and "mean_c" in law:
            over_c = law["mean_c"] - law["target_c"]
            found["overshoot_c"] = max(over_c, found["overshoot_c"] if found["overshoot_c"] is not None else -math.inf)
            found["mean_c"] = law["mean_c"]
        found["stopped"] = law.get("stopped") or found["stopped"]
    return found
