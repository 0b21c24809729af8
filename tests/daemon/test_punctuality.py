"""What a record tells, at its end, of how punctual the daemon and its devices were."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from controller.daemon.desk import Desk
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol
from tests.daemon.test_injected import Late


def test_lateness_of_ticks_and_times_of_polls_are_in_status_and_record(tmp_path: Path) -> None:
    told: dict[str, Any] = {}

    def slow(run: Rehearsal) -> None:
        run.daemon.around = dataclasses.replace(run.daemon.around, alarm=Late(run.daemon.around.alarm))

    async def act(run: Rehearsal, desk: Desk) -> None:
        await run.daemon.judged()
        assert (await desk.status())["times"]["lateness"]["max_s"] == 0.0
        run.daemon._ticker._alarm.late_s = 0.03  # type: ignore[attr-defined]
        await run.daemon.judged()
        run.daemon._ticker._alarm.late_s = 0.0  # type: ignore[attr-defined]
        await run.daemon.judged()
        told["early"] = (await desk.status())["times"]["lateness"]["max_s"]
        for _ in range(20):
            await run.daemon.judged()
        told.update(await desk.status())

    events = acted(tmp_path, protocol(tmp_path), act, before=slow)
    end = next(event.data for event in events if event.kind == "end")
    assert (round(told["early"], 6), round(told["times"]["lateness"]["max_s"], 6)) == (0.0, 0.03)  # told once a second
    assert set(end["times"]) == {
        "lateness", "tick", "poll gen", "poll pump", "poll tc", "poll flow", "poll inputs"
    }  # fmt: skip
    lateness = end["times"]["lateness"]
    assert lateness["count"] == end["ticks"] == lateness["buckets"][-1][1] > 40
    assert (lateness["p50_s"], round(lateness["max_s"], 6)) == (1e-6, 0.03)
    assert 0.03 < lateness["buckets"][-1][0] <= 0.0375
    assert 0.0 < end["times"]["poll gen"]["p50_s"] < 0.05  # the time of its bytes on the emulated line
