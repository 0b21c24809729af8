"""The same burns with the real controller in the loop: daemon, safety, drivers and the devices' own bytes, rehearsed.

A burn that says which bench delivers it is also run as ``ablate rehearse`` would: the shipped protocol, the bench file
as it is, and of the case only what lies on the table, tissue and mesh. Beside the burn on an ideal generator this
shows what metering, settling, whole watts, pauses and interlocks do to a zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.config import setup as setups
from sim import rehearsal
from sim.validation.cases import Case
from sim.world.properties import tissue_named, with_changes

BENCHES = Path("examples/benches")
SEEN = ("duration_s", "rolloffs")
"""What the daemon's result says as an ideal run does."""


class NotCompleted(Exception):
    """The application was tripped or aborted."""


def rehearse(case: Case, name: str, mesh: str, benches: Path = BENCHES) -> dict[str, Any]:
    """The result of the rehearsal of burn ``name``: ``zone``, ``energy_j`` (absorbed by the load), duration, roll-offs.

    Raises ConfigError, DeviceError, NotReady as the command would, and NotCompleted.
    """
    scene, wanted = case.scene(name), case.burns[name].in_the_loop
    assert wanted is not None
    setup = setups.load(benches / f"{wanted.bench}.yaml", wanted.protocol)
    tissue = with_changes(tissue_named(scene.tissue or ""), scene.changes)
    folder, clean = rehearsal.scratch()
    try:
        told = rehearsal.rehearse(setup, out=folder, drawn={**scene.simulation, "tissue": tissue, "mesh": mesh})
    finally:
        clean()
    if told["result"] != "completed":
        why = (told.get("trip") or {}).get("text") or told["result"]
        raise NotCompleted(f"{wanted.protocol} on {wanted.bench}: {why}")
    return {**_seen(told), "zone": told["zone"], "energy_j": told["energy_delivered_j"]}


def _seen(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in SEEN}
