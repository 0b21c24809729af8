"""A daemon with a broker: its publisher may be killed while power flows, and STOP comes through its successor."""

from __future__ import annotations

import os
import signal

import pytest

from controller.records.reader import open_session
from tests.mqtt.broker import MOSQUITTO, Broker, listening, ticks_arrived
from tests.process.bench import POWER_W, Emulated, firing
from tests.process.ends import alive, wait_for

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(120),
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]


def test_the_publisher_is_killed_power_goes_on_and_stop_comes_through_the_next(
    emulated: Emulated, broker: Broker
) -> None:
    told = {"host": "127.0.0.1", "port": broker.port, "accept_stop": True, "heartbeat_s": 0.5}
    bench = emulated.write("told.yaml", {**emulated.wired_data, "mqtt": told})
    with listening(broker.port) as listener:
        with firing(emulated, bench=bench) as live:
            first = live.control.ask("status")["mqtt"]["pid"]
            os.kill(first, signal.SIGKILL)

            def replaced() -> bool:
                status = live.control.ask("status")
                assert status["state"] == "FIRING", status["trip"]
                return bool(status["mqtt"]["connected"] and status["mqtt"]["pid"] != first)

            wait_for(replaced, "the next publisher", 15.0)
            assert emulated.log.now_w > 0.8 * POWER_W
            second = live.control.ask("status")["mqtt"]["pid"]
            listener.publish("abl/v1/lab/wired/cmd/stop", '{"who": "ann", "reason": "smoke"}')
            wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
            live.let_go()
            status = live.state("SAFE", "COMPLETE", "COOLDOWN", "STOPPING")
            assert status["trip"] is None
            session = live.session
            live.shut()
            wait_for(lambda: not alive(second), "the publisher's end")
        with open_session(session) as record:
            kept, name = record.ticks().seq.tolist(), record.header["id"]
            stops = [event.data for event in record.events() if "mqtt ann" in str(event.data)]
        wait_for(lambda: ticks_arrived(listener.heard, name) == kept, "every tick")
    assert stops
    assert len(kept) > 20
