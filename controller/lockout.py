"""Ending a LOCKOUT: a maintainer's act on a bench that no daemon runs. The latch is put aside, nothing is deleted."""

from __future__ import annotations

import getpass
import json
import os
from datetime import UTC, datetime
from typing import Any

from controller import held
from controller.client import runtime_root, state_root
from controller.daemon.latch import ledger_beside, replace
from safety.latch import render_ledger


def end_lockout(bench: str, reason: str, typed: str) -> dict[str, Any]:
    """Put ``bench``'s latch aside as ``latch-<utc>.json`` and append who, when and why to ``resets.jsonl`` beside it.

    Refused while a daemon holds the bench, when the typed name differs, and when there is no latch.
    """
    state_dir, runtime_dir = state_root() / bench, runtime_root() / bench
    latch = state_dir / "latch.json"
    if typed != bench:
        return {"ok": False, "error": f"{typed!r} is not {bench!r}; nothing was changed"}
    if not latch.exists():
        return {"ok": False, "error": f"{bench} is not latched (no {latch})"}
    runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    runs = {"ok": False, "error": f"a daemon runs {bench}; end it first: a lockout ends with a restart"}
    try:
        lock = held.take(runtime_dir)
    except BlockingIOError:
        return runs
    try:
        if held.has_processes(runtime_dir):
            return runs
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        act = {"utc": now, "who": getpass.getuser(), "uid": os.getuid(), "reason": reason, "latch": f"latch-{now}.json"}
        with (state_dir / "resets.jsonl").open("a") as file:
            file.write(json.dumps(act) + "\n")
            file.flush()
            os.fsync(file.fileno())
        replace(ledger_beside(latch), render_ledger(bench, False, ()))
        latch.rename(state_dir / f"latch-{now}.json")
    finally:
        os.close(lock)
    return {"ok": True}
