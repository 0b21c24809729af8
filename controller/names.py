"""Are ``controller``, ``drivers``, ``safety`` and ``sim`` ours?

Such plain names meet others when an environment is shared: PyPI's ``safety`` is a vulnerability scanner, and pip
overwrites one with the other without a word (P44).

Standard library only, no import of ours: :mod:`openablate` loads this file by its path before anything else runs.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGES = ("controller", "drivers", "safety", "sim")
CONFIGURATION = 3  # controller.exits.Exit.CONFIGURATION, which cannot be imported yet


def refuse_foreign(root: Path) -> None:
    """Exit with code 3 and a remedy unless every package is the one in the folder ``root``."""
    if problems := foreign(root):
        for problem in problems:
            print(f"ablate: {problem}", file=sys.stderr)
        print(
            "ablate: Openablate must be alone in its environment: install it with `pipx install openablate` or "
            "`uv tool install openablate`, start it outside that folder, and unset PYTHONPATH",
            file=sys.stderr,
        )
        raise SystemExit(CONFIGURATION)


def foreign(root: Path) -> list[str]:
    """One sentence for each of the four names that does not lead to ``root``; empty when all is well."""
    problems = []
    for name in PACKAGES:
        places = _places(name)
        ours = (root / name).resolve()
        if not places:
            problems.append(f"the package `{name}` is missing beside {root}; reinstall openablate")
        elif places[0] != ours:
            owner = _owner(places[0])
            problems.append(f"somebody else's `{name}` is in the way: {places[0]}{f' (from {owner})' if owner else ''}")
    return problems or _overwritten(root)


def _overwritten(root: Path) -> list[str]:
    """Packages whose ``__init__.py`` is no longer the one we installed: another distribution was installed over them.

    Silent for a source checkout, whose files may rightly change.
    """
    problems = []
    for record in root.glob("openablate-*.dist-info/RECORD"):
        import base64  # an installed copy only: a third of what this module costs
        import hashlib

        for line in record.read_text(encoding="utf-8").splitlines():
            path, _, rest = line.partition(",")
            algorithm, _, digest = rest.split(",")[0].partition("=")
            package, _, file = path.partition("/")
            if package not in PACKAGES or file != "__init__.py" or algorithm != "sha256":
                continue
            found = hashlib.sha256((root / path).read_bytes()).digest() if (root / path).exists() else b""
            if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != digest:
                owner = _owner(root / package, besides="openablate")
                by = f" by {owner}" if owner else ""
                problems.append(f"our `{package}` in {root} was overwritten{by}; reinstall openablate alone")
    return problems


def _places(name: str) -> list[Path]:
    """Where ``import name`` would look for the package, or the file itself for a plain module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(place).resolve() for place in spec.submodule_search_locations]
    return [Path(spec.origin).resolve()] if spec.origin else []


def _owner(place: Path, besides: str = "") -> str:
    """The distribution, other than ``besides``, that installed the package at ``place``; empty when nobody says so."""
    from importlib.metadata import distributions

    for distribution in distributions(path=[str(place.parent)]):
        if distribution.metadata["Name"] == besides:
            continue
        for file in distribution.files or ():
            if file.parts and file.parts[0] in {place.name, place.stem}:
                return f"{distribution.metadata['Name']} {distribution.version}"
    return ""
