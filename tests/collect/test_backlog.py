"""A collector that was away for long: what the broker has kept for it is more than memory and patience hold."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from controller.collect import link
from controller.collect.collector import BEHIND
from tests.collect.test_collector import Running, bench, config, running
from tests.mqtt.broker import MOSQUITTO, Broker, wait_until

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]


def test_what_the_broker_has_kept_comes_before_everything(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Much more than fits into the patience for an answer and into what is held in memory."""
    monkeypatch.setattr(link, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(link, "MOST_HELD", 100)
    most = 0

    def gather(self: link.Link, n: int, whole: Any = link.Link.gather) -> Any:
        nonlocal most
        most = max(most, self._queue.qsize())
        time.sleep(0.01)
        return whole(self, min(n, 20))

    monkeypatch.setattr(link.Link, "gather", gather)
    told = config(tmp_path, broker.port)
    with bench(broker.port, 400) as b1:
        with running(told):
            b1.status(-1)
        for n in range(400):
            b1.send(n)
        b1.status(399)
        one = Running(told)
        try:
            wait_until(lambda: one.status().text == BEHIND, "the broker")
            wait_until(lambda: one.status().connected, "the answer to the subscription", 60.0)
            wait_until(lambda: one.ledger is not None and one.ledger.newest == 399, "the last batch", 60.0)
            assert one.ledger is not None
            assert not one.ledger.missing()
            assert b1.asked == []
        finally:
            one.close()
    assert 50 < most <= 101
