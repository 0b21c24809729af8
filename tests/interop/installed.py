"""What other people's interpreter (``INTEROP_PYTHON``) has."""

from __future__ import annotations

import functools
import json
import os
import subprocess

import pytest

from tests.interop.run import BY_HAND

PYTHON = os.environ.get("INTEROP_PYTHON", "")

LIST = """
import importlib.metadata, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}))
"""


@functools.cache
def versions() -> dict[str, str]:
    """Package -> version."""
    done = subprocess.run([PYTHON, "-c", LIST], capture_output=True, text=True, timeout=60.0, check=True)
    return dict(json.loads(done.stdout))


def needs(*packages: str) -> None:
    """Skip the test that asks, with the reason, when one of ``packages`` is not there."""
    if missing := [package for package in packages if package not in versions()]:
        how = [BY_HAND.get(package, "make interop installs what can be had") for package in missing]
        pytest.skip(f"{', '.join(missing)}: not installed for {PYTHON}; {how[0]}")
