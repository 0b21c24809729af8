"""Dry runs: what a protocol would do, computed in a process of its own, one at a time, for so long at most."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.panel.api import Refused
from controller.panel.library_aside import Aside, Told
from controller.panel.library_models import DryRun, Predicted, Refusal

LIMIT_S = 300.0
"""A first one may have to compile."""
KEPT = 8


@dataclass
class _Job:
    told: DryRun
    began_s: float
    work: asyncio.Task[None] | None = field(default=None, repr=False)
    cancelled: bool = False


class DryRuns:
    """Jobs by id; the newest few are kept."""

    def __init__(self, aside: Aside, clock: Callable[[], float]) -> None:
        self._aside, self._clock = aside, clock
        self._jobs: dict[str, _Job] = {}

    def begin(self, protocol: str, tissue: str | None) -> DryRun:
        """Start one. The same that runs already is not started again.

        Raises:
            Refused: another one runs; says which.
        """
        for running in self._jobs.values():
            told = running.told
            if told.state == "running":
                if (told.protocol, told.tissue) == (protocol, tissue):
                    return self.get(told.job)
                raise Refused(
                    409,
                    f"a dry run of {told.protocol} is being computed (job {told.job})",
                    "wait for it, or cancel it: POST dry-runs/JOB/cancel",
                )
        told = DryRun(
            job=secrets.token_hex(8), protocol=protocol, tissue=tissue, state="running", elapsed_s=0.0, limit_s=LIMIT_S
        )
        job = self._jobs[told.job] = _Job(told, self._clock())
        while len(self._jobs) > KEPT:
            del self._jobs[next(iter(self._jobs))]
        job.work = asyncio.get_running_loop().create_task(self._run(job), name="dry run")
        return told

    def get(self, job: str) -> DryRun:
        """How far it is. Raises :class:`Refused`: no such job."""
        found = self._jobs.get(job)
        if found is None:
            raise Refused(404, "there is no such dry run", "start it again: only the newest few are kept")
        if found.told.state == "running":
            found.told = found.told.model_copy(update={"elapsed_s": round(self._clock() - found.began_s, 1)})
        return found.told

    async def cancel(self, job: str) -> DryRun:
        """End it, if it runs; its process is killed. Raises :class:`Refused`: no such job."""
        self.get(job)
        found = self._jobs[job]
        if found.work is not None and not found.work.done():
            found.cancelled = True
            await self._aside.stop()
            await found.work
        return self.get(job)

    async def _run(self, job: _Job) -> None:
        told = job.told
        answer = await self._aside.ask("predict", LIMIT_S, name=told.protocol, tissue=told.tissue)
        changes = _ended(answer) if answer.ok or not job.cancelled else {"state": "cancelled"}
        job.told = told.model_copy(update={**changes, "elapsed_s": round(self._clock() - job.began_s, 1)})

    async def close(self) -> None:
        """End what runs."""
        for job in list(self._jobs):
            await self.cancel(job)
        await self._aside.close()


def _ended(answer: Told) -> dict[str, object]:
    if answer.ok:
        return {"state": "done", "predicted": Predicted.model_validate_json(answer.body)}
    refusal = Refusal.model_validate_json(answer.body)
    return {"state": "failed", "error": f"{refusal.error}; {refusal.remedy}".removesuffix("; ")}
