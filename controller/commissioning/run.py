"""Goes through the steps of a bench, one after the other, and keeps what was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from controller.client import Unreachable
from controller.commissioning import cold, energy
from controller.commissioning.job import Job, Seen, Skipped
from controller.commissioning.table import Step, dummy_w
from controller.config.bench import Bench
from controller.perform import NotReady
from controller.records.ids import utc_now

Check = Callable[[Job, Step], Awaitable[Seen]]
CHECKS: dict[str, Check] = {
    "identity": cold.identity,
    "rest": cold.rest,
    "contacts": cold.contacts,
    "line_open": cold.line_open,
    "warms": cold.warms,
    "coolant": cold.coolant,
    "obeys_off": energy.obeys_off,
    "estop_under_power": energy.estop_under_power,
    "watchdog_killed": energy.watchdog_killed,
}
"""By the word that the table has under ``check``."""

SHORT_S, LONG_S = 5.0, 120.0


async def go_through(job: Job, steps: Iterable[Step], done: list[dict[str, Any]]) -> None:
    """Every step; ``done`` grows by its texts, ``result``, ``seen`` and ``utc``. No energy while a step has failed."""
    for step in steps:
        cause = next((row["step"] for row in done if row["result"] == "failed"), None)
        if step.energy and cause is not None:
            found = Seen("skipped", (f"no energy while {cause} has failed",))
        else:
            job.hands.tell(f"\n{step.title} ({step.step})\n  {step.do}\n  must be seen: {step.see}")
            job.hands.begin()
            found = await _checked(job, step)
        for line in found.seen:
            job.hands.tell(f"  {line}")
        job.hands.tell(f"  {found.result.upper()}")
        done.append(row_of(step, found))


def row_of(step: Step, found: Seen) -> dict[str, Any]:
    """A step as the record holds it."""
    told = {key: getattr(step, key) for key in ("step", "title", "do", "see", "energy")}
    seen = {"result": found.result, "seen": list(found.seen), "utc": utc_now()}
    return {**told, "channels": list(step.channels), **seen}


async def _checked(job: Job, step: Step) -> Seen:
    try:
        return await CHECKS[step.check](job, step)
    except Skipped as reason:
        await job.plant.operator.stop("", f"commissioning: {step.step} skipped")
        return Seen("skipped", (str(reason),))
    except (NotReady, Unreachable, ValueError) as error:
        return Seen("failed", (str(error),))


def result_of(done: Sequence[dict[str, Any]]) -> str:
    """``passed`` when every step was; ``failed`` when one was; else ``incomplete``."""
    results = {row["result"] for row in done}
    if "failed" in results or not results:
        return "failed" if results else "incomplete"
    return "passed" if results == {"passed"} else "incomplete"


def protocols(bench: Bench, folder: Path, long_s: float = LONG_S) -> dict[str, str]:
    """The two protocols of the steps with energy, written into ``folder``: ``short`` ends by itself, ``long`` does not
    before somebody had time to press an E-stop."""
    shape = {"kind": bench.applicator.kind, **bench.applicator.geometry()}
    if shape["kind"] == "expandable-array":
        shape.setdefault("deployment_mm", 30.0)
    watts = dummy_w(bench)
    found = {}
    for name, duration_s in (("short", SHORT_S), ("long", long_s)):
        data: dict[str, Any] = {
            "protocol": f"commissioning-{name}",
            "source": "no publication: proof of trip into a dummy load",
            "modality": "microwave" if shape["kind"].startswith("microwave") else "rf",
            "applicator": shape,
            "law": {"kind": "constant-power", "power_w": watts, "duration_s": duration_s, "rise_s": 0.5},
        }
        if bench.applicator.cooled:
            flow_ml_min = 2.0 * (bench.limits.flow_min_ml_min or 20.0)
            data["cooling"] = {"flow_ml_min": flow_ml_min, "prime_s": 2.0, "run_on_s": 1.0}
        path = folder / f"{data['protocol']}.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        found[name] = str(path)
    return found
