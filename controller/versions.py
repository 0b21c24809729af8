"""The versions of everything that takes part: for ``ablate version``, ``ablate doctor`` and every record's header."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "openablate"
PLUGIN_GROUPS = tuple(f"{DISTRIBUTION}.{kind}" for kind in ("drivers", "transports", "laws", "sinks", "commands"))


def installed(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def source_revision() -> str | None:
    """The revision of a source checkout with ``-dirty`` where it was changed; None for an installed copy.

    Takes some milliseconds (it asks git): not for the control loop.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() or None


def plugins() -> list[dict[str, str]]:
    """Every registered plug-in: group, name, target, distribution and version. Reads metadata, imports nothing."""
    return [
        {
            "group": group.removeprefix(f"{DISTRIBUTION}."),
            "name": entry.name,
            "target": entry.value,
            "distribution": entry.dist.name if entry.dist else "",
            "version": entry.dist.version if entry.dist else "",
        }
        for group in PLUGIN_GROUPS
        for entry in sorted(metadata.entry_points(group=group))
    ]


def dependencies() -> dict[str, str | None]:
    """Our declared dependencies, extras included, with the version that is installed (None: it is not)."""
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}
    names: dict[str, str | None] = {}
    for requirement in required:
        if 'extra == "dev"' in requirement.replace("'", '"'):
            continue
        name = requirement.split(";")[0]
        for mark in "<>=!~[ ":
            name = name.split(mark)[0]
        names[name.lower()] = installed(name)
    return dict(sorted(names.items()))


def software() -> dict[str, object]:
    """Everything of the above in one object, ready for JSON."""
    return {
        "openablate": installed(DISTRIBUTION),
        "revision": source_revision(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "dependencies": dependencies(),
        "plugins": plugins(),
    }
