"""Fixtures of the panel's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.panel.rig import Rig, rigged


@pytest.fixture
async def rig(short_dir: Path) -> AsyncIterator[Rig]:
    """A panel before a daemon that answers."""
    async with rigged(short_dir) as made:
        yield made
