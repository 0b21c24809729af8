"""Which source a run was made from, and whether the program has changed since. Asks git; some milliseconds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from controller.versions import installed

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("controller", "drivers", "safety", "sim", "openablate.py")
DIRTY = "-dirty"

_SCRIBE = (
    ":(exclude)controller/evidence",
    ":(exclude)controller/commands/safety_case.py",
    ":(exclude)safety/hazards.toml",
)
"""What writes the safety case is no part of what the case is about, nor is the table that says what it argues: the
daemon takes the loudness of alarms from it, and nothing that decides about energy."""

_KERNEL = ":(glob)safety/**/*.py"
OF = {
    "mutation": (_KERNEL, ":(glob)drivers/*/codec.py", "drivers/doubt.py"),
    "exploration": (_KERNEL,),
    "coverage": (_KERNEL,),
}
"""What evidence of a name was made from; of any other name: the whole program."""


def revision(root: Path = ROOT) -> str:
    """The revision of the source, with ``-dirty`` where a file of the program differs from it; of an installed copy
    its version."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return f"version {installed('openablate')}"
    return head.strip() + (DIRTY if _git(root, "status", "--porcelain", "--", *PROGRAM) else "")


def stale(commit: str, root: Path = ROOT, name: str = "") -> str:
    """Why evidence ``name`` that was made from ``commit`` may not hold for the program as it is now; empty when it
    does. Of a name in :data:`OF` only those parts count.
    """
    if commit == revision(root) and not commit.endswith(DIRTY):
        return ""
    if commit.endswith(DIRTY):
        return f"made from changes to {commit.removesuffix(DIRTY)} that no revision holds"
    parts = OF.get(name, (*PROGRAM, *_SCRIBE))
    changed = _git(root, "diff", "--name-only", commit, "--", *parts) if commit.isalnum() else None
    if changed is None:
        return f"made from {commit}, which cannot be compared with this source"
    count = len(changed.splitlines())
    return f"made from {commit}; {count} files of the program have changed since" if count else ""


def _git(root: Path, *words: str) -> str | None:
    """What git prints; None where there is no checkout or no such revision."""
    if not (root / ".git").exists():
        return None
    try:
        told = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout
