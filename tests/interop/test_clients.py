"""Other people's clients, in the environment that ``make interop`` makes, against our emulators.

The same, each in an environment of its own, and in older versions too: ``python -m tests.interop.run``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.devices import MODELS
from tests.interop.installed import PYTHON, needs
from tests.interop.run import CLIENTS, Client, run_client

pytestmark = [pytest.mark.process, pytest.mark.skipif(not PYTHON, reason="needs other people's clients: make interop")]

TOGETHER = [client for client in CLIENTS if not any("==" in package for package in client.packages)]


@pytest.mark.parametrize("client", TOGETHER, ids=lambda client: client.name)
def test_client(client: Client) -> None:
    needs(*client.packages)
    assert client.model in MODELS
    done = run_client(client, Path(PYTHON))
    assert done.returncode == 0, done.stdout + done.stderr
