"""The files that belong to the project: what git tracks or would track; in an unpacked archive, what is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

PACKAGES = ("controller", "drivers", "safety", "sim")


def tracked_files(repository: Path) -> list[str]:
    """Paths relative to ``repository``, sorted. A file that is deleted but not yet committed is left out."""
    if (repository / ".git").exists():
        listed = subprocess.run(
            ["git", "-C", str(repository), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
        ).stdout.decode()
        paths = {p for p in listed.split("\0") if p}
    else:
        paths = {str(p.relative_to(repository)) for p in repository.rglob("*") if "__pycache__" not in p.parts}
    return sorted(p for p in paths if (repository / p).is_file())


def package_files(repository: Path) -> list[str]:
    """Those of the four packages."""
    return [p for p in tracked_files(repository) if p.split("/")[0] in PACKAGES and "/" in p]


def modules(repository: Path, *packages: str) -> list[Path]:
    """The Python files of ``packages`` (all four when none is named)."""
    wanted = packages or PACKAGES
    return [repository / p for p in package_files(repository) if p.endswith(".py") and p.split("/")[0] in wanted]
