"""A session as a daemon leaves it that was killed, without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controller.records.ids import seeded_id
from controller.records.session import Recorder, TickRow


def record(
    folder: Path,
    seed: int,
    utc: str,
    events: list[tuple[str, dict[str, Any]]],
    bench: str = "b",
    *,
    closed: bool = False,
) -> Path:
    """Its file: each event has a tick behind it, in which 100 J more have been delivered than in the one before.
    ``closed``: it ended as it should."""
    recorder = Recorder.create(
        folder,
        {"bench": bench, "bench_sha256": "be"},
        [],
        utc=lambda: utc,
        threaded=False,
        new_id=lambda: seeded_id(seed, utc),
        min_free_bytes=0,
    )
    for k, (kind, data) in enumerate(events):
        recorder.event(float(k), kind, data)
        recorder.tick(TickRow(k, float(k), "FIRING", 20.0, 20.0, 20.0, 1, energy_j=100.0 * k))
    recorder.event(10.0, "state", {})  # committed at once
    if closed:
        recorder.close({})
    return recorder.path
