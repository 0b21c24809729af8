"""Some seconds of what ``python -m tests.mqtt.endurance`` does for minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mqtt.broker import MOSQUITTO
from tests.mqtt.endurance import fleet, run

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")


def test_nothing_is_lost_whatever_happens_to_the_broker_and_the_network(tmp_path: Path) -> None:
    found = run(tmp_path, seconds=8.0, seed=4, scale=0.25)
    assert sum(found.disturbances.values()) >= 3
    assert (found.lost, found.left, found.different, found.disorder) == (0, 0, 0, 0)
    assert found.values == 20 * 800


def test_some_benches_on_one_broker(tmp_path: Path) -> None:
    found = fleet(tmp_path, benches=6, rate_hz=10.0, seconds=2.0)
    assert (found["ticks"], found["arrived"], found["left"]) == (120, 120, 0)
