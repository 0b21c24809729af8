"""PyMeasure and sensirion-uart-scc1, in the environment that ``make interop`` makes, against our emulators.

Every client in every version, each in an environment of its own: ``python -m tests.interop.run``.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.interop.run import CLIENTS, Client, run_client

PYTHON = os.environ.get("INTEROP_PYTHON", "")

pytestmark = [pytest.mark.process, pytest.mark.skipif(not PYTHON, reason="needs other people's clients: make interop")]


@pytest.mark.parametrize("client", [c for c in CLIENTS if c.name in ("pymeasure", "sensirion-2")], ids=lambda c: c.name)
def test_client(client: Client) -> None:
    package = client.packages[0].split("==")[0].replace("-", "_")
    probe = subprocess.run([PYTHON, "-c", f"import {package}"], capture_output=True, text=True, check=False)
    assert probe.returncode == 0, f"{PYTHON} has no {package}: rebuild with make interop"
    done = run_client(client, Path(PYTHON))
    assert done.returncode == 0, done.stdout + done.stderr
