"""Which source a run was made from, and whether the program has changed since. Asks git and reads the program's files;
some 50 ms.
"""

from __future__ import annotations

import functools
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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


class Origin(NamedTuple):
    """What a run is made from, taken when it begins: :func:`revision` and :func:`digest` (of the parts of ``name``)."""

    commit: str
    program: str
    name: str = ""
    root: Path = ROOT

    @property
    def stamp(self) -> str:
        """The revision to write to evidence at the end: that of the beginning, with ``-dirty`` where the program has
        changed since. What is imported or read late, and every process that was started late, was of the other one.
        """
        if self.commit.endswith(DIRTY) or digest(self.root, self.name) == self.program:
            return self.commit
        return self.commit + DIRTY


def origin(name: str = "", root: Path = ROOT) -> Origin:
    """What a run that begins now, for evidence of ``name``, is made from."""
    return Origin(revision(root), digest(root, name), name, root)


@functools.cache
def program() -> str:
    """:func:`digest` as this process first asked for it, as it does when it begins: it goes on with what it has loaded
    when the files change."""
    return digest()


def digest(root: Path = ROOT, name: str = "") -> str:
    """Twelve hexadecimal digits of the files that evidence of ``name`` is made from, as they are now.

    They tell apart what :func:`revision` cannot: changes that were not committed, copies without git. Tests, the
    documentation and what writes the safety case do not count, as in :func:`stale`.
    """
    found = hashlib.sha256()
    for path in sorted(set(_files(root, name))):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:12]


def _files(root: Path, name: str) -> Iterator[Path]:
    left_out = [root / part.removeprefix(":(exclude)") for part in _SCRIBE]
    for part in OF.get(name, PROGRAM):
        for found in root.glob(part.removeprefix(":(glob)")):
            for path in found.rglob("*") if found.is_dir() else (found,):
                scribe = any(path.is_relative_to(each) for each in left_out)
                if path.is_file() and "__pycache__" not in path.parts and not scribe:
                    yield path


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
