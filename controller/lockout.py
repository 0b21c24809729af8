"""Ending a LOCKOUT: a maintainer's act on a bench that no daemon runs. The latch is put aside, nothing is deleted."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from datetime import UTC, datetime
from typing import Any

from controller.client import runtime_root, state_root
from controller.daemon.latch import ledger_beside, replace
from safety.latch import render_ledger


def end_lockout(bench: str, reason: str, typed: str) -> dict[str, Any]:
    """Put ``bench``'s latch aside as ``latch-<utc>.json`` and append who, when and why to ``resets.jsonl`` beside it.

    Refused while a daemon holds the bench, when the typed name differs, and when there is no latch.
    """
    state_dir, lock_path = state_root() / bench, runtime_root() / bench / "lock"
    latch = state_dir / "latch.json"
    if typed != bench:
        return {"ok": False, "error": f"{typed!r} is not {bench!r}; nothing was changed"}
    if not latch.exists():
        return {"ok": False, "error": f"{bench} is not latched (no {latch})"}
    lock_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        act = {"utc": now, "who": getpass.getuser(), "uid": os.getuid(), "reason": reason, "latch": f"latch-{now}.json"}
        with (state_dir / "resets.jsonl").open("a") as file:
            file.write(json.dumps(act) + "\n")
            file.flush()
            os.fsync(file.fileno())
        replace(ledger_beside(latch), render_ledger(bench, False, ()))
        latch.rename(state_dir / f"latch-{now}.json")
    except BlockingIOError:
        return {"ok": False, "error": f"a daemon runs {bench}; end it first: a lockout ends with a restart"}
    finally:
        os.close(lock)
    return {"ok": True}
