"""What tests of telemetry share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mqtt.broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto that runs; it may be stopped and started again."""
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop(kill=True)
